import { isStreamed, shellLine, type Command, type Streamed } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { inAnyShell, quote } from '../engine/quote.ts';
import { Secret } from '../engine/secret.ts';
import { ANNOUNCE } from './announced.ts';

/** A way to run commands on one host. Opening one throws a DeploymentError; what happens afterwards is an Outcome. */
export interface Connection {
  /** The host's name in the cluster file. */
  readonly host: string;
  /** Why no further command can be run here; undefined as long as one can. */
  readonly lost: string | undefined;
  /**
   * Runs the command and says how it ended: exited only where it was announced that it begins, and its standard input
   * goes nowhere before. Locale C, the login's home as working folder, nothing inherited from this process. Rejects
   * only for a command that no host could run: a NUL in it, a line past 100 kB, or a terminal whose output goes into a
   * sink.
   */
  run(command: Command): Promise<Outcome>;
  /**
   * Ends what still runs (TERM, then KILL), runs the last command where there is one, then ends the connection itself.
   * Takes up to 4 s besides the last command, which gets its own time and no grace.
   */
  close(last?: Command): Promise<void>;
}

/** How long a command that was told TERM may take before it is told KILL, in milliseconds. */
export const TERM_GRACE_MS = 2_000;
/** How long after that it may take to be gone before it is left behind, in milliseconds. */
export const KILL_GRACE_MS = 1_000;
/**
 * How long what a command left behind may hold its output open after its end, in milliseconds; then it is ended too.
 */
export const LINGER_MS = 2_000;

/** A kernel takes at most 128 KiB in one argument, and a line is one argument of the login's own shell. */
const LONGEST_LINE = 100_000;

/**
 * The shell that every command is started by. With sudo it keeps the login's own user and gets the group docker: what
 * is written stays the login's, and nothing becomes root. Source: sudoers(5), a Runas_Spec that names a group only.
 */
export const shellOf = (sudo: true | undefined): readonly string[] =>
  sudo ? ['sudo', '-n', '-g', 'docker', '--', '/bin/sh'] : ['sh'];

/** The line that becomes the program when a shell runs it, so that signals and exit codes are the program's own. */
function programLine(command: Command): string {
  const program = `exec env LC_ALL=C ${shellLine(command)}`;
  return command.terminal === true ? `stty rows 50 cols 200 -echo; ${ANNOUNCE}; ${program}` : program;
}

/** The same on a terminal that script(1) makes, which runs its line by $SHELL; `options` are further ones of script. */
const terminalLine = (command: Command, options = ''): string =>
  `exec env SHELL=/bin/sh TERM=dumb script -q -e ${options}-c ${quote(programLine(command))} /dev/null`;

/**
 * The line that announces itself and then becomes the program, on a terminal where the command wants one. Throws where
 * no host could run it.
 */
export function startLine(command: Command, terminalOptions = ''): string {
  if (command.terminal === true && command.stdout) throw new Error(`a terminal changes bytes: ${command.purpose}`);
  const asked = command.terminal === true ? terminalLine(command, terminalOptions) : programLine(command);
  const line = `${ANNOUNCE}; ${asked}`;
  if (inAnyShell(line).length > LONGEST_LINE)
    throw new Error(`the command line is too long, use standard input: ${command.purpose}`);
  return line;
}

/** Why a command that was never announced is lost; `how` is how what ran in its place ended. */
export const unannounced = (how: string): string => `${how} before the command began`;

/** What goes in by standard input: bytes, or a file to be streamed; undefined when the command has none. */
export function stdinOf({ stdin }: Command): Buffer | Streamed | undefined {
  if (stdin === undefined || isStreamed(stdin)) return stdin;
  return Buffer.from(stdin instanceof Secret ? stdin.reveal() : stdin, 'utf8');
}

/** Standard output as text; a terminal's line ends become plain ones. */
export function stdoutOf(command: Command, text: string): string {
  return command.terminal === true ? text.replace(/\r+\n/g, '\n') : text;
}
