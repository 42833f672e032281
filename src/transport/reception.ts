import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, Sink } from '../engine/command.ts';
import { succeeded, type Outcome } from '../engine/outcome.ts';

/** So long a sink may take to give up, in milliseconds; then it is left alone. */
const GIVING_UP_MS = 1_000;

/** How something ended, be it the command or what was to run it. */
type Ended = Outcome | { readonly ended: 'refused' | 'unannounced'; readonly stderr?: string };

/**
 * Runs a command, with its standard output on the way into its sink where it has one. It is not begun where the sink
 * takes nothing, and has succeeded only where the sink has all of it.
 */
export async function received<T extends Ended>(
  command: Command,
  run: (output?: Reception) => Promise<T>,
): Promise<T | Outcome> {
  if (command.stdout === undefined) return run();
  const output = new Reception(command.stdout, command.timeoutMs);
  return (await output.opened()) ? output.close(await run(output)) : output.giveUp();
}

/**
 * A command's standard output on its way into a sink. It holds a chunk or two, and pauses what they come from until the
 * sink has taken them.
 */
export class Reception {
  readonly #sink: Sink;
  readonly #deadlineMs: number;
  readonly #hash = createHash('sha256');
  readonly #failed = new AbortController();
  readonly #wanted = Promise.withResolvers<void>();
  readonly #way = new Readable({ read: () => this.#resume() });
  readonly #kept: Promise<void>;
  #source: Pick<Readable, 'pause' | 'resume'> | undefined;
  #bytes = 0;
  #seen = 0;
  #paused = false;
  #end: 'awaited' | 'came' | 'cut' = 'awaited';

  /** Has the sink begin; the deadline is what it may take to do so, and to finish. */
  constructor(sink: Sink, deadlineMs: number) {
    this.#sink = sink;
    this.#deadlineMs = deadlineMs;
    this.#way.on('error', () => undefined);
    this.#kept = this.#keep();
  }

  /** Whether the sink has come to want the first bytes. */
  async opened(): Promise<boolean> {
    await this.#inTime(this.#wanted.promise);
    return !this.failed.aborted;
  }

  /** Aborts when the sink takes no more; the reason is the text why. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Tells what is to be paused while the sink is behind. */
  from(source: Pick<Readable, 'pause' | 'resume'>): void {
    this.#source = source;
  }

  /** Takes the next bytes, which are the caller's no more. */
  add(chunk: Buffer): void {
    if (this.failed.aborted || this.#end === 'cut' || chunk.length === 0) return;
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#sink.onReceived?.(chunk.length);
    if (this.#way.push(chunk)) return;
    this.#paused = true;
    this.#source?.pause();
  }

  /** None of it is told as text. */
  text(): string {
    return '';
  }

  /** Whether nothing has come since this was last asked, though the sink would have taken it. */
  isIdle(): boolean {
    const idle = !this.#paused && this.#bytes === this.#seen;
    this.#seen = this.#bytes;
    return idle;
  }

  /** Tells that the output has ended by itself: only then it is whole. */
  end(): void {
    if (this.#end === 'awaited') this.#end = 'came';
  }

  /**
   * Tells that whatever writes it is made to end: nobody knows what would have come, and what still comes is let go.
   */
  cut(): void {
    this.#end = 'cut';
    this.#resume();
  }

  /** Lets the sink finish where the command ended well, and give up otherwise. Gives what came of both. */
  async close<T extends Ended>(outcome: T): Promise<T | Outcome> {
    const stderr = outcome.stderr ?? '';
    if (this.failed.aborted) return this.giveUp(stderr);
    if (outcome.ended !== 'exited' || !succeeded(outcome)) {
      await this.giveUp();
      return outcome;
    }
    if (this.#end === 'came') {
      this.#way.push(null);
      await this.#inTime(this.#kept);
    } else this.#fail('the command was ended before its output was');
    if (this.failed.aborted) return this.giveUp(stderr);
    return { ...outcome, kept: { bytes: this.#bytes, sha256: this.#hash.digest('hex') } };
  }

  /** Has the sink give up. Gives the outcome of a command whose output is not kept. */
  async giveUp(stderr = ''): Promise<Outcome> {
    const reason = this.failed.aborted ? String(this.failed.reason) : 'the command did not end well';
    this.#way.destroy(new Error(reason));
    await Promise.race([this.#kept, sleep(GIVING_UP_MS, undefined, { ref: false })]);
    return { ended: 'not-kept', reason, stdout: '', stderr };
  }

  async #keep(): Promise<void> {
    try {
      await this.#sink.keep(this.#way);
      if (!this.#way.readableEnded) this.#fail('only a part of it was taken');
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  /** The first reason counts. What still comes is let go, so that its writer can end. */
  #fail(reason: string): void {
    this.#failed.abort(reason);
    this.#resume();
  }

  #resume(): void {
    this.#wanted.resolve();
    this.#paused = false;
    this.#source?.resume();
  }

  async #inTime(done: Promise<void>): Promise<void> {
    const late = setTimeout(() => this.#fail(`nothing came of it in ${this.#deadlineMs / 1000} s`), this.#deadlineMs);
    await Promise.race([done, new Promise((resolve) => this.failed.addEventListener('abort', resolve))]);
    clearTimeout(late);
  }
}
