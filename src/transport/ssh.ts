import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeSSH } from 'node-ssh';
import type { Client } from 'ssh2';
import { reading, type Command } from '../engine/command.ts';
import type { Failure } from '../engine/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { inAnyShell } from '../engine/quote.ts';
import { runOnChannel } from './channel.ts';
import { startLine, unannounced, type Connection } from './connection.ts';
import { received } from './reception.ts';
import type { ConnectionSignals, Refused, SignalName, Unannounced } from './session.ts';
import { unusableLogin } from './login-errors.ts';
import { Slots } from '../engine/slots.ts';

/** sshd allows ten sessions per connection by default; one of the rest is for signals. */
const CHANNELS = 8;
const CLOSE_MS = 500;
/** Pause between attempts to get a session for an urgent command. */
const URGENT_AGAIN_MS = 100;

/**
 * How long a command with standard input may go unannounced before a probe without input is sent: a login that drops
 * commands would read the input forever.
 */
const SUSPICIOUS_MS = 2_000;
const TRY = reading('start a shell', ['true'], { timeoutMs: 15_000 });

/** Printed by a shell that has accepted a signal to send. */
const SENT = 'kuscia-swarm-signals';
const LONGEST_TOLD = 1_000;

const noSession = (reason: string): Outcome => ({
  ended: 'lost',
  reason: `the host does not open a session: ${reason}`,
  stdout: '',
  stderr: '',
});

/** Properties of an open connection. */
interface Properties {
  /** Login on the host. */
  readonly user: string;
  /** The connection to its bastion, which is closed with it. */
  readonly hop?: SshConnection;
  /** Whether each command gets the group docker through sudo. */
  readonly sudo?: true;
}

interface Signalling {
  readonly groups: number[];
  readonly sent: Promise<boolean>;
}

/** Commands over one SSH connection, eight at once. */
export class SshConnection implements Connection {
  readonly host: string;
  readonly #client: Client;
  readonly #hop: SshConnection | undefined;
  readonly #user: string;
  readonly #sudo: true | undefined;
  readonly #slots = new Slots(CHANNELS);
  readonly #running = new Set<Promise<unknown>>();
  readonly #gone = new AbortController();
  readonly #closing = new AbortController();
  readonly #signals = new Map<SignalName, Signalling>();
  /** Aborts when the login turns out not to run commands. */
  readonly #hopeless = new AbortController();
  #announced = false;
  #trying: Promise<void> | undefined;

  /** Takes over a newly opened connection. */
  constructor(host: string, ssh: NodeSSH, { user, hop, sudo }: Properties) {
    if (!ssh.connection) throw new Error('the connection is not open');
    this.host = host;
    this.#client = ssh.connection;
    this.#hop = hop;
    this.#user = user;
    this.#sudo = sudo;
    // A command must not wait for the previous packet to be acknowledged.
    this.#client.setNoDelay(true);
    let reason: string | undefined;
    // Without a listener, the first unanswered keepalive would end this process.
    this.#client.on('error', (error: Error) => (reason ??= error.message));
    this.#client.on('close', () =>
      this.#gone.abort(
        reason ?? hop?.lost ?? (this.#closing.signal.aborted ? 'closed' : 'the host closed the connection'),
      ),
    );
  }

  get lost(): string | undefined {
    if (this.#gone.signal.aborted) return String(this.#gone.signal.reason);
    return this.#closing.signal.aborted ? 'closed' : undefined;
  }

  /** The ssh2 client, for anything but commands. */
  get client(): Client {
    return this.#client;
  }

  async run(command: Command): Promise<Outcome> {
    startLine(command);
    if (command.urgent === true) return this.#runUrgently(command);
    for (;;) {
      const ended = await this.#slots.use(() => this.#runNow(command));
      if (ended.ended !== 'refused') return ended;
      // The host allows fewer sessions than usual: wait for running commands, and keep one session free for signals.
      // Nothing was run, so nothing is repeated.
      if (this.#slots.busy === 0) return noSession(ended.reason);
      this.#slots.shrinkTo(this.#slots.busy - 1);
    }
  }

  /** Bypasses the queue, in which it could wait behind commands that take minutes. */
  async #runUrgently(command: Command): Promise<Outcome> {
    for (const deadline = Date.now() + command.timeoutMs; ; await sleep(URGENT_AGAIN_MS)) {
      // Checked first, because other commands may have ended by the time of the refusal.
      const alone = this.#running.size === 0;
      const ended = await this.#runNow(command);
      if (ended.ended !== 'refused') return ended;
      if (alone || Date.now() > deadline) return noSession(ended.reason);
      this.#slots.shrinkTo(this.#slots.busy - 1);
    }
  }

  #ties(closing: AbortSignal): ConnectionSignals {
    const announced = (): void => void (this.#announced = true);
    const signals = { gone: this.#gone.signal, closing, hopeless: this.#hopeless.signal };
    return { ...signals, announced, signal: this.#signal, ...(this.#sudo && { sudo: this.#sudo }) };
  }

  async #runNow(command: Command): Promise<Outcome | Refused> {
    if (this.#hopeless.signal.aborted) return this.#unusable();
    const suspicion = this.#announced
      ? undefined
      : setTimeout(() => void (this.#trying ??= this.#try()), SUSPICIOUS_MS);
    const running = received<Outcome | Refused | Unannounced>(command, async (output) =>
      this.lost === undefined
        ? runOnChannel(this.#client, command, this.#ties(this.#closing.signal), output)
        : { ended: 'lost', reason: this.lost, stdout: '', stderr: '' },
    );
    this.#running.add(running);
    try {
      const ended = await running;
      if (ended.ended !== 'unannounced') return ended;
      return this.#hopeless.signal.aborted ? this.#unusable() : this.#judged(ended);
    } finally {
      clearTimeout(suspicion);
      this.#running.delete(running);
    }
  }

  /** Checks whether the login runs commands at all; a probe without standard input always ends. */
  async #try(): Promise<void> {
    if (this.#announced || this.lost !== undefined) return;
    const ended = await runOnChannel(this.#client, TRY, this.#ties(this.#closing.signal));
    if (this.#announced || this.lost !== undefined) return;
    if (ended.ended === 'unannounced') this.#judged(ended);
    if (ended.ended === 'timed-out')
      this.#judged({ ...ended, ended: 'unannounced', how: `still running after ${ended.afterMs / 1000} s` });
  }

  /** A login that has never run a command is unusable; otherwise only this command did not start. */
  #judged({ how, stdout, stderr }: Unannounced): Outcome {
    const reason = unannounced(how);
    const output = { stdout, stderr };
    // A refusal by sudo is reported by the caller that requested sudo.
    if (this.#sudo && /^sudo: /m.test(stderr)) return { ended: 'lost', reason, ...output };
    const failure = unusableLogin({ host: this.host, user: this.#user, how, ...output });
    if (!this.#announced) this.#hopeless.abort(failure);
    return { ended: 'lost', reason: failure.what, failure, ...output };
  }

  #unusable(): Outcome {
    const failure = this.#hopeless.signal.reason as Failure;
    return { ended: 'lost', reason: failure.what, failure, stdout: '', stderr: '' };
  }

  /** Batches signals sent at the same time into one session, because sessions are limited. */
  readonly #signal = (name: SignalName, these: readonly number[]): Promise<boolean> => {
    const waiting = this.#signals.get(name);
    if (waiting) {
      waiting.groups.push(...these);
      return waiting.sent;
    }
    const groups = [...these];
    const sent = new Promise<boolean>((resolve) => {
      setImmediate(() => {
        this.#signals.delete(name);
        resolve(this.#send(`echo ${SENT}; kill -s ${name} -- ${groups.map((each) => -each).join(' ')}`));
      });
    });
    this.#signals.set(name, { groups, sent });
    return sent;
  };

  /** Whether a shell on the host accepted the line. */
  #send(line: string): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        this.#client.exec(`exec sh ${inAnyShell(line)}`, (error, channel) => {
          if (error) return resolve(false);
          let said = '';
          channel.on('data', (chunk: Buffer) => (said = (said + chunk.toString('latin1')).slice(-LONGEST_TOLD)));
          channel.on('close', () => resolve(said.includes(SENT))).end();
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
    // ssh2's destroy() ignores a socket after end(), so an unresponsive host would keep this process alive (ssh2 1.17,
    // client.js).
    (Reflect.get(this.#client, '_sock') as Duplex | undefined)?.destroy();
    await this.#hop?.close();
  }
}
