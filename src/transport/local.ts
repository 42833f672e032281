import { homedir } from 'node:os';
import { exec } from '@actions/exec';
import { isStreamed, type Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { ANNOUNCE, Announced } from './announced.ts';
import { Capture } from './capture.ts';
import { startPaced } from './paced.ts';
import { received, type Reception } from './reception.ts';
import {
  KILL_GRACE_MS,
  LINGER_MS,
  shellOf,
  startLine,
  stdinOf,
  stdoutOf,
  TERM_GRACE_MS,
  unannounced,
  type Connection,
} from './connection.ts';

/** Environment variables passed to commands; never the action's inputs, which are in the environment too. */
const VISIBLE = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'DOCKER_HOST',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
];

/**
 * Scripts that run the line "$1", which announces itself first. Each reads its whole input before it starts the line,
 * because a broken pipe would end this process. The input is kept in a deleted file, in memory if possible.
 */
const WITHOUT_INPUT = 'read -r _; exec </dev/null; eval "$1"';
const NO_PLACE = `{ cat >/dev/null; ${ANNOUNCE}; echo "cannot create a temporary file for the input" >&2; exit 73; }`;
const WITH_INPUT =
  `{ f=$(mktemp -p /dev/shm 2>/dev/null || mktemp) && exec 3<>"$f" && rm -f "$f" && cat >&3; } || ${NO_PLACE}; ` +
  'exec </dev/fd/3 3<&-; eval "$1"';
/** The file "$2" is on this host, so nothing passes through this process. */
const FROM_FILE = `read -r _; true <"$2" || { ${ANNOUNCE}; exit 66; }; exec <"$2"; eval "$1"`;
/**
 * The terminal's input never ends: at its end script(1) would type a character of its own. script(1) before util-linux
 * 2.35 never echoes and has no option for it.
 */
const ON_TERMINAL = `{ d=$(mktemp -d) && mkfifo -m 600 "$d/p" && exec 3<>"$d/p" && rm -r "$d" && cat >&3; } || ${NO_PLACE}; never=
case $(script --help 2>/dev/null) in *--echo*) never="-E never" ;; esac; exec <&3 3<&-; eval "$1"`;

/** Runs commands on the host running this process. */
export class LocalConnection implements Connection {
  readonly host: string;
  readonly #shell: readonly string[];
  readonly #running = new Set<LocalRun>();
  readonly #ending = new Set<Promise<unknown>>();
  #closed = false;

  constructor(host: string, sudo?: true) {
    this.host = host;
    this.#shell = shellOf(sudo);
  }

  get lost(): string | undefined {
    return this.#closed ? 'closed' : undefined;
  }

  async run(command: Command): Promise<Outcome> {
    const line = lineOf(command);
    const ending = received(command, (output) => this.#run(command, line, output));
    this.#ending.add(ending);
    return ending.finally(() => this.#ending.delete(ending));
  }

  async #run(command: Command, line: string, output?: Reception): Promise<Outcome> {
    if (this.#closed) return { ended: 'lost', reason: 'closed', stdout: '', stderr: '' };
    const running = new LocalRun(command, this.#shell, { output });
    this.#running.add(running);
    try {
      return await running.run(line);
    } finally {
      this.#running.delete(running);
    }
  }

  async close(last?: Command): Promise<void> {
    this.#closed = true;
    for (const running of this.#running) running.stop();
    await Promise.all(this.#ending);
    if (last) await new LocalRun(last, this.#shell, { graceless: true }).run(lineOf(last));
  }
}

const lineOf = (command: Command): string => startLine(command, '$never ');

/**
 * Overwrites each chunk with one blank line: @actions/exec joins chunks until a line ends, and an endless line would
 * use up all memory.
 */
const spent =
  (take: (chunk: Buffer) => void) =>
  (chunk: Buffer): void => {
    take(chunk);
    chunk.fill(' ')[chunk.length - 1] = '\n'.charCodeAt(0);
  };

class LocalRun {
  readonly #command: Command;
  readonly #shell: readonly string[];
  readonly #graceless: boolean;
  readonly #output: Reception | undefined;
  readonly #out: Announced;
  readonly #err = new Capture();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #left = Promise.withResolvers<void>();
  #overdue = false;
  #wanted: NodeJS.Signals | undefined;

  /** A graceless command is killed as soon as it is overdue. */
  constructor(
    command: Command,
    shell: readonly string[],
    { graceless = false, output }: { readonly graceless?: boolean; readonly output?: Reception | undefined },
  ) {
    this.#command = command;
    this.#output = output;
    this.#out = new Announced(command.terminal === true ? 2 : 1, output);
    this.#shell = shell;
    this.#graceless = graceless;
  }

  async run(line: string): Promise<Outcome> {
    this.#after(this.#command.timeoutMs, () => {
      this.#overdue = true;
      if (this.#graceless) this.#left.resolve();
      else this.stop();
    });
    this.#output?.failed.addEventListener('abort', this.stop);
    try {
      const ended = await Promise.race([this.#execute(line), this.#left.promise]);
      return { ...this.#how(ended), stdout: stdoutOf(this.#command, this.#out.text()), stderr: this.#err.text() };
    } catch (error) {
      const reason = `could not be started: ${(error as Error).message}`;
      return { ended: 'lost', reason, stdout: '', stderr: '' };
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      // Background processes left behind would keep the output, and so this process, open.
      this.#signal('SIGKILL');
      this.#output?.failed.removeEventListener('abort', this.stop);
    }
  }

  /** Terminates the command and its children: TERM, then KILL. */
  readonly stop = (): void => {
    this.#output?.cut();
    this.#signal('SIGTERM');
    this.#after(TERM_GRACE_MS, () => this.#signal('SIGKILL'));
    this.#after(TERM_GRACE_MS + KILL_GRACE_MS, () => this.#left.resolve());
  };

  /** The exit code, or null if a signal ended it, which the type of @actions/exec does not mention. */
  #execute(line: string): Promise<number | null> {
    const { terminal } = this.#command;
    const stdin = stdinOf(this.#command);
    const streamed = isStreamed(stdin) ? stdin : undefined;
    const bytes = isStreamed(stdin) ? undefined : stdin;
    const script = terminal === true ? ON_TERMINAL : streamed ? FROM_FILE : bytes ? WITH_INPUT : WITHOUT_INPUT;
    streamed?.onSent?.(streamed.bytes);
    const env = Object.fromEntries(
      VISIBLE.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    );
    const args = [...this.#shell, '-c', script, 'sh', line, ...(streamed ? [streamed.file] : [])];
    const place = { cwd: homedir(), env: { ...env, TERM: 'dumb', SHELL: '/bin/sh' } };
    if (this.#output) {
      const hear = { stdout: (chunk: Buffer) => this.#take(chunk), stderr: (chunk: Buffer) => this.#err.add(chunk) };
      return startPaced(['setsid', ...args], { ...place, input: bytes ?? '' }, hear, this.#output);
    }
    return exec('setsid', args, {
      ...place,
      silent: true,
      ignoreReturnCode: true,
      // Required even if empty, otherwise standard input stays open.
      input: bytes ?? Buffer.alloc(0),
      delay: LINGER_MS,
      listeners: { stdout: spent((chunk) => this.#take(chunk)), stderr: spent((chunk) => this.#err.add(chunk)) },
    });
  }

  #take(chunk: Buffer): void {
    const { length } = this.#out.groups;
    this.#out.add(chunk);
    if (this.#out.groups.length > length && this.#wanted) this.#signal(this.#wanted);
  }

  /** A terminal ends with its program. */
  #signal(signal: NodeJS.Signals): void {
    this.#wanted = signal;
    for (const group of this.#out.groups.slice(signal === 'SIGKILL' ? 0 : -1)) {
      try {
        process.kill(-group, signal);
      } catch {
        // It has already ended.
      }
    }
  }

  #how(ended: number | null | void) {
    if (this.#overdue) return { ended: 'timed-out', afterMs: this.#command.timeoutMs } as const;
    if (ended === null) return { ended: 'killed', signal: this.#wanted ?? 'a signal' } as const;
    if (ended === undefined) return { ended: 'lost', reason: 'it did not stop when terminated' } as const;
    if (this.#out.groups.length === 0) return { ended: 'lost', reason: unannounced(`exit ${ended}`) } as const;
    // script(1) reports a signal as 128 plus its number.
    if (this.#command.terminal === true && this.#wanted !== undefined && ended > 128)
      return { ended: 'killed', signal: this.#wanted } as const;
    return { ended: 'exited', code: ended } as const;
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }
}
