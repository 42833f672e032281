import { hostNamed, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { containerNamed, container, type Container } from '../docker/containers.ts';
import type { SwarmNode } from '../docker/facts.ts';
import { probeName } from '../docker/probe.ts';
import type { Ask } from '../engine/ask.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { machine, type Machine } from '../host/facts.ts';
import { file, type HostFile } from '../host/files.ts';
import { directAnswer, loadBalancerAnswers, requestsFor, type Answer } from '../kuscia/facts.ts';
import { registry, type Registry } from '../kuscia/registry.ts';
import { replicaContainer } from '../kuscia/names.ts';
import { loadedConfiguration } from '../nginx/commands.ts';
import { allPaths, askPaths, type Path, type Paths } from './data-path.ts';
import { askDatabase, type DatabaseFacts } from './database.ts';
import { askFiles } from './nginx-facts.ts';
import { askSwarm, type Engines } from './swarm.ts';
import { hostContainers } from './own-containers.ts';

/** What is known of one replica. */
export interface OnHost {
  readonly host: Host;
  readonly machine: Fact<Machine>;
  readonly container: Fact<Container>;
  readonly file: Fact<HostFile>;
  readonly answer: Fact<Answer>;
  readonly registry: Fact<Registry>;
}

/** What is known of the load balancer besides its answers. */
export interface LoadBalancerFacts {
  readonly container: Fact<Container>;
  readonly configuration: Fact<HostFile>;
  readonly secrets: ReadonlyMap<string, Fact<HostFile>>;
  readonly loaded: Fact<string>;
}

/** Everything that verify knows. */
export interface VerifyFacts {
  readonly engines: Engines;
  readonly nodes: Fact<readonly SwarmNode[]>;
  readonly paths: readonly Path[];
  /** What the probes report about themselves. */
  readonly probes: Paths;
  readonly answers: Fact<readonly Answer[]>;
  readonly replicas: readonly OnHost[];
  readonly database: DatabaseFacts;
  readonly loadBalancer: LoadBalancerFacts;
  /** Of every host, to find containers with an address that is not their own. */
  readonly containers: ReadonlyMap<string, readonly Container[]>;
  /** Of every host; also shows whether the host answers. */
  readonly machines: ReadonlyMap<string, Fact<Machine>>;
  /** The host from which the load balancer and the replicas' gateways were queried. */
  readonly from: Host;
  readonly ms: number;
}

/**
 * Queries everything at once, with the queries that other stages make: queries made together travel together, and a
 * repeated one runs once.
 */
export async function askAll(ask: Ask, deployment: Deployment): Promise<VerifyFacts> {
  const started = Date.now();
  const { cluster } = deployment;
  const usual = hostNamed(cluster, cluster.loadBalancer.host);
  const [[engines, nodes], paths, answers, replicas, database, ofLoadBalancer, allContainers, machines] =
    await Promise.all([
      askSwarm(ask, cluster),
      askPaths(ask, cluster, cluster.hosts),
      askAnswers(ask, cluster, usual),
      Promise.all(hostsWith(cluster, 'replica').map((host) => askReplica(ask, cluster, host))),
      askDatabase(ask, deployment),
      askLoadBalancer(ask, deployment),
      Promise.all(
        cluster.hosts.map(
          async (host) => [host.name, valueOf(await hostContainers(ask, cluster, host)) ?? []] as const,
        ),
      ),
      Promise.all(cluster.hosts.map(async ({ name }) => [name, await ask.ask(name, machine)] as const)),
    ]);
  const facts = {
    engines,
    nodes,
    paths: allPaths(cluster, paths),
    probes: paths,
    replicas,
    database,
    loadBalancer: ofLoadBalancer,
    containers: new Map(allContainers),
    machines: new Map(machines),
  };
  // For a host that this job does not reach, another job's observation stands.
  const from = ask.reaches(usual.name) ? (hostWithProbe([usual, ...cluster.hosts], cluster, facts) ?? usual) : usual;
  const { ofBalancer, ofReplicas } = from === usual ? answers : await askAnswers(ask, cluster, from);
  return {
    ...facts,
    from,
    answers: ofBalancer,
    replicas: replicas.map((onHost) => ({ ...onHost, answer: ofReplicas.get(onHost.host.name) ?? NOT_QUERIED })),
    ms: Date.now() - started,
  };
}

const NOT_QUERIED: Fact<Answer> = { is: 'unknown', why: 'it was not queried' };

/** Whether the connection to the host was lost or never established. */
export function isSilent({ machines }: Pick<VerifyFacts, 'machines'>, host: string): boolean {
  const fact = machines.get(host);
  return fact?.is === 'unknown' && fact.lost === true;
}

/** Why nothing on a host can be seen, in words: the host or its engine does not answer; '' if both do. */
export function hiddenBecause(facts: Pick<VerifyFacts, 'machines' | 'engines'>, host: string): string {
  if (isSilent(facts, host)) return 'which does not answer';
  return facts.engines.get(host)?.is === 'unknown' ? 'whose Docker Engine does not answer' : '';
}

/** The first host that answers and has a running probe, to query from. */
const hostWithProbe = (
  hosts: readonly Host[],
  cluster: Cluster,
  { containers: all }: Pick<VerifyFacts, 'containers'>,
): Host | undefined =>
  hosts.find(({ name }) => all.get(name)?.some((each) => each.name === probeName(cluster) && each.state === 'running'));

interface Answers {
  readonly ofBalancer: Fact<readonly Answer[]>;
  readonly ofReplicas: ReadonlyMap<string, Fact<Answer>>;
}

/**
 * The answers of the load balancer and of each replica to a host: usually the load balancer's, since the replicas'
 * traffic comes from there.
 */
async function askAnswers(ask: Ask, cluster: Cluster, from: Host): Promise<Answers> {
  const [ofBalancer, ofReplicas] = await Promise.all([
    ask.ask(
      from.name,
      loadBalancerAnswers(cluster, hostNamed(cluster, cluster.loadBalancer.host), requestsFor(cluster)),
    ),
    Promise.all(
      hostsWith(cluster, 'replica').map(
        async (host) => [host.name, await ask.ask(from.name, directAnswer(cluster, host))] as const,
      ),
    ),
  ]);
  return { ofBalancer, ofReplicas: new Map(ofReplicas) };
}

/** Queries one host; its own replica reports what is registered. */
async function askReplica(ask: Ask, cluster: Cluster, host: Host): Promise<Omit<OnHost, 'answer'>> {
  const [onMachine, onContainers, onRegistry, onFile] = await Promise.all([
    ask.ask(host.name, machine),
    hostContainers(ask, cluster, host),
    ask.ask(host.name, registry(cluster.domain)),
    ask.ask(host.name, file(folders(cluster).config)),
  ]);
  const name = replicaContainer(cluster, valueOf(onMachine)?.user ?? (host.route.via === 'ssh' ? host.route.user : ''));
  return {
    host,
    machine: onMachine,
    container: containerNamed(onContainers, name),
    file: onFile,
    registry: onRegistry,
  };
}

async function askLoadBalancer(ask: Ask, deployment: Deployment): Promise<LoadBalancerFacts> {
  const { host, container: name } = deployment.cluster.loadBalancer;
  const [onContainer, [configuration, secrets], loaded] = await Promise.all([
    ask.ask(host, container(name)),
    askFiles(ask, deployment),
    ask.ask(host, loadedConfiguration(name)),
  ]);
  return { container: onContainer, configuration, secrets, loaded };
}

/** A container on the overlay network, with its host. */
export interface Attached {
  readonly on: string;
  readonly name: string;
  readonly hostname: string;
  readonly address: string;
}

/** All containers on the network except that of this replica. */
function otherContainers(
  { host, container }: Pick<OnHost, 'host' | 'container'>,
  { network }: Cluster,
  containers: VerifyFacts['containers'],
): readonly Attached[] {
  const own = valueOf(container)?.name;
  return [...containers]
    .flatMap(([on, all]) =>
      all
        .filter(({ name }) => !(on === host.name && name === own))
        .map(({ name, hostname, addresses }) => ({ on, name, hostname, address: addresses[network.name] ?? '' })),
    )
    .filter(({ address }) => address !== '');
}

/** Other containers on the network with the name of this replica: they can be taken for it. */
export const duplicateNames = (
  cluster: Cluster,
  { containers }: Pick<VerifyFacts, 'containers'>,
  onHost: Pick<OnHost, 'host' | 'container'>,
  name: string,
): readonly Attached[] => otherContainers(onHost, cluster, containers).filter(({ hostname }) => hostname === name);

/**
 * Other containers on the network with the address of this replica: some hosts reach the replica there, others reach
 * them.
 */
export const duplicateAddresses = (
  cluster: Cluster,
  { containers }: Pick<VerifyFacts, 'containers'>,
  onHost: Pick<OnHost, 'host' | 'container'>,
): readonly Attached[] =>
  otherContainers(onHost, cluster, containers).filter(
    ({ address }) => address === valueOf(onHost.container)?.addresses[cluster.network.name],
  );
