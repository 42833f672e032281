import type { Cluster, Host } from '../cluster/cluster.ts';
import { containers, publishedPorts } from '../docker/containers.ts';
import type { Engine } from '../docker/facts.ts';
import type { Act } from '../engine/ask.ts';
import { DeploymentError, type Failure } from '../engine/errors.ts';
import { mapFact, absent, valueOf, type Fact } from '../engine/fact.ts';
import { machine, type Machine } from '../host/facts.ts';
import { replicaContainer } from '../kuscia/names.ts';

/** Host ports that the stages will use on this host, each with its purpose. */
export function portsOn(cluster: Cluster, host: Host): Map<number, string> {
  const { ports, database, loadBalancer } = cluster;
  const uses: [number, string][] = [];
  if (host.roles.includes('replica')) {
    uses.push(
      [ports.gateway, 'gateway'],
      [ports.internal, 'internal'],
      [ports.api, 'api'],
      [ports.apiGrpc, 'api-grpc'],
      [ports.metrics, 'metrics'],
    );
  }
  if (database.kind === 'managed' && database.host === host.name) uses.push([database.port, 'database']);
  if (loadBalancer.host === host.name) uses.push([loadBalancer.port, 'load balancer']);
  return new Map(uses);
}

/**
 * Ports that something other than this deployment listens on, except those of our containers that Docker may be about
 * to start.
 */
export function takenPorts(
  cluster: Cluster,
  host: Host,
  machine: Machine,
  engine: Fact<Engine>,
  published: Fact<ReadonlyMap<number, string>>,
  restarted: Fact<ReadonlyMap<number, string>> = absent,
): Failure[] {
  // It would only be a guess who uses the port.
  if (published.is === 'unknown') return [];
  const own = new Set([
    replicaContainer(cluster, machine.user),
    cluster.loadBalancer.container,
    cluster.database.kind === 'managed' ? cluster.database.container : '',
  ]);
  const publisher = (port: number): string | undefined =>
    published.is === 'present' ? published.value.get(port) : undefined;
  const uses = portsOn(cluster, host);
  if (engine.is === 'present' && engine.value.swarm.state === 'inactive')
    for (const port of [2377, 7946]) uses.set(port, 'swarm');
  return [...uses]
    .filter(
      ([port]) => machine.listening.includes(port) && !own.has(publisher(port) ?? valueOf(restarted)?.get(port) ?? '?'),
    )
    .map(([port, use]) => ({
      code: 'port-taken' as const,
      host: host.name,
      what: `port ${port} (${use}) is taken`,
      evidence:
        publisher(port) !== undefined
          ? `published by container ${publisher(port)}`
          : `something listens on ${port}/tcp`,
      remedy:
        use === 'swarm'
          ? 'Find what listens there (ss -ltnp) and stop it: the swarm needs this port.'
          : 'Find what listens there (ss -ltnp) and stop it, or choose another port in the cluster file.',
    }));
}

/**
 * Throws if something else listens on one of the host's ports: a port taken since preflight explains why Docker refused
 * to start a container.
 */
export async function refuseTakenPorts(act: Act, cluster: Cluster, host: Host): Promise<void> {
  const [properties, all] = await Promise.all([act.ask(host.name, machine), act.ask(host.name, containers)]);
  const published = mapFact(all, publishedPorts);
  const taken = properties.is === 'present' ? takenPorts(cluster, host, properties.value, absent, published) : [];
  if (taken.length > 0) throw new DeploymentError(taken);
}
