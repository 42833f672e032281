import type { Client, ClientChannel, ExecOptions, PseudoTtyOptions } from 'ssh2';
import type { Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { Capture } from './capture.ts';
import { hostLine, KILL_GRACE_MS, LINGER_MS, stdinOf, stdoutOf, TERM_GRACE_MS } from './connection.ts';

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
}

type End = { readonly code: number } | { readonly signal: string };
type Ending = Outcome extends infer O ? (O extends Outcome ? Omit<O, 'stdout' | 'stderr'> : never) : never;

/** No echo, so that what is typed into a terminal does not come back in the output. */
const TERMINAL: PseudoTtyOptions = { rows: 50, cols: 200, term: 'dumb', modes: { ECHO: 0 } };

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
  readonly #out = new Capture();
  readonly #err = new Capture();
  readonly #timers: NodeJS.Timeout[] = [];
  #channel: ClientChannel | undefined;
  #end: End | undefined;
  #overdue = false;
  #stopping = false;
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
      client.exec(hostLine(this.#command), options, (error, channel) => {
        if (error) this.#refused(error);
        else this.#opened(channel);
      });
    } catch (error) {
      this.#settle({ ended: 'lost', reason: messageOf(error) });
    }
  }

  #opened(channel: ClientChannel): void {
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => this.#out.add(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.#err.add(chunk));
    channel.on('error', () => undefined);
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#end = code === null ? { signal: (signal ?? 'a signal').replace(/@.*$/, '') } : { code };
      // What it left behind may hold the channel open for as long as it likes.
      this.#after(LINGER_MS, () => this.#settleAsEnded());
    });
    // The reason why a connection broke comes just after its channels have closed.
    channel.on('close', () => setImmediate(() => this.#settleAsEnded()));
    if (this.#settled || this.#stopping) this.#signalThenClose(channel);
    const stdin = stdinOf(this.#command);
    if (stdin !== undefined) channel.end(stdin);
    else if (this.#command.terminal !== true) channel.end();
  }

  /** Open failures name a reason; nothing was run then, and it may be tried again. */
  #refused(error: Error): void {
    if (this.#ties.gone.aborted || !('reason' in error)) setImmediate(() => this.#settle({ ended: 'lost', reason: this.#goneReason(error.message) }));
    else this.#settle({ ended: 'refused', reason: error.message });
  }

  readonly #onGone = (): void => this.#settleAsEnded();

  readonly #stop = (): void => {
    if (this.#stopping || this.#settled) return;
    this.#stopping = true;
    if (this.#channel) this.#signalThenClose(this.#channel);
    this.#after(TERM_GRACE_MS + KILL_GRACE_MS, () => this.#settleAsEnded());
  };

  #signalThenClose(channel: ClientChannel): void {
    const tell = (act: () => void) => (): void => {
      if (!this.#ties.gone.aborted) act();
    };
    tell(() => channel.signal('TERM'))();
    this.#after(TERM_GRACE_MS, tell(() => channel.signal('KILL')));
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
    this.#ties.gone.removeEventListener('abort', this.#onGone);
    this.#ties.closing.removeEventListener('abort', this.#stop);
    if (!this.#ties.gone.aborted) this.#channel?.close();
    if (how.ended === 'refused') this.#resolve(how);
    else this.#resolve({ ...how, stdout: stdoutOf(this.#command, this.#out.text()), stderr: this.#err.text() });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
