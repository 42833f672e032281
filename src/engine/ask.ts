import type { Command } from './command.ts';
import type { Fact, Query } from './fact.ts';
import type { Outcome } from './outcome.ts';
import type { Secret } from './secret.ts';

/** Runs commands on the hosts of a deployment. Never rejects: a lost connection is an Outcome. */
export interface Fleet {
  /** `stage` is the stage that needs the command, for reports. */
  run(host: string, command: Command, stage?: string): Promise<Outcome>;
}

/**
 * Asks hosts for facts. Queries to one host in the same turn share one round trip; during planning each is sent only
 * once.
 */
export interface Ask {
  ask<T>(host: string, query: Query<T>): Promise<Fact<T>>;
  /** Reports that a secret was read from a host, so that it is masked in all output from now on. */
  learn(secret: Secret): void;
  /** Whether the host itself is asked; for any other, its answers recorded by an earlier job are used. */
  reaches(host: string): boolean;
}

/** What a step may do while it is applied. */
export interface Act extends Ask {
  /** Runs the command and returns its standard output. Throws a DeploymentError unless it exited with 0. */
  run(host: string, command: Command): Promise<string>;
  /** Runs the command and returns its outcome, whatever it is; the step judges it. */
  attempt(host: string, command: Command): Promise<Outcome>;
  /** Waits this many milliseconds; throws a DeploymentError if the run is cancelled meanwhile. */
  pause(ms: number): Promise<void>;
  /** Reports one line of progress. */
  say(host: string, text: string): void;
  /** The cached value for the host, shared by all steps of this run; `make` creates it on first use. */
  cached<T>(host: string, make: () => T): T;
}
