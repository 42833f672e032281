import type { Cluster, Host } from '../cluster/cluster.ts';
import { containersOn, type Container } from '../docker/containers.ts';
import { probeName } from '../docker/probe.ts';
import type { Ask } from '../engine/ask.ts';
import type { Fact } from '../engine/fact.ts';
import { replicaContainer } from '../kuscia/names.ts';

/** The containers that the cluster file puts on the host, under the names that they usually have. */
function ownContainers(cluster: Cluster, { name, roles, route }: Host): string[] {
  const { loadBalancer, database } = cluster;
  return [
    probeName(cluster),
    ...(roles.includes('replica') && route.via === 'ssh' ? [replicaContainer(cluster, route.user)] : []),
    ...(loadBalancer.host === name ? [loadBalancer.container] : []),
    ...(database.kind === 'managed' && database.host === name ? [database.container] : []),
  ];
}

/** All containers of the host; on a host of this deployment alone, in a single round trip. */
export const hostContainers = (ask: Ask, cluster: Cluster, host: Host): Promise<Fact<readonly Container[]>> =>
  containersOn(ask, host.name, ownContainers(cluster, host));
