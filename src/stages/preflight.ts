import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { publishedPorts, restartedPorts } from '../docker/containers.ts';
import { engine, type Engine } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { Trouble, type Failure } from '../engine/errors.ts';
import { absent, valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { disk, machine, type Disk, type Machine } from '../host/facts.ts';
import { isReplicaName, replicaContainer, replicaName } from '../kuscia/names.ts';
import { compareVersions, REQUIRED } from '../kuscia/requirements.ts';

interface OnHost {
  readonly host: Host;
  readonly engine: Fact<Engine>;
  readonly machine: Fact<Machine>;
  readonly published: Fact<ReadonlyMap<number, string>>;
  readonly restarted: Fact<ReadonlyMap<number, string>>;
  readonly disk: Fact<Disk>;
  /** Our own clock before and after the host was asked, in milliseconds; undefined where an earlier job asked it. */
  readonly asked: readonly [number, number] | undefined;
}

/** All that a host must have before anything is changed; every finding of every host in one report. */
export function preflight(deployment: Deployment): Stage {
  return stage({
    name: 'preflight',
    purpose: 'hosts that meet the requirements',
    needs: [],
    settleMs: 0,
    gather: (ask) => Promise.all(deployment.cluster.hosts.map((host) => gatherHost(ask, host))),
    plan: (facts) => planPreflight(deployment.cluster, facts),
  });
}

/** Where an engine keeps its data unless it is told otherwise. */
const ENGINE_DATA = '/var/lib/docker';

async function gatherHost(ask: Ask, host: Host): Promise<OnHost> {
  const before = Date.now();
  const properties = ask.ask(host.name, machine).then((fact) => [fact, Date.now()] as const);
  const [onEngine, [onMachine, after], published, restarted, usual] = await Promise.all([
    ask.ask(host.name, engine),
    properties,
    ask.ask(host.name, publishedPorts),
    ask.ask(host.name, restartedPorts),
    ask.ask(host.name, disk(ENGINE_DATA)),
  ]);
  const rootDir = valueOf(onEngine)?.rootDir ?? ENGINE_DATA;
  const space = rootDir === ENGINE_DATA ? usual : await ask.ask(host.name, disk(rootDir));
  return { host, engine: onEngine, machine: onMachine, published, restarted, disk: space, asked: ask.reaches(host.name) ? [before, after] : undefined };
}

/** Judges every host by itself, then the hosts among each other. */
export function planPreflight(cluster: Cluster, facts: readonly OnHost[]): Plan {
  const plan = new Plan();
  for (const onHost of facts) {
    const failures = hostFailures(cluster, onHost);
    plan.failures.push(...failures);
    if (failures.length === 0) plan.satisfied.push({ host: onHost.host.name, what: 'meets the requirements', why: described(onHost) });
  }
  plan.failures.push(...sharedMachineIds(facts), ...architectureFailures(cluster, facts), ...clockFailures(facts), ...nameFailures(cluster, facts));
  return plan;
}

function described({ engine, machine }: OnHost): string {
  if (engine.is !== 'present' || machine.is !== 'present') return '';
  const memory = `${(machine.value.memory / 1024 ** 3).toFixed(0)} GiB`;
  return `engine ${engine.value.version}, kernel ${machine.value.kernel.split('-')[0]}, ${machine.value.arch}, ${engine.value.cpus} CPUs, ${memory}`;
}

function hostFailures(cluster: Cluster, onHost: OnHost): Failure[] {
  const { host, engine, machine, published, restarted, disk } = onHost;
  const failures: Failure[] = [];
  const unfit = (what: string, remedy: string, evidence?: string): void => {
    failures.push({ code: 'host-unfit', host: host.name, what, remedy, ...(evidence !== undefined && { evidence }) });
  };
  if (engine.is !== 'present') {
    const evidence = engine.is === 'unknown' ? engine.why : 'absent';
    failures.push({ code: 'engine-unreachable', host: host.name, what: 'the Docker Engine does not answer', evidence, remedy: `Install and start the Docker Engine (${REQUIRED.engine} or newer), and let the login use it: root, an account in group docker, or one that gets that group by sudo (sudo: true).` });
  } else if (compareVersions(engine.value.version, REQUIRED.engine) < 0) {
    unfit(`Docker Engine ${engine.value.version} is too old`, `Install ${REQUIRED.engine} or newer.`, 'older engines refuse threads to Kuscia (kuscia#984)');
  }
  if (machine.is !== 'present') {
    unfit('its properties cannot be read', 'See that the login has a POSIX shell and may read /proc.', machine.is === 'unknown' ? machine.why : 'absent');
  } else {
    machineFindings(cluster, host, machine.value, unfit);
    failures.push(...takenPorts(cluster, host, machine.value, engine, published, restarted));
  }
  for (const fact of [published, disk]) if (fact.is === 'unknown') failures.push({ code: 'fact-unknown', host: host.name, what: fact.why, remedy: 'Mend what the line names, then run again.' });
  if (disk.is === 'present' && disk.value.free < REQUIRED.freeDisk) {
    unfit(`${gib(disk.value.free)} of disk are free where its engine keeps its data, ${gib(REQUIRED.freeDisk)} are needed`, 'Free space there (docker system df shows what images take).');
  }
  return failures;
}

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

function machineFindings(cluster: Cluster, host: Host, machine: Machine, unfit: (what: string, remedy: string, evidence?: string) => void): void {
  if (compareVersions(machine.kernel, REQUIRED.kernel) < 0) unfit(`kernel ${machine.kernel} is too old`, `Use a kernel of ${REQUIRED.kernel} or newer.`);
  if (!(REQUIRED.architectures as readonly string[]).includes(machine.arch)) unfit(`architecture ${machine.arch} is not supported`, 'Use x86_64 or arm64.');
  if (machine.missingPrograms.length > 0) unfit(`these programs are missing: ${machine.missingPrograms.join(', ')}`, 'Install them; kuscia.sh and the stages call them.');
  if (!host.roles.includes('replica')) return;
  const name = replicaName(replicaContainer(cluster, machine.user), machine.hostname);
  if (!isReplicaName(name)) unfit(`its replica would be named ${name}, which Kubernetes does not take`, 'Give the host a name of letters, digits and inner hyphens (hostnamectl set-hostname), or use another login.', `hostname ${machine.hostname}, login ${machine.user}`);
  if (cluster.memory > machine.memory) {
    unfit(`a replica may use ${gib(cluster.memory)} of memory, the host has ${gib(machine.memory)}`, 'Set memory in the cluster file to what every replica host has.');
  }
  if (machine.ptraceScope === 3) unfit('ptrace is forbidden, which runp needs', 'Set kernel.yama.ptrace_scope to 2 or less and restart the host (kuscia#626).', 'kernel.yama.ptrace_scope = 3');
}

/** Host ports that the stages will use on this host, with what for. */
export function portsOn(cluster: Cluster, host: Host): Map<number, string> {
  const { ports, database, loadBalancer } = cluster;
  const uses: [number, string][] = [];
  if (host.roles.includes('replica')) {
    uses.push([ports.gateway, 'gateway'], [ports.internal, 'internal'], [ports.api, 'api'], [ports.apiGrpc, 'api-grpc'], [ports.metrics, 'metrics']);
  }
  if (database.kind === 'managed' && database.host === host.name) uses.push([database.port, 'database']);
  if (loadBalancer.host === host.name) uses.push([loadBalancer.port, 'load balancer']);
  return new Map(uses);
}

/** Ports that something other than this deployment listens on; not those of our containers that docker may be about to start. */
function takenPorts(cluster: Cluster, host: Host, machine: Machine, engine: Fact<Engine>, published: Fact<ReadonlyMap<number, string>>, restarted: Fact<ReadonlyMap<number, string>> = absent): Failure[] {
  // Whose port it is would be a guess.
  if (published.is === 'unknown') return [];
  const own = new Set([replicaContainer(cluster, machine.user), cluster.loadBalancer.container, cluster.database.kind === 'managed' ? cluster.database.container : '']);
  const publisher = (port: number): string | undefined => (published.is === 'present' ? published.value.get(port) : undefined);
  const uses = portsOn(cluster, host);
  if (engine.is === 'present' && engine.value.swarm.state === 'inactive') for (const port of [2377, 7946]) uses.set(port, 'swarm');
  return [...uses]
    .filter(([port]) => machine.listening.includes(port) && !own.has(publisher(port) ?? valueOf(restarted)?.get(port) ?? '?'))
    .map(([port, use]) => ({
      code: 'port-taken' as const,
      host: host.name,
      what: `port ${port} (${use}) is taken`,
      evidence: publisher(port) !== undefined ? `published by container ${publisher(port)}` : `something listens on ${port}/tcp`,
      remedy: use === 'swarm' ? 'End what listens there: the swarm needs this port.' : 'End what listens there, or choose another port in the cluster file.',
    }));
}

/** Throws when something else listens on a port of the host's part: taken after preflight looked, it is why docker refused to start a container. */
export async function refuseTakenPorts(act: Act, cluster: Cluster, host: Host): Promise<void> {
  const [properties, published] = await Promise.all([act.ask(host.name, machine), act.ask(host.name, publishedPorts)]);
  const taken = properties.is === 'present' ? takenPorts(cluster, host, properties.value, absent, published) : [];
  if (taken.length > 0) throw new Trouble(taken);
}

/** Kuscia takes a second host of one machine-id and name for the same replica (README of the observations, section 1). */
function sharedMachineIds(facts: readonly OnHost[]): Failure[] {
  const known = facts.flatMap(({ host, machine }) => (machine.is === 'present' && machine.value.machineId !== '' ? [[machine.value.machineId, host.name] as const] : []));
  const byId = Map.groupBy(known, ([id]) => id);
  return [...byId.values()]
    .filter((same) => same.length > 1)
    .map((same) => ({
      code: 'host-unfit' as const,
      host: same.map(([, host]) => host).join(', '),
      what: 'these hosts have the same machine-id, as cloned machines do',
      evidence: `/etc/machine-id is ${same[0]?.[0]}`,
      remedy: 'Make new ones: rm /etc/machine-id && systemd-machine-id-setup, then restart the host.',
    }));
}

/** Tasks may run on any replica, with images and binaries that are the same everywhere. */
function architectureFailures(cluster: Cluster, facts: readonly OnHost[]): Failure[] {
  const supported = (arch: string): boolean => (REQUIRED.architectures as readonly string[]).includes(arch);
  const known = facts.flatMap(({ host, machine }) => (host.roles.includes('replica') && machine.is === 'present' && supported(machine.value.arch) ? [{ host: host.name, arch: machine.value.arch.replace('aarch64', 'arm64') }] : []));
  const byArch = Map.groupBy(known, ({ arch }) => arch);
  if (byArch.size < 2) return [];
  return [
    {
      code: 'host-unfit',
      host: known.map(({ host }) => host).join(', '),
      what: `the hosts of ${cluster.domain}'s replicas have different architectures`,
      evidence: [...byArch].map(([arch, same]) => `${arch}: ${same.map(({ host }) => host).join(', ')}`).join('; '),
      remedy: 'Put all replicas of a domain on hosts of one architecture: its tasks run on any of them, with the same images.',
    },
  ];
}

/** Only what is certain: the two moments between which each clock was read must be further apart than the limit. */
function clockFailures(facts: readonly OnHost[]): Failure[] {
  const clocks = facts.flatMap(({ host, machine, asked }) =>
    machine.is === 'present' && asked !== undefined ? [{ host: host.name, least: machine.value.clock - asked[1], most: machine.value.clock - asked[0] }] : [],
  );
  const slowest = clocks.reduce((a, b) => (b.most < a.most ? b : a), clocks[0] ?? { host: '', least: 0, most: 0 });
  return clocks
    .filter((clock) => clock.least - slowest.most > REQUIRED.clockSkew * 1000)
    .map((clock) => ({
      code: 'host-unfit' as const,
      host: clock.host,
      what: `its clock is at least ${Math.floor((clock.least - slowest.most) / 1000)} s ahead of that of ${slowest.host}; ${REQUIRED.clockSkew} s are allowed`,
      remedy: 'Set the clocks by NTP on all hosts: Kuscia judges replicas by times that they write themselves.',
    }));
}

/** Replica names must differ, and none may be the beginning or a part of another: kuscia.sh counts matching lines. */
function nameFailures(cluster: Cluster, facts: readonly OnHost[]): Failure[] {
  const replicas = hostsWith(cluster, 'replica').flatMap((host) => {
    const fact = facts.find((onHost) => onHost.host === host)?.machine;
    return fact?.is === 'present' ? [{ host: host.name, hostname: fact.value.hostname, name: replicaName(replicaContainer(cluster, fact.value.user), fact.value.hostname) }] : [];
  });
  const remedy = 'Give the hosts short, distinct hostnames, none of them the beginning of another (hostnamectl set-hostname), or use a shorter domain.';
  return replicas.flatMap((one, i) =>
    replicas
      .filter((other, j) => i !== j && other.name.includes(one.name) && (other.name !== one.name || i < j))
      .map((other) => ({
        code: 'hostname-clash' as const,
        host: `${one.host}, ${other.host}`,
        what: one.name === other.name ? `both replicas would be named ${one.name}` : `the replica name ${one.name} is part of ${other.name}`,
        evidence: `hostnames ${one.hostname} and ${other.hostname}`,
        remedy,
      })),
  );
}
