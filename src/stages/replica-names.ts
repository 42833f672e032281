import type { Cluster, Host } from '../cluster/cluster.ts';
import type { SwarmNode } from '../docker/facts.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import type { Machine } from '../host/facts.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';

/** What shows the name of a host's replica. */
export interface NameSources {
  readonly machines: ReadonlyMap<string, Fact<Machine>>;
  readonly nodes: Fact<readonly SwarmNode[]>;
}

/**
 * Name of a host's replica: as the host itself reports it or, while the host does not answer, derived from its login
 * and its swarm node.
 */
export function nameOfReplica(
  cluster: Cluster,
  { machines, nodes }: NameSources,
  { name, address, route }: Host,
): string | undefined {
  const machine = valueOf(machines.get(name) ?? { is: 'absent' });
  if (machine) return replicaName(replicaContainer(cluster, machine.user), machine.hostname);
  const hostname = valueOf(nodes)?.find((node) => node.address === address)?.hostname ?? '';
  return route.via === 'ssh' && hostname !== ''
    ? replicaName(replicaContainer(cluster, route.user), hostname)
    : undefined;
}
