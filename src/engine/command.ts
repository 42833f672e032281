import { quote } from './quote.ts';
import type { Secret } from './secret.ts';

/** A command for one host: a value, created by pure builders and run only by a transport. */
export interface Command {
  readonly program: string;
  /** Each element arrives as exactly one argument. Never a secret. */
  readonly args: readonly string[];
  /**
   * Standard input, empty by default. Secrets are passed here, and so is data that is too large to be held in memory.
   */
  readonly stdin?: string | Secret | Streamed;
  /** Receives standard output as bytes; by default the outcome holds it as text, without its middle if it is long. */
  readonly stdout?: Sink;
  /** True if it changes nothing on the host; facts may be gathered only with such commands. */
  readonly reads: boolean;
  /** Its purpose, in words that follow "could not": `read the engine's state`. */
  readonly purpose: string;
  /** Runs it on a pseudo-terminal: standard error is merged into standard output, lines end with CR LF. */
  readonly terminal?: boolean;
  /** True if it does not wait its turn on a host that allows only a few sessions at once. */
  readonly urgent?: true;
  /** True if it prints a secret: its output is never shown, however the command ends. */
  readonly confidential?: true;
  /** Deadline in milliseconds; after that it is stopped and reported as timed out. */
  readonly timeoutMs: number;
  /** Set if it runs in a place within the host, such as a container. */
  readonly inside?: Inside;
  /** Set if it consists of several commands. */
  readonly bundled?: Bundled;
  /** Set if it is a request; those that go through one program can share it. */
  readonly request?: Request;
  /** Set if it consists of several requests, each answered with an HTTP response. */
  readonly pipelined?: readonly Command[];
}

/** A request to an HTTP server on the host. */
export interface Request {
  readonly path: string;
  /** Program that connects its standard streams with the server. */
  readonly through: readonly string[];
  /** The part of a successful answer that is kept, from its parsed body. Throws if it is not as expected. */
  readonly kept: (body: unknown) => unknown;
}

/** Commands that are sent as one: each answers with its two output streams, each followed by the mark. */
export interface Bundled {
  readonly commands: readonly Command[];
  readonly mark: string;
}

/** A place within a host. Commands of one place can enter it together, as entering costs more than most of them do. */
export interface Inside {
  /** Starts a shell there that reads its script from standard input. */
  readonly shell: readonly [string, ...string[]];
  /** The command as it runs there. */
  readonly argv: readonly [string, ...string[]];
}

/** A local file as standard input: read as fast as the host accepts it, never held in memory as a whole. */
export interface Streamed {
  /** Its absolute path. */
  readonly file: string;
  readonly bytes: number;
  /**
   * Called with the number of additional bytes each time some were sent. If the host is this machine, it opens the file
   * itself, and all bytes are reported at once.
   */
  readonly onSent?: (bytes: number) => void;
}

/**
 * Receives a command's standard output instead of the outcome: never held as a whole, and kept completely or not at
 * all.
 */
export interface Sink {
  /**
   * Takes the bytes at its own pace; the command waits for it. Resolves once all of them are safe. If it fails, or if
   * the iteration throws because the command failed, nothing remains that could be mistaken for complete output.
   */
  readonly keep: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
  /** Called with the number of additional bytes each time some were received. */
  readonly onReceived?: (bytes: number) => void;
}

/** Whether standard input is streamed from a file. */
export const isStreamed = (stdin: unknown): stdin is Streamed =>
  typeof stdin === 'object' && stdin !== null && 'file' in stdin;

type Extras = Partial<
  Pick<
    Command,
    'stdin' | 'stdout' | 'terminal' | 'urgent' | 'confidential' | 'timeoutMs' | 'inside' | 'bundled' | 'pipelined'
  >
>;

const READ_DEADLINE_MS = 20_000;
const CHANGE_DEADLINE_MS = 120_000;

/** A command that changes nothing. Its deadline is 20 s by default. */
export function reading(purpose: string, argv: readonly [string, ...string[]], extras: Extras = {}): Command {
  const [program, ...args] = argv;
  return { program, args, reads: true, purpose, timeoutMs: READ_DEADLINE_MS, ...extras };
}

/** A command that changes the host. Its deadline is 120 s by default. */
export function changing(purpose: string, argv: readonly [string, ...string[]], extras: Extras = {}): Command {
  const [program, ...args] = argv;
  return { program, args, reads: false, purpose, timeoutMs: CHANGE_DEADLINE_MS, ...extras };
}

/**
 * Lines that clean up however a script ends, except by SIGKILL: a shell that is killed by a signal, for example when
 * its connection is lost, does not run its EXIT trap.
 */
export const cleaningUp = (how: string): string => `trap '${how}' EXIT; trap 'exit 129' HUP INT PIPE TERM`;

/**
 * argv that runs a fixed POSIX script; values are passed as arguments ("$1", "$2", ...), never spliced into the text.
 */
export function script(text: string, ...values: readonly string[]): readonly [string, ...string[]] {
  return ['sh', '-c', text, 'sh', ...values];
}

/** The command as one shell line, for a transport or for tests. */
export function shellLine(command: Command): string {
  return [command.program, ...command.args].map(quote).join(' ');
}
