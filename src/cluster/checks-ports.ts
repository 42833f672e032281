import { pathText, valueAt, type Path, type Problem } from './problem.ts';
import type { PartialClusterFile, PartialHost } from './shape.ts';

/** A TCP port used on a host, and the key that sets it; no key for Docker's own ports. */
interface Use {
  readonly port: number;
  readonly what: string;
  readonly path?: Path;
}

const SWARM_PORT = 2377;
const GOSSIP_PORT = 7946;

/** Reports ports used twice on one host. Each conflict is reported once, with all its hosts. */
export function portProblems(file: PartialClusterFile, value: unknown): Problem[] {
  const clashes = new Map<string, { readonly first: Use; readonly second: Use; readonly hosts: string[] }>();
  for (const host of file.hosts ?? []) {
    const uses = usesOf(host, file);
    uses.forEach((second, i) => {
      const first = uses.slice(0, i).find((use) => use.port === second.port);
      if (!first) return;
      const key = `${first.what}\n${second.what}\n${second.port}`;
      const known = clashes.get(key);
      if (known) known.hosts.push(host.name);
      else clashes.set(key, { first, second, hosts: [host.name] });
    });
  }
  return [...clashes.values()].map(({ first, second, hosts }) => problem(first, second, hosts, value));
}

function problem(first: Use, second: Use, hosts: readonly string[], value: unknown): Problem {
  const written = [second, first].find((use) => use.path && valueAt(value, use.path) !== undefined);
  const blamed = written ?? (second.path ? second : first);
  const other = blamed === second ? first : second;
  return {
    path: blamed.path ?? ['hosts'],
    at: 'value',
    text: `port ${blamed.port} is already used by ${other.what} on ${hosts.join(', ')}`,
  };
}

function usesOf(host: PartialHost, file: PartialClusterFile): Use[] {
  const { roles = [] } = host;
  const at = (port: number | undefined, what: string, ...path: string[]): Use[] =>
    port === undefined ? [] : [{ port, path, what: `${what} (${pathText(path)})` }];
  const { ports, ssh } = file;
  return [
    ...(roles.includes('manager') ? [{ port: SWARM_PORT, what: "the swarm's managers" }] : []),
    { port: GOSSIP_PORT, what: "the swarm's own traffic" },
    ...(host.via === 'ssh'
      ? host.port !== undefined
        ? at(host.port, 'SSH', 'hosts', host.name, 'port')
        : at(ssh?.port, 'SSH', 'ssh', 'port')
      : []),
    ...(roles.includes('replica') && ports
      ? [
          ...at(ports.gateway, 'the gateway', 'ports', 'gateway'),
          ...at(ports.internal, 'the internal gateway', 'ports', 'internal'),
          ...at(ports.api, 'KusciaAPI', 'ports', 'api'),
          ...at(ports['api-grpc'], 'KusciaAPI over gRPC', 'ports', 'api-grpc'),
          ...at(ports.metrics, 'the metrics', 'ports', 'metrics'),
        ]
      : []),
    ...(roles.includes('database') && !file.database?.external
      ? at(file.database?.port, 'the database', 'database', 'port')
      : []),
    ...(roles.includes('load-balancer')
      ? at(file['load-balancer']?.port, 'the load balancer', 'load-balancer', 'port')
      : []),
  ];
}
