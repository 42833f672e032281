import { firstManager, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { engine, swarmNodes, type Engine, type SwarmNode } from '../docker/facts.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';

/** The engines of all hosts, by host name. */
export type Engines = ReadonlyMap<string, Fact<Engine>>;

/** Asks every host for its engine. */
export async function askEngines(ask: Ask, cluster: Cluster): Promise<Engines> {
  return new Map(await Promise.all(cluster.hosts.map(async (host) => [host.name, await ask.ask(host.name, engine)] as const)));
}

/** Every host's engine, and the nodes of the swarm as its anchor sees them; they are unknown while it manages none. The first manager, which mostly is the anchor, is asked at once. */
export async function askSwarm(ask: Ask, cluster: Cluster): Promise<readonly [Engines, Fact<readonly SwarmNode[]>]> {
  const [engines, seen] = await Promise.all([askEngines(ask, cluster), ask.ask(firstManager(cluster).name, swarmNodes)]);
  const speaker = anchor(cluster, engines);
  return [engines, speaker === firstManager(cluster) ? seen : await ask.ask(speaker.name, swarmNodes)];
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

/** The failures of hosts whose engine is not known, or whose part in a swarm can neither be used nor be joined anew. */
export function engineFailures(engines: Engines): Failure[] {
  return [...engines].flatMap(([host, fact]): Failure[] => {
    if (fact.is === 'unknown') {
      return [{ code: 'engine-unreachable', host, what: 'the Docker Engine does not answer', evidence: fact.why, remedy: 'Install and start the Docker Engine (20.10.24 or newer), and let the login use it: root, an account in group docker, or one that gets that group by sudo (sudo: true).' }];
    }
    const swarm = fact.is === 'present' ? fact.value.swarm : undefined;
    const remedy = swarm && STUCK[swarm.state];
    return remedy === undefined ? [] : [{ code: 'node-not-ready', host, what: `its engine says that its swarm is ${swarm?.state}`, ...(swarm?.error && { evidence: swarm.error }), remedy }];
  });
}

/** States of an engine in which it is in a swarm and yet no node of it can be seen, with what helps. Source: Docker Engine API, LocalNodeState. */
const STUCK: Readonly<Record<string, string>> = {
  locked: 'Unlock it there with the key of the swarm: docker swarm unlock.',
  pending: 'It waits for a manager to answer, as for some seconds after a restart: run again in a minute. If it stays so, open 2377/tcp to the managers, or let it leave (docker swarm leave --force).',
  error: 'Let it leave there (docker swarm leave --force) when nothing of that swarm is needed; then run again.',
};
