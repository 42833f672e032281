import { quote } from './quote.ts';
import type { Secret } from './secret.ts';

/** What is to be run on one host: a value, made by pure builders, run only by a transport. */
export interface Command {
  readonly program: string;
  /** Each element arrives as exactly one argument. Never a secret. */
  readonly args: readonly string[];
  /**
   * Standard input; a secret travels here, and so does what is too large to be held in memory. Absent: standard input
   * is empty.
   */
  readonly stdin?: string | Secret | Streamed;
  /** Where standard output goes, byte by byte; by default the outcome holds it as text, its middle left out if long. */
  readonly stdout?: Sink;
  /** True when it changes nothing on the host; only such commands may be asked while gathering. */
  readonly reads: boolean;
  /** What it is for, in words that follow "could not": `read the engine's state`. */
  readonly purpose: string;
  /** Runs it on a pseudo-terminal: standard error is merged into standard output, lines end with CR LF. */
  readonly terminal?: boolean;
  /** True when it does not wait for its turn where the host allows few sessions at once. */
  readonly urgent?: true;
  /** True where what it prints is a secret: nothing of that is shown, however it ends. */
  readonly confidential?: true;
  /** Deadline in milliseconds, after which it is ended and reported as timed out. */
  readonly timeoutMs: number;
  /** Set where it runs in a place within the host, as in a container. */
  readonly inside?: Inside;
  /** Set where it is several commands in one. */
  readonly bundled?: Bundled;
}

/** Commands that travel as one: each answers with its two streams, behind each of which stands the mark. */
export interface Bundled {
  readonly commands: readonly Command[];
  readonly mark: string;
}

/**
 * A place within a host: commands of one place can share the way in, which costs more than most of what they do there.
 */
export interface Inside {
  /** Starts a shell there that reads its script from standard input. */
  readonly shell: readonly [string, ...string[]];
  /** The command as it is there. */
  readonly argv: readonly [string, ...string[]];
}

/**
 * A file of the machine that this runs on, as standard input: read as fast as the host takes it, never held in whole.
 */
export interface Streamed {
  /** Its absolute path. */
  readonly file: string;
  readonly bytes: number;
  /**
   * Told how many more bytes have gone, each time some have. A host that is this machine opens the file itself: all
   * have gone at once.
   */
  readonly onSent?: (bytes: number) => void;
}

/** Takes a command's standard output instead of its outcome: never held in whole, and whole or not at all. */
export interface Sink {
  /**
   * Takes the bytes as fast as it can; the command waits for it. Resolves once all of them are safe. Where it fails, or
   * the bytes throw because the command did not end well, nothing is left that could be taken for whole.
   */
  readonly keep: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Told how many more bytes have come, each time some have. */
  readonly onReceived?: (bytes: number) => void;
}

/** Whether standard input is such a file. */
export const isStreamed = (stdin: unknown): stdin is Streamed =>
  typeof stdin === 'object' && stdin !== null && 'file' in stdin;

type Extras = Partial<
  Pick<Command, 'stdin' | 'stdout' | 'terminal' | 'urgent' | 'confidential' | 'timeoutMs' | 'inside' | 'bundled'>
>;

const READ_DEADLINE_MS = 20_000;
const CHANGE_DEADLINE_MS = 120_000;

/** A command that changes nothing. Deadline 20 s unless told. */
export function reading(purpose: string, argv: readonly [string, ...string[]], extras: Extras = {}): Command {
  const [program, ...args] = argv;
  return { program, args, reads: true, purpose, timeoutMs: READ_DEADLINE_MS, ...extras };
}

/** A command that changes the host. Deadline 120 s unless told. */
export function changing(purpose: string, argv: readonly [string, ...string[]], extras: Extras = {}): Command {
  const [program, ...args] = argv;
  return { program, args, reads: false, purpose, timeoutMs: CHANGE_DEADLINE_MS, ...extras };
}

/**
 * Lines of a script that clean up however it ends, short of SIGKILL: a shell that dies of a signal, as of a connection
 * that is gone, runs no EXIT trap.
 */
export const cleaningUp = (how: string): string => `trap '${how}' EXIT; trap 'exit 129' HUP INT PIPE TERM`;

/** argv that runs a fixed POSIX script; values go in as arguments ("$1", "$2", ...), never by splicing. */
export function script(text: string, ...values: readonly string[]): readonly [string, ...string[]] {
  return ['sh', '-c', text, 'sh', ...values];
}

/** The command as one shell line, for a transport or for tests. */
export function shellLine(command: Command): string {
  return [command.program, ...command.args].map(quote).join(' ');
}
