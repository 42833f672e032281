import { firstManager, type Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { ensureImage } from '../docker/images.ts';
import { seen, type About } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { hostsToChange, Plan } from '../engine/plan.ts';
import type { Wish } from '../engine/stage.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { allPaths, pairFailuresOf, probeFailures } from './data-path.ts';
import { defineStage } from './definition.ts';
import { leadManager, engineFailures } from './swarm.ts';
import { gatherNetwork, type NetworkFacts } from './network-facts.ts';
import { planNoOverlay, planOverlay } from './overlay.ts';
import { planNoProbe, planProbe, planProbeLater } from './probe-container.ts';

/** The attachable overlay network that kuscia.sh requires, and a data path between each pair of hosts. */
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
  removable: true,
  work: (deployment, wish) => ({
    // An engine that missed news of another engine's containers gets it when it next syncs with a random peer, every
    // 30 s (moby#47728); the lab saw 55 s.
    settleMs: 100_000,
    prefetch: (plan, act) =>
      Promise.all(
        hostsToChange(plan).map((host) => ensureImage(act, host, deployment.cluster.network.probeImage, deployment)),
      ),
    gather: (ask) => gatherNetwork(ask, deployment.cluster),
    plan: (facts) => planNetwork(deployment, facts, wish),
  }),
});

/**
 * The network first; then a probe on every host; then every pair must be connected. Removal removes the probes, then
 * the network if nothing else uses it.
 */
export function planNetwork(deployment: Deployment, facts: NetworkFacts, wish: Wish = 'present'): Plan {
  const plan = new Plan();
  plan.failures.push(...engineFailures(facts.engines), ...unknowns(facts, wish));
  if (plan.failures.length > 0) return plan;
  if (wish === 'absent') {
    for (const onHost of facts.hosts) planNoProbe(plan, deployment, onHost, facts);
    planNoOverlay(plan, deployment, facts);
    return plan;
  }
  const ready = planOverlay(plan, deployment, facts);
  if (plan.failures.length > 0) return plan;
  for (const onHost of facts.hosts) {
    if (ready) planProbe(plan, deployment, onHost, facts);
    else planProbeLater(plan, deployment, onHost, 'after-network');
  }
  if (ready) planPaths(plan, deployment.cluster, facts);
  return plan;
}

/** For removal the login must be known too, because the names of our replicas depend on it. */
const unknowns = ({ hosts }: NetworkFacts, wish: Wish): Failure[] =>
  hosts.flatMap(({ host, networks, probe, machine }) =>
    unknownFailures(host.name, [networks, probe, ...(wish === 'absent' ? [machine] : [])]),
  );

const DATA_PATH: About = { kind: 'be-there', thing: 'data path' };

/** Judges the probes that stay, and each direction between two of them. */
function planPaths(plan: Plan, cluster: Cluster, { hosts, paths: tries }: NetworkFacts): void {
  const staying = new Set(
    hosts
      .filter(
        ({ host, probe }) =>
          valueOf(probe)?.current?.state === 'running' &&
          !plan.steps.some((step) => step.host === host.name && step.change !== '-'),
      )
      .map(({ host }) => host.name),
  );
  const unfit = probeFailures(cluster, new Map([...tries].filter(([name]) => staying.has(name))));
  const unfitHosts = new Set(unfit.filter(({ code }) => code === 'probe-unfit').map(({ host }) => host));
  const paths = allPaths(cluster, tries).filter(({ from, to }) =>
    [from, to].every((name) => staying.has(name) && !unfitHosts.has(name)),
  );
  const broken = pairFailuresOf(cluster, paths);
  plan.failures.push(...unfit, ...broken.filter(({ definite }) => definite));
  plan.awaited.push(
    ...broken
      .filter(({ definite }) => !definite)
      .map((failure) => ({ host: failure.host ?? '', about: DATA_PATH, why: seen(failure.what), failure })),
  );
  if (broken.length === 0 && paths.length > 0)
    plan.satisfied.push({
      host: leadManager(cluster, new Map()).name,
      about: DATA_PATH,
      why: seen(`${paths.length} of ${paths.length} pairs connected`),
    });
}
