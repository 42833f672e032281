import { firstManager, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { engine, type Engine } from '../docker/facts.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';

/** The engines of all hosts, by host name. */
export type Engines = ReadonlyMap<string, Fact<Engine>>;

/** Asks every host for its engine. */
export async function askEngines(ask: Ask, cluster: Cluster): Promise<Engines> {
  return new Map(await Promise.all(cluster.hosts.map(async (host) => [host.name, await ask.ask(host.name, engine)] as const)));
}

/** The engine of a host where it is known. */
export const engineOf = (engines: Engines, host: Host): Engine | undefined => valueOf(engines.get(host.name) ?? { is: 'absent' });

/**
 * The manager that speaks for the swarm: the first in the cluster file that manages one. While none does, the first manager of
 * the file, which is then the one to initialise.
 */
export function anchor(cluster: Cluster, engines: Engines): Host {
  return hostsWith(cluster, 'manager').find((host) => engineOf(engines, host)?.swarm.isManager === true) ?? firstManager(cluster);
}

/** The failures of hosts whose engine is not known. */
export function engineFailures(engines: Engines): Failure[] {
  return [...engines].flatMap(([host, fact]) =>
    fact.is === 'unknown'
      ? [{ code: 'engine-unreachable' as const, host, what: 'the Docker Engine does not answer', evidence: fact.why, remedy: 'Install and start the Docker Engine (20.10.24 or newer), and let the login use it: root, or an account in group docker.' }]
      : [],
  );
}
