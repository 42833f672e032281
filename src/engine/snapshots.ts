import type { Command } from './command.ts';
import { sha256 } from './digest.ts';
import type { Outcome } from './outcome.ts';
import { Secret } from './secret.ts';

/** The answers of one host to reading commands, by the digest of each command. */
export type HostSnapshot = Readonly<Record<string, Outcome>>;

/** Identifies a reading command without revealing it: its standard input may be a secret. */
export function digestOf(command: Command): string {
  const stdin = command.stdin instanceof Secret ? command.stdin.reveal() : command.stdin;
  return sha256(JSON.stringify([command.program, command.args, stdin]));
}

/**
 * The answers of hosts that this run does not reach, recorded by runs that did; and the answers of the hosts that it
 * reaches, recorded for later runs.
 */
export class Snapshots {
  readonly #reached: ReadonlySet<string>;
  readonly #elsewhere: ReadonlyMap<string, HostSnapshot>;
  readonly #recorded = new Map<string, Record<string, Outcome>>();

  /** `elsewhere` holds the snapshots of the other hosts, by host name. */
  constructor(reached: readonly string[], elsewhere: ReadonlyMap<string, HostSnapshot>) {
    this.#reached = new Set(reached);
    this.#elsewhere = elsewhere;
  }

  /** A copy for queries whose answers must not become part of a snapshot. */
  unrecorded(): Snapshots {
    return new Snapshots([...this.#reached], this.#elsewhere);
  }

  /** Whether this run itself can ask the host. */
  reaches(host: string): boolean {
    return this.#reached.has(host);
  }

  /** The recorded answer of a host out of reach; `lost` if it was not asked this. */
  answered(host: string, command: Command): Outcome {
    return (
      this.#elsewhere.get(host)?.[digestOf(command)] ?? {
        ended: 'lost',
        reason: `this job does not reach ${host}, and the snapshot of ${host} does not contain this answer`,
        stdout: '',
        stderr: '',
      }
    );
  }

  /** Keeps the latest answer of a host for its snapshot. */
  record(host: string, command: Command, outcome: Outcome): void {
    const snapshot = this.#recorded.get(host) ?? {};
    this.#recorded.set(host, snapshot);
    snapshot[digestOf(command)] = outcome;
  }

  /** All answers of the host in this run. */
  of(host: string): HostSnapshot {
    return this.#recorded.get(host) ?? {};
  }
}
