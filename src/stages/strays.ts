import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Container } from '../docker/containers.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { machine, type Machine } from '../host/facts.ts';
import { registry, type Registry } from '../kuscia/registry.ts';
import { replicaContainer } from '../kuscia/names.ts';
import { nameOfReplica, type NameSources } from './replica-names.ts';
import { askSwarm } from './swarm.ts';
import { hostContainers } from './own-containers.ts';

/** The facts that show which things belong to the deployment, described or not. */
export interface StrayFacts extends NameSources {
  /** By host, for those hosts that answered. */
  readonly containers: ReadonlyMap<string, readonly Container[]>;
  readonly replicas: readonly { readonly host: Host; readonly registry: Fact<Registry> }[];
}

/**
 * A heartbeat younger than this, in milliseconds, comes from a replica that works (docs/kuscia.md#gateways-and-nodes).
 */
const LIVE_MS = 45_000;

/** Gathers all of it, with queries that other stages make too. */
export async function askStrays(ask: Ask, cluster: Cluster): Promise<StrayFacts> {
  const [[, nodes], replicas, machines, all] = await Promise.all([
    askSwarm(ask, cluster),
    Promise.all(
      hostsWith(cluster, 'replica').map(async (host) => ({
        host,
        registry: await ask.ask(host.name, registry(cluster.domain)),
      })),
    ),
    Promise.all(
      cluster.hosts.map(async ({ name }): Promise<readonly [string, Fact<Machine>]> => [
        name,
        await ask.ask(name, machine),
      ]),
    ),
    Promise.all(
      cluster.hosts.map(async (host) => [host.name, valueOf(await hostContainers(ask, cluster, host)) ?? []] as const),
    ),
  ]);
  return { nodes, replicas, machines: new Map(machines), containers: new Map(all) };
}

/**
 * A warning for each part of the deployment that runs or waits to be restarted, but is no longer described.
 */
export function strayWarnings(cluster: Cluster, facts: StrayFacts): Failure[] {
  const registered = registeredStrays(cluster, facts);
  const registeredNames = new Set(registered.map(({ name }) => name));
  const unregistered = containerStrays(cluster, facts).filter(
    ({ container }) => !registeredNames.has(container.hostname),
  );
  return [
    ...registered.map((stray) => registeredWarning(cluster, facts, stray)),
    ...unregistered.map((stray) => containerWarning(cluster, stray)),
  ];
}

interface Registered {
  readonly name: string;
  /** `heartbeat 5 s ago at 10.200.0.9` and the like. */
  readonly seen: string;
}

/**
 * Replicas that are alive in the registry under a name that matches no described replica. While a described replica's
 * name is unknown, any of them could be it.
 */
function registeredStrays(cluster: Cluster, facts: StrayFacts): Registered[] {
  const described = hostsWith(cluster, 'replica').map((host) => namesOn(cluster, facts, host));
  const clock = Math.max(...[...facts.machines.values()].flatMap((fact) => valueOf(fact)?.clock ?? []));
  const [known] = facts.replicas.flatMap((each) => valueOf(each.registry) ?? []);
  if (known === undefined || clock === -Infinity || described.some((names) => names.length === 0)) return [];
  const ours = new Set(described.flat());
  const live = known.gateways.filter(({ name, heartbeat }) => !ours.has(name) && clock - heartbeat < LIVE_MS);
  const ready = known.nodes.filter(({ name, ready }) => !ours.has(name) && ready);
  return [...new Set([...live, ...ready].map(({ name }) => name))].map((name) => {
    const gateway = live.find((each) => each.name === name);
    const heartbeatText = gateway
      ? [`heartbeat ${Math.max(0, Math.round((clock - gateway.heartbeat) / 1000))} s ago at ${gateway.address}`]
      : [];
    return {
      name,
      seen: [...heartbeatText, ...(ready.some((each) => each.name === name) ? ['node Ready'] : [])].join(', '),
    };
  });
}

/** Names under which the host's own replica may be registered. */
function namesOn(cluster: Cluster, facts: StrayFacts, host: Host): string[] {
  const user = valueOf(facts.machines.get(host.name) ?? { is: 'absent' })?.user;
  const own = facts.containers
    .get(host.name)
    ?.find(({ name }) => user !== undefined && name === replicaContainer(cluster, user))?.hostname;
  return [nameOfReplica(cluster, facts, host), own].flatMap((name) => name ?? []);
}

function registeredWarning(cluster: Cluster, facts: StrayFacts, { name, seen }: Registered): Failure {
  const found = [...facts.containers].flatMap(([host, all]) =>
    all.filter(({ hostname }) => hostname === name).map((container) => ({ host, container })),
  )[0];
  const nodes = (valueOf(facts.nodes) ?? []).filter(
    ({ hostname }) => hostname !== '' && name.endsWith(`-${hostname.toLowerCase().replace(/[_.]/g, '-')}`),
  );
  const [node] = nodes.sort((a, b) => b.hostname.length - a.hostname.length);
  const described = cluster.hosts.find(({ name: host, address }) => host === found?.host || address === node?.address);
  const place = described?.name ?? (node ? `${node.hostname} (${node.address})` : 'its host');
  const role =
    described?.roles.includes('replica') === true
      ? 'whose replica has another name'
      : 'which does not have the role replica';
  const where = described
    ? `on ${place}, ${role}`
    : node
      ? `on ${place}, a node of the swarm that is not in the cluster file`
      : 'on a host that is not in the cluster file';
  return {
    code: 'not-described',
    ...(described && { host: described.name }),
    what: `replica ${name} runs ${where}`,
    evidence: seen,
    cause:
      'its host or its role was removed from the cluster file, which stops nothing: the replica still receives ' +
      'jobs, but the load balancer does not forward to it',
    remedy:
      'Put it back into the cluster file, or remove it: ' +
      removalCommands(cluster, facts, name, found?.container.name, place),
  };
}

/** The commands that remove a replica: first it is stopped gracefully, then its records are removed. */
function removalCommands(
  cluster: Cluster,
  facts: StrayFacts,
  name: string,
  container: string | undefined,
  place: string,
): string {
  const target =
    container ??
    (name.includes(`-kuscia-autonomy-${cluster.domain}-`)
      ? `${name.slice(0, name.indexOf('-kuscia-autonomy-'))}-kuscia-autonomy-${cluster.domain}`
      : name);
  const answering = facts.replicas.find(({ registry }) => registry.is === 'present')?.host;
  const user = answering && valueOf(facts.machines.get(answering.name) ?? { is: 'absent' })?.user;
  const kubectl = `docker exec ${replicaContainer(cluster, user ?? 'USER')} kubectl`;
  const recordRemoval = `${kubectl} delete gateway ${name} -n ${cluster.domain} and ${kubectl} delete node ${name}`;
  return (
    `on ${place} docker stop ${target} and docker rm -f ${target}, then on ` +
    `${answering?.name ?? "a replica's host"} ${recordRemoval}.`
  );
}

interface Found {
  readonly host: Host;
  readonly container: Container;
  /** `replica`, `database`, ... */
  readonly role: string;
}

/** Containers named like ones of this domain, on hosts of the cluster file whose roles do not call for them. */
function containerStrays(cluster: Cluster, facts: StrayFacts): Found[] {
  const { domain, database, loadBalancer } = cluster;
  const mysql =
    database.kind === 'managed'
      ? database
      : { container: `${domain}-mysql`, host: cluster.hosts.find(({ address }) => address === database.address)?.name };
  return cluster.hosts.flatMap((host) =>
    (facts.containers.get(host.name) ?? []).flatMap((container): Found[] => {
      const { name } = container;
      if (name === mysql.container && host.name !== mysql.host) return [{ host, container, role: 'database' }];
      if (name === loadBalancer.container && host.name !== loadBalancer.host)
        return [{ host, container, role: 'load-balancer' }];
      return name.endsWith(`-kuscia-autonomy-${domain}`) && !isExpected(cluster, facts, host, name)
        ? [{ host, container, role: 'replica' }]
        : [];
    }),
  );
}

/** Whether the host's role calls for a replica's container of that name: the name that its own login gives. */
function isExpected(cluster: Cluster, { machines }: StrayFacts, host: Host, name: string): boolean {
  const user = valueOf(machines.get(host.name) ?? { is: 'absent' })?.user;
  return host.roles.includes('replica') && (user === undefined || name === replicaContainer(cluster, user));
}

function containerWarning(cluster: Cluster, { host, container, role }: Found): Failure {
  const { name } = container;
  const volume =
    role === 'database' && container.mounts['/var/lib/mysql'] !== undefined
      ? ` Its data remains in the volume ${container.mounts['/var/lib/mysql']}.`
      : '';
  return {
    code: 'not-described',
    host: host.name,
    what: `container ${name} of ${cluster.domain} is on ${host.name}, whose roles do not call for it`,
    evidence: `docker ps --all: ${name} ${container.state}`,
    cause:
      role === 'replica' && host.roles.includes('replica')
        ? 'the host now has a different login than when the container was started'
        : `the role ${role} was removed from the host, which does not remove the container`,
    remedy:
      `Give the host the role ${role} again, or remove the container on ${host.name}: docker stop ${name}, then ` +
      `docker rm -f ${name}.${volume}`,
  };
}
