import { posix } from 'node:path';
import { hostNamed, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import { planContainer } from '../docker/bring-about.ts';
import { containers, type Container } from '../docker/containers.ts';
import { differenceFrom } from '../docker/difference.ts';
import { image } from '../docker/facts.ts';
import { ensureImage, knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import { standing, type ContainerPair, type Wanted } from '../docker/wanted.ts';
import { differing, seen, type Difference, type Reason } from '../engine/about.ts';
import type { Ask } from '../engine/ask.ts';
import { sha256 } from '../engine/digest.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, mapFact, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { Plan, type Step } from '../engine/plan.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { machine } from '../host/facts.ts';
import { file, unlikeSecret, type HostFile } from '../host/files.ts';
import { describeAnswer, isGateway, loadBalancerAnswers, requestsFor, type Answer } from '../kuscia/facts.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';
import {
  checkConfiguration,
  INSIDE_PORT,
  loadedConfiguration,
  reloadConfiguration,
  runLoadBalancer,
} from '../nginx/commands.ts';
import { configurationFile, FOLDER, loadBalancerFiles } from '../nginx/configuration.ts';
import { defineStage } from './definition.ts';
import { replaceConfiguration } from './nginx-files.ts';
import { refuseTakenPorts } from './preflight.ts';

interface Facts {
  readonly home: Fact<string>;
  readonly image: Fact<string>;
  readonly clock: Fact<number>;
  readonly standing: Fact<ContainerPair>;
  readonly configuration: Fact<HostFile>;
  /** Certificate and key of an https load balancer, by name. */
  readonly secrets: ReadonlyMap<string, Fact<HostFile>>;
  readonly loaded: Fact<string>;
  readonly answers: Fact<readonly Answer[]>;
  /** Replica name by host name. */
  readonly replicas: ReadonlyMap<string, Fact<string>>;
}

/** nginx in front of the replicas, leading to each of them. */
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
  work: (deployment) => {
    const { host, image } = deployment.cluster.loadBalancer;
    return {
      settleMs: 75_000,
      prefetch: (_, act) => ensureImage(act, host, image, deployment),
      gather: (ask) => gather(ask, deployment),
      plan: (facts) => planLoadBalancer(deployment, facts),
    };
  },
});

/** The name that each replica will have, by the name of its host. */
export async function askReplicaNames(ask: Ask, cluster: Cluster): Promise<Map<string, Fact<string>>> {
  const names = hostsWith(cluster, 'replica').map(async (host) => {
    const fact = await ask.ask(host.name, machine);
    return [
      host.name,
      mapFact(fact, ({ user, hostname }) => replicaName(replicaContainer(cluster, user), hostname)),
    ] as const;
  });
  return new Map(await Promise.all(names));
}

async function gather(ask: Ask, deployment: Deployment): Promise<Facts> {
  const { cluster } = deployment;
  const { host: name, container: lb } = cluster.loadBalancer;
  const host = hostNamed(cluster, name);
  const [onMachine, onImage, onContainers, [configuration, secrets], loaded, answers, replicas] = await Promise.all([
    ask.ask(name, machine),
    ask.ask(name, image(cluster.loadBalancer.image)),
    ask.ask(name, containers),
    askFiles(ask, deployment),
    ask.ask(name, loadedConfiguration(lb)),
    ask.ask(name, loadBalancerAnswers(cluster, host, requestsFor(cluster))),
    askReplicaNames(ask, cluster),
  ]);
  return {
    home: mapFact(onMachine, ({ home }) => home),
    clock: mapFact(onMachine, ({ clock }) => clock),
    image: onImage,
    standing: standing(onContainers, lb),
    configuration,
    secrets,
    loaded,
    answers,
    replicas,
  };
}

/** The load balancer's configuration file, and its certificate and key by name, as they are on its host. */
export async function askFiles(
  ask: Ask,
  deployment: Deployment,
): Promise<readonly [configuration: Fact<HostFile>, secrets: ReadonlyMap<string, Fact<HostFile>>]> {
  const { cluster } = deployment;
  const { host } = cluster.loadBalancer;
  const names = Object.keys(loadBalancerFiles(deployment).secrets);
  const [configuration, ...secrets] = await Promise.all([
    ask.ask(host, file(configurationFile(cluster))),
    ...names.map((name) => ask.ask(host, file(posix.join(folders(cluster).nginx, name)))),
  ]);
  return [configuration, new Map(names.map((name, i) => [name, secrets[i] ?? absent]))];
}

/** How the files of the load balancer differ from the wanted ones: by name, why. */
export function unlikeFiles(
  deployment: Deployment,
  { configuration, secrets }: Pick<Facts, 'configuration' | 'secrets'>,
): readonly (readonly [name: string, why: string])[] {
  const wanted = loadBalancerFiles(deployment);
  const current = valueOf(configuration);
  const why =
    current === undefined
      ? 'absent'
      : current.sha256 === sha256(wanted.configuration)
        ? undefined
        : 'not as the cluster file describes it';
  const all = [
    ['nginx.conf', why] as const,
    ...Object.entries(wanted.secrets).map(
      ([name, secret]) => [name, unlikeSecret(secrets.get(name) ?? absent, secret)] as const,
    ),
  ];
  return all.flatMap(([name, difference]) => (difference === undefined ? [] : [[name, difference] as const]));
}

/** The configuration first, then the container that uses it, then every replica must answer through it. */
export function planLoadBalancer(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const { cluster } = deployment;
  const host = hostNamed(cluster, cluster.loadBalancer.host);
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

const add = (
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

/** Whether nginx runs and stays: one that is about to be replaced cannot load its new files, and need not. */
function reloads(cluster: Cluster, facts: Facts): boolean {
  const current = valueOf(facts.standing)?.current;
  return (
    current?.state === 'running' &&
    differenceOf(cluster, current, facts) === undefined &&
    movedImage(current, cluster.loadBalancer.image, facts.image) === undefined
  );
}

/** So long after its start nginx may not answer yet, in milliseconds. */
const STARTING_MS = 15_000;

const isJustStarted = ({ standing, clock }: Facts): boolean =>
  (valueOf(clock) ?? 0) - (valueOf(standing)?.current?.startedAt ?? 0) < STARTING_MS;

const silentNginx = (host: Host, container: string, evidence: string): Failure => ({
  code: 'load-balancer-unhealthy',
  host: host.name,
  what: 'nginx does not tell which configuration it runs with',
  evidence,
  remedy: `See docker logs ${container} on ${host.name}, then run again.`,
});

const folderOn = (cluster: Cluster, home: Fact<string>): string =>
  absolute(valueOf(home) ?? '/', folders(cluster).nginx);

function planFiles(plan: Plan, deployment: Deployment, host: Host, facts: Facts): void {
  const { digest } = loadBalancerFiles(deployment);
  const { container: name } = deployment.cluster.loadBalancer;
  const unlike = unlikeFiles(deployment, facts);
  const [first] = unlike;
  if (first) {
    const why = differing(
      ...(first[0] === 'nginx.conf'
        ? [{ field: 'content', from: first[1] } as const]
        : unlike.map(([of, from]) => ({ field: 'file', of, from }) as const)),
    );
    add(plan, host, facts.configuration.is === 'present' ? '~' : '+', 'write', why, async (act) => {
      await replaceConfiguration(act, deployment, host, valueOf(facts.home) ?? '/', loadBalancerFiles(deployment));
      if (reloads(deployment.cluster, facts)) await act.run(host.name, reloadConfiguration(name, digest));
    });
  } else if (reloads(deployment.cluster, facts) && facts.loaded.is !== 'present' && isJustStarted(facts)) {
    plan.awaited.push({
      host: host.name,
      about: { kind: 'load', thing: 'nginx configuration' },
      why: seen(whyNot(facts.loaded)),
      failure: silentNginx(host, name, whyNot(facts.loaded)),
    });
  } else if (reloads(deployment.cluster, facts) && valueOf(facts.loaded) !== digest) {
    add(
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

function planNginx(plan: Plan, deployment: Deployment, host: Host, facts: Facts): void {
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

/** One that replaces another is given longer than the run that made it waits, in milliseconds. */
const PATIENCE_MS = 150_000;

function wantedLoadBalancer(deployment: Deployment, host: Host, facts: Facts): Wanted {
  const { cluster } = deployment;
  const { container: name, image, port } = cluster.loadBalancer;
  const folder = folderOn(cluster, facts.home);
  const current = valueOf(facts.standing)?.current;
  const isYoung = current !== undefined && (valueOf(facts.clock) ?? 0) - current.createdAt < PATIENCE_MS;
  return {
    host: host.name,
    name,
    kind: 'load balancer',
    details: { port: `${port}` },
    serialGroup: 'nginx',
    stopping: { seconds: 30 },
    difference: (container) => differenceOf(cluster, container, facts),
    moved: (container) => movedImage(container, image, facts.image),
    image: knownImage(deployment, image, facts.image),
    state: facts.loaded.is === 'present' ? 'works' : isYoung ? 'starting' : 'broken',
    prepare: (act) => ensureImage(act, host.name, image, deployment),
    rehearsal: (present) => ({ image, ports: portsToTry({ [INSIDE_PORT]: port }, present), options: [] }),
    proof: async (act) => void (await act.run(host.name, checkConfiguration(image, folder))),
    refused: (act) => refuseTakenPorts(act, cluster, host),
    create: async (act) => void (await act.run(host.name, runLoadBalancer(cluster.loadBalancer, folder))),
    fault: async (act) => {
      const loaded = await act.ask(host.name, loadedConfiguration(name));
      return loaded.is === 'present' ? undefined : whyNot(loaded, 'it loaded no configuration');
    },
  };
}

const differenceOf = (cluster: Cluster, current: Container, { image, home }: Facts): Difference | undefined =>
  differenceFrom(
    {
      image: cluster.loadBalancer.image,
      ports: { [INSIDE_PORT]: cluster.loadBalancer.port },
      mounts: { [FOLDER]: ['files', folderOn(cluster, home)] },
    },
    current,
    image,
  );

function planAnswers(plan: Plan, cluster: Cluster, host: Host, { answers, replicas }: Facts): void {
  const names = [...replicas].flatMap(([on, fact]) => (fact.is === 'present' ? [{ on, name: fact.value }] : []));
  const said = valueOf(answers) ?? [];
  const silent = names.filter(
    ({ name }) => !said.some((answer) => isGateway(cluster, answer) && answer.instance === name),
  );
  if (silent.length === 0 && names.length === replicas.size && said.length > 0) {
    plan.satisfied.push({
      host: host.name,
      about: { kind: 'lead', thing: 'load balancer' },
      why: seen(`${names.length} of ${replicas.size} seen in ${said.length} requests`),
    });
    return;
  }
  const answered =
    answers.is === 'unknown'
      ? answers.why
      : [...new Set(said.map((answer) => describeAnswer(cluster, answer)))].join(', ') || 'no answer';
  const failure = ({ on, name }: { readonly on: string; readonly name: string }): Failure => ({
    code: 'load-balancer-unhealthy',
    host: host.name,
    what: `the load balancer does not lead to ${name}`,
    evidence: `seen in ${said.length} requests: ${answered}`,
    remedy:
      `See that ${host.name} reaches ${on} on ${cluster.ports.gateway}/tcp, that the replica works, and docker ` +
      `logs ${cluster.loadBalancer.container} on ${host.name}.`,
  });
  plan.awaited.push(
    ...silent.map((each) => ({
      host: host.name,
      about: { kind: 'miss', thing: 'load balancer', name: each.name } as const,
      why: seen(answered),
      failure: failure(each),
    })),
  );
}
