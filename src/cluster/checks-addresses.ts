import type { Problem } from './problem.ts';
import type { PartialClusterFile, PartialHost } from './shape.ts';
import { contains, ipv4, overlap, parseSubnet, PRIVATE, UNUSABLE, within } from './subnet.ts';

type AddressedHost = PartialHost & { readonly address: string };

/** Reports addresses that conflict with each other or with the subnet, and an unsuitable subnet. */
export function addressProblems(file: PartialClusterFile): Problem[] {
  const hosts = (file.hosts ?? []).filter((host): host is AddressedHost => host.address !== undefined);
  return [...duplicates(hosts), ...managersByName(hosts), ...subnetProblems(file, hosts)];
}

function duplicates(hosts: readonly AddressedHost[]): Problem[] {
  return hosts.flatMap((host, i): Problem[] => {
    const earlier = hosts.slice(0, i).find((other) => other.address.toLowerCase() === host.address.toLowerCase());
    return earlier
      ? [
          {
            path: ['hosts', host.name, 'address'],
            at: 'value',
            text: `"${host.address}" is already the address of ${earlier.name}`,
          },
        ]
      : [];
  });
}

/** Docker does not accept a DNS name as a manager's advertised address. */
function managersByName(hosts: readonly AddressedHost[]): Problem[] {
  return hosts
    .filter((host) => host.roles?.includes('manager') && ipv4(host.address) === undefined)
    .map((host) => ({
      path: ['hosts', host.name, 'address'],
      at: 'value',
      text: `"${host.address}" is a DNS name; a manager needs an IPv4 address, which Docker advertises to the swarm`,
    }));
}

/** On each host: a replica, the probe, and Docker's own endpoint. */
const ADDRESSES_PER_HOST = 3;

/** The network's own address, its broadcast address and the gateway. */
const ADDRESSES_TAKEN = 3;

function subnetProblems(file: PartialClusterFile, hosts: readonly AddressedHost[]): Problem[] {
  const text = file.network?.subnet ?? '';
  const subnet = parseSubnet(text);
  if (!subnet) return [];
  const problem = (fault: string): Problem => ({
    path: ['network', 'subnet'],
    at: 'value',
    text: `"${text}" ${fault}`,
  });
  const server = file.database?.external?.address;
  const named = [
    ...hosts.map(({ name, address }) => ({ name, address })),
    ...(server === undefined ? [] : [{ name: 'the external database', address: server }]),
  ];
  const contained = named.filter(({ address }) => contains(subnet, address));
  const problems: Problem[] = [];
  if (contained.length > 0)
    problems.push(
      problem(
        `contains ${contained.map(({ name, address }) => `${address} (${name})`).join(', ')}; the overlay network ` +
          `needs a range of its own`,
      ),
    );
  const usable = 2 ** (32 - subnet.prefix) - ADDRESSES_TAKEN;
  const needed = (file.hosts?.length ?? 0) * ADDRESSES_PER_HOST;
  if (usable < needed)
    problems.push(
      problem(`is too small: it has ${usable} usable addresses; ${file.hosts?.length ?? 0} hosts need ${needed}`),
    );
  if (UNUSABLE.some((range) => overlap(range, subnet)))
    problems.push(problem('is not usable for a network (loopback, link-local, multicast or reserved)'));
  else if (!file.network?.['allow-public-subnet'] && !PRIVATE.some((range) => within(subnet, range))) {
    problems.push(
      problem(
        'is public address space; use a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) or set ' +
          '"allow-public-subnet: true"',
      ),
    );
  }
  return problems;
}
