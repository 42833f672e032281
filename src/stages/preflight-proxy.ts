import type { Cluster } from '../cluster/cluster.ts';
import { contains, ipv4, parseSubnet, within } from '../cluster/subnet.ts';
import type { ContainerProxy } from '../host/setup.ts';
import { SOCKET } from '../host/setup-script.ts';
import type { Finding } from './finding.ts';

/**
 * Docker's client passes the proxy settings of its login to each container that it creates, and Kuscia uses them for
 * every HTTP request. That is refused unless everything that replicas and checks request within the deployment bypasses
 * the proxy (docs/adr/0020).
 */
export function proxyFindings(cluster: Cluster, proxies: readonly ContainerProxy[]): Finding[] {
  const within = destinations(cluster);
  return proxies
    .filter(({ engine }) => engine === 'default' || engine === `unix://${SOCKET}`)
    .flatMap(({ file, engine, keys, noProxy }) => {
      const viaProxy = within.filter((destination) => !bypasses(noProxy, destination));
      if (viaProxy.length === 0) return [];
      return [
        {
          what:
            `Docker gives containers a proxy (${keys.join(', ')}) that noProxy does not exclude for ` +
            `${viaProxy.join(', ')}`,
          evidence: `${file}: proxies.${engine}, noProxy ${noProxy === '' ? 'is not set' : noProxy}`,
          cause:
            "Docker's client sets the proxies of its configuration file in every new container; Kuscia and the " +
            'probes use them',
          remedy:
            `On that host, remove "proxies" from ${file}; or, where containers need the proxy, set its "noProxy" to ` +
            `${noProxyFor(noProxy, within)}. The engine's own proxy, for pulls, is configured elsewhere and may stay.`,
        },
      ];
    });
}

/** What the deployment's containers connect to within it: themselves, the hosts, the overlay network, the database. */
function destinations({ hosts, network, database }: Cluster): string[] {
  const outside = database.kind === 'external' ? [database.address] : [];
  return [...new Set(['localhost', '127.0.0.1', ...hosts.map(({ address }) => address), network.subnet, ...outside])];
}

const entriesOf = (noProxy: string): string[] =>
  noProxy
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

const noProxyFor = (noProxy: string, past: readonly string[]): string =>
  [...new Set([...entriesOf(noProxy), ...past])].join(',');

/**
 * Whether a request to that destination bypasses a proxy with that NO_PROXY. Source: golang.org/x/net/http/httpproxy:
 * *, addresses, ranges, names with all their subdomains.
 */
export function bypasses(noProxy: string, destination: string): boolean {
  const range = parseSubnet(destination);
  const target = destination.toLowerCase();
  return entriesOf(noProxy.toLowerCase()).some((entry) => {
    if (entry === '*') return true;
    const excluded = parseSubnet(entry);
    if (range) return excluded !== undefined && within(range, excluded);
    if (ipv4(target) !== undefined) return entry === target || (excluded !== undefined && contains(excluded, target));
    // `example.com` matches that name and its subdomains; `.example.com` and `*.example.com` match only the subdomains.
    const name = entry.replace(/^\*\./, '.');
    return target === name || target.endsWith(name.startsWith('.') ? name : `.${name}`);
  });
}
