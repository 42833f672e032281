import { firstManager, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import {
  joinSwarm,
  readJoinToken,
  rotateJoinTokens,
  setNodeRole,
  tokensLabel,
  UNRESOLVED,
} from '../docker/commands.ts';
import { tokenInUse, type Engine, type SwarmNode } from '../docker/facts.ts';
import { archiveOf, ensureImage } from '../docker/images.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { seen, type About } from '../engine/about.ts';
import { LOST_REMEDY } from '../engine/command-failure.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { absent, type Fact } from '../engine/fact.ts';
import { ending, lastLine, succeeded, type Outcome } from '../engine/outcome.ts';
import { Plan } from '../engine/plan.ts';
import { Secret } from '../engine/secret.ts';
import { defineStage } from './definition.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { anchor, askSwarm, engineFailures, engineOf, nodeFailures, type Engines } from './swarm.ts';

interface Facts {
  readonly engines: Engines;
  /** As the anchor sees them; unknown while it manages no swarm. */
  readonly nodes: Fact<readonly SwarmNode[]>;
  /** Whether the swarm still takes the tokens that an earlier job handed over; asked only where some were. */
  readonly handedInUse?: Fact<boolean>;
}

/** Every host a node of the swarm, in its role and Ready. */
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
  const manager = anchor(cluster, engines);
  const inSwarm = engineOf(engines, manager)?.swarm.isManager === true;
  const tokens = received?.joinTokens;
  const handedInUse =
    inSwarm && tokens && ask.reaches(manager.name)
      ? await ask.ask(manager.name, tokenInUse('worker', tokens.worker))
      : absent;
  return { engines, nodes: inSwarm ? seen : absent, handedInUse };
}

/**
 * Hosts in no swarm join; nodes are matched by id, so that a ghost of the same hostname is not mistaken for the host.
 */
export function planSwarmJoin(
  { cluster, ...deployment }: Deployment,
  { engines, nodes, handedInUse = absent }: Facts,
): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(engines), ...nodeFailures(cluster, engines, nodes));
  plan.failures.push(
    ...unknownFailures(
      anchor(cluster, engines).name,
      [nodes],
      'See whether the swarm has lost its quorum (docker node ls on a manager), then run again.',
    ),
  );
  if (plan.failures.length > 0) return plan;

  const known = nodes.is === 'present' ? nodes.value : [];
  const manager = anchor(cluster, engines);
  for (const host of cluster.hosts) {
    if (host === manager && nodes.is === 'absent') continue;
    planHost(plan, { cluster, ...deployment }, engines, known, host);
  }
  planRotation(plan, cluster.domain, manager, known, handedInUse);
  warnOfGhosts(plan, cluster, engines, known);
  return plan;
}

/**
 * When all hosts are in the swarm, the tokens that travelled between jobs are made worthless: those of this run, and
 * those of one that ended before it came to that.
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
      'See that the manager answers (docker swarm join-token worker there), then run again: the tokens that were ' +
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
  const manager = anchor(deployment.cluster, engines);
  if (node === undefined && isOfOurs(engines, manager, swarm)) {
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
const isOfOurs = (engines: Engines, manager: Host, swarm: Engine['swarm']): boolean =>
  swarm.managerIds.includes(engineOf(engines, manager)?.swarm.nodeId ?? 'none');

const wantedRole = (host: Host): 'manager' | 'worker' => (host.roles.includes('manager') ? 'manager' : 'worker');

async function join(
  act: Act,
  deployment: Deployment,
  engines: Engines,
  host: Host,
  role: 'manager' | 'worker',
): Promise<void> {
  const { cluster, received } = deployment;
  const manager = anchor(cluster, engines);
  if (received && !received.joinTokens) throw deploymentError(noTokens(host));
  // A host without curl takes that of the image, and would pull it.
  if (archiveOf(deployment, cluster.network.probeImage))
    await ensureImage(act, host.name, cluster.network.probeImage, deployment);
  const token =
    received?.joinTokens?.[role] ??
    new Secret(`${role} join token`, (await act.run(manager.name, readJoinToken(role))).trim());
  act.learn(token);
  const command = joinSwarm(host.address, `${manager.address}:2377`, token, cluster.network.probeImage);
  const outcome = await act.attempt(host.name, command);
  const status = outcome.stdout.split('\n').at(-1)?.trim();
  if (succeeded(outcome) && status === '200') return;
  // Source: swarmkit, ca/server.go: "A valid join token is necessary to join this cluster".
  if (succeeded(outcome) && /join token/i.test(outcome.stdout))
    throw deploymentError(tokenRefused(host, manager, outcome.stdout, received?.joinTokens !== undefined));
  throw deploymentError({
    code: outcome.ended === 'lost' ? 'connection-lost' : 'command-failed',
    host: host.name,
    what: `could not join the swarm of ${manager.name} (${manager.address}:2377)`,
    evidence: succeeded(outcome) ? outcome.stdout.trim() : `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: joinRemedy(host, manager, outcome),
  });
}

/** By where it went wrong: on the way to the host's own engine, or in what that made of it. */
function joinRemedy(host: Host, manager: Host, outcome: Outcome): string {
  if (outcome.ended === 'lost') return LOST_REMEDY;
  if (outcome.ended === 'exited' && outcome.code === UNRESOLVED)
    return (
      `Write an IP address of ${host.name} into the cluster file, or a name that the host itself resolves (getent ` +
      `hosts ${host.address}); then run again.`
    );
  if (!succeeded(outcome))
    return (
      `See that the engine of ${host.name} answers there: curl --unix-socket /var/run/docker.sock ` +
      'http://docker/info. Then run again.'
    );
  return (
    'Its own engine refused; the evidence is its answer. Where that tells of time or a connection, see that ' +
    `${host.name} reaches ${manager.address} on 2377/tcp and 7946/tcp. Then run again.`
  );
}

const noTokens = (host: Host): Failure => ({
  code: 'artifact-missing',
  host: host.name,
  what: 'no earlier job handed over the join tokens',
  remedy: 'Run the job swarm-init of this run again, or the whole workflow: artifacts live for one day.',
});

function tokenRefused(host: Host, manager: Host, said: string, handedOver: boolean): Failure {
  const again = handedOver
    ? 'The tokens were changed after they were handed over. Run the job swarm-init again (or the whole run), which ' +
      'hands over the present ones; then this one.'
    : 'The tokens were changed meanwhile: run again.';
  return {
    code: 'join-token-invalid',
    host: host.name,
    what: `the swarm of ${manager.name} refuses the join token`,
    evidence: said.trim().split('\n')[0] ?? '',
    remedy: again,
  };
}

function foreign(host: Host, engines: Engines, cluster: Cluster): Failure {
  const swarm = engineOf(engines, host)?.swarm;
  const manager = anchor(cluster, engines);
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
      'If the host is to be in this cluster, run docker swarm leave on it, then run again. Otherwise take it out ' +
      'of the cluster file.',
  };
}

function notListed(host: Host, manager: Host, nodeId: string): Failure {
  return {
    code: 'node-not-ready',
    host: host.name,
    what: `${manager.name} does not list its node`,
    evidence: `node ${nodeId} names ${manager.name} as its manager`,
    remedy:
      'If it was removed from the swarm (docker node rm), let it leave there (docker swarm leave), then run again.',
  };
}

/** What brings a node back that the managers hear nothing of. */
export const NOT_READY_REMEDY =
  'See that the engine runs there, and that 2377/tcp to the managers and 7946/tcp and udp between all hosts are ' +
  'open; then run again.';

function notReady(host: Host, node: SwarmNode): Failure {
  return {
    code: 'node-not-ready',
    host: host.name,
    what: `its node is ${node.state}`,
    evidence: `node ${node.id} (${node.hostname}) at ${node.address}`,
    remedy: NOT_READY_REMEDY,
  };
}

/** A node that is down and carries the hostname of one that is not: left behind when a host left and joined again. */
function warnOfGhosts(plan: Plan, cluster: Cluster, engines: Engines, nodes: readonly SwarmNode[]): void {
  const ours = new Set(cluster.hosts.map((host) => engineOf(engines, host)?.swarm.nodeId));
  const names = new Set(nodes.filter((node) => ours.has(node.id)).map((node) => node.hostname));
  for (const ghost of nodes.filter(
    (node) => !ours.has(node.id) && node.state !== 'ready' && names.has(node.hostname),
  )) {
    plan.warnings.push({
      code: 'node-not-ready',
      host: anchor(cluster, engines).name,
      what: `the swarm still lists a second node ${ghost.hostname} (${ghost.id}), which is ${ghost.state}`,
      evidence: `docker node ls: ${ghost.id} ${ghost.hostname} ${ghost.state}, at ${ghost.address}`,
      cause:
        'that host has left the swarm, or was set up anew, and joined again: its old entry stays until somebody ' +
        'removes it',
      remedy: `Remove it when nothing needs it: docker node rm ${ghost.id}`,
    });
  }
}
