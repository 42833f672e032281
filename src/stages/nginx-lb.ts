import { hostNamed, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { planContainer, planRemoval } from '../docker/bring-about.ts';
import { ensureImage } from '../docker/images.ts';
import { differing, seen, type Reason } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot } from '../engine/fact.ts';
import { Plan, type Step } from '../engine/plan.ts';
import type { Wish } from '../engine/stage.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { describeAnswer, isGateway } from '../kuscia/facts.ts';
import { reloadConfiguration } from '../nginx/commands.ts';
import { loadBalancerFiles } from '../nginx/configuration.ts';
import { defineStage } from './definition.ts';
import { reloads, wantedLoadBalancer } from './nginx-container.ts';
import { gatherNginx, changedFiles, type NginxFacts } from './nginx-facts.ts';
import { replaceConfiguration } from './nginx-files.ts';

/** nginx in front of the replicas, forwarding to each of them. */
export const nginxLb = defineStage({
  name: 'nginx-lb',
  purpose: {
    english: 'nginx in front of the replicas, forwarding to each of them',
    chinese: '副本前的 nginx 负载均衡，将请求转发到每个副本',
  },
  detail: {
    english: 'A changed configuration is tested beside the running one, then loaded without dropping a request.',
    chinese: '更改后的配置先经测试，再平滑加载，不丢失请求。',
  },
  needs: ['kuscia-start'],
  jobs: { host: (cluster) => hostNamed(cluster, cluster.loadBalancer.host) },
  inputs: ['registry-password', 'load-balancer-certificate', 'load-balancer-key', 'images'],
  outputs: ['load-balancer-url'],
  removable: true,
  work: (deployment, wish) => {
    const { host, image } = deployment.cluster.loadBalancer;
    return {
      settleMs: 75_000,
      prefetch: (_, act) => ensureImage(act, host, image, deployment),
      gather: (ask) => gatherNginx(ask, deployment),
      plan: (facts) => planLoadBalancer(deployment, facts, wish),
    };
  },
});

/**
 * The configuration first, then the container that uses it, then every replica must answer through it. Removal removes
 * only the container.
 */
export function planLoadBalancer(deployment: Deployment, facts: NginxFacts, wish: Wish = 'present'): Plan {
  const plan = new Plan();
  const { cluster } = deployment;
  const host = hostNamed(cluster, cluster.loadBalancer.host);
  if (wish === 'absent') {
    plan.failures.push(...unknownFailures(host.name, [facts.standing]));
    if (facts.standing.is === 'present')
      planRemoval(plan, wantedLoadBalancer(deployment, host, facts), facts.standing.value, 'its configuration is kept');
    return plan;
  }
  const ofHost = [facts.home, facts.image, facts.standing, facts.configuration, ...facts.secrets.values()].map(
    (fact) => [host.name, fact] as const,
  );
  for (const [on, fact] of [...ofHost, ...facts.replicas]) {
    plan.failures.push(...unknownFailures(on, [fact]));
  }
  if (plan.failures.length > 0) return plan;

  planFiles(plan, deployment, host, facts);
  planNginx(plan, deployment, host, facts);
  if (plan.steps.length === 0) planAnswers(plan, cluster, host, facts);
  return plan;
}

type Apply = Step['apply'];

const addStep = (
  plan: Plan,
  host: Host,
  change: Step['change'],
  kind: 'write' | 'reload',
  why: Reason,
  apply: Apply,
): void =>
  void plan.steps.push({
    host: host.name,
    change,
    about: { kind, thing: 'nginx configuration' },
    why,
    serialGroup: 'nginx',
    apply,
  });

/** How long after its start nginx may take to answer, in milliseconds. */
const STARTING_MS = 15_000;

const isJustStarted = ({ standing, clock }: NginxFacts): boolean =>
  (valueOf(clock) ?? 0) - (valueOf(standing)?.current?.startedAt ?? 0) < STARTING_MS;

const loadedUnknown = (host: Host, container: string, evidence: string): Failure => ({
  code: 'load-balancer-unhealthy',
  host: host.name,
  what: 'nginx does not report which configuration it has loaded',
  evidence,
  remedy: `Check docker logs ${container} on ${host.name}, then run again.`,
});

function planFiles(plan: Plan, deployment: Deployment, host: Host, facts: NginxFacts): void {
  const { digest } = loadBalancerFiles(deployment);
  const { container: name } = deployment.cluster.loadBalancer;
  const changed = changedFiles(deployment, facts);
  const [first] = changed;
  if (first) {
    const why = differing(
      ...(first[0] === 'nginx.conf'
        ? [{ field: 'content', from: first[1] } as const]
        : changed.map(([of, from]) => ({ field: 'file', of, from }) as const)),
    );
    addStep(plan, host, facts.configuration.is === 'present' ? '~' : '+', 'write', why, async (act) => {
      await replaceConfiguration(act, deployment, host, valueOf(facts.home) ?? '/', loadBalancerFiles(deployment));
      if (reloads(deployment.cluster, facts)) await act.run(host.name, reloadConfiguration(name, digest));
    });
  } else if (reloads(deployment.cluster, facts) && facts.loaded.is !== 'present' && isJustStarted(facts)) {
    plan.awaited.push({
      host: host.name,
      about: { kind: 'load', thing: 'nginx configuration' },
      why: seen(whyNot(facts.loaded)),
      failure: loadedUnknown(host, name, whyNot(facts.loaded)),
    });
  } else if (reloads(deployment.cluster, facts) && valueOf(facts.loaded) !== digest) {
    addStep(
      plan,
      host,
      '~',
      'reload',
      { because: 'not-loaded' },
      async (act) => void (await act.run(host.name, reloadConfiguration(name, digest))),
    );
  } else {
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'be-there', thing: 'nginx configuration' },
      why: seen(`digest ${digest.slice(0, 12)}`),
    });
  }
}

function planNginx(plan: Plan, deployment: Deployment, host: Host, facts: NginxFacts): void {
  const { container: name, port } = deployment.cluster.loadBalancer;
  const found = planContainer(
    plan,
    wantedLoadBalancer(deployment, host, facts),
    valueOf(facts.standing) ?? { current: undefined, former: undefined },
  );
  if (found)
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'be-there', thing: 'load balancer', name },
      why: seen(`${found.state}, port ${port}`),
    });
}

function planAnswers(plan: Plan, cluster: Cluster, host: Host, { answers, replicas }: NginxFacts): void {
  const names = [...replicas].flatMap(([on, fact]) => (fact.is === 'present' ? [{ on, name: fact.value }] : []));
  const received = valueOf(answers) ?? [];
  const silent = names.filter(
    ({ name }) => !received.some((answer) => isGateway(cluster, answer) && answer.instance === name),
  );
  if (silent.length === 0 && names.length === replicas.size && received.length > 0) {
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'lead', thing: 'load balancer' },
      why: seen(`${names.length} of ${replicas.size} seen in ${received.length} requests`),
    });
    return;
  }
  const observed =
    answers.is === 'unknown'
      ? answers.why
      : [...new Set(received.map((answer) => describeAnswer(cluster, answer)))].join(', ') || 'no answer';
  const failure = ({ on, name }: { readonly on: string; readonly name: string }): Failure => ({
    code: 'load-balancer-unhealthy',
    host: host.name,
    what: `the load balancer does not forward to ${name}`,
    evidence: `seen in ${received.length} requests: ${observed}`,
    remedy:
      `Check that ${host.name} can reach ${on} on ${cluster.ports.gateway}/tcp and that the replica works, and see ` +
      `docker logs ${cluster.loadBalancer.container} on ${host.name}.`,
  });
  plan.awaited.push(
    ...silent.map((each) => ({
      host: host.name,
      about: { kind: 'miss', thing: 'load balancer', name: each.name } as const,
      why: seen(observed),
      failure: failure(each),
    })),
  );
}
