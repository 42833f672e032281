import type { Command } from '../engine/command.ts';
import { deploymentError, failuresOf, type Failure } from '../engine/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Connection } from './connection.ts';

/**
 * For so long a host that went away in the middle of a run is not tried again: whoever asks meanwhile would wait for
 * the same time-out.
 */
const AGAIN_MS = 10_000;

/** Where one host's connection lies: none, being opened, open, or failed for good. */
export class HostConnection {
  readonly #open: () => Promise<Connection>;
  #opening: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  #closed = false;
  #last: Command | undefined;
  #wasOpen = false;
  /** When it was last found that the host, which was there before, cannot be reached. */
  #missedAt = 0;

  constructor(open: () => Promise<Connection>) {
    this.#open = open;
  }

  /** The connection; opens one when there is none that works. Throws a DeploymentError. */
  connection(): Promise<Connection> {
    const lost = this.#connection !== undefined && this.#connection.lost !== undefined;
    if (lost || (this.#missedAt > 0 && Date.now() - this.#missedAt > AGAIN_MS)) this.#forget();
    return (this.#opening ??= this.#opened());
  }

  /**
   * Why the host cannot be used; empty when it can be. The first command, where one is given, shows whether its login
   * runs any.
   */
  async failures(first?: Command): Promise<readonly Failure[]> {
    try {
      const connection = await this.connection();
      const outcome = first && (await connection.run(first));
      return outcome?.ended === 'lost' && outcome.failure ? [outcome.failure] : [];
    } catch (thrown) {
      return failuresOf(thrown);
    }
  }

  async run(command: Command): Promise<Outcome> {
    if (this.#closed) return lost('the run is ending');
    let connection: Connection;
    try {
      connection = await this.connection();
    } catch (thrown) {
      const failures = failuresOf(thrown);
      // Of a host that was there before, its connection is what is lost.
      const failure = failures.find(
        ({ code }) => code !== 'cancelled' && !(this.#wasOpen && code === 'host-unreachable'),
      );
      return { ...lost(failures.map(inWords).join('; ')), ...(failure && { failure }) };
    }
    return connection.run(command);
  }

  last(command: Command): void {
    this.#last = command;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection?.close(this.#last);
  }

  async #opened(): Promise<Connection> {
    try {
      const connection = await this.#open();
      if (this.#closed) {
        await connection.close();
        throw deploymentError({
          code: 'cancelled',
          host: connection.host,
          what: 'cancelled while connecting',
          remedy: 'Run again: what was done stays, and the rest is done then.',
        });
      }
      this.#connection = connection;
      this.#wasOpen = true;
      return connection;
    } catch (thrown) {
      // A wrong key stays wrong, and asking again may lock the login. Only a host that was there in this run may come
      // back within it.
      if (this.#wasOpen && failuresOf(thrown).every((failure) => failure.code === 'host-unreachable'))
        this.#missedAt = Date.now();
      throw thrown;
    }
  }

  #forget(): void {
    this.#connection = undefined;
    this.#opening = undefined;
    this.#missedAt = 0;
  }
}

const lost = (reason: string): Extract<Outcome, { ended: 'lost' }> => ({
  ended: 'lost',
  reason,
  stdout: '',
  stderr: '',
});
const inWords = (failure: Failure): string =>
  `${failure.what}${failure.evidence === undefined ? '' : ` (${failure.evidence})`}`;
