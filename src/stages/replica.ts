import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import type { Container } from '../docker/containers.ts';
import { differenceFrom, type Description } from '../docker/difference.ts';
import { image, imageIdentity, type ImageIdentity } from '../docker/facts.ts';
import { pairOf, type ContainerPair } from '../docker/wanted.ts';
import type { Difference } from '../engine/about.ts';
import type { Ask } from '../engine/ask.ts';
import { absent, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { machine, type Machine } from '../host/facts.ts';
import { file, type HostFile } from '../host/files.ts';
import { answerWithin, describeAnswer, directAnswer, isGateway, lastErrorLines, type Answer } from '../kuscia/facts.ts';
import { registry, type Registry } from '../kuscia/registry.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';
import { askForwarded } from './forwarded.ts';
import { hostContainers } from './own-containers.ts';

/** What is known of the replica on one host. */
export interface Replica {
  readonly host: Host;
  readonly machine: Fact<Machine>;
  readonly image: Fact<string>;
  /** Queried only if this run decides it, and an earlier job handed over the expected value. */
  readonly identity: Fact<ImageIdentity>;
  readonly file: Fact<HostFile>;
  readonly standing: Fact<ContainerPair>;
  /** Its gateway, as seen by the probe on its own host. */
  readonly answer: Fact<Answer>;
  readonly registry: Fact<Registry>;
  /** Replicas that the load balancer forwards to; absent while it does not run with the wanted configuration. */
  readonly forwarded: Fact<ReadonlySet<string>>;
  /**
   * Queried only if something seems wrong: its gateway from inside its own container, and from the probe on another
   * host; its log.
   */
  readonly within: Fact<Answer>;
  readonly elsewhere: Fact<Answer>;
  readonly lastErrorLines: Fact<string>;
}

/**
 * Queries everything about the replica on this host. The more expensive queries are made only if something seems wrong.
 */
export async function askReplica(
  ask: Ask,
  deployment: Deployment,
  host: Host,
  forwarded: Promise<Fact<ReadonlySet<string>>> = askForwarded(ask, deployment),
): Promise<Replica> {
  const { cluster, received } = deployment;
  const [onForwarded, onMachine, onContainers, onRegistry, onImage, identity, onFile, answer] = await Promise.all([
    forwarded,
    ask.ask(host.name, machine),
    hostContainers(ask, cluster, host),
    ask.ask(host.name, registry(cluster.domain)),
    ask.ask(host.name, image(cluster.image)),
    received?.provenance && ask.reaches(host.name) ? ask.ask(host.name, imageIdentity(cluster.image)) : absent,
    ask.ask(host.name, file(folders(cluster).config)),
    ask.ask(host.name, directAnswer(cluster, host)),
  ]);
  const name = replicaContainer(cluster, valueOf(onMachine)?.user ?? '');
  const seen = {
    host,
    machine: onMachine,
    image: onImage,
    identity,
    file: onFile,
    standing: pairOf(onContainers, name),
    answer,
    registry: onRegistry,
    forwarded: onForwarded,
  };
  const current = valueOf(seen.standing)?.current;
  const notQueried = { within: absent, elsewhere: absent, lastErrorLines: absent };
  if (current === undefined || faultOf(cluster, { ...seen, ...notQueried }, current) === undefined)
    return { ...seen, ...notQueried };
  const other = observerOf(ask, cluster, host);
  const [within, elsewhere, logLines] = await Promise.all([
    ask.ask(host.name, answerWithin(cluster, name)),
    other ? ask.ask(other.name, directAnswer(cluster, host)) : absent,
    ask.ask(host.name, lastErrorLines(name)),
  ]);
  return { ...seen, within, elsewhere, lastErrorLines: logLines };
}

/** Another host whose probe can be used: the load balancer's, whose path to the replica matters most, or any other. */
function observerOf(ask: Ask, cluster: Cluster, host: Host): Host | undefined {
  const others = cluster.hosts.filter((other) => other !== host && ask.reaches(other.name));
  return others.find(({ name }) => name === cluster.loadBalancer.host) ?? others[0];
}

/** Whether that answer comes from this very replica. */
const isOwn = (cluster: Cluster, answer: Answer | undefined, current: Container): boolean =>
  answer !== undefined && isGateway(cluster, answer) && answer.instance === current.hostname;

/**
 * What is wrong with a replica that should be working; undefined when it is proven to work (docs/kuscia.md#health). One
 * observer that cannot query it is overruled by two that got an answer.
 */
export function faultOf(
  cluster: Cluster,
  { answer, registry, within, elsewhere }: Pick<Replica, 'answer' | 'registry' | 'within' | 'elsewhere'>,
  current: Container,
): string | undefined {
  if (current.state !== 'running') return `${current.state}, ${current.restarts} restarts`;
  const overruled = isOwn(cluster, valueOf(within), current) && isOwn(cluster, valueOf(elsewhere), current);
  if (!isOwn(cluster, valueOf(answer), current) && !overruled) {
    return answer.is === 'present' ? `its gateway port: ${describeAnswer(cluster, answer.value)}` : whyNot(answer);
  }
  return registrationFault(registry, current);
}

/** What the replica should have written to the database by itself, but has not. */
function registrationFault(registry: Fact<Registry>, current: Container): string | undefined {
  if (registry.is !== 'present') return whyNot(registry);
  const gateway = registry.value.gateways.find(({ name }) => name === current.hostname);
  if (gateway === undefined) return 'its gateway object does not exist yet';
  // Gateway objects outlive their replica: only one written by this very process proves anything.
  if (gateway.heartbeat < current.startedAt - 1000 || gateway.uptime < current.startedAt - 1000)
    return 'its gateway object is from an earlier start';
  if (registry.value.nodes.find(({ name }) => name === current.hostname)?.ready !== true)
    return 'its node is not Ready';
  return undefined;
}

/**
 * Whether the fault is known from the replica itself, so that a restart may help: from inside its own container, from
 * its own API, or from two observers on two hosts. A single probe that could not query it says nothing about the
 * replica.
 */
export function isProvenBroken(
  cluster: Cluster,
  { answer, registry, within, elsewhere }: Replica,
  current: Container,
): boolean {
  const answersWrongly = (fact: Fact<Answer>): boolean => fact.is === 'present' && !isOwn(cluster, fact.value, current);
  if (answersWrongly(within)) return true;
  if (answersWrongly(answer) && answersWrongly(elsewhere)) return true;
  if (registry.is === 'present') return registrationFault(registry, current) !== undefined;
  // Commands can be run in its container, but its API does not answer.
  return within.is === 'present';
}

/** The current state of every replica of a deployment. */
export function askReplicas(ask: Ask, deployment: Deployment): Promise<Replica[]> {
  const forwarded = askForwarded(ask, deployment);
  return Promise.all(
    hostsWith(deployment.cluster, 'replica').map((host) => askReplica(ask, deployment, host, forwarded)),
  );
}

/** Port of a replica's gateway in its container. */
export const GATEWAY_PORT = '1080/tcp';

/** Host port by port of a replica's container. */
export const portsOf = ({ ports }: Cluster): Readonly<Record<string, number>> => ({
  [GATEWAY_PORT]: ports.gateway,
  '80/tcp': ports.internal,
  '8082/tcp': ports.api,
  '8083/tcp': ports.apiGrpc,
  '9091/tcp': ports.metrics,
});

/** How the container differs from what is described, so that it must be recreated; undefined when it does not. */
export function differenceOf(
  cluster: Cluster,
  { image, machine, lastErrorLines: errorLines }: Replica,
  current: Container,
): Difference | undefined {
  const properties = valueOf(machine);
  const config = absolute(properties?.home ?? '/', folders(cluster).config);
  const wanted: Description = {
    image: cluster.image,
    memory: cluster.memory,
    ports: portsOf(cluster),
    network: cluster.network.name,
    mounts: { '/home/kuscia/etc/conf/kuscia.yaml': ['configuration file', config] },
    hostname: replicaName(replicaContainer(cluster, properties?.user ?? ''), properties?.hostname ?? ''),
  };
  // Such a replica never starts again, and Kuscia reports it nowhere else.
  const hasOtherKey = /doesn't match parent's PublicKey/.test(valueOf(errorLines) ?? '');
  return differenceFrom(wanted, current, image) ?? (hasOtherKey ? { field: 'domain key' } : undefined);
}
