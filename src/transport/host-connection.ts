import type { Command } from '../engine/command.ts';
import { deploymentError, failuresOf, type Failure } from '../engine/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { Connection } from './connection.ts';

/**
 * How long a host lost during a run is not tried again, so that other commands do not wait for the same timeout.
 */
const AGAIN_MS = 10_000;

/** The connection to one host: not opened, opening, open, or failed permanently. */
export class HostConnection {
  readonly #open: () => Promise<Connection>;
  #opening: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  #closed = false;
  #last: Command | undefined;
  #wasOpen = false;
  /** When a host that had been connected was last found unreachable. */
  #missedAt = 0;

  constructor(open: () => Promise<Connection>) {
    this.#open = open;
  }

  /** The connection; opens one if none works. Throws a DeploymentError. */
  connection(): Promise<Connection> {
    const lost = this.#connection !== undefined && this.#connection.lost !== undefined;
    if (lost || (this.#missedAt > 0 && Date.now() - this.#missedAt > AGAIN_MS)) this.#forget();
    return (this.#opening ??= this.#opened());
  }

  /**
   * Why the host cannot be used; empty if it can. The optional first command checks that its login can run commands.
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
      // For a host that had been connected, this is a lost connection.
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
          remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
        });
      }
      this.#connection = connection;
      this.#wasOpen = true;
      return connection;
    } catch (thrown) {
      // A wrong key stays wrong, and retrying may lock the account. Only a host that was connected in this run is
      // retried.
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
