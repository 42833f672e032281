import { firstManager, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { planContainer } from '../docker/bring-about.ts';
import { createOverlay, removeContainer, removeNetwork } from '../docker/commands.ts';
import { containers, type Container } from '../docker/containers.ts';
import { image } from '../docker/facts.ts';
import { networks, type Network } from '../docker/networks.ts';
import { ensureImage, knownImage, movedImage } from '../docker/images.ts';
import { probeName, USUAL_MTU } from '../docker/probe.ts';
import { notRunning } from '../docker/replace.ts';
import { standing, type ContainerPair, type Wanted } from '../docker/wanted.ts';
import { seen, type About, type Difference, type Kind, type Reason } from '../engine/about.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, valueOf, type Fact } from '../engine/fact.ts';
import { hostsToChange, Plan } from '../engine/plan.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { machine, type Machine } from '../host/facts.ts';
import { allPaths, askPaths, cutPairs, probeFailures, type Paths } from './data-path.ts';
import { defineStage } from './definition.ts';
import { lacksPrograms, probeDifference, startProbe, unfitProbe } from './probe.ts';
import { subnetFaults } from './subnet.ts';
import { anchor, askEngines, engineFailures, type Engines } from './swarm.ts';

interface OnHost {
  readonly host: Host;
  readonly networks: Fact<readonly Network[]>;
  readonly containers: Fact<readonly Container[]>;
  readonly probe: Fact<ContainerPair>;
  readonly probeImage: Fact<string>;
  readonly machine: Fact<Machine>;
}

interface Facts {
  readonly engines: Engines;
  readonly hosts: readonly OnHost[];
  readonly paths: Paths;
}

/** The attachable overlay network that kuscia.sh demands, and a data path between each pair of hosts. */
export const networkCreate = defineStage({
  name: 'network-create',
  purpose: {
    english: 'The attachable overlay network, carrying data between each pair of hosts',
    chinese: '可附加的 overlay 网络，任意两台主机之间均可传输数据',
  },
  detail: {
    english:
      'Tests each pair of hosts with full-size packets. With `repair: true`, a network of the right name but the ' +
      'wrong type is removed first.',
    chinese: '用最大尺寸的数据包测试每一对主机。设置 `repair: true` 时，会先移除名称正确但类型错误的网络。',
  },
  needs: ['swarm-join'],
  jobs: { hosts: (cluster) => [firstManager(cluster), ...cluster.hosts], order: 'one at a time' },
  inputs: ['registry-password', 'images', 'repair'],
  work: (deployment) => ({
    // An engine that missed what another said of its containers learns it from one that is asked at random every 30 s
    // (moby#47728): 55 s were seen in the lab.
    settleMs: 100_000,
    prefetch: (plan, act) =>
      Promise.all(
        hostsToChange(plan).map((host) => ensureImage(act, host, deployment.cluster.network.probeImage, deployment)),
      ),
    gather: (ask) => gather(ask, deployment.cluster),
    plan: (facts) => planNetwork(deployment, facts),
  }),
});

async function gather(ask: Ask, cluster: Cluster): Promise<Facts> {
  const [engines, paths, hosts] = await Promise.all([
    askEngines(ask, cluster),
    askPaths(
      ask,
      cluster,
      cluster.hosts.filter(({ name }) => ask.reaches(name)),
    ),
    Promise.all(
      cluster.hosts.map(async (host): Promise<OnHost> => {
        const [nets, all, probeImage, properties] = await Promise.all([
          ask.ask(host.name, networks),
          ask.ask(host.name, containers),
          ask.ask(host.name, image(cluster.network.probeImage)),
          ask.ask(host.name, machine),
        ]);
        return {
          host,
          networks: nets,
          containers: all,
          probe: standing(all, probeName(cluster)),
          probeImage,
          machine: properties,
        };
      }),
    ),
  ]);
  return { engines, hosts, paths };
}

/** The network first; then a probe on every host; then every pair must be connected. */
export function planNetwork(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(facts.engines), ...unknowns(facts));
  if (plan.failures.length > 0) return plan;
  const ready = planOverlay(plan, deployment, facts);
  if (plan.failures.length > 0) return plan;
  for (const onHost of facts.hosts) {
    if (ready) planProbe(plan, deployment, onHost, facts);
    else planProbeLater(plan, deployment, onHost, 'after-network');
  }
  if (ready) planPaths(plan, deployment.cluster, facts);
  return plan;
}

const probeOf = (cluster: Cluster, kind: Kind): About => ({ kind, thing: 'probe', name: probeName(cluster) });

function planProbeLater(
  plan: Plan,
  deployment: Deployment,
  { host, probeImage }: OnHost,
  because: Reason['because'],
): void {
  const image = knownImage(deployment, deployment.cluster.network.probeImage, probeImage);
  plan.later.push({
    host: host.name,
    about: probeOf(deployment.cluster, 'create'),
    why: { because },
    ...(image && { image }),
  });
}

const unknowns = ({ hosts }: Facts): Failure[] =>
  hosts.flatMap(({ host, networks, probe }) => unknownFailures(host.name, [networks, probe]));

/** Plans the network; true when it is there and right. */
function planOverlay(plan: Plan, deployment: Deployment, facts: Facts): boolean {
  const { cluster } = deployment;
  const manager = anchor(cluster, facts.engines);
  const wrong = facts.hosts.flatMap((onHost) => {
    const network = ours(cluster, onHost);
    const fault = network && faultOf(cluster, network);
    return network && fault ? [{ host: onHost.host.name, network, fault }] : [];
  });
  const unique = wrong.filter((one, i) => wrong.findIndex((other) => other.network.id === one.network.id) === i);
  for (const { host, network, fault } of unique) {
    const where = network.scope === 'swarm' ? manager.name : host;
    const users = deployment.repair ? usersOf(cluster, facts, network, where) : [];
    if (!deployment.repair) plan.failures.push(wrongType(cluster, where, network, fault));
    else if (users.length > 0) plan.failures.push(inUse(cluster, where, network, fault, users));
    else plan.steps.push(removal(deployment, facts, where, network, fault));
  }
  if (wrong.length > 0) {
    plan.later.push({ host: manager.name, about: overlayOf(cluster), why: { because: 'after-wrong-network' } });
    return false;
  }

  const there = facts.hosts.find((onHost) => onHost.host === manager);
  if (there && ours(cluster, there)) {
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

const ours = (cluster: Cluster, { networks }: OnHost): Network | undefined =>
  valueOf(networks)?.find((network) => network.name === cluster.network.name);

function faultOf(cluster: Cluster, network: Network): Fault | undefined {
  const { subnet, mtu, encrypted } = cluster.network;
  if (network.driver !== 'overlay') return { field: 'driver', from: network.driver, to: 'overlay' };
  if (!network.attachable) return { field: 'attachable', to: 'true' };
  if (!network.subnets.includes(subnet)) return { field: 'subnet', from: network.subnets.join(', '), to: subnet };
  if (mtu !== undefined && network.mtu !== mtu)
    return { field: 'mtu', from: `${network.mtu ?? `that which Docker chooses (${USUAL_MTU})`}`, to: `${mtu}` };
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
  if (field === 'attachable') return 'not attachable';
  if (field === 'encrypted') return to === 'true' ? 'not encrypted' : 'not without encryption';
  return `${field} is ${from}, not ${to}`;
}

function wrongType(cluster: Cluster, host: string, network: Network, fault: Fault): Failure {
  const instead: Readonly<Partial<Record<Fault['field'], string>>> = {
    subnet: ' Or write its subnet into the cluster file (network.subnet).',
    mtu: ' Or write its mtu into the cluster file (network.mtu).',
    encrypted: ` Or write encrypted: ${network.encrypted} into the cluster file (network.encrypted).`,
  };
  return {
    code: 'network-wrong-type',
    host,
    what: `the network ${cluster.network.name} is there, but its ${faultText(fault).replace(/^not/, 'type is not')}`,
    evidence:
      `network ${network.id.slice(0, 12)}: driver ${network.driver}, scope ${network.scope}, attachable ` +
      `${network.attachable}, subnet ` +
      `${network.subnets.join(', ') || 'none'}${network.mtu === undefined ? '' : `, mtu ${network.mtu}`}`,
    remedy:
      `Run again with repair: true, which removes it with the probes on it, or remove it on ${host}: docker ` +
      `network rm ${network.id.slice(0, 12)}.${instead[fault.field] ?? ''}`,
  };
}

/**
 * Containers on the network beside the probes, which alone are started again: docker removes no network that is in use,
 * and would have no probes then.
 */
const usersOf = (cluster: Cluster, { hosts }: Facts, network: Network, where: string): string[] =>
  hosts
    .filter(({ host }) => network.scope === 'swarm' || host.name === where)
    .flatMap(({ host, containers }) =>
      (valueOf(containers) ?? [])
        .filter(({ name, addresses }) => name !== probeName(cluster) && (addresses[network.name] ?? '') !== '')
        .map(({ name }) => `${name} on ${host.name}`),
    );

const inUse = (cluster: Cluster, host: string, network: Network, fault: Fault, users: readonly string[]): Failure => ({
  code: 'network-wrong-type',
  host,
  what: `the network ${cluster.network.name} cannot be repaired while containers use it: ${faultText(fault)}`,
  evidence: users.join(', '),
  remedy:
    'Stop and remove these containers where they may go, then run again with repair: true. Or write the cluster ' +
    `file as the network is (docker network inspect ${network.id.slice(0, 12)}).`,
});

function removal(
  { cluster }: Deployment,
  { hosts }: Facts,
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
    about: { kind: 'remove', thing: 'network', name: `${network.name} (${network.id.slice(0, 12)})` },
    why: { because: 'wrong-type', differs: [fault], seen: faultText(fault) },
    async apply(act) {
      for (const { host } of probes) await act.run(host.name, removeContainer(probeName(cluster)));
      await act.run(where, removeNetwork(network.id));
    },
  };
}

/**
 * Whose address the probe has too, on another host. An engine that comes back from a crash before its swarm does starts
 * it with an address of its own choice (seen with Docker 20.10: "peerDbAdd transient condition" in its log); neither is
 * then reached by all, and waiting mends nothing.
 */
function addressTwin({ network }: Cluster, { host, probe }: OnHost, { hosts }: Facts): Difference | undefined {
  const address = valueOf(probe)?.current?.addresses[network.name] ?? '';
  if (address === '') return undefined;
  const twins = hosts
    .filter((other) => other.host !== host)
    .flatMap((other) =>
      (valueOf(other.containers) ?? [])
        .filter((each) => each.addresses[network.name] === address)
        .map((each) => `${each.name} on ${other.host.name}`),
    );
  return twins.length > 0 ? { field: 'address', from: address, of: twins.join(', ') } : undefined;
}

function planProbe(plan: Plan, deployment: Deployment, onHost: OnHost, facts: Facts): void {
  const [{ cluster }, { host, probe }] = [deployment, onHost];
  const current = valueOf(probe)?.current;
  // Another image mends it; until then starting it again mends nothing.
  if (
    current &&
    lacksPrograms(current) &&
    probeDifference(cluster, current, onHost.probeImage, undefined) === undefined &&
    movedImage(current, cluster.network.probeImage, onHost.probeImage) === undefined
  ) {
    plan.failures.push(
      unfitProbe(cluster, host, `${current.name} ended with ${current.exitCode}: a program is not there`),
    );
    return;
  }
  const wanted = wantedProbe(deployment, onHost, facts);
  const found = planContainer(plan, wanted, valueOf(probe) ?? { current: undefined, former: undefined });
  const stopped = current ?? valueOf(probe)?.former;
  // What it was started with is known only once it runs.
  if (!found && stopped?.state === 'exited' && (wanted.difference(stopped) ?? wanted.moved?.(stopped)) === undefined)
    planProbeLater(plan, deployment, onHost, 'if-outdated');
  if (found)
    plan.satisfied.push({
      host: host.name,
      about: probeOf(cluster, 'be-there'),
      why: seen(`running on ${cluster.network.name}`),
    });
}

/** One that replaces another is given longer than the run that made it waits, in milliseconds. */
const PATIENCE_MS = 150_000;

/**
 * A probe works when it was asked and has all that it needs: one that ends over and over runs for a moment each time.
 */
function stateOf({ host, probe, machine }: OnHost, { paths }: Facts): Wanted['state'] {
  const report = valueOf(paths.get(host.name) ?? absent);
  if (report && report.missing.length === 0) return 'works';
  const current = valueOf(probe)?.current;
  return current && (valueOf(machine)?.clock ?? 0) - current.createdAt < PATIENCE_MS ? 'starting' : 'broken';
}

function wantedProbe(deployment: Deployment, onHost: OnHost, facts: Facts): Wanted {
  const { cluster } = deployment;
  const { host, probeImage } = onHost;
  const image = cluster.network.probeImage;
  const name = probeName(cluster);
  return {
    host: host.name,
    name,
    kind: 'probe',
    stopping: { seconds: 10 },
    difference: (container) =>
      probeDifference(cluster, container, probeImage, valueOf(facts.paths.get(host.name) ?? absent)) ??
      addressTwin(cluster, onHost, facts),
    moved: (container) => movedImage(container, image, probeImage),
    image: knownImage(deployment, image, probeImage),
    state: stateOf(onHost, facts),
    prepare: (act) => ensureImage(act, host.name, image, deployment),
    rehearsal: () => ({ image, ports: [], options: [`--network=${cluster.network.name}`] }),
    create: (act) => startProbe(act, cluster, host),
    fault: (act) => notRunning(act, host.name, name),
  };
}

const DATA_PATH: About = { kind: 'be-there', thing: 'data path' };

/** Judges the probes that are there to stay, and each direction between two of them. */
function planPaths(plan: Plan, cluster: Cluster, { hosts, paths: tries }: Facts): void {
  const stay = new Set(
    hosts
      .filter(
        ({ host, probe }) =>
          valueOf(probe)?.current?.state === 'running' &&
          !plan.steps.some((step) => step.host === host.name && step.change !== '-'),
      )
      .map(({ host }) => host.name),
  );
  const unfit = probeFailures(cluster, new Map([...tries].filter(([name]) => stay.has(name))));
  const lame = new Set(unfit.filter(({ code }) => code === 'probe-unfit').map(({ host }) => host));
  const paths = allPaths(cluster, tries).filter(({ from, to }) =>
    [from, to].every((name) => stay.has(name) && !lame.has(name)),
  );
  const cut = cutPairs(cluster, paths);
  plan.failures.push(...unfit, ...cut.filter(({ definite }) => definite));
  plan.awaited.push(
    ...cut
      .filter(({ definite }) => !definite)
      .map((failure) => ({ host: failure.host ?? '', about: DATA_PATH, why: seen(failure.what), failure })),
  );
  if (cut.length === 0 && paths.length > 0)
    plan.satisfied.push({
      host: anchor(cluster, new Map()).name,
      about: DATA_PATH,
      why: seen(`${paths.length} of ${paths.length} pairs connected`),
    });
}
