import type { Cluster, Host } from '../cluster/cluster.ts';
import { seen } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import type { Machine } from '../host/facts.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { compareVersions } from '../engine/versions.ts';
import { isReplicaName, replicaContainer, replicaName } from '../kuscia/names.ts';
import { REQUIRED } from '../kuscia/requirements.ts';
import { CLUSTER_SECRETS, defineStage } from './definition.ts';
import { engineSilent } from './engine-silent.ts';
import type { Finding } from './finding.ts';
import { takenPorts } from './ports.ts';
import { dockerFindings } from './preflight-engine.ts';
import { gatherHosts, type OnHost, type PreflightFacts } from './preflight-facts.ts';
import { crossHostFailures } from './preflight-hosts.ts';
import { swarmFailures } from './swarm.ts';

/** Everything that a host needs before anything is changed; all findings of all hosts in one report. */
export const preflight = defineStage({
  name: 'preflight',
  purpose: { english: 'Hosts that meet the requirements', chinese: '主机满足要求' },
  detail: {
    english: 'Changes nothing. Reports every finding of every host at once, with what to do about it.',
    chinese: '不做任何更改。一次报告所有主机的全部问题，并附处理办法。',
  },
  needs: [],
  // The inputs that any later stage requires, so that a missing one is reported before anything is changed, and those
  // that the plan of all stages depends on, because preflight compares that plan with the approved one.
  inputs: [...CLUSTER_SECRETS, 'images', 'repair', 'upgrade-database'],
  work: ({ cluster }) => ({
    settleMs: 0,
    gather: (ask) => gatherHosts(ask, cluster),
    plan: (facts) => planPreflight(cluster, facts),
  }),
});

/** Judges every host by itself, then the hosts as a group. */
export function planPreflight(cluster: Cluster, { hosts: facts, nodes }: PreflightFacts): Plan {
  const plan = new Plan();
  const engines = new Map(facts.map(({ host, engine }) => [host.name, engine]));
  const ofSwarm = swarmFailures(cluster, engines, nodes);
  for (const onHost of facts) {
    const findings = dockerFindingsOf(cluster, onHost);
    const unfit = findings.map(({ advice, ...finding }): [boolean, Failure] => [
      advice === true,
      { code: 'host-unfit', host: onHost.host.name, ...finding },
    ]);
    const failures = [
      ...hostFailures(cluster, onHost),
      ...unfit.flatMap(([advice, failure]) => (advice ? [] : [failure])),
      ...ofSwarm.filter(({ host }) => host === onHost.host.name),
    ];
    plan.warnings.push(...folderWarnings(onHost), ...unfit.flatMap(([advice, failure]) => (advice ? [failure] : [])));
    plan.failures.push(...failures);
    if (failures.length === 0)
      plan.satisfied.push({
        host: onHost.host.name,
        about: { kind: 'fit', thing: 'host' },
        why: seen(summaryOf(onHost)),
      });
  }
  plan.failures.push(...crossHostFailures(cluster, facts));
  return plan;
}

/** What does not fit in that host's Docker. */
const dockerFindingsOf = (cluster: Cluster, { host, engine, machine, setup, networks }: OnHost): Finding[] =>
  dockerFindings(cluster, host, {
    engine: valueOf(engine),
    setup: valueOf(setup),
    networks: valueOf(networks),
    routes: valueOf(machine)?.routes,
  });

function summaryOf({ engine, machine }: OnHost): string {
  if (engine.is !== 'present' || machine.is !== 'present') return '';
  const memory = `${(machine.value.memory / 1024 ** 3).toFixed(0)} GiB`;
  return (
    `engine ${engine.value.version}, kernel ${machine.value.kernel.split('-')[0]}, ${machine.value.arch}, ` +
    `${engine.value.cpus} CPUs, ${memory}`
  );
}

function hostFailures(cluster: Cluster, onHost: OnHost): Failure[] {
  const { host, engine, machine, setup, published, restarted, disk, others } = onHost;
  const failures: Failure[] = [];
  const unfit = (what: string, remedy: string, evidence?: string): void => {
    failures.push({ code: 'host-unfit', host: host.name, what, remedy, ...(evidence !== undefined && { evidence }) });
  };
  if (engine.is !== 'present') failures.push(engineSilent(host.name, whyNot(engine, 'absent'), valueOf(setup)));
  if (machine.is !== 'present') {
    unfit(
      'its properties cannot be read',
      'Check that the login has a POSIX shell and may read /proc.',
      whyNot(machine, 'absent'),
    );
  } else {
    machineFindings(cluster, host, machine.value, unfit);
    failures.push(...takenPorts(cluster, host, machine.value, engine, published, restarted));
  }
  failures.push(...unknownFailures(host.name, [published, disk, setup, others]));
  if (disk.is === 'present' && disk.value.free < REQUIRED.freeDisk) {
    const folder = valueOf(engine)?.rootDir ?? "the engine's data folder";
    const evidence = `${gib(disk.value.free)} of ${gib(disk.value.size)} is free in ${folder}`;
    const what =
      `only ${gib(disk.value.free)} of disk space is free for the Docker Engine's data; ${gib(REQUIRED.freeDisk)} is ` +
      'needed';
    unfit(
      what,
      'Free space there: docker system df shows what uses it; docker image prune removes unused images.',
      evidence,
    );
  }
  return failures;
}

/** Anyone who can change a parent of a folder can replace the folder, with their own kuscia.sh and configuration. */
const folderWarnings = ({ host, others }: OnHost): Failure[] =>
  (valueOf(others) ?? []).map(({ path, is, why }) => ({
    code: 'folder-open',
    host: host.name,
    what: `users other than root and the login can change ${path}: ${why}`,
    evidence: `${path}: ${is}`,
    remedy:
      `On ${host.name}: chown root ${path}, or chmod go-w ${path}; or set directory in the cluster file to a ` +
      'folder whose parents all belong to root or the login.',
  }));

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

function machineFindings(
  cluster: Cluster,
  host: Host,
  machine: Machine,
  unfit: (what: string, remedy: string, evidence?: string) => void,
): void {
  if (compareVersions(machine.kernel, REQUIRED.kernel) < 0)
    unfit(`kernel ${machine.kernel} is too old`, `Use a kernel of ${REQUIRED.kernel} or newer.`);
  if (!(REQUIRED.architectures as readonly string[]).includes(machine.arch))
    unfit(`architecture ${machine.arch} is not supported`, 'Use x86_64 or arm64.');
  if (machine.missingPrograms.length > 0)
    unfit(
      `these programs are missing: ${machine.missingPrograms.join(', ')}`,
      'Install them: kuscia.sh and the stages need them.',
    );
  if (!host.roles.includes('replica')) return;
  const name = replicaName(replicaContainer(cluster, machine.user), machine.hostname);
  if (!isReplicaName(name))
    unfit(
      `its replica would be named ${name}, which Kubernetes does not accept`,
      'Give the host a name of letters, digits and inner hyphens (hostnamectl set-hostname), or use another login.',
      `hostname ${machine.hostname}, login ${machine.user}`,
    );
  if (cluster.memory > machine.memory) {
    unfit(
      `a replica may use ${gib(cluster.memory)} of memory, but the host has only ${gib(machine.memory)}`,
      'Set memory in the cluster file to no more than every replica host has.',
    );
  }
  if (machine.ptraceScope === 3)
    unfit(
      'ptrace is disabled, but runp needs it',
      'Set kernel.yama.ptrace_scope to 2 or less and restart the host (kuscia#626).',
      'kernel.yama.ptrace_scope = 3',
    );
}
