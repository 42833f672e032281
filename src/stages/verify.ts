import { hostNamed, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { isHealthy, type Check, type Matrix, type MatrixRow } from '../cluster/matrix.ts';
import { contains, parseSubnet } from '../cluster/subnet.ts';
import { stoppedAs } from '../docker/containers.ts';
import type { SwarmNode } from '../docker/facts.ts';
import { probeName } from '../docker/probe.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import type { Machine } from '../host/facts.ts';
import { fingerprint } from '../kuscia/configuration.ts';
import { describeAnswer, isGateway, loadBalancerUrl, type Answer, type Gateway, type KusciaNode } from '../kuscia/facts.ts';
import { folders, replicaContainer, replicaName } from '../kuscia/names.ts';
import { loadBalancerFiles } from '../nginx/configuration.ts';
import { cutPairs, probeFailures } from './data-path.ts';
import { databaseFailures, whyNot, type DatabaseFacts } from './database.ts';
import { unlikeFiles } from './nginx-lb.ts';
import { NOT_READY_REMEDY } from './swarm-join.ts';
import { engineOf } from './swarm.ts';
import { cellFailures } from './verify-cells.ts';
import { askAll, sharersOf, twinsOf, type LoadBalancerFacts, type OnHost, type VerifyFacts } from './verify-facts.ts';

/** The cluster seen from outside: every replica against every check. Changes nothing; each look's matrix is handed over. */
export function verify(deployment: Deployment, onMatrix: (matrix: Matrix) => void): Stage {
  const { cluster } = deployment;
  return stage<VerifyFacts>({
    name: 'verify',
    purpose: `${cluster.domain} proven: every replica, every check`,
    needs: ['nginx-lb'],
    settleMs: 45_000,
    gather: (ask) => askAll(ask, deployment),
    plan: (facts) => {
      const matrix = matrixOf(deployment, facts);
      onMatrix(matrix);
      return planVerify(deployment, facts, matrix);
    },
  });
}

/** A heartbeat comes every 15 s; three missed ones mean that the replica is gone (kuscia-facts 7.2). Milliseconds. */
const HEARTBEAT_LIMIT = 45_000;

/** What each check saw of each replica. */
export function matrixOf(deployment: Deployment, facts: VerifyFacts): Matrix {
  const { cluster } = deployment;
  const rows = facts.replicas.map((onHost) => rowOf(cluster, facts, onHost));
  const nodes = { ready: cluster.hosts.filter((host) => nodeOf(facts, host)?.state === 'ready').length, total: cluster.hosts.length };
  const pairs = { connected: facts.paths.filter((path) => path.connected).length, total: facts.paths.length };
  const url = loadBalancerUrl(cluster, hostNamed(cluster, cluster.loadBalancer.host).address);
  return { domain: cluster.domain, healthy: isHealthy({ rows, nodes, pairs }) && otherFailures(deployment, facts).length === 0, url, rows, nodes, pairs, ms: facts.ms };
}

const nodeOf = ({ engines, nodes }: VerifyFacts, host: Host): SwarmNode | undefined => valueOf(nodes)?.find((node) => node.id === engineOf(engines, host)?.swarm.nodeId);

const ok = (text: string): Check => ({ ok: true, text });
const bad = (text: string): Check => ({ ok: false, text });

function rowOf(cluster: Cluster, facts: VerifyFacts, onHost: OnHost): MatrixRow {
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
function overlay(cluster: Cluster, facts: VerifyFacts, onHost: OnHost, gateway: Gateway | undefined): Check {
  if (gateway === undefined) return bad('absent');
  const subnet = parseSubnet(cluster.network.subnet);
  const attached = valueOf(onHost.container)?.addresses[cluster.network.name];
  if (subnet === undefined || !contains(subnet, gateway.address)) return bad(`${gateway.address} outside`);
  // Two of one name write the entry in turn: which of them wrote last is chance.
  const [twin] = twinsOf(cluster, facts, onHost, gateway.name);
  if (twin !== undefined) return bad(`${gateway.address}, also ${twin.name} on ${twin.on}`);
  if (attached !== gateway.address) return bad(`${gateway.address}, container ${attached ?? 'absent'}`);
  return sharersOf(cluster, facts, onHost).length > 0 ? bad(`${gateway.address} twice`) : ok(gateway.address);
}

/** Kuscia accepts a replica with another key silently (README of the observations, section 1.1): all must show one. */
function key({ replicas }: VerifyFacts, gateway: Gateway | undefined): Check {
  if (gateway === undefined || gateway.publicKey === '') return bad('absent');
  const names = replicas.flatMap(({ registry }) => valueOf(registry)?.gateways ?? []);
  const live = names.filter(({ heartbeat }) => gateway.heartbeat - heartbeat < HEARTBEAT_LIMIT);
  const same = live.every(({ publicKey }) => fingerprint(publicKey) === fingerprint(gateway.publicKey));
  return { ok: same, text: same ? fingerprint(gateway.publicKey).slice(0, 8) : `${fingerprint(gateway.publicKey).slice(0, 8)} differs` };
}

function version({ replicas }: VerifyFacts, gateway: Gateway | undefined): Check {
  if (gateway === undefined || gateway.version === '') return bad('absent');
  const ours = replicas.flatMap(({ registry, container }) => valueOf(registry)?.gateways.find(({ name }) => name === valueOf(container)?.hostname) ?? []);
  const text = gateway.version.replace(/^v/, '');
  return ours.every((other) => other.version === gateway.version) ? ok(text) : bad(`${text} differs`);
}

/** What does not work beside the replicas and explains what does not work of them: the database first, then what stands in front. */
function otherFailures(deployment: Deployment, facts: VerifyFacts): Failure[] {
  const { cluster } = deployment;
  return [...databaseFailures(cluster, reachable(cluster, facts)), ...loadBalancerFailures(deployment, facts.loadBalancer)];
}

/** What concerns all replicas, or that of one host. Not from where no probe runs to try it: the pairs of that host say so. */
function reachable(cluster: Cluster, { database, containers }: VerifyFacts, only?: string): DatabaseFacts {
  const tries = (host: string): boolean => containers.get(host)?.some(({ name, state }) => name === probeName(cluster) && state === 'running') === true;
  return { ...database, reached: database.reached.filter(({ host: { name } }) => tries(name) && (only === undefined || only === name)) };
}

/** Whether it runs, on the files that it should have. That it leads to every replica is in the matrix. */
function loadBalancerFailures(deployment: Deployment, facts: LoadBalancerFacts): Failure[] {
  const { cluster } = deployment;
  const { host, container: name } = cluster.loadBalancer;
  const { digest } = loadBalancerFiles(deployment);
  const unknowns = [facts.container, facts.configuration, ...facts.secrets.values()].flatMap((fact) => (fact.is === 'unknown' ? [fact.why] : []));
  if (unknowns.length > 0) return unknowns.map((why) => ({ code: 'fact-unknown', host, what: why, remedy: 'Mend what the line names, then verify again.' }));
  const how = facts.container.is === 'present' ? stoppedAs(facts.container.value) : 'absent';
  if (how !== undefined) return [{ code: 'load-balancer-unhealthy', host, what: `the load balancer does not run: its container ${name} is ${how}`, evidence: `docker inspect ${name}: ${how}`, cause: 'the load balancer was stopped, or ended by itself', remedy: `Run the deployment again (mode: apply): it starts the load balancer. If it ends again, docker logs ${name} on ${host} says why.` }];
  const unlike = unlikeFiles(deployment, facts);
  if (unlike.length > 0) {
    const evidence = unlike.map(([file, why]) => `${folders(cluster).nginx}/${file}: ${why}`).join(', ');
    return [{ code: 'load-balancer-configuration', host, what: 'the files of the load balancer are not those of this deployment', evidence, cause: 'they were changed on the host, or the cluster file or an input was changed and not applied', remedy: 'Run the deployment again (mode: apply): it writes the files anew and lets nginx load them. What was changed by hand is lost then; nginx.conf.last-good beside them keeps the configuration before.' }];
  }
  if (valueOf(facts.loaded) === digest) return [];
  const evidence = facts.loaded.is === 'present' ? `loaded ${facts.loaded.value.slice(0, 12)}, wanted ${digest.slice(0, 12)}` : whyNot(facts.loaded);
  return [{ code: 'load-balancer-configuration', host, what: 'nginx does not run with the configuration in its files', evidence, cause: 'its files were replaced without a reload, or it refused to load them', remedy: `Run the deployment again (mode: apply): it reloads nginx. If that fails, docker logs ${name} on ${host} says why.` }];
}

/** Red unless all is there: what does not work beside the replicas first, then a failure for each check that is not as it should be. */
export function planVerify(deployment: Deployment, facts: VerifyFacts, matrix: Matrix): Plan {
  const plan = new Plan();
  const { cluster } = deployment;
  const others = otherFailures(deployment, facts);
  const loadBalancer = loadBalancerFailures(deployment, facts.loadBalancer)[0]?.what ?? '';
  const database = (host: string): string => databaseFailures(cluster, reachable(cluster, facts, host))[0]?.what ?? '';
  const failures: Failure[] = [...others, ...matrix.rows.flatMap((row) => cellFailures(cluster, facts, row, { loadBalancer, database: database(row.host) }))];
  for (const host of cluster.hosts) {
    const node = nodeOf(facts, host);
    if (node?.state === 'ready') continue;
    const evidence = facts.nodes.is === 'unknown' ? facts.nodes.why : node ? `node ${node.id} is ${node.state}` : 'no node of the swarm';
    failures.push({ code: 'node-not-ready', host: host.name, what: 'its swarm node is not Ready', evidence, remedy: node ? NOT_READY_REMEDY : 'Run the deployment again (mode: apply): it joins a host that is no node of the swarm.' });
  }
  failures.push(...probeFailures(cluster, facts.probes), ...cutPairs(cluster, facts.paths));
  plan.awaited.push(...failures.map((failure) => ({ host: failure.host ?? '', what: 'as described', why: failure.what, failure })));
  if (failures.length === 0) {
    plan.satisfied.push(...matrix.rows.map(({ replica, host }) => ({ host, what: replica, why: 'all checks ok' })));
  }
  return plan;
}
