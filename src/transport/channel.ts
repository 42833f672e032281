import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Client, ClientChannel, ExecOptions, PseudoTtyOptions } from 'ssh2';
import { isStreamed, type Command, type Streamed } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { quote } from '../engine/quote.ts';
import { ANNOUNCE, Announced } from './announced.ts';
import { Capture } from './capture.ts';
import { KILL_GRACE_MS, LINGER_MS, programLine, shellOf, stdinOf, stdoutOf, TERM_GRACE_MS } from './connection.ts';

/** The host would not open another channel; nothing was run. */
export interface Refused {
  readonly ended: 'refused';
  readonly reason: string;
}

/** What a running command learns from its connection. */
export interface Ties {
  /** Aborts when the connection is gone; the reason is the text why. */
  readonly gone: AbortSignal;
  /** Aborts when the connection is to be closed: the command is told to end. */
  readonly closing: AbortSignal;
  /** Whether sudo starts the command. */
  readonly sudo?: true;
  /** Whether a command that has to end is left behind at once: the connection is about to be closed. */
  readonly graceless?: true;
  /** Sends a signal to a process group of the host; false when the host would not hear of it. */
  signal(name: SignalName, group: number): Promise<boolean>;
}

export type SignalName = 'TERM' | 'KILL';

type End = { readonly code: number } | { readonly signal: string };
type Ending = Outcome extends infer O ? (O extends Outcome ? Omit<O, 'stdout' | 'stderr'> : never) : never;

/** No echo, so that what is typed into a terminal does not come back in the output. */
const TERMINAL: PseudoTtyOptions = { rows: 50, cols: 200, term: 'dumb', modes: { ECHO: 0 } };

/** The line that the login's own shell is given, whichever that is: it becomes a POSIX shell, which announces itself and becomes the program. */
export const loginLine = (command: Command, sudo?: true): string => `exec ${shellOf(sudo).join(' ')} -c ${quote(`${ANNOUNCE}; ${programLine(command)}`)}`;

/** Runs one command on a channel of its own. Never rejects. */
export function runOnChannel(client: Client, command: Command, ties: Ties): Promise<Outcome | Refused> {
  return new Promise((resolve) => {
    new Running(command, ties, resolve).start(client);
  });
}

class Running {
  readonly #command: Command;
  readonly #ties: Ties;
  readonly #resolve: (outcome: Outcome | Refused) => void;
  readonly #out = new Announced();
  readonly #err = new Capture();
  readonly #timers: NodeJS.Timeout[] = [];
  #channel: ClientChannel | undefined;
  #source: Readable | undefined;
  #end: End | undefined;
  #overdue = false;
  #stopping: SignalName | undefined;
  /** Settles when what remained of the group was told to go. */
  #swept = Promise.resolve();
  #settled = false;

  constructor(command: Command, ties: Ties, resolve: (outcome: Outcome | Refused) => void) {
    this.#command = command;
    this.#ties = ties;
    this.#resolve = resolve;
  }

  start(client: Client): void {
    const { gone, closing } = this.#ties;
    if (gone.aborted) return this.#settle(this.#lost());
    gone.addEventListener('abort', this.#onGone);
    closing.addEventListener('abort', this.#stop);
    this.#after(this.#command.timeoutMs, () => {
      this.#overdue = true;
      this.#stop();
    });
    const options = (this.#command.terminal === true ? { pty: TERMINAL } : {}) as ExecOptions;
    try {
      client.exec(loginLine(this.#command, this.#ties.sudo), options, (error, channel) => {
        if (error) this.#refused(error);
        else this.#opened(channel);
      });
    } catch (error) {
      this.#settle({ ended: 'lost', reason: (error as Error).message });
    }
  }

  #opened(channel: ClientChannel): void {
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => this.#take(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.#err.add(chunk));
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#end = code === null ? { signal: (signal ?? 'a signal').replace(/@.*$/, '') } : { code };
      // Told to end, its first process may be gone while another of the group ignores TERM, as docker's client does.
      if (this.#stopping) this.#swept = this.#signal('KILL');
      // What it left behind would hold the channel open for as long as it likes.
      this.#after(LINGER_MS, () => {
        void this.#signal('KILL').then(() => this.#settleAsEnded());
        this.#after(KILL_GRACE_MS, () => this.#settleAsEnded());
      });
    });
    // The reason why a connection broke comes just after its channels have closed.
    channel.on('close', () => setImmediate(() => void this.#swept.then(() => this.#settleAsEnded())));
    if (this.#settled) channel.close();
    const stdin = stdinOf(this.#command);
    if (isStreamed(stdin)) this.#stream(stdin, channel);
    else if (stdin !== undefined) channel.end(stdin);
    else if (this.#command.terminal !== true) channel.end();
  }

  /** Standard input that breaks off here is not ended, which would be to call it whole: the command is. */
  #stream({ file, onSent }: Streamed, channel: ClientChannel): void {
    if (this.#settled) return;
    const source = createReadStream(file);
    this.#source = source;
    source.on('data', (chunk) => onSent?.(chunk.length));
    source.on('error', ({ message }) => {
      this.#err.add(Buffer.from(`cannot be read where this runs: ${message}\n`));
      this.#stop();
    });
    channel.on('close', () => source.destroy());
    source.pipe(channel);
  }

  /** Open failures name a reason; nothing was run then, and it may be tried again. */
  #refused(error: Error): void {
    if (this.#ties.gone.aborted || !('reason' in error)) setImmediate(() => this.#settle({ ended: 'lost', reason: this.#goneReason(error.message) }));
    else this.#settle({ ended: 'refused', reason: error.message });
  }

  readonly #onGone = (): void => this.#settleAsEnded();

  readonly #stop = (): void => {
    if (this.#stopping || this.#settled) return;
    void this.#signal('TERM');
    if (this.#ties.graceless) return this.#settleAsEnded();
    this.#after(TERM_GRACE_MS, () => void this.#signal('KILL'));
    this.#after(TERM_GRACE_MS + KILL_GRACE_MS, () => this.#settleAsEnded());
  };

  #take(chunk: Buffer): void {
    const announced = this.#out.pid !== undefined;
    this.#out.add(chunk);
    if (!announced && this.#stopping) void this.#signal(this.#stopping);
  }

  /** Signals the whole group by its id: sshd itself hands no signal on to what root runs. */
  async #signal(name: SignalName): Promise<void> {
    this.#stopping = name;
    const group = this.#out.pid;
    if (group === undefined || this.#ties.gone.aborted) return;
    const sent = await this.#ties.signal(name, group);
    if (!sent && !this.#settled && !this.#ties.gone.aborted) this.#channel?.signal(name);
  }

  #settleAsEnded(): void {
    if (this.#overdue) this.#settle({ ended: 'timed-out', afterMs: this.#command.timeoutMs });
    else if (this.#end === undefined) this.#settle(this.#lost());
    else if ('code' in this.#end) this.#settle({ ended: 'exited', code: this.#end.code });
    else this.#settle({ ended: 'killed', signal: this.#end.signal });
  }

  #lost(): Ending {
    return { ended: 'lost', reason: this.#goneReason(this.#stopping ? 'stopped, the run is ending' : 'the host did not say how the command ended') };
  }

  #goneReason(otherwise: string): string {
    return this.#ties.gone.aborted ? String(this.#ties.gone.reason) : otherwise;
  }

  #after(ms: number, act: () => void): void {
    if (!this.#settled) this.#timers.push(setTimeout(act, ms));
  }

  #settle(how: Ending | Refused): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#source?.destroy();
    this.#ties.gone.removeEventListener('abort', this.#onGone);
    this.#ties.closing.removeEventListener('abort', this.#stop);
    if (!this.#ties.gone.aborted) this.#channel?.close();
    if (how.ended === 'refused') this.#resolve(how);
    else this.#resolve({ ...how, stdout: stdoutOf(this.#command, this.#out.text()), stderr: this.#err.text() });
  }
}
