import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeSSH } from 'node-ssh';
import type { Client } from 'ssh2';
import type { Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';
import { quote } from '../engine/quote.ts';
import { runOnChannel, type SignalName, type Ties } from './channel.ts';
import { programLine, type Connection } from './connection.ts';
import { Slots } from '../engine/slots.ts';

/** sshd allows ten sessions on a connection unless told; one of the others is for signals. */
const CHANNELS = 8;
const CLOSE_MS = 500;
/** Between two tries to get a session for what is urgent. */
const URGENT_AGAIN_MS = 100;

const noSession = (reason: string): Outcome => ({ ended: 'lost', reason: `the host opens no session: ${reason}`, stdout: '', stderr: '' });

interface Signalling {
  readonly groups: number[];
  readonly sent: Promise<boolean>;
}

/** Commands over one SSH connection, eight at once. */
export class SshConnection implements Connection {
  readonly host: string;
  readonly #client: Client;
  readonly #hop: SshConnection | undefined;
  readonly #sudo: true | undefined;
  readonly #slots = new Slots(CHANNELS);
  readonly #running = new Set<Promise<unknown>>();
  readonly #gone = new AbortController();
  readonly #closing = new AbortController();
  readonly #signals = new Map<SignalName, Signalling>();

  /** Takes over a connection that was just opened. `hop` is the connection to the bastion it goes through; it is closed with it. With `sudo` each command gets the group docker by it. */
  constructor(host: string, ssh: NodeSSH, { hop, sudo }: { readonly hop?: SshConnection; readonly sudo?: true } = {}) {
    if (!ssh.connection) throw new Error('the connection is not open');
    this.host = host;
    this.#client = ssh.connection;
    this.#hop = hop;
    this.#sudo = sudo;
    // A command's line shall not wait until the packet before it is acknowledged.
    this.#client.setNoDelay(true);
    let reason: string | undefined;
    // Without a listener the first keepalive that stays unanswered would end this process.
    this.#client.on('error', (error: Error) => (reason ??= error.message));
    this.#client.on('close', () => this.#gone.abort(reason ?? hop?.lost ?? (this.#closing.signal.aborted ? 'closed' : 'the host closed the connection')));
  }

  get lost(): string | undefined {
    if (this.#gone.signal.aborted) return String(this.#gone.signal.reason);
    return this.#closing.signal.aborted ? 'closed' : undefined;
  }

  /** The ssh2 client, for what is not a command. */
  get client(): Client {
    return this.#client;
  }

  async run(command: Command): Promise<Outcome> {
    programLine(command);
    if (command.urgent === true) return this.#runUrgently(command);
    for (;;) {
      const ended = await this.#slots.use(() => this.#runNow(command));
      if (ended.ended !== 'refused') return ended;
      // The host allows fewer sessions than usual: wait for ours to end, and keep one free for signals. Nothing was run, so nothing is repeated.
      if (this.#slots.busy === 0) return noSession(ended.reason);
      this.#slots.shrinkTo(this.#slots.busy - 1);
    }
  }

  /** Takes whatever session is free first: in the queue it could stand behind commands that take minutes. */
  async #runUrgently(command: Command): Promise<Outcome> {
    for (const deadline = Date.now() + command.timeoutMs; ; await sleep(URGENT_AGAIN_MS)) {
      // Asked before: those that stood in its way may have ended when the refusal comes.
      const alone = this.#running.size === 0;
      const ended = await this.#runNow(command);
      if (ended.ended !== 'refused') return ended;
      if (alone || Date.now() > deadline) return noSession(ended.reason);
      this.#slots.shrinkTo(this.#slots.busy - 1);
    }
  }

  #ties(closing: AbortSignal): Ties {
    return { gone: this.#gone.signal, closing, signal: this.#signal, ...(this.#sudo && { sudo: this.#sudo }) };
  }

  async #runNow(command: Command): ReturnType<typeof runOnChannel> {
    if (this.lost !== undefined) return { ended: 'lost', reason: this.lost, stdout: '', stderr: '' };
    const running = runOnChannel(this.#client, command, this.#ties(this.#closing.signal));
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** One session signals all that are to be signalled at the same time: each of them may take one already. */
  readonly #signal = (name: SignalName, group: number): Promise<boolean> => {
    const waiting = this.#signals.get(name);
    if (waiting) {
      waiting.groups.push(group);
      return waiting.sent;
    }
    const groups = [group];
    const sent = new Promise<boolean>((resolve) => {
      setImmediate(() => {
        this.#signals.delete(name);
        resolve(this.#send(`kill -s ${name} -- ${groups.map((each) => -each).join(' ')}`));
      });
    });
    this.#signals.set(name, { groups, sent });
    return sent;
  };

  #send(line: string): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        this.#client.exec(`exec sh -c ${quote(line)}`, (error, channel) => {
          if (error) return resolve(false);
          channel.on('close', () => resolve(true)).resume().end();
          channel.stderr.resume();
        });
      } catch {
        resolve(false);
      }
    });
  }

  async close(last?: Command): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
    if (last) await runOnChannel(this.#client, last, { ...this.#ties(new AbortController().signal), graceless: true });
    if (!this.#gone.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        this.#gone.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
        this.#client.end();
      });
    }
    // ssh2's own destroy leaves a socket alone on which it has said good-bye, and a host that is silent would keep this process alive by it (ssh2 1.17, client.js).
    (Reflect.get(this.#client, '_sock') as Duplex | undefined)?.destroy();
    await this.#hop?.close();
  }
}
