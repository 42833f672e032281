import type { Cluster } from '../cluster/cluster.ts';
import { contains, ipv4, parseSubnet, within } from '../cluster/subnet.ts';
import { SOCKET, type ContainerProxy } from '../host/setup.ts';
import type { Finding } from './finding.ts';

/**
 * Docker's client puts the proxy of its login into each container that it makes, and Kuscia takes it for all that it asks by HTTP. That is refused unless
 * all that replicas and checks ask within the deployment goes past it (docs/adr/0020).
 */
export function proxyFindings(cluster: Cluster, proxies: readonly ContainerProxy[]): Finding[] {
  const past = destinations(cluster);
  return proxies
    .filter(({ engine }) => engine === 'default' || engine === `unix://${SOCKET}`)
    .flatMap(({ file, engine, keys, noProxy }) => {
      const through = past.filter((destination) => !goesPast(noProxy, destination));
      if (through.length === 0) return [];
      return [{
        what: `containers there get a proxy (${keys.join(', ')}), also for what they must reach without: ${through.join(', ')}`,
        evidence: `${file}: proxies.${engine}, noProxy ${noProxy === '' ? 'is not set' : noProxy}`,
        cause: "Docker's client puts the proxies of its configuration into each container that it makes; Kuscia and the probes take them",
        remedy: `Remove "proxies" from ${file} there; or, where containers need the proxy, set its "noProxy" to ${noProxyFor(noProxy, past)}. The proxy of the engine itself, for pulls, stands elsewhere and may stay.`,
      }];
    });
}

/** What containers of the deployment ask within it: themselves, the hosts, the overlay network, the database. */
function destinations({ hosts, network, database }: Cluster): string[] {
  return [...new Set(['localhost', '127.0.0.1', ...hosts.map(({ address }) => address), network.subnet, ...(database.kind === 'external' ? [database.address] : [])])];
}

const noProxyFor = (present: string, past: readonly string[]): string => [...new Set([...present.split(',').map((entry) => entry.trim()).filter((entry) => entry !== ''), ...past])].join(',');

/** Whether a request there goes past a proxy with that NO_PROXY. Source: golang.org/x/net/http/httpproxy: *, addresses, ranges, names with all below them. */
export function goesPast(noProxy: string, destination: string): boolean {
  const range = parseSubnet(destination);
  return noProxy.split(',').map((entry) => entry.trim().toLowerCase()).some((entry) => {
    if (entry === '*') return true;
    const wide = parseSubnet(entry);
    if (range) return wide !== undefined && within(range, wide);
    if (ipv4(destination) !== undefined) return entry === destination || (wide !== undefined && contains(wide, destination));
    // `example.com` is that name and all below it; `.example.com` and `*.example.com` are those below.
    const name = entry.replace(/^\*\./, '.');
    return name !== '' && (destination.toLowerCase() === name || destination.toLowerCase().endsWith(name.startsWith('.') ? name : `.${name}`));
  });
}
