import type { Cluster, Host } from '../cluster/cluster.ts';
import { overlap, parseSubnet, PRIVATE, within } from '../cluster/subnet.ts';
import type { Network } from '../docker/networks.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { unknownFailures } from '../engine/unknown.ts';
import type { Machine } from '../host/facts.ts';

/** A host that may already use a subnet. */
interface SubnetUser {
  readonly host: Host;
  readonly networks: Fact<readonly Network[]>;
  readonly machine: Fact<Machine>;
}

/** Whether both are IPv4 subnets and overlap. */
function overlapping(a: string, b: string): boolean {
  const [one, other] = [parseSubnet(a), parseSubnet(b)];
  return one !== undefined && other !== undefined && overlap(one, other);
}

function isPrivate(text: string): boolean {
  const subnet = parseSubnet(text);
  return subnet !== undefined && PRIVATE.some((range) => within(subnet, range));
}

/** Why the network cannot have the subnet of the cluster file: it is public, or a host uses it. */
export function subnetFaults(cluster: Cluster, hosts: readonly SubnetUser[]): Failure[] {
  const { subnet, allowPublicSubnet } = cluster.network;
  const faults: Failure[] = [];
  const remedy = 'Set network.subnet in the cluster file to a private range that no host uses.';
  if (!isPrivate(subnet) && !allowPublicSubnet) {
    faults.push({
      code: 'subnet-unfit',
      what: `${subnet} is public address space`,
      remedy: `${remedy} If it must be public, set network.allow-public-subnet.`,
    });
  }
  for (const { host, networks, machine } of hosts) {
    faults.push(...unknownFailures(host.name, [machine]));
    const taken = valueOf(networks)?.find(
      (network) => network.name !== cluster.network.name && network.subnets.some((other) => overlapping(other, subnet)),
    );
    const route = valueOf(machine)?.routes.find((other) => overlapping(other, subnet));
    const evidence = taken
      ? `network ${taken.name}: ${taken.subnets.join(', ')}`
      : route
        ? `route to ${route}`
        : undefined;
    if (evidence)
      faults.push({ code: 'subnet-unfit', host: host.name, what: `${subnet} is already in use`, evidence, remedy });
  }
  return faults;
}
