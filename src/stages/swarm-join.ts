import { firstManager, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { rotateJoinTokens, setNodeRole, tokensLabel } from '../docker/commands.ts';
import { tokenInUse, type Engine, type SwarmNode } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { seen, type About } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { defineStage } from './definition.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { join } from './join-host.ts';
import { askSwarm, engineFailures, engineOf, leadManager, NODE_REMEDY, nodeFailures, type Engines } from './swarm.ts';

interface Facts {
  readonly engines: Engines;
  /** As seen by the lead manager; unknown while it manages no swarm. */
  readonly nodes: Fact<readonly SwarmNode[]>;
  /** Whether the swarm still accepts the tokens that an earlier job handed over; queried only if there were any. */
  readonly handedInUse?: Fact<boolean>;
}

/** Every host is a node of the swarm, in its role and Ready. */
export const swarmJoin = defineStage({
  name: 'swarm-join',
  purpose: {
    english: 'All hosts in the swarm, in their roles and Ready',
    chinese: '所有主机以其角色加入 swarm 并处于 Ready',
  },
  detail: {
    english:
      'The join token is read from a manager when a host needs it, or taken from the sealed artifact of ' +
      '`swarm-init`, and reaches that host by standard input. Tokens that were handed over are rotated once ' +
      'every host has joined; if the run is interrupted before that, a label on the manager’s node makes the ' +
      'next run rotate them.',
    chinese:
      '加入令牌在需要时从 manager 读取，或取自 `swarm-init` 的加密工件，并经标准输入传给该主机。所有主机加入后，移交过的令牌会被轮换；如果运行在此之前中断，下一次运行会根据 manager 的 ' +
      'swarm 节点上的标签完成轮换。',
  },
  needs: ['swarm-init'],
  jobs: {
    hosts: (cluster) => cluster.hosts.filter((host) => host !== firstManager(cluster)),
    order: 'side by side',
    always: true,
    mayBeNone: true,
    last: 'swarm-joined',
  },
  inputs: ['images'],
  takes: ['join-tokens'],
  work: (deployment) => ({
    settleMs: 60_000,
    gather: (ask) => gather(ask, deployment),
    plan: (facts) => planSwarmJoin(deployment, facts),
  }),
});

async function gather(ask: Ask, { cluster, received }: Deployment): Promise<Facts> {
  const [engines, seen] = await askSwarm(ask, cluster);
  const manager = leadManager(cluster, engines);
  const inSwarm = engineOf(engines, manager)?.swarm.isManager === true;
  const tokens = received?.joinTokens;
  const handedInUse =
    inSwarm && tokens && ask.reaches(manager.name)
      ? await ask.ask(manager.name, tokenInUse('worker', tokens.worker))
      : absent;
  return { engines, nodes: inSwarm ? seen : absent, handedInUse };
}

/** Hosts outside any swarm join; nodes are matched by id, since a stale node may have the same hostname. */
export function planSwarmJoin(
  { cluster, ...deployment }: Deployment,
  { engines, nodes, handedInUse = absent }: Facts,
): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(engines), ...nodeFailures(cluster, engines, nodes));
  plan.failures.push(
    ...unknownFailures(
      leadManager(cluster, engines).name,
      [nodes],
      'Check whether the swarm has lost its quorum (docker node ls on a manager), then run again.',
    ),
  );
  if (plan.failures.length > 0) return plan;

  const known = nodes.is === 'present' ? nodes.value : [];
  const manager = leadManager(cluster, engines);
  for (const host of cluster.hosts) {
    if (host === manager && nodes.is === 'absent') continue;
    planHost(plan, { cluster, ...deployment }, engines, known, host);
  }
  planRotation(plan, cluster.domain, manager, known, handedInUse);
  warnOfGhosts(plan, cluster, engines, known);
  return plan;
}

/**
 * When all hosts are in the swarm, the tokens that were passed between jobs are rotated, so that they become worthless:
 * those of this run, and those of a run that ended before it could do so.
 */
function planRotation(
  plan: Plan,
  domain: string,
  manager: Host,
  nodes: readonly SwarmNode[],
  handedInUse: Fact<boolean>,
): void {
  const marked = nodes.filter(({ labels }) => tokensLabel(domain) in labels).map(({ id }) => id);
  if (handedInUse.is === 'unknown') {
    const remedy =
      'Check that the manager answers (docker swarm join-token worker on it), then run again: the tokens that were ' +
      'handed over must not stay valid.';
    plan.failures.push(...unknownFailures(manager.name, [handedInUse], remedy));
    return;
  }
  const inUse = handedInUse.is === 'present' && handedInUse.value;
  if ((!inUse && marked.length === 0) || plan.steps.length > 0 || plan.awaited.length > 0) return;
  plan.steps.push({
    host: manager.name,
    change: '~',
    about: { kind: 'rotate', thing: 'join tokens' },
    why: { because: inUse ? 'tokens-used' : 'tokens-left' },
    serialGroup: 'managers',
    revokes: true,
    apply: async (act) => void (await act.run(manager.name, rotateJoinTokens(domain, marked))),
  });
}

const READY: About = { kind: 'be-ready', thing: 'node' };

function planHost(plan: Plan, deployment: Deployment, engines: Engines, nodes: readonly SwarmNode[], host: Host): void {
  const role = wantedRole(host);
  const swarm = engineOf(engines, host)?.swarm;
  const serialGroup = role === 'manager' ? { serialGroup: 'managers' } : {};
  if (swarm === undefined || swarm.nodeId === '') {
    const apply = (act: Act): Promise<void> => join(act, deployment, engines, host, role);
    plan.steps.push({
      host: host.name,
      change: '+',
      about: { kind: 'join', thing: 'node', details: { role } },
      why: { because: 'not-in-swarm' },
      ...serialGroup,
      apply,
    });
    return;
  }
  const node = nodes.find((candidate) => candidate.id === swarm.nodeId);
  const manager = leadManager(deployment.cluster, engines);
  if (node === undefined && reportsTo(engines, manager, swarm)) {
    plan.awaited.push({
      host: host.name,
      at: manager.name,
      about: READY,
      why: seen(`${manager.name} does not list node ${swarm.nodeId} yet`),
      failure: notListed(host, manager, swarm.nodeId),
    });
  } else if (node === undefined) {
    plan.failures.push(foreign(host, engines, deployment.cluster));
  } else if (node.role !== role) {
    plan.steps.push({
      host: host.name,
      at: manager.name,
      change: '~',
      about: { kind: role === 'manager' ? 'promote' : 'demote', thing: 'node' },
      why: { because: 'role', of: role },
      serialGroup: 'managers',
      apply: async (act) => void (await act.run(manager.name, setNodeRole(node.id, role))),
    });
  } else if (node.state !== 'ready') {
    plan.awaited.push({
      host: host.name,
      at: manager.name,
      about: READY,
      why: seen(`node ${node.id} is ${node.state}`),
      failure: notReady(host, node),
    });
  } else {
    plan.satisfied.push({ host: host.name, about: { ...READY, details: { role } }, why: seen(`node ${node.id}`) });
  }
}

/** Whether the manager is one of those that the node itself reports to. */
const reportsTo = (engines: Engines, manager: Host, swarm: Engine['swarm']): boolean =>
  swarm.managerIds.includes(engineOf(engines, manager)?.swarm.nodeId ?? 'none');

const wantedRole = (host: Host): 'manager' | 'worker' => (host.roles.includes('manager') ? 'manager' : 'worker');

function foreign(host: Host, engines: Engines, cluster: Cluster): Failure {
  const swarm = engineOf(engines, host)?.swarm;
  const manager = leadManager(cluster, engines);
  const ours = engineOf(engines, manager)?.swarm.clusterId;
  const theirs = swarm?.clusterId ? `swarm ${swarm.clusterId}` : 'another swarm';
  return {
    code: 'swarm-foreign',
    host: host.name,
    what:
      `is node ${swarm?.nodeId} of ` +
      `${theirs}${ours === undefined ? `; ${manager.name} manages none` : `, not of swarm ${ours} of ${manager.name}`}`,
    evidence:
      `its managers: ${swarm?.managers.join(', ') || 'none known'}; state ` +
      `${swarm?.state}${swarm?.error ? `: ${swarm.error}` : ''}`,
    remedy:
      'If the host belongs in this cluster, run docker swarm leave on it, then run again. Otherwise remove it from ' +
      'the cluster file.',
  };
}

function notListed(host: Host, manager: Host, nodeId: string): Failure {
  return {
    code: 'node-not-ready',
    host: host.name,
    what: `${manager.name} does not list the node of ${host.name}`,
    evidence: `node ${nodeId} names ${manager.name} as its manager`,
    remedy:
      'If the node was removed from the swarm (docker node rm), run docker swarm leave on ' +
      `${host.name}, then run again.`,
  };
}

function notReady(host: Host, node: SwarmNode): Failure {
  return {
    code: 'node-not-ready',
    host: host.name,
    what: `its node is ${node.state}`,
    evidence: `node ${node.id} (${node.hostname}) at ${node.address}`,
    remedy: NODE_REMEDY,
  };
}

/** Warns of nodes that are down and share the hostname of another: left behind when a host left and joined again. */
function warnOfGhosts(plan: Plan, cluster: Cluster, engines: Engines, nodes: readonly SwarmNode[]): void {
  const ours = new Set(cluster.hosts.map((host) => engineOf(engines, host)?.swarm.nodeId));
  const names = new Set(nodes.filter((node) => ours.has(node.id)).map((node) => node.hostname));
  for (const ghost of nodes.filter(
    (node) => !ours.has(node.id) && node.state !== 'ready' && names.has(node.hostname),
  )) {
    plan.warnings.push({
      code: 'node-not-ready',
      host: leadManager(cluster, engines).name,
      what: `the swarm still lists a second node ${ghost.hostname} (${ghost.id}), which is ${ghost.state}`,
      evidence: `docker node ls: ${ghost.id} ${ghost.hostname} ${ghost.state}, at ${ghost.address}`,
      cause:
        'the host left the swarm or was reinstalled, then joined again: its old entry stays until somebody ' +
        'removes it',
      remedy: `If nothing needs the old entry, remove it: docker node rm ${ghost.id}.`,
    });
  }
}
