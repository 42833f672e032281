import { hostNamed, type Cluster, type Host } from '../cluster/cluster.ts';
import { isHealthy, type Check, type Matrix, type MatrixRow } from '../cluster/matrix.ts';
import type { SwarmNode } from '../docker/facts.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { fingerprint } from '../kuscia/configuration.ts';
import { describeAnswer, isGateway, loadBalancerUrl, requestsFor, type Answer } from '../kuscia/facts.ts';
import type { Gateway, KusciaNode, Registry } from '../kuscia/registry.ts';
import { isGreeted } from './database-reach.ts';
import { nameOfReplica } from './replica-names.ts';
import { engineOf } from './swarm.ts';
import { hiddenBecause, isSilent, type OnHost, type VerifyFacts } from './verify-facts.ts';
import { overlayAddress } from './verify-overlay.ts';

/**
 * A heartbeat comes every 15 s; three missed ones mean that the replica is gone (docs/kuscia.md#gateways-and-nodes).
 * Milliseconds.
 */
const HEARTBEAT_LIMIT = 45_000;

/**
 * The result of each check of each replica; `wrong` is what does not work besides the replicas, `warnings` what needs
 * attention.
 */
export function matrixOf(
  cluster: Cluster,
  facts: VerifyFacts,
  { wrong, warnings }: { readonly wrong: readonly Failure[]; readonly warnings: readonly Failure[] },
): Matrix {
  const rows = facts.replicas.map((onHost) => rowOf(cluster, facts, onHost));
  const known = cluster.hosts.map((host) => nodeOf(facts, host));
  const nodes = {
    ready: known.filter((node) => node?.state === 'ready').length,
    total: cluster.hosts.length,
    ...unknowns(facts.nodes.is === 'present' ? 0 : cluster.hosts.length),
  };
  const pairs = {
    connected: facts.paths.filter((path) => path.connected).length,
    total: facts.paths.length,
    ...unknowns(facts.paths.filter((path) => !path.connected && !isTried(facts, path)).length),
  };
  const silent = silentHosts(cluster, facts);
  const summary = { rows, nodes, pairs, ...(silent.length > 0 && { silent }) };
  return {
    domain: cluster.domain,
    healthy: isHealthy(summary) && wrong.length === 0,
    url: loadBalancerUrl(cluster, hostNamed(cluster, cluster.loadBalancer.host).address),
    ...summary,
    database: databaseState(facts, wrong),
    ...(warnings.length > 0 && { warnings }),
    ms: facts.ms,
  };
}

const unknowns = (unknown: number): { readonly unknown?: number } => (unknown > 0 ? { unknown } : {});

/** Names of the hosts that do not answer. */
export const silentHosts = (cluster: Cluster, facts: Pick<VerifyFacts, 'machines'>): readonly string[] =>
  cluster.hosts.map(({ name }) => name).filter((name) => isSilent(facts, name));

/** A host's node of the swarm: by the id that its engine reports or, while it does not answer, by its address. */
export function nodeOf({ engines, nodes, machines }: VerifyFacts, host: Host): SwarmNode | undefined {
  const id = engineOf(engines, host)?.swarm.nodeId;
  return valueOf(nodes)?.find((node) =>
    isSilent({ machines }, host.name) ? node.address === host.address : node.id === id,
  );
}

/** Whether a pair was tried at both ends: if a host or its engine does not answer, its pairs add nothing. */
export const isTried = (
  { engines, machines }: Pick<VerifyFacts, 'engines' | 'machines'>,
  { from, to }: { readonly from: string; readonly to: string },
): boolean =>
  [from, to].every(
    (host) =>
      hiddenBecause({ machines, engines }, host) === '' &&
      !STUCK.includes(valueOf(engines.get(host) ?? { is: 'absent' })?.swarm.state ?? ''),
  );

/** States of an engine that is in a swarm but cannot take part in it: its overlay networks are gone too. */
const STUCK: readonly string[] = ['locked', 'error'];

/**
 * A replica's host that gets the server's greeting proves that it works, even while the database's own host does not
 * answer.
 */
function databaseState(
  { database: { state, reached } }: VerifyFacts,
  wrong: readonly Failure[],
): NonNullable<Matrix['database']> {
  if (wrong.some(({ code }) => code.startsWith('database-'))) return 'fails';
  return state.is === 'present' || reached.some(({ fact }) => isGreeted(fact)) ? 'works' : 'unknown';
}

const ok = (text: string): Check => ({ ok: true, text });
const bad = (text: string): Check => ({ ok: false, text });
const notKnown = (text: string): Check => ({ ok: false, text, unknown: true });

/** What is registered, preferably as reported by the replica itself. */
export const registryFor = ({ replicas }: VerifyFacts, { registry }: Pick<OnHost, 'registry'>): Registry | undefined =>
  valueOf(registry) ?? replicas.flatMap((other) => valueOf(other.registry) ?? [])[0];

function rowOf(cluster: Cluster, facts: VerifyFacts, onHost: OnHost): MatrixRow {
  const { host } = onHost;
  const replica = nameOfReplica(cluster, facts, host) ?? `replica on ${host.name}`;
  const registry = registryFor(facts, onHost);
  const gateway = registry?.gateways.find(({ name }) => name === replica);
  const node = registry?.nodes.find(({ name }) => name === replica);
  // If a host does not answer, even the replica's name may be unknown, and with it whether the replica is registered.
  const missing =
    registry === undefined || nameOfReplica(cluster, facts, host) === undefined
      ? notKnown(isSilent(facts, host.name) ? 'not reached' : 'not known')
      : bad('absent');
  return {
    replica,
    host: host.name,
    cells: {
      direct: direct(cluster, onHost, replica),
      throughLb: throughLb(cluster, facts.answers, replica),
      heartbeat: gateway ? heartbeat(facts, onHost, gateway) : missing,
      overlay: gateway ? overlay(cluster, facts, onHost, gateway) : missing,
      key: gateway ? key(facts, gateway) : missing,
      node: nodeCheck(facts, onHost, node),
      version: gateway ? version(facts, gateway) : missing,
    },
  };
}

/** Its node, which its own API server must report: while that is silent, the others still report it. */
function nodeCheck(facts: VerifyFacts, { host, container, registry }: OnHost, node: KusciaNode | undefined): Check {
  if (registry.is === 'present') {
    if (node === undefined) return bad('absent');
    return node.ready ? ok('Ready') : bad('NotReady');
  }
  if (node?.ready === false) return bad('NotReady');
  if (isSilent(facts, host.name)) return notKnown('not reached');
  return container.is === 'unknown' ? notKnown('not known') : bad('API silent');
}

function direct(cluster: Cluster, { answer }: OnHost, replica: string): Check {
  if (answer.is !== 'present') return notKnown('not queried');
  const isOwn = isGateway(cluster, answer.value) && answer.value.instance === replica;
  return isOwn ? ok('ok') : bad(describeAnswer(cluster, answer.value));
}

/** Requests that were not made may have been the very ones that this replica would have answered. */
function throughLb(cluster: Cluster, answers: Fact<readonly Answer[]>, replica: string): Check {
  if (answers.is !== 'present') return notKnown('not queried');
  const count = answers.value.filter((answer) => isGateway(cluster, answer) && answer.instance === replica).length;
  const text = `${count} of ${answers.value.length}`;
  if (count === 0 && answers.value.length < requestsFor(cluster)) return notKnown(`${text} requests`);
  return { ok: count > 0, text };
}

/** By the replica's own clock or, while its host does not answer, by that of another host. */
function heartbeat({ machines }: VerifyFacts, { machine }: OnHost, gateway: Gateway): Check {
  const clock = valueOf(machine)?.clock ?? [...machines.values()].flatMap((other) => valueOf(other)?.clock ?? [])[0];
  if (clock === undefined) return notKnown('not known');
  const age = clock - gateway.heartbeat;
  return { ok: age < HEARTBEAT_LIMIT, text: `${Math.max(0, Math.round(age / 1000))} s ago` };
}

/** The address that it registered. */
function overlay(cluster: Cluster, facts: VerifyFacts, onHost: OnHost, gateway: Gateway): Check {
  const { address } = gateway;
  const found = overlayAddress(cluster, facts, onHost, gateway);
  switch (found.is) {
    case 'own':
      return ok(address);
    case 'outside':
      return bad(`${address} outside`);
    case 'name-shared':
      return bad(`${address}, also ${found.by.name} on ${found.by.on}`);
    case 'unknown':
      return notKnown(isSilent(facts, onHost.host.name) ? 'not reached' : 'not known');
    case 'not-own':
      return bad(`${address}, container ${found.own === '' ? 'stopped' : (found.own ?? 'absent')}`);
    case 'shared':
      return bad(`${address} twice`);
  }
}

/**
 * Kuscia silently accepts a replica with another key (docs/kuscia.md#certificates-and-keys): all must show the same
 * one.
 */
function key({ replicas }: VerifyFacts, gateway: Gateway): Check {
  if (gateway.publicKey === '') return bad('absent');
  const names = replicas.flatMap(({ registry }) => valueOf(registry)?.gateways ?? []);
  const live = names.filter(({ heartbeat }) => gateway.heartbeat - heartbeat < HEARTBEAT_LIMIT);
  const same = live.every(({ publicKey }) => fingerprint(publicKey) === fingerprint(gateway.publicKey));
  return {
    ok: same,
    text: same ? fingerprint(gateway.publicKey).slice(0, 8) : `${fingerprint(gateway.publicKey).slice(0, 8)} differs`,
  };
}

function version({ replicas }: VerifyFacts, gateway: Gateway): Check {
  if (gateway.version === '') return bad('absent');
  const ours = replicas.flatMap(
    ({ registry, container }) =>
      valueOf(registry)?.gateways.find(({ name }) => name === valueOf(container)?.hostname) ?? [],
  );
  const text = gateway.version.replace(/^v/, '');
  return ours.every((other) => other.version === gateway.version) ? ok(text) : bad(`${text} differs`);
}
