import { firstManager, hostsWith, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { writeJoinTokens, type JobOutput } from '../cluster/job-outputs.ts';
import { initSwarm, markTokens, readJoinToken } from '../docker/commands.ts';
import type { Engine } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { seen } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { Secret } from '../engine/secret.ts';
import { defineStage } from './definition.ts';
import { requireValue } from './job-outputs.ts';
import { leadManager, askEngines, engineFailures, engineOf, type Engines } from './swarm.ts';

/** One swarm: the one that a manager is already in, or else a new one on the first manager. */
export const swarmInit = defineStage({
  name: 'swarm-init',
  purpose: { english: 'A swarm with its first manager', chinese: '建立 swarm 及其第一个 manager' },
  detail: {
    english:
      'If a manager of the cluster file is already in a swarm, that swarm is kept. Two different swarms, or a ' +
      'host that is a worker of an unknown swarm, are refused.',
    chinese:
      '如果集群文件中的某个 manager 已在某个 swarm 中，则沿用该 swarm。存在两个不同的 swarm，或有主机是未知 swarm 的 worker 时，拒绝执行。',
  },
  needs: ['preflight'],
  jobs: { host: firstManager },
  inputs: [],
  leaves: {
    kinds: ['join-tokens'],
    read: leaveJoinTokens,
    secrets: ({ joinTokens }) => (joinTokens ? [joinTokens.manager, joinTokens.worker] : []),
  },
  work: (deployment) => ({
    settleMs: 30_000,
    gather: (ask) => askEngines(ask, deployment.cluster),
    plan: (engines) => planSwarmInit(deployment, engines),
  }),
});

/**
 * The first manager initialises a swarm unless some manager is in one; two swarms, or workers of an unknown swarm, are
 * refused.
 */
export function planSwarmInit({ cluster }: Deployment, engines: Engines): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(engines));
  if (plan.failures.length > 0) return plan;

  const first = leadManager(cluster, engines);
  const swarm = engineOf(engines, first)?.swarm;
  const managing = hostsWith(cluster, 'manager').filter((host) => engineOf(engines, host)?.swarm.isManager === true);
  plan.failures.push(
    ...managing
      .filter((host) => clusterId(engines, host) !== swarm?.clusterId)
      .map((host) => twoSwarms(first, host, engines)),
  );
  if (swarm?.isManager === true) {
    plan.satisfied.push({
      host: first.name,
      about: { kind: 'manage', thing: 'swarm' },
      why: seen(`swarm ${swarm.clusterId} at ${swarm.address}`),
    });
    return plan;
  }
  const inOtherSwarm = cluster.hosts.filter(
    (host) => engineOf(engines, host)?.swarm.nodeId !== '' && engineOf(engines, host)?.swarm.nodeId !== undefined,
  );
  plan.failures.push(...inOtherSwarm.map((host) => inUnknownSwarm(host, engineOf(engines, host))));
  if (plan.failures.length === 0) {
    plan.steps.push({
      host: first.name,
      change: '+',
      about: { kind: 'initialise', thing: 'swarm', details: { address: first.address } },
      why: { because: 'not-in-swarm' },
      apply: async (act) => void (await act.run(first.name, initSwarm(first.address))),
    });
  }
  return plan;
}

const clusterId = (engines: Engines, host: Host): string | undefined => engineOf(engines, host)?.swarm.clusterId;

const LEAVE =
  'If the host belongs in this cluster, run docker swarm leave on it (this stops what it runs for the other ' +
  'swarm), then run again. Otherwise remove it from the cluster file.';

function twoSwarms(first: Host, other: Host, engines: Engines): Failure {
  return {
    code: 'swarm-foreign',
    host: other.name,
    what: `is in swarm ${clusterId(engines, other)}, but ${first.name} is in swarm ${clusterId(engines, first)}`,
    evidence: `${other.name} manages ${clusterId(engines, other)}`,
    remedy: LEAVE,
  };
}

function inUnknownSwarm(host: Host, engine: Engine | undefined): Failure {
  return {
    code: 'swarm-foreign',
    host: host.name,
    what: `is already in a swarm (node ${engine?.swarm.nodeId}), but no manager of the cluster file is`,
    evidence: `its managers: ${engine?.swarm.managers.join(', ') || 'none known'}; state ${engine?.swarm.state}`,
    remedy: LEAVE,
  };
}

/** The join tokens, once they are marked as handed over. Tokens that nothing needs are not passed on. */
async function leaveJoinTokens(
  ask: Ask & Pick<Act, 'run'>,
  { cluster }: Deployment,
  takes: (host: string) => boolean,
): Promise<JobOutput[]> {
  const engines = await askEngines(ask, cluster);
  const manager = leadManager(cluster, engines);
  const notJoined = cluster.hosts.filter((host) => !engineOf(engines, host)?.swarm.nodeId);
  if (notJoined.length === 0 || !takes(manager.name)) return [];
  // Marked before they leave the host: whatever happens to this run, a later one sees that they must be rotated.
  await ask.run(manager.name, markTokens(cluster.domain, engineOf(engines, manager)?.swarm.nodeId ?? ''));
  const facts = await Promise.all([
    ask.ask(manager.name, joinToken('manager')),
    ask.ask(manager.name, joinToken('worker')),
  ]);
  const [ofManager, ofWorker] = [requireValue(facts[0], manager), requireValue(facts[1], manager)];
  for (const token of [ofManager, ofWorker]) ask.learn(token);
  return [{ kind: 'join-tokens', content: writeJoinTokens({ manager: ofManager, worker: ofWorker }) }];
}

const joinToken = (role: 'manager' | 'worker'): Query<Secret> => ({
  command: readJoinToken(role),
  read: (outcome) =>
    outcome.code === 0 && outcome.stdout.trim() !== ''
      ? present(new Secret(`${role} join token`, outcome.stdout.trim()))
      : failedTo(`read the ${role} join token`, { ...outcome, stdout: '' }),
});
