import type { Problem } from './problem.ts';
import type { Draft, DraftHost } from './shape.ts';
import { contains, ipv4, overlap, parseSubnet, PRIVATE, UNUSABLE, within } from './subnet.ts';

type AddressedHost = DraftHost & { readonly address: string };

/** Addresses that clash with each other or with the subnet, and a subnet that does not fit. */
export function addressChecks(draft: Draft): Problem[] {
  const hosts = (draft.hosts ?? []).filter((host): host is AddressedHost => host.address !== undefined);
  return [...duplicates(hosts), ...managersByName(hosts), ...subnetProblems(draft, hosts)];
}

function duplicates(hosts: readonly AddressedHost[]): Problem[] {
  return hosts.flatMap((host, i): Problem[] => {
    const twin = hosts.slice(0, i).find((other) => other.address.toLowerCase() === host.address.toLowerCase());
    return twin
      ? [
          {
            path: ['hosts', host.name, 'address'],
            at: 'value',
            text: `"${host.address}" is the address of ${twin.name} too`,
          },
        ]
      : [];
  });
}

/** Docker takes no DNS name as the address that a manager advertises. */
function managersByName(hosts: readonly AddressedHost[]): Problem[] {
  return hosts
    .filter((host) => host.roles?.includes('manager') && ipv4(host.address) === undefined)
    .map((host) => ({
      path: ['hosts', host.name, 'address'],
      at: 'value',
      text: `"${host.address}" is a DNS name; a manager needs an IPv4 address, which Docker advertises to the swarm`,
    }));
}

/** On each host: a replica, the probe, and the endpoint that Docker itself takes. */
const ADDRESSES_PER_HOST = 3;

/** The network's own address, its broadcast address and the gateway. */
const ADDRESSES_TAKEN = 3;

function subnetProblems(draft: Draft, hosts: readonly AddressedHost[]): Problem[] {
  const text = draft.network?.subnet ?? '';
  const subnet = parseSubnet(text);
  if (!subnet) return [];
  const problem = (fault: string): Problem => ({
    path: ['network', 'subnet'],
    at: 'value',
    text: `"${text}" ${fault}`,
  });
  const server = draft.database?.external?.address;
  const named = [
    ...hosts.map(({ name, address }) => ({ name, address })),
    ...(server === undefined ? [] : [{ name: 'the external database', address: server }]),
  ];
  const held = named.filter(({ address }) => contains(subnet, address));
  const problems: Problem[] = [];
  if (held.length > 0)
    problems.push(
      problem(
        `holds ${held.map(({ name, address }) => `${address} of ${name}`).join(', ')}; the overlay needs a range ` +
          'of its own',
      ),
    );
  const room = 2 ** (32 - subnet.prefix) - ADDRESSES_TAKEN;
  const needed = (draft.hosts?.length ?? 0) * ADDRESSES_PER_HOST;
  if (room < needed)
    problems.push(problem(`has room for ${room} addresses; ${draft.hosts?.length ?? 0} hosts need ${needed}`));
  if (UNUSABLE.some((range) => overlap(range, subnet)))
    problems.push(problem('is not for networks (loopback, link-local, multicast or reserved)'));
  else if (!draft.network?.['allow-public-subnet'] && !PRIVATE.some((range) => within(subnet, range))) {
    problems.push(
      problem(
        'is public address space; take a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) or set ' +
          '"allow-public-subnet: true"',
      ),
    );
  }
  return problems;
}
