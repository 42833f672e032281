import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Fleet } from '../engine/ask.ts';
import { traitsOf, type Failure } from '../engine/errors.ts';
import { explained, removedLog } from './explain.ts';
import { logsOf, type Log } from './logs.ts';

/** How long reading logs may delay the end of a failed run, in milliseconds. */
const DEADLINE_MS = 18_000;

/** Whether the hosts' logs could explain these failures further. */
export const worthAsking = (failures: readonly Failure[]): boolean =>
  failures.some(({ code }) => traitsOf(code).complete !== true);

/** What a failed run found in the logs of its hosts. */
export interface Diagnosis {
  readonly failures: readonly Failure[];
  readonly logs: readonly Log[];
}

/** Where to read logs, and how far back. */
export interface Scene {
  readonly cluster: Cluster;
  /** Those of its hosts that this run reaches. */
  readonly hosts: readonly Host[];
  readonly fleet: Fleet;
  readonly seconds: number;
}

/**
 * Reads the logs of all responding hosts and searches them for the causes of the failures. Changes nothing, never
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
