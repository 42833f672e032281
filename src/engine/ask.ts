import type { Command } from './command.ts';
import type { Fact, Query } from './fact.ts';
import type { Outcome } from './outcome.ts';
import type { Secret } from './secret.ts';

/** The hosts of a deployment as something that runs commands. Never rejects: a lost connection is an Outcome. */
export interface Fleet {
  /** `stage` is the one for which it is run, for whoever tells of it. */
  run(host: string, command: Command, stage?: string): Promise<Outcome>;
}

/**
 * Asks hosts for facts. Questions asked of one host in the same turn travel in one round trip; within a look each is
 * asked once.
 */
export interface Ask {
  ask<T>(host: string, question: Query<T>): Promise<Fact<T>>;
  /** Tells that a secret was read from a host, so that whatever prints masks it from now on. */
  learn(secret: Secret): void;
  /** Whether the host itself is asked; of any other, what it answered in an earlier job is told. */
  reaches(host: string): boolean;
}

/** What a step may do while it is applied. */
export interface Act extends Ask {
  /** Runs the command and gives its standard output. Throws a DeploymentError unless it exited with 0. */
  run(host: string, command: Command): Promise<string>;
  /** Runs the command and gives its outcome, whatever it is, for a step that judges it itself. */
  attempt(host: string, command: Command): Promise<Outcome>;
  /** Lets so many milliseconds pass; throws a DeploymentError when the run is cancelled meanwhile. */
  pause(ms: number): Promise<void>;
  /** One line of progress. */
  say(host: string, text: string): void;
  /** What this run keeps of the host, for all its steps: the entry that `make` gave when it was first asked for. */
  cached<T>(host: string, make: () => T): T;
}
