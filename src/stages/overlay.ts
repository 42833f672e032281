import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { createOverlay, removeContainer, removeNetwork } from '../docker/commands.ts';
import { probeName, USUAL_MTU } from '../docker/probe.ts';
import { formerName } from '../docker/replacement.ts';
import { seen, type About, type Difference } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { replicaContainer } from '../kuscia/names.ts';
import type { NetworkFacts, OnHost } from './network-facts.ts';
import { subnetFaults } from './subnet.ts';
import { leadManager } from './swarm.ts';
import type { Network } from '../docker/networks.ts';

/** Plans the network; true when it exists and is as described. */
export function planOverlay(plan: Plan, deployment: Deployment, facts: NetworkFacts): boolean {
  const { cluster } = deployment;
  const manager = leadManager(cluster, facts.engines);
  const mismatches = facts.hosts.flatMap((onHost) => {
    const network = overlayOn(cluster, onHost);
    const fault = network && faultOf(cluster, network);
    return network && fault ? [{ host: onHost.host.name, network, fault }] : [];
  });
  const unique = mismatches.filter(
    (one, i) => mismatches.findIndex((other) => other.network.id === one.network.id) === i,
  );
  for (const { host, network, fault } of unique) {
    const where = network.scope === 'swarm' ? manager.name : host;
    const users = deployment.repair ? usersOf(cluster, facts, network, where) : [];
    if (!deployment.repair) plan.failures.push(wrongType(cluster, where, network, fault));
    else if (users.length > 0) plan.failures.push(networkInUse(cluster, where, network, fault, users));
    else plan.steps.push(removal(deployment, facts, where, network, fault));
  }
  if (mismatches.length > 0) {
    plan.later.push({ host: manager.name, about: overlayOf(cluster), why: { because: 'after-wrong-network' } });
    return false;
  }

  const onManager = facts.hosts.find((onHost) => onHost.host === manager);
  if (onManager && overlayOn(cluster, onManager)) {
    plan.satisfied.push({
      host: manager.name,
      about: { kind: 'be-there', thing: 'overlay', name: cluster.network.name },
      why: seen(`attachable, ${describe(cluster)}`),
    });
    return true;
  }
  plan.failures.push(...subnetFaults(cluster, facts.hosts));
  plan.steps.push({
    host: manager.name,
    change: '+',
    about: overlayOf(cluster),
    why: { because: 'absent' },
    apply: async (act) => void (await act.run(manager.name, createOverlay(cluster.network))),
  });
  return false;
}

/**
 * Plans the removal of the network once the probes are gone. It is kept if it is not as described, or if a container
 * that is not ours is attached to it. Docker accounts for containers on other hosts: it removes no network in use.
 */
export function planNoOverlay(plan: Plan, { cluster }: Deployment, facts: NetworkFacts): void {
  const manager = leadManager(cluster, facts.engines);
  const onManager = facts.hosts.find(({ host }) => host === manager);
  const network = onManager && overlayOn(cluster, onManager);
  const note = (kind: 'be-there' | 'be-absent', why: string): void =>
    void plan.satisfied.push({
      host: manager.name,
      about: { kind, thing: 'overlay', name: cluster.network.name },
      why: seen(why),
    });
  if (!network) return note('be-absent', 'not in the swarm');
  const fault = faultOf(cluster, network);
  if (fault) return note('be-there', `kept: ${faultText(fault)}`);
  const users = foreignContainers(cluster, facts);
  if (users.length > 0) return note('be-there', `kept: used by ${users.join(', ')}`);
  // Shares a serial group with one of the probes; all others run beside that one.
  const serialGroup = 'network';
  const [probe, ...others] = plan.steps.splice(0);
  plan.steps.push(...(probe ? [{ ...probe, serialGroup }] : []), ...others, {
    host: manager.name,
    change: '-',
    about: networkOf(network),
    why: { because: 'unwanted' },
    serialGroup,
    apply: async (act) => void (await act.run(manager.name, removeNetwork(network.id))),
  });
}

/** Containers attached to the network, running or not, except those of this deployment. */
const foreignContainers = (cluster: Cluster, { hosts }: NetworkFacts): string[] =>
  hosts.flatMap(({ host, containers, machine }) => {
    const names = [probeName(cluster), replicaContainer(cluster, valueOf(machine)?.user ?? '')];
    const own = new Set(names.flatMap((name) => [name, formerName(name)]));
    return (valueOf(containers) ?? [])
      .filter(({ name, addresses }) => !own.has(name) && cluster.network.name in addresses)
      .map(({ name }) => `${name} on ${host.name}`);
  });

const networkOf = ({ name, id }: Network): About => ({
  kind: 'remove',
  thing: 'network',
  name: `${name} (${id.slice(0, 12)})`,
});

const overlayOf = ({ network: { name, subnet, mtu, encrypted } }: Cluster): About => ({
  kind: 'create',
  thing: 'overlay',
  name,
  details: { subnet, ...(mtu !== undefined && { mtu: `${mtu}` }), ...(encrypted === true && { encrypted: 'true' }) },
});

const describe = ({ network }: Cluster): string =>
  network.subnet +
  (network.mtu === undefined ? '' : `, packets of ${network.mtu} bytes`) +
  (network.encrypted === true ? ', encrypted' : '');

const overlayOn = (cluster: Cluster, { networks }: OnHost): Network | undefined =>
  valueOf(networks)?.find((network) => network.name === cluster.network.name);

function faultOf(cluster: Cluster, network: Network): Fault | undefined {
  const { subnet, mtu, encrypted } = cluster.network;
  if (network.driver !== 'overlay') return { field: 'driver', from: network.driver, to: 'overlay' };
  if (!network.attachable) return { field: 'attachable', to: 'true' };
  if (!network.subnets.includes(subnet)) return { field: 'subnet', from: network.subnets.join(', '), to: subnet };
  if (mtu !== undefined && network.mtu !== mtu)
    return { field: 'mtu', from: `${network.mtu ?? `Docker's default (${USUAL_MTU})`}`, to: `${mtu}` };
  if (encrypted !== undefined && network.encrypted !== encrypted)
    return { field: 'encrypted', from: `${network.encrypted}`, to: `${encrypted}` };
  return undefined;
}

/** What is wrong with a network of the right name. */
interface Fault extends Difference {
  readonly field: 'driver' | 'attachable' | 'subnet' | 'mtu' | 'encrypted';
  readonly to: string;
}

function faultText({ field, from, to }: Fault): string {
  if (field === 'attachable') return 'it is not attachable';
  if (field === 'encrypted') return to === 'true' ? 'it is not encrypted' : 'it is encrypted';
  return `its ${field} is ${from}, not ${to}`;
}

function wrongType(cluster: Cluster, host: string, network: Network, fault: Fault): Failure {
  const alternatives: Readonly<Partial<Record<Fault['field'], string>>> = {
    subnet: ' Or write its subnet into the cluster file (network.subnet).',
    mtu: ' Or write its mtu into the cluster file (network.mtu).',
    encrypted: ` Or write encrypted: ${network.encrypted} into the cluster file (network.encrypted).`,
  };
  return {
    code: 'network-wrong-type',
    host,
    what: `the network ${cluster.network.name} exists, but ${faultText(fault)}`,
    evidence:
      `network ${network.id.slice(0, 12)}: driver ${network.driver}, scope ${network.scope}, attachable ` +
      `${network.attachable}, subnet ` +
      `${network.subnets.join(', ') || 'none'}${network.mtu === undefined ? '' : `, mtu ${network.mtu}`}`,
    remedy:
      `Run again with repair: true, which removes the network and its probes, or remove it on ${host}: docker ` +
      `network rm ${network.id.slice(0, 12)}.${alternatives[fault.field] ?? ''}`,
  };
}

/** Containers on the network other than the probes, which a repair recreates: Docker removes no network in use. */
const usersOf = (cluster: Cluster, { hosts }: NetworkFacts, network: Network, where: string): string[] =>
  hosts
    .filter(({ host }) => network.scope === 'swarm' || host.name === where)
    .flatMap(({ host, containers }) =>
      (valueOf(containers) ?? [])
        .filter(({ name, addresses }) => name !== probeName(cluster) && (addresses[network.name] ?? '') !== '')
        .map(({ name }) => `${name} on ${host.name}`),
    );

const networkInUse = (
  cluster: Cluster,
  host: string,
  network: Network,
  fault: Fault,
  users: readonly string[],
): Failure => ({
  code: 'network-wrong-type',
  host,
  what: `the network ${cluster.network.name} cannot be repaired while containers use it: ${faultText(fault)}`,
  evidence: users.join(', '),
  remedy:
    'If these containers are not needed, stop and remove them, then run again with repair: true. Otherwise change ' +
    `the cluster file to match the network (docker network inspect ${network.id.slice(0, 12)}).`,
});

function removal(
  { cluster }: Deployment,
  { hosts }: NetworkFacts,
  where: string,
  network: Network,
  fault: Fault,
): Plan['steps'][number] {
  const probes = hosts.filter(
    (onHost) =>
      valueOf(onHost.probe)?.current !== undefined && (network.scope === 'swarm' || onHost.host.name === where),
  );
  return {
    host: where,
    change: '-',
    about: networkOf(network),
    why: { because: 'wrong-type', differs: [fault], seen: faultText(fault) },
    async apply(act) {
      for (const { host } of probes) await act.run(host.name, removeContainer(probeName(cluster)));
      await act.run(where, removeNetwork(network.id));
    },
  };
}
