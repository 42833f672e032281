import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { isStreamed, type Command, type Streamed } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { inAnyShell } from '../engine/quote.ts';
import { Announced } from './announced.ts';
import { Capture } from './capture.ts';
import { KILL_GRACE_MS, LINGER_MS, shellOf, startLine, stdinOf, stdoutOf, TERM_GRACE_MS } from './connection.ts';
import { pacedChannel } from './paced.ts';
import type { Reception } from './reception.ts';
import type { ConnectionSignals, Refused, SignalName, Unannounced } from './session.ts';

type Resolve = (outcome: Outcome | Refused | Unannounced) => void;
type End = { readonly code: number } | { readonly signal: string };
const SIGNALS: Readonly<Record<number, string>> = { 137: 'SIGKILL', 143: 'SIGTERM' };

const isNothing = (stdin: Command['stdin']): boolean => stdin === undefined || stdin === '';

type Ending = Outcome extends infer O ? (O extends Outcome ? Omit<O, 'stdout' | 'stderr'> : never) : never;

/**
 * The line for the login shell, whichever it is: it becomes a POSIX shell, which announces itself and becomes the
 * program.
 */
export const loginLine = (line: string, sudo?: true): string => `exec ${shellOf(sudo).join(' ')} ${inAnyShell(line)}`;

/** Runs one command on a channel of its own, its output where it is told. Never rejects. */
export function runOnChannel(
  client: Client,
  command: Command,
  ties: ConnectionSignals,
  output?: Reception,
): Promise<Outcome | Refused | Unannounced> {
  return new Promise((resolve) => {
    new Running(command, ties, resolve, output).start(client);
  });
}

class Running {
  readonly #command: Command;
  readonly #ties: ConnectionSignals;
  readonly #resolve: Resolve;
  readonly #output: Reception | undefined;
  readonly #out: Announced;
  readonly #err = new Capture();
  readonly #timers: NodeJS.Timeout[] = [];
  #channel: ClientChannel | undefined;
  #source: Readable | undefined;
  #end: End | undefined;
  #overdue = false;
  #stopping: SignalName | undefined;
  /** Settles when the rest of the process group has been signalled. */
  #swept = Promise.resolve();
  #settled = false;

  constructor(command: Command, ties: ConnectionSignals, resolve: Resolve, output: Reception | undefined) {
    this.#command = command;
    this.#output = output;
    this.#out = new Announced(command.terminal === true ? 2 : 1, output);
    this.#ties = ties;
    this.#resolve = resolve;
  }

  start(client: Client): void {
    const { gone, closing, hopeless } = this.#ties;
    if (gone.aborted) return this.#settle(this.#lost());
    gone.addEventListener('abort', this.#onGone);
    closing.addEventListener('abort', this.#stop);
    hopeless.addEventListener('abort', this.#onHopeless);
    this.#output?.failed.addEventListener('abort', this.#stop);
    this.#after(this.#command.timeoutMs, () => {
      this.#overdue = true;
      this.#stop();
    });
    try {
      client.exec(loginLine(startLine(this.#command), this.#ties.sudo), (error, channel) => {
        if (error) this.#refused(error);
        else this.#opened(channel);
      });
    } catch (error) {
      this.#settle({ ended: 'lost', reason: (error as Error).message });
    }
  }

  #opened(channel: ClientChannel): void {
    this.#channel = channel;
    this.#output?.from(pacedChannel(channel));
    channel.on('data', (chunk: Buffer) => this.#take(chunk));
    channel.on('end', () => this.#output?.end());
    channel.stderr.on('data', (chunk: Buffer) => this.#err.add(chunk));
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#end = code === null ? { signal: (signal ?? 'a signal').replace(/@.*$/, '') } : { code };
      // The first process may have ended while another in the group ignores TERM, as Docker's client does.
      if (this.#stopping) this.#swept = this.#signal('KILL');
      this.#linger();
    });
    // The reason for a broken connection arrives just after its channels have closed.
    channel.on('close', () => setImmediate(() => void this.#swept.then(() => this.#settleAsEnded())));
    if (this.#settled) channel.close();
    // Input waits until the program has started, because something else may be reading until then.
    else if (this.#command.terminal !== true && isNothing(this.#command.stdin)) channel.end();
  }

  /** Background processes left behind would keep the channel open. */
  #linger(): void {
    this.#after(LINGER_MS, () => {
      if (this.#output?.isIdle() === false) return this.#linger();
      void this.#signal('KILL').then(() => this.#settleAsEnded());
      this.#after(KILL_GRACE_MS, () => this.#settleAsEnded());
    });
  }

  /**
   * Sends standard input once the program has started. A terminal's input stays open: at its end script(1) would type a
   * character of its own.
   */
  #feed(): void {
    const stdin = stdinOf(this.#command);
    if (this.#channel === undefined || stdin === undefined || isNothing(this.#command.stdin)) return;
    if (isStreamed(stdin)) this.#stream(stdin, this.#channel);
    else if (this.#command.terminal === true) this.#channel.write(stdin);
    else this.#channel.end(stdin);
  }

  /**
   * If the file cannot be read to its end, stops the command instead of ending its input, which would look complete.
   */
  #stream({ file, onSent }: Streamed, channel: ClientChannel): void {
    if (this.#settled) return;
    const source = createReadStream(file);
    this.#source = source;
    source.on('data', (chunk) => onSent?.(chunk.length));
    source.on('error', ({ message }) => {
      this.#err.add(Buffer.from(`cannot be read on the machine running kuscia-swarm: ${message}\n`));
      this.#stop();
    });
    channel.on('close', () => source.destroy());
    source.pipe(channel);
  }

  /** An open failure has a reason; nothing was run, and it may be tried again. */
  #refused(error: Error): void {
    if (this.#ties.gone.aborted || !('reason' in error))
      setImmediate(() => this.#settle({ ended: 'lost', reason: this.#goneReason(error.message) }));
    else this.#settle({ ended: 'refused', reason: error.message });
  }

  readonly #onGone = (): void => this.#settleAsEnded();

  readonly #onHopeless = (): void => {
    if (this.#out.groups.length === 0) this.#settle({ ended: 'unannounced', how: 'not started' });
  };

  readonly #stop = (): void => {
    if (this.#stopping || this.#settled) return;
    void this.#signal('TERM');
    if (this.#ties.graceless) return this.#settleAsEnded();
    this.#after(TERM_GRACE_MS, () => void this.#signal('KILL'));
    this.#after(TERM_GRACE_MS + KILL_GRACE_MS, () => this.#settleAsEnded());
  };

  #take(chunk: Buffer): void {
    const {
      begun,
      groups: { length },
    } = this.#out;
    this.#out.add(chunk);
    if (this.#out.groups.length === length) return;
    if (length === 0) this.#ties.announced();
    if (this.#stopping) void this.#signal(this.#stopping);
    if (!begun && this.#out.begun) this.#feed();
  }

  /**
   * Signals whole process groups: sshd does not forward signals to processes run as root. A terminal ends with its
   * program.
   */
  async #signal(name: SignalName): Promise<void> {
    this.#stopping = name;
    this.#output?.cut();
    const groups = this.#out.groups.slice(name === 'KILL' ? 0 : -1);
    if (groups.length === 0 || this.#ties.gone.aborted) return;
    const sent = await this.#ties.signal(name, groups);
    if (!sent && !this.#settled && !this.#ties.gone.aborted) this.#channel?.signal(name);
  }

  #settleAsEnded(): void {
    if (this.#overdue) this.#settle({ ended: 'timed-out', afterMs: this.#command.timeoutMs });
    else if (this.#end === undefined || this.#isAbandoned) this.#settle(this.#lost());
    else if (this.#isUnannounced)
      this.#settle({
        ended: 'unannounced',
        how: 'code' in this.#end ? `exit ${this.#end.code}` : `killed by ${this.#end.signal}`,
      });
    else this.#settle(this.#ended(this.#end));
  }

  /** Whether how it ended says nothing: it never began, or a part of its output may have been on its way. */
  get #isAbandoned(): boolean {
    const gone = this.#ties.gone.aborted;
    return this.#isUnannounced ? gone || this.#stopping !== undefined : gone && this.#output !== undefined;
  }

  get #isUnannounced(): boolean {
    return this.#out.groups.length === 0;
  }

  /** script(1) reports a signal as 128 plus its number. */
  #ended(end: End): Ending {
    if ('signal' in end) return { ended: 'killed', signal: end.signal };
    const told = this.#command.terminal === true && this.#stopping !== undefined ? SIGNALS[end.code] : undefined;
    return told === undefined ? { ended: 'exited', code: end.code } : { ended: 'killed', signal: told };
  }

  #lost(): Ending {
    return {
      ended: 'lost',
      reason: this.#goneReason(
        this.#stopping ? 'stopped because the run is ending' : 'the host did not report how the command ended',
      ),
    };
  }

  #goneReason(otherwise: string): string {
    return this.#ties.gone.aborted ? String(this.#ties.gone.reason) : otherwise;
  }

  #after(ms: number, act: () => void): void {
    if (!this.#settled) this.#timers.push(setTimeout(act, ms));
  }

  #settle(how: Ending | Refused | Omit<Unannounced, 'stdout' | 'stderr'>): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#source?.destroy();
    this.#ties.gone.removeEventListener('abort', this.#onGone);
    this.#ties.closing.removeEventListener('abort', this.#stop);
    this.#ties.hopeless.removeEventListener('abort', this.#onHopeless);
    this.#output?.failed.removeEventListener('abort', this.#stop);
    if (!this.#ties.gone.aborted) this.#channel?.close();
    if (how.ended === 'refused') this.#resolve(how);
    else this.#resolve({ ...how, stdout: stdoutOf(this.#command, this.#out.text()), stderr: this.#err.text() });
  }
}
