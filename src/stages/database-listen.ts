import type { ManagedDatabase } from '../cluster/cluster.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import type { Placed } from '../host/facts.ts';

/**
 * The host's own address at which docker can publish the database's port; undefined if the cluster file names no
 * address of the host.
 */
export function listenAddress(fact: Fact<Placed>): string | undefined {
  const placed = valueOf(fact);
  return placed?.own.includes(placed.address) === true ? placed.address : undefined;
}

/** The failure of a host on which the address that others use to reach it is not configured, as behind NAT. */
export function notOwnAddress({ host, listen, port }: ManagedDatabase, fact: Fact<Placed>): Failure {
  const { address = '', own = [] } = valueOf(fact) ?? {};
  return {
    code: 'address-elsewhere',
    host,
    what:
      `the database's port ${port} cannot be published at ${listen}: ` +
      `${address === '' ? `${host} cannot resolve that name` : `no interface of ${host} has that address`}`,
    evidence:
      `${address === '' || address === listen ? '' : `${listen} resolves to ${address} there; `}addresses of its ` +
      `interfaces: ${own.join(', ') || 'none'}`,
    cause:
      `${host} is reached at an address that none of its interfaces has (NAT, a public address of a cloud), or its ` +
      'name resolves to the loopback address there',
    remedy:
      `Set database.listen in the cluster file to the interface address of ${host} at which packets for ${listen} ` +
      'arrive. Then run again.',
  };
}
