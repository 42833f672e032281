import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Fleet } from '../engine/ask.ts';
import { traitsOf, type Failure } from '../engine/errors.ts';
import { explained, removedLog } from './explain.ts';
import { logsOf, type Log } from './logs.ts';

/** Reading logs may keep a run that has failed from its end for this long, in milliseconds. */
const DEADLINE_MS = 18_000;

/** Whether the hosts' logs could say more of these failures than they do themselves. */
export const worthAsking = (failures: readonly Failure[]): boolean =>
  failures.some(({ code }) => traitsOf(code).complete !== true);

/** What a failed run learned from the logs of its hosts. */
export interface Diagnosis {
  readonly failures: readonly Failure[];
  readonly logs: readonly Log[];
}

/** Where logs are read, and how far back. */
export interface Scene {
  readonly cluster: Cluster;
  /** Those of its hosts that can be asked. */
  readonly hosts: readonly Host[];
  readonly fleet: Fleet;
  readonly seconds: number;
}

/**
 * Reads the logs of all hosts that answer and finds in them why these failures came about. Changes nothing, never
 * throws.
 */
export async function diagnose(
  failures: readonly Failure[],
  { cluster, hosts, fleet, seconds }: Scene,
): Promise<Diagnosis> {
  const silent = new Set(failures.filter(({ code }) => traitsOf(code).silent === 'host').map(({ host }) => host));
  const reads = hosts
    .filter(({ name }) => !silent.has(name))
    .map(async (host) => {
      const { command, read } = logsOf(cluster, host, seconds);
      return read(await fleet.run(host.name, command));
    });
  const logs = (
    await Promise.all(reads.map((each) => Promise.race([each, sleep(DEADLINE_MS, [], { ref: false })]).catch(() => [])))
  ).flat();
  return {
    failures: explained(failures, logs, hosts),
    logs: [...logs, ...failures.flatMap((failure) => removedLog(failure, logs) ?? [])],
  };
}
