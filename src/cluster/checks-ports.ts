import { pathText, valueAt, type Path, type Problem } from './problem.ts';
import type { Draft, DraftHost } from './shape.ts';

/** A TCP port that something takes on a host, and the key that says so; without one it is Docker's own. */
interface Use {
  readonly port: number;
  readonly what: string;
  readonly path?: Path;
}

const SWARM_PORT = 2377;
const GOSSIP_PORT = 7946;

/** Ports that two things would take on one host. One clash is told once, with all its hosts. */
export function portProblems(draft: Draft, value: unknown): Problem[] {
  const clashes = new Map<string, { readonly first: Use; readonly second: Use; readonly hosts: string[] }>();
  for (const host of draft.hosts ?? []) {
    const uses = usesOf(host, draft);
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
    text: `${blamed.port} is taken on ${hosts.join(', ')} by ${other.what} too`,
  };
}

function usesOf(host: DraftHost, draft: Draft): Use[] {
  const { roles = [] } = host;
  const at = (port: number | undefined, what: string, ...path: string[]): Use[] =>
    port === undefined ? [] : [{ port, path, what: `${what} (${pathText(path)})` }];
  const { ports, ssh } = draft;
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
    ...(roles.includes('database') && !draft.database?.external
      ? at(draft.database?.port, 'the database', 'database', 'port')
      : []),
    ...(roles.includes('load-balancer')
      ? at(draft['load-balancer']?.port, 'the load balancer', 'load-balancer', 'port')
      : []),
  ];
}
