import { overlap, parseSubnet, type Subnet } from '../cluster/subnet.ts';
import type { Engine } from '../docker/facts.ts';
import type { Network } from '../docker/networks.ts';
import { compareVersions } from '../engine/versions.ts';

/**
 * The pools of an engine without `default-address-pools`. Source: moby, libnetwork/ipamutils,
 * localScopeDefaultNetworks.
 */
const BUILT_IN = [
  ...Array.from({ length: 15 }, (_, i) => ({ base: `172.${17 + i}.0.0/16`, size: 16 })),
  { base: '192.168.0.0/16', size: 20 },
];

/** No engine in use has more subnets than are examined here; with more, one is free. */
const ENOUGH = 100_000;

/**
 * The network by which containers on an overlay reach the outside; an engine creates it when it first joins a swarm.
 */
export const GATEWAY_BRIDGE = 'docker_gwbridge';

/** What takes up address space for new networks on a host. */
export interface Taken {
  readonly networks: readonly Network[];
  /** Destinations of all its routes, and of those without a gateway. */
  readonly routes: readonly string[];
  readonly onLink: readonly string[];
}

/**
 * How many subnets the engine has for networks that specify none, if all of them are in use; undefined if one is, or
 * may be, free.
 */
export function exhausted(
  { version, addressPools }: Pick<Engine, 'version' | 'addressPools'>,
  taken: Taken,
): number | undefined {
  const used = subnetsIn(version, taken);
  let count = 0;
  for (const { base, size } of addressPools.length > 0 ? addressPools : BUILT_IN) {
    const range = parseSubnet(base);
    // IPv6, or a pool that the engine itself would reject.
    if (range === undefined || !Number.isInteger(size) || size < range.prefix || size > 32) continue;
    for (let first = range.first; first <= range.last; first += 2 ** (32 - size)) {
      count += 1;
      if (count > ENOUGH || !used.some((other) => overlap(other, subnetFrom(first, size)))) return undefined;
    }
  }
  return count === 0 ? undefined : count;
}

/**
 * The subnets that an engine does not choose from. Since 27, a route through a gateway no longer excludes a subnet
 * (moby, netutils.InferReservedNetworks); before, any route did (CheckRouteOverlaps).
 */
function subnetsIn(version: string, { networks, routes, onLink }: Taken): Subnet[] {
  const local = networks.filter(({ scope }) => scope === 'local').flatMap(({ subnets }) => subnets);
  return [...local, ...(compareVersions(version, '27') < 0 ? routes : onLink)].flatMap(
    (text) => parseSubnet(text) ?? [],
  );
}

const subnetFrom = (first: number, prefix: number): Subnet => ({ first, last: first + 2 ** (32 - prefix) - 1, prefix });

/** The pools as an operator would search for them. */
export const poolsText = ({ addressPools }: Pick<Engine, 'addressPools'>): string =>
  addressPools.length === 0
    ? '172.17.0.0/16 to 172.31.0.0/16, 192.168.0.0/16 in /20 blocks'
    : addressPools.map(({ base, size }) => `${base} in /${size} blocks`).join(', ');
