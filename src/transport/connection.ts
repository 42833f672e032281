import { isStreamed, shellLine, type Command, type Streamed } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { inAnyShell, quote } from '../engine/quote.ts';
import { Secret } from '../engine/secret.ts';
import { ANNOUNCE } from './announced.ts';

/** Runs commands on one host. Opening one throws a DeploymentError; anything that happens later is an Outcome. */
export interface Connection {
  /** The host's name in the cluster file. */
  readonly host: string;
  /** Why no further command can be run; undefined while the connection works. */
  readonly lost: string | undefined;
  /**
   * Runs the command and reports how it ended: `exited` only if it announced its start, and standard input is sent only
   * after that. Runs with locale C in the login's home directory, and inherits nothing from this process. Rejects only
   * for a command that no host could run: with a NUL, longer than 100 kB, or with a terminal whose output goes into a
   * sink.
   */
  run(command: Command): Promise<Outcome>;
  /**
   * Terminates running commands (TERM, then KILL), runs the last command, if any, then closes the connection. Takes up
   * to 4 s plus the time limit of the last command, which gets no grace period.
   */
  close(last?: Command): Promise<void>;
}

/** Time between TERM and KILL, in milliseconds. */
export const TERM_GRACE_MS = 2_000;
/** Time after KILL before a command is abandoned, in milliseconds. */
export const KILL_GRACE_MS = 1_000;
/**
 * How long background processes of a command may hold its output open after its end, in milliseconds; then they are
 * killed.
 */
export const LINGER_MS = 2_000;

/** A kernel limits one argument to 128 KiB, and the line is one argument of the login shell. */
const LONGEST_LINE = 100_000;

/**
 * The shell that starts every command. With sudo it keeps the login's user and adds the group docker: files still
 * belong to the login, and nothing runs as root. Source: sudoers(5), a Runas_Spec with a group only.
 */
export const shellOf = (sudo: true | undefined): readonly string[] =>
  sudo ? ['sudo', '-n', '-g', 'docker', '--', '/bin/sh'] : ['sh'];

/** The line that replaces the shell with the program, so that signals and exit codes are the program's own. */
function programLine(command: Command): string {
  const program = `exec env LC_ALL=C ${shellLine(command)}`;
  return command.terminal === true ? `stty rows 50 cols 200 -echo; ${ANNOUNCE}; ${program}` : program;
}

/** The same on a terminal created by script(1), which runs its line with $SHELL; `options` are added to script. */
const terminalLine = (command: Command, options = ''): string =>
  `exec env SHELL=/bin/sh TERM=dumb script -q -e ${options}-c ${quote(programLine(command))} /dev/null`;

/**
 * The line that announces itself and then becomes the program, on a terminal if the command needs one. Throws if no
 * host could run it.
 */
export function startLine(command: Command, terminalOptions = ''): string {
  if (command.terminal === true && command.stdout) throw new Error(`a terminal changes bytes: ${command.purpose}`);
  const asked = command.terminal === true ? terminalLine(command, terminalOptions) : programLine(command);
  const line = `${ANNOUNCE}; ${asked}`;
  if (inAnyShell(line).length > LONGEST_LINE)
    throw new Error(`command line too long, use standard input: ${command.purpose}`);
  return line;
}

/** The reason for a lost command that was never announced; `how` is how the other program ended. */
export const unannounced = (how: string): string => `${how} before the command started`;

/** Standard input: bytes, or a file to stream; undefined if the command has none. */
export function stdinOf({ stdin }: Command): Buffer | Streamed | undefined {
  if (stdin === undefined || isStreamed(stdin)) return stdin;
  return Buffer.from(stdin instanceof Secret ? stdin.reveal() : stdin, 'utf8');
}

/** Standard output as text, with a terminal's line endings converted to plain ones. */
export function stdoutOf(command: Command, text: string): string {
  return command.terminal === true ? text.replace(/\r+\n/g, '\n') : text;
}
