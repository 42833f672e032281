import { firstManager, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { ipv4 } from '../cluster/subnet.ts';
import { engine, swarmNodes, type Engine, type SwarmNode } from '../docker/facts.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, type Fact } from '../engine/fact.ts';
import { engineSilent } from './engine-silent.ts';

/** The engines of all hosts, by host name. */
export type Engines = ReadonlyMap<string, Fact<Engine>>;

/** Queries the engine of every host. */
export async function askEngines(ask: Ask, cluster: Cluster): Promise<Engines> {
  return new Map(
    await Promise.all(cluster.hosts.map(async (host) => [host.name, await ask.ask(host.name, engine)] as const)),
  );
}

/**
 * Every host's engine, and the nodes of the swarm as seen by its lead manager; unknown while it manages none. The first
 * manager is usually the lead manager, so it is queried right away.
 */
export async function askSwarm(ask: Ask, cluster: Cluster): Promise<readonly [Engines, Fact<readonly SwarmNode[]>]> {
  const [engines, seen] = await Promise.all([
    askEngines(ask, cluster),
    ask.ask(firstManager(cluster).name, swarmNodes),
  ]);
  const lead = leadManager(cluster, engines);
  return [engines, lead === firstManager(cluster) ? seen : await ask.ask(lead.name, swarmNodes)];
}

/** The engine of a host, if known. */
export const engineOf = (engines: Engines, host: Host): Engine | undefined =>
  valueOf(engines.get(host.name) ?? { is: 'absent' });

/**
 * The manager through which the swarm is queried: the first in the cluster file that manages one. While none does, the
 * first manager of the file, which is then the one to initialise.
 */
export function leadManager(cluster: Cluster, engines: Engines): Host {
  return (
    hostsWith(cluster, 'manager').find((host) => engineOf(engines, host)?.swarm.isManager === true) ??
    firstManager(cluster)
  );
}

/** The failures of hosts whose engine is unknown, or whose membership in a swarm can neither be used nor renewed. */
export function engineFailures(engines: Engines): Failure[] {
  const silent = [...engines].flatMap(([host, fact]) => (fact.is === 'unknown' ? [engineSilent(host, fact.why)] : []));
  return [...silent, ...stuckFailures(engines)];
}

/** What keeps hosts that are in the swarm from taking part in it: stuck engines, unfit nodes. */
export const swarmFailures = (cluster: Cluster, engines: Engines, nodes: Fact<readonly SwarmNode[]>): Failure[] => [
  ...stuckFailures(engines),
  ...nodeFailures(cluster, engines, nodes),
];

/**
 * The failures of hosts whose engine is in a swarm that it cannot take part in. If a manager is locked, engines that
 * wait for a manager are not reported.
 */
function stuckFailures(engines: Engines): Failure[] {
  const swarms = [...engines].flatMap(([host, fact]) => (fact.is === 'present' ? [{ host, ...fact.value.swarm }] : []));
  const locked = swarms.some(({ state }) => state === 'locked');
  return swarms.flatMap(({ host, state, error }) => {
    const stuck = STUCK[state];
    if (stuck === undefined || (locked && state === 'pending')) return [];
    const what = `its Docker Engine reports that its swarm is ${state}`;
    return [{ code: 'node-not-ready' as const, host, what, ...(error !== '' && { evidence: error }), ...stuck }];
  });
}

/**
 * States of an engine that is in a swarm but cannot take part in it, each with its remedy. Source: Docker Engine API,
 * LocalNodeState.
 */
const STUCK: Readonly<Record<string, Pick<Failure, 'cause' | 'remedy'>>> = {
  locked: {
    cause: 'the swarm locks its managers (autolock), and the engine of this one was restarted',
    remedy:
      'Unlock it on that host: docker swarm unlock asks for the key, which docker swarm unlock-key shows on a ' +
      'manager that is not locked. Then run again.',
  },
  pending: {
    remedy:
      'The engine is waiting for a manager, as it does for some seconds after a restart: run again in a minute. ' +
      'If it keeps waiting, open 2377/tcp to the managers, or run docker swarm leave --force on the host.',
  },
  error: { remedy: 'If the host needs nothing from that swarm, run docker swarm leave --force on it, then run again.' },
};

/**
 * Hosts of the cluster file whose node is drained or paused, or registered under another address than the file's.
 * Nothing if the nodes are unknown.
 */
export function nodeFailures(cluster: Cluster, engines: Engines, nodes: Fact<readonly SwarmNode[]>): Failure[] {
  const manager = leadManager(cluster, engines).name;
  return cluster.hosts.flatMap((host) => {
    const swarm = engineOf(engines, host)?.swarm;
    const node = valueOf(nodes)?.find(({ id }) => id === swarm?.nodeId);
    if (swarm === undefined || node === undefined) return [];
    const failures = node.availability === 'active' ? [] : [unavailable(host, node, manager)];
    // A hostname may resolve differently on the host.
    const comparable = ipv4(host.address) !== undefined && swarm.address !== '';
    return comparable && swarm.address !== host.address
      ? [...failures, wrongAddress(host, node, swarm, manager)]
      : failures;
  });
}

const AVAILABILITIES: Readonly<Record<string, string>> = { drain: 'drained', pause: 'paused' };

/**
 * Seen with Docker 20.10: attaching anything to the overlay network there fails after 20 s with "context deadline
 * exceeded" (moby#33303); what is already attached stays.
 */
function unavailable(host: Host, node: SwarmNode, manager: string): Failure {
  return {
    code: 'node-not-ready',
    host: host.name,
    what:
      `its node is ${AVAILABILITIES[node.availability] ?? node.availability}: no container can be started on the ` +
      'overlay network there',
    evidence: `docker node inspect ${node.id} on ${manager}: Availability ${node.availability}`,
    cause:
      'somebody set this availability, perhaps for maintenance; containers there keep running, but cannot be ' +
      'started again',
    remedy:
      `When the host may be used again, on ${manager}: docker node update --availability active ${node.id}. Then ` +
      'run again.',
  };
}

function wrongAddress(host: Host, node: SwarmNode, { address, isManager }: Engine['swarm'], manager: string): Failure {
  const only = isManager && host.name === manager;
  return {
    code: 'host-unfit',
    host: host.name,
    what: `its swarm node is registered under ${address}, not under ${host.address}`,
    evidence: `docker info: NodeAddr ${address}; cluster file: address ${host.address}`,
    cause:
      'it joined the swarm under another of its addresses, or its address has changed: ' +
      'the other hosts send overlay traffic to the registered address',
    remedy:
      `${only ? managerMoves(host) : nodeMoves(host, node, isManager, manager)} ` +
      `If ${address} is the right address, write it into the cluster file instead.`,
  };
}

const managerMoves = ({ name, address }: Host): string =>
  `On ${name}, run docker swarm init --force-new-cluster --advertise-addr ${address}: it keeps the swarm with this ` +
  'manager only. Then run docker swarm leave on the other hosts (managers: with --force), and run again: they rejoin.';

const nodeMoves = ({ name, address }: Host, { id }: SwarmNode, isManager: boolean, manager: string): string =>
  `Make ${name} leave and join again: ${isManager ? `docker node demote ${id} on ${manager}, then ` : ''}docker ` +
  `swarm leave on ${name}, ` +
  `then docker node rm ${id} on ${manager}. The next run joins it with --advertise-addr ${address}.`;

/** How to bring back a node that the managers have lost contact with. */
export const NODE_REMEDY =
  'Check that the Docker Engine runs on the host, and that 2377/tcp to the managers and 7946/tcp and udp between ' +
  'all hosts are open; then run again.';
