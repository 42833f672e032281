import type { Cluster, Host } from '../cluster/cluster.ts';
import { HOST_NAME } from '../cluster/schema.ts';
import { ipv4 } from '../cluster/subnet.ts';
import type { SwarmNode } from '../docker/facts.ts';
import { present, unknown, type Fact } from '../engine/fact.ts';
import { engineOf, type Engines } from './swarm.ts';

/** A machine of the swarm that is not, or no longer, in the cluster file. */
export interface Departed {
  readonly node: SwarmNode;
  /**
   * The address by which a fleet can open it; unknown if nothing states it. It has no role: its own containers show
   * what runs on it.
   */
  readonly host: Fact<Host>;
}

/**
 * The swarm nodes known to the managers that are not hosts of the cluster file; one per address, Ready nodes first.
 * Unknown while any of them could be a host of the file.
 */
export function departedHosts(
  cluster: Cluster,
  engines: Engines,
  nodes: Fact<readonly SwarmNode[]>,
): Fact<readonly Departed[]> {
  if (nodes.is !== 'present') return nodes;
  const known = new Set(nodes.value.map(({ address }) => address));
  const unidentified = cluster.hosts.find((host) => !engineOf(engines, host) && !known.has(host.address));
  if (unidentified) return unknown(`cannot tell which node of the swarm is ${unidentified.name}`);
  const ids = new Set(cluster.hosts.map((host) => engineOf(engines, host)?.swarm.nodeId));
  const addresses = new Set(
    cluster.hosts.flatMap((host) => [host.address, engineOf(engines, host)?.swarm.address ?? '']),
  );
  const others = nodes.value
    .filter(({ id, address }) => !ids.has(id) && !(addresses.has(address) && isReachable(address)))
    .sort((a, b) => Number(b.state === 'ready') - Number(a.state === 'ready'));
  const machines = others.filter(
    (node, i) => !isReachable(node.address) || others.findIndex(({ address }) => address === node.address) === i,
  );
  return present(machines.map((node) => ({ node, host: hostOf(cluster, node, others) })));
}

/** Whether other hosts can reach something at that address. A manager may report that it listens on all addresses. */
const isReachable = (address: string): boolean => ipv4(address) !== undefined && !/^(0|127)\./.test(address);

/** It is reached like all hosts of the file, since how it was reached before is recorded nowhere. */
function hostOf({ hosts }: Cluster, { hostname, address }: SwarmNode, others: readonly SwarmNode[]): Fact<Host> {
  if (!isReachable(address)) return unknown(`the swarm reports no usable address for ${hostname}`);
  const [route, ...further] = hosts.map((host) => host.route);
  if (route?.via !== 'ssh' || further.some((each) => JSON.stringify(each) !== JSON.stringify(route)))
    return unknown(`cannot tell how to reach ${hostname}: the hosts of the cluster file are reached in different ways`);
  const takenNames = [
    ...hosts.map(({ name }) => name),
    ...others.filter((each) => each.address !== address).map((each) => each.hostname),
  ];
  const name = HOST_NAME.test(hostname) && !takenNames.includes(hostname) ? hostname : address;
  return present({ name, address, roles: [], route });
}
