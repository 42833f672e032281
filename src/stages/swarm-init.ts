import { hostsWith, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { initSwarm } from '../docker/commands.ts';
import type { Engine } from '../docker/facts.ts';
import { seen } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { anchor, askEngines, engineFailures, engineOf, type Engines } from './swarm.ts';

/** One swarm, started on the first manager, or the one that a manager is already in. */
export function swarmInit(deployment: Deployment): Stage {
  return stage({
    name: 'swarm-init',
    purpose: 'a swarm with its first manager',
    needs: ['preflight'],
    settleMs: 30_000,
    gather: (ask) => askEngines(ask, deployment.cluster),
    plan: (engines) => planSwarmInit(deployment, engines),
  });
}

/**
 * The first manager initialises a swarm unless a manager is in one; two swarms, or workers of an unknown one, are
 * refused.
 */
export function planSwarmInit({ cluster }: Deployment, engines: Engines): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(engines));
  if (plan.failures.length > 0) return plan;

  const first = anchor(cluster, engines);
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
  const strangers = cluster.hosts.filter(
    (host) => engineOf(engines, host)?.swarm.nodeId !== '' && engineOf(engines, host)?.swarm.nodeId !== undefined,
  );
  plan.failures.push(...strangers.map((host) => strangerBeforeInit(host, engineOf(engines, host))));
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
  'If the host is to be in this cluster, make it leave the other swarm there (docker swarm leave), which ends ' +
  'what runs on it in that swarm; then run again. Otherwise take it out of the cluster file.';

function twoSwarms(first: Host, other: Host, engines: Engines): Failure {
  return {
    code: 'swarm-foreign',
    host: other.name,
    what: `is in swarm ${clusterId(engines, other)}, but ${first.name} is in swarm ${clusterId(engines, first)}`,
    evidence: `${other.name} manages ${clusterId(engines, other)}`,
    remedy: LEAVE,
  };
}

function strangerBeforeInit(host: Host, engine: Engine | undefined): Failure {
  return {
    code: 'swarm-foreign',
    host: host.name,
    what: `is already in a swarm (node ${engine?.swarm.nodeId}), but no manager of the cluster file is`,
    evidence: `its managers: ${engine?.swarm.managers.join(', ') || 'none known'}; state ${engine?.swarm.state}`,
    remedy: LEAVE,
  };
}
