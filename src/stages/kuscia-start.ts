import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { ownRunners } from '../cluster/jobs.ts';
import { planContainer, planRemoval } from '../docker/bring-about.ts';
import { restartContainer } from '../docker/commands.ts';
import type { Container } from '../docker/containers.ts';
import type { ContainerPair } from '../docker/wanted.ts';
import { seen, type Reason } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { Plan, type Step } from '../engine/plan.ts';
import type { Wish } from '../engine/stage.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { replicaContainer } from '../kuscia/names.ts';
import { askClosing, planClosing } from './database-root.ts';
import { defineStage } from './definition.ts';
import { fetchScript, receivedMismatches } from './kuscia-script.ts';
import { awaitTasks, tasksWarning } from './kuscia-tasks.ts';
import { REPLICAS, wantedReplica } from './replica-container.ts';
import { askReplica, askReplicas, faultOf, GATEWAY_PORT, isProvenBroken, type Replica } from './replica.ts';

/**
 * How long a running replica is given, in milliseconds, before it is restarted because it does not work: a failing
 * start takes 73 s.
 */
const PATIENCE_MS = 120_000;

/** Every replica runs as described and is proven to work, one after the other. */
export const kusciaStart = defineStage({
  name: 'kuscia-start',
  purpose: {
    english: 'The replicas, one after the other, each proven before the next',
    chinese: '逐个启动副本，前一个验证通过后才启动下一个',
  },
  detail: {
    english:
      'A replica works when its own process has registered in the database and answers under its own name. ' +
      'Before stopping a replica, the stage waits for the tasks running on it (`task-wait`).',
    chinese:
      '副本自身的进程已在数据库中注册，并以自己的名称应答，才算可用。停止副本之前，会等待其上的任务结束（`task-wait`）。',
  },
  needs: ['kuscia-init'],
  jobs: {
    // Root of the database is closed when every replica has stopped using it, and only a runner on the database's host
    // can do that.
    hosts: (cluster) => {
      const [replicas, holders] = [hostsWith(cluster, 'replica'), hostsWith(cluster, 'database')];
      return ownRunners(cluster).length === 0
        ? replicas
        : [...replicas.filter((host) => !holders.includes(host)), ...holders];
    },
    order: 'one at a time',
    always: true,
  },
  minutes: 60,
  // While gateways move to another port, this stage reconfigures the load balancer.
  inputs: ['registry-password', 'load-balancer-certificate', 'load-balancer-key', 'images', 'task-wait'],
  takes: ['kuscia-configuration', 'provenance'],
  removable: true,
  work: (deployment, wish) => ({
    settleMs: 150_000,
    // The database's host, where root is closed, may not run a replica.
    prefetch: (plan, act) =>
      Promise.all(
        plan.steps.flatMap(({ host, serialGroup }) =>
          serialGroup === REPLICAS ? fetchScript(act, deployment, host) : [],
        ),
      ),
    gather: async (ask) => {
      const [replicas, closing] = await Promise.all([askReplicas(ask, deployment), askClosing(ask, deployment)]);
      return { replicas, closing };
    },
    plan: ({ replicas, closing }) => {
      const plan = planReplicas(deployment, replicas, wish);
      if (wish === 'present') planClosing(plan, deployment, closing);
      return plan;
    },
  }),
});

/**
 * Plans each replica separately; their serial group makes the runner handle one at a time. A replica is removed like it
 * is replaced: once no task runs on it. Its configuration and its records in the database stay.
 */
export function planReplicas(deployment: Deployment, facts: readonly Replica[], wish: Wish = 'present'): Plan {
  const plan = new Plan();
  const former = formerPorts(deployment.cluster, facts);
  for (const replica of facts) {
    const { machine, image, identity, file, standing } = replica;
    const needed = wish === 'present' ? [machine, image, identity, file, standing] : [machine, standing];
    const unknowns = unknownFailures(replica.host.name, needed);
    const failures = unknowns.length > 0 || wish === 'absent' ? unknowns : receivedMismatches(deployment, replica);
    plan.failures.push(...failures);
    if (failures.length === 0) planReplica(plan, deployment, replica, former, wish);
    warnOfTasks(plan, deployment, replica, facts);
  }
  return plan;
}

/** Warns of the tasks that run on the replica if a step of the plan stops it. */
function warnOfTasks(
  plan: Plan,
  deployment: Deployment,
  { host, standing, registry }: Replica,
  all: readonly Replica[],
): void {
  const current = valueOf(standing)?.current;
  if (current?.state !== 'running' || !plan.steps.some((step) => step.host === host.name)) return;
  const note = tasksWarning(deployment, host, current.hostname, [registry, ...all.map((each) => each.registry)]);
  if (note) plan.warnings.push(note);
}

/** Gateway ports that replicas still use and are to give up: several if an earlier move was interrupted half-way. */
export function formerPorts({ ports }: Cluster, facts: readonly Pick<Replica, 'standing'>[]): readonly number[] {
  const all = facts.flatMap(({ standing }) => valueOf(standing)?.current?.ports[GATEWAY_PORT] ?? []);
  return [...new Set(all)].filter((port) => port !== ports.gateway).sort((a, b) => a - b);
}

function planReplica(
  plan: Plan,
  deployment: Deployment,
  replica: Replica,
  former: readonly number[],
  wish: Wish,
): void {
  const { standing, machine } = replica;
  const found: ContainerPair = valueOf(standing) ?? { current: undefined, former: undefined };
  const name = replicaContainer(deployment.cluster, valueOf(machine)?.user ?? '');
  const wanted = wantedReplica(deployment, replica, name, found, former);
  if (wish === 'absent') return planRemoval(plan, wanted, found, 'its configuration is kept');
  const current = planContainer(plan, wanted, found);
  if (current !== undefined) judge(plan, deployment, replica, current);
}

/** Judges a replica whose container is as described. */
function judge(plan: Plan, deployment: Deployment, replica: Replica, current: Container): void {
  const { cluster } = deployment;
  const { host, forwarded, machine } = replica;
  const { name } = current;
  const fault = faultOf(cluster, replica, current);
  const addRestart = (why: Reason, apply: Step['apply']): void =>
    void plan.steps.push({
      host: host.name,
      change: '~',
      about: { kind: 'restart', thing: 'replica', name },
      why,
      serialGroup: REPLICAS,
      apply,
    });
  if ((valueOf(replica.file)?.changedAt ?? 0) > current.startedAt) {
    addRestart({ because: 'configuration-changed' }, (act) =>
      restart(act, deployment, host, current, fault === undefined),
    );
  } else if (fault === undefined && forwarded.is !== 'absent' && valueOf(forwarded)?.has(current.hostname) !== true) {
    plan.awaited.push({
      host: host.name,
      about: { kind: 'lead', thing: 'load balancer', name: current.hostname },
      why: seen('it works, but no answer through the load balancer was its own'),
      failure: notForwarded(cluster, replica, current),
    });
  } else if (fault === undefined) {
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'be-there', thing: 'replica', name: current.hostname },
      why: seen('answers, registered, as described'),
    });
  } else if (
    current.state === 'running' &&
    (valueOf(machine)?.clock ?? 0) - current.startedAt > PATIENCE_MS &&
    isProvenBroken(cluster, replica, current)
  ) {
    addRestart({ because: 'broken', seen: fault }, (act) => restartBroken(act, deployment, host, current));
  } else {
    plan.awaited.push({
      host: host.name,
      about: { kind: 'work', thing: 'replica', name: current.hostname },
      why: seen(fault),
      failure: unhealthy(replica, name, fault),
    });
  }
}

/**
 * How many times, and how far apart, a replica that seems broken is checked again before it is restarted: a single
 * check may hit a busy host.
 */
const FURTHER_CHECKS = 3;

const CHECK_EVERY_MS = 4_000;

/** Restarts a replica that every further check shows broken too. */
async function restartBroken(
  act: Act,
  deployment: Deployment,
  host: Host,
  { name, ...container }: Container,
): Promise<void> {
  for (let check = 0; check < FURTHER_CHECKS; check += 1) {
    if (check > 0) await act.pause(CHECK_EVERY_MS);
    const replica = await askReplica(act, deployment, host);
    const current = valueOf(replica.standing)?.current;
    if (
      current &&
      !(
        faultOf(deployment.cluster, replica, current) !== undefined &&
        isProvenBroken(deployment.cluster, replica, current)
      )
    ) {
      act.say(host.name, `${name} is not restarted: a further look does not show it broken`);
      return;
    }
  }
  await restart(act, deployment, host, { name, ...container }, false);
}

/** Restarts a replica once its tasks have ended; `works` says whether it was found to work. */
async function restart(
  act: Act,
  deployment: Deployment,
  host: Host,
  { name, hostname }: Container,
  works: boolean,
): Promise<void> {
  await awaitTasks(act, deployment, host, hostname, works);
  await act.run(host.name, restartContainer(name));
}

export function unhealthy({ host, lastErrorLines: lastWords }: Replica, name: string, fault: string): Failure {
  const lines = valueOf(lastWords) ?? '';
  return {
    code: 'replica-unhealthy',
    host: host.name,
    what: `the replica ${name} does not work: ${fault}`,
    ...(lines !== '' && { evidence: lines }),
    remedy:
      `Fix what the evidence names. More is in docker logs ${name} on ${host.name} and, in the container, ` +
      '/home/kuscia/var/logs.',
  };
}

const notForwarded = ({ loadBalancer, ports }: Cluster, { host }: Replica, current: Container): Failure => ({
  code: 'load-balancer-unhealthy',
  host: loadBalancer.host,
  what: `the load balancer does not forward to ${current.hostname}, which works`,
  remedy:
    `See that ${loadBalancer.host} reaches ${host.address} on ${ports.gateway}/tcp, and docker logs ` +
    `${loadBalancer.container} there; then run again.`,
});
