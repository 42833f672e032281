import { hostNamed, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { isHealthy, type Check, type Matrix, type MatrixRow } from '../cluster/matrix.ts';
import { contains, parseSubnet } from '../cluster/subnet.ts';
import { among, containers, type Container } from '../docker/containers.ts';
import type { SwarmNode } from '../docker/facts.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { machine, type Machine } from '../host/facts.ts';
import { fingerprint } from '../kuscia/configuration.ts';
import { describeAnswer, directAnswer, isGateway, loadBalancerAnswers, loadBalancerUrl, registry, requestsFor, type Answer, type Gateway, type KusciaNode, type Registry } from '../kuscia/facts.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';
import { allPaths, askPaths, cutPairs, type Path } from './data-path.ts';
import { NOT_READY_REMEDY } from './swarm-join.ts';
import { askSwarm, engineOf, type Engines } from './swarm.ts';

interface OnHost {
  readonly host: Host;
  readonly machine: Fact<Machine>;
  readonly container: Fact<Container>;
  readonly answer: Fact<Answer>;
  readonly registry: Fact<Registry>;
}

interface Facts {
  readonly engines: Engines;
  readonly nodes: Fact<readonly SwarmNode[]>;
  readonly paths: readonly Path[];
  readonly answers: Fact<readonly Answer[]>;
  readonly replicas: readonly OnHost[];
  readonly ms: number;
}

/** The cluster seen from outside: every replica against every check. Changes nothing; each look's matrix is handed over. */
export function verify(deployment: Deployment, onMatrix: (matrix: Matrix) => void): Stage {
  const { cluster } = deployment;
  return stage<Facts>({
    name: 'verify',
    purpose: `${cluster.domain} proven: every replica, every check`,
    needs: ['nginx-lb'],
    settleMs: 45_000,
    gather: (ask) => gather(ask, cluster),
    plan: (facts) => {
      const matrix = matrixOf(cluster, facts);
      onMatrix(matrix);
      return planVerify(cluster, facts, matrix);
    },
  });
}

async function gather(ask: Ask, cluster: Cluster): Promise<Facts> {
  const started = Date.now();
  const { loadBalancer } = cluster;
  const [[engines, nodes], paths, answers, replicas] = await Promise.all([
    askSwarm(ask, cluster),
    askPaths(ask, cluster, cluster.hosts),
    ask.ask(loadBalancer.host, loadBalancerAnswers(cluster, hostNamed(cluster, loadBalancer.host), requestsFor(cluster))),
    Promise.all(hostsWith(cluster, 'replica').map((host) => gatherReplica(ask, cluster, host))),
  ]);
  return { engines, nodes, paths: allPaths(cluster, paths), answers, replicas, ms: Date.now() - started };
}

/** The replica is asked from the load balancer's host, where its traffic comes from, and asked itself for what it registered. */
async function gatherReplica(ask: Ask, cluster: Cluster, host: Host): Promise<OnHost> {
  const [onMachine, onContainers, onRegistry, answer] = await Promise.all([
    ask.ask(host.name, machine),
    ask.ask(host.name, containers),
    ask.ask(host.name, registry(cluster.domain)),
    ask.ask(cluster.loadBalancer.host, directAnswer(cluster, host)),
  ]);
  const name = replicaContainer(cluster, valueOf(onMachine)?.user ?? '');
  return { host, machine: onMachine, container: among(onContainers, name), answer, registry: onRegistry };
}

/** A heartbeat comes every 15 s; three missed ones mean that the replica is gone (kuscia-facts 7.2). Milliseconds. */
const HEARTBEAT_LIMIT = 45_000;

/** What each check saw of each replica. */
export function matrixOf(cluster: Cluster, facts: Facts): Matrix {
  const rows = facts.replicas.map((onHost) => rowOf(cluster, facts, onHost));
  const nodes = { ready: cluster.hosts.filter((host) => nodeOf(facts, host)?.state === 'ready').length, total: cluster.hosts.length };
  const pairs = { connected: facts.paths.filter((path) => path.connected).length, total: facts.paths.length };
  const url = loadBalancerUrl(cluster, hostNamed(cluster, cluster.loadBalancer.host).address);
  return { domain: cluster.domain, healthy: isHealthy({ rows, nodes, pairs }), url, rows, nodes, pairs, ms: facts.ms };
}

const nodeOf = ({ engines, nodes }: Facts, host: Host): SwarmNode | undefined => valueOf(nodes)?.find((node) => node.id === engineOf(engines, host)?.swarm.nodeId);

const ok = (text: string): Check => ({ ok: true, text });
const bad = (text: string): Check => ({ ok: false, text });

function rowOf(cluster: Cluster, facts: Facts, onHost: OnHost): MatrixRow {
  const properties = valueOf(onHost.machine);
  const replica = properties ? replicaName(replicaContainer(cluster, properties.user), properties.hostname) : `replica on ${onHost.host.name}`;
  const seen = facts.replicas.flatMap((other) => valueOf(other.registry) ?? []);
  const gateway = (valueOf(onHost.registry) ?? seen[0])?.gateways.find(({ name }) => name === replica);
  const node = (valueOf(onHost.registry) ?? seen[0])?.nodes.find(({ name }) => name === replica);
  return {
    replica,
    host: onHost.host.name,
    cells: {
      direct: direct(cluster, onHost, replica),
      throughLb: throughLb(cluster, facts.answers, replica),
      heartbeat: heartbeat(gateway, properties),
      overlay: overlay(cluster, facts, onHost, gateway),
      key: key(facts, gateway),
      node: nodeCheck(onHost, node),
      version: version(facts, gateway),
    },
  };
}

/** Its node, and that its own API server tells of it: the others tell of it, too, while it is silent. */
function nodeCheck({ registry }: OnHost, node: KusciaNode | undefined): Check {
  if (registry.is !== 'present') return bad('API silent');
  if (node === undefined) return bad('absent');
  return node.ready ? ok('Ready') : bad('NotReady');
}

function direct(cluster: Cluster, { answer }: OnHost, replica: string): Check {
  if (answer.is !== 'present') return bad('not asked');
  const right = isGateway(cluster, answer.value) && answer.value.instance === replica;
  return right ? ok('401 ok') : bad(describeAnswer(cluster, answer.value));
}

function throughLb(cluster: Cluster, answers: Fact<readonly Answer[]>, replica: string): Check {
  if (answers.is !== 'present') return bad('not asked');
  const count = answers.value.filter((answer) => isGateway(cluster, answer) && answer.instance === replica).length;
  return { ok: count > 0, text: `${count} of ${answers.value.length}` };
}

function heartbeat(gateway: Gateway | undefined, machine: Machine | undefined): Check {
  if (gateway === undefined || machine === undefined) return bad('absent');
  const age = machine.clock - gateway.heartbeat;
  return { ok: age < HEARTBEAT_LIMIT, text: `${Math.max(0, Math.round(age / 1000))} s ago` };
}

/** Its registered address must be that of its container, inside the overlay, and nobody else's. */
function overlay(cluster: Cluster, { replicas }: Facts, onHost: OnHost, gateway: Gateway | undefined): Check {
  if (gateway === undefined) return bad('absent');
  const subnet = parseSubnet(cluster.network.subnet);
  const attached = valueOf(onHost.container)?.addresses[cluster.network.name];
  if (subnet === undefined || !contains(subnet, gateway.address)) return bad(`${gateway.address} outside`);
  if (attached !== gateway.address) return bad(`${gateway.address}, container ${attached ?? 'absent'}`);
  const sharing = replicas.filter((other) => valueOf(other.container)?.addresses[cluster.network.name] === gateway.address);
  return sharing.length > 1 ? bad(`${gateway.address} twice`) : ok(gateway.address);
}

/** Kuscia accepts a replica with another key silently (README of the observations, section 1.1): all must show one. */
function key({ replicas }: Facts, gateway: Gateway | undefined): Check {
  if (gateway === undefined || gateway.publicKey === '') return bad('absent');
  const names = replicas.flatMap(({ registry }) => valueOf(registry)?.gateways ?? []);
  const live = names.filter(({ heartbeat }) => gateway.heartbeat - heartbeat < HEARTBEAT_LIMIT);
  const same = live.every(({ publicKey }) => fingerprint(publicKey) === fingerprint(gateway.publicKey));
  return { ok: same, text: same ? fingerprint(gateway.publicKey).slice(0, 8) : `${fingerprint(gateway.publicKey).slice(0, 8)} differs` };
}

function version({ replicas }: Facts, gateway: Gateway | undefined): Check {
  if (gateway === undefined || gateway.version === '') return bad('absent');
  const ours = replicas.flatMap(({ registry, container }) => valueOf(registry)?.gateways.find(({ name }) => name === valueOf(container)?.hostname) ?? []);
  const text = gateway.version.replace(/^v/, '');
  return ours.every((other) => other.version === gateway.version) ? ok(text) : bad(`${text} differs`);
}

/** Red unless all is there: a failure for each check that is not as it should be. */
export function planVerify(cluster: Cluster, facts: Facts, matrix: Matrix): Plan {
  const plan = new Plan();
  const remedy = 'Run the deployment again (mode: apply): it finds what is missing and mends it.';
  const failures: Failure[] = matrix.rows.flatMap(({ replica, host, cells }) =>
    Object.entries(cells)
      .filter(([, check]) => !check.ok)
      .map(([name, check]) => ({ code: 'cluster-unhealthy' as const, host, what: `${replica}: ${name} is ${check.text}`, remedy })),
  );
  for (const host of cluster.hosts) {
    const node = nodeOf(facts, host);
    if (node?.state === 'ready') continue;
    const evidence = facts.nodes.is === 'unknown' ? facts.nodes.why : node ? `node ${node.id} is ${node.state}` : 'no node of the swarm';
    failures.push({ code: 'node-not-ready', host: host.name, what: 'its swarm node is not Ready', evidence, remedy: node ? NOT_READY_REMEDY : remedy });
  }
  failures.push(...cutPairs(cluster, facts.paths));
  plan.awaited.push(...failures.map((failure) => ({ host: failure.host ?? '', what: 'as described', why: failure.what, failure })));
  if (failures.length === 0) {
    plan.satisfied.push(...matrix.rows.map(({ replica, host }) => ({ host, what: replica, why: 'all checks ok' })));
  }
  return plan;
}
