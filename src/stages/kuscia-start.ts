import { hostNamed, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { removeContainer, restartContainer, startContainer } from '../docker/commands.ts';
import { among, container, containers, type Container } from '../docker/containers.ts';
import { image, imageIdentity, type ImageIdentity } from '../docker/facts.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Command } from '../engine/command.ts';
import { trouble, type Failure } from '../engine/errors.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { ending, lastLine, succeeded } from '../engine/outcome.ts';
import { hostsToChange, Plan, type Step } from '../engine/plan.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { machine, type Machine } from '../host/facts.ts';
import { file, type HostFile } from '../host/files.ts';
import { startedLine, startReplica } from '../kuscia/commands.ts';
import { sha256 } from '../kuscia/configuration.ts';
import { describeAnswer, directAnswer, isGateway, lastWords, loadBalancerAnswers, registry, requestsFor, type Answer, type Registry } from '../kuscia/facts.ts';
import { absolute, folders, replicaContainer, replicaName } from '../kuscia/names.ts';
import { loadedConfiguration } from '../nginx/commands.ts';
import { configurationFile, loadBalancerFiles } from '../nginx/configuration.ts';
import { proveScript, takeScript, unlikeHanded } from './kuscia-script.ts';
import { awaitTasks, tasksNote } from './kuscia-tasks.ts';
import { refuseTakenPorts } from './preflight.ts';

interface OnHost {
  readonly host: Host;
  readonly machine: Fact<Machine>;
  readonly image: Fact<string>;
  /** Asked only where it is this run's to say, and an earlier job handed over what it must be. */
  readonly identity: Fact<ImageIdentity>;
  readonly file: Fact<HostFile>;
  readonly container: Fact<Container>;
  readonly answer: Fact<Answer>;
  readonly registry: Fact<Registry>;
  readonly led: Fact<ReadonlySet<string>>;
  /** What its log says of why it does not work; asked only where it does not. */
  readonly lastWords: Fact<string>;
}

/** A replica that runs is given this long, in milliseconds, before it is restarted because it does not work: a failing start takes 73 s. */
const PATIENCE_MS = 120_000;

/** Every replica running as described and proven, one after the other. */
export function kusciaStart(deployment: Deployment): Stage {
  return stage({
    name: 'kuscia-start',
    purpose: `the replicas of ${deployment.cluster.domain}, each proven before the next`,
    needs: ['kuscia-init'],
    settleMs: 150_000,
    early: (plan, act) => Promise.all(hostsToChange(plan).map((host) => takeScript(act, deployment, host))),
    gather: (ask) => gather(ask, deployment),
    plan: (facts) => planReplicas(deployment, facts),
  });
}

async function gather(ask: Ask, deployment: Deployment): Promise<OnHost[]> {
  const { cluster } = deployment;
  const led = askLed(ask, deployment);
  return Promise.all(hostsWith(cluster, 'replica').map((host) => gatherHost(ask, deployment, host, led)));
}

/**
 * Replicas that the load balancer leads to; absent where it does not run with the wanted configuration yet. The next replica is not touched
 * before peers reach the one before: nginx leaves out for some seconds whatever did not answer.
 */
async function askLed(ask: Ask, deployment: Deployment): Promise<Fact<ReadonlySet<string>>> {
  const { cluster } = deployment;
  const { host, container: name } = cluster.loadBalancer;
  // The load balancer is asked like any peer does, by a host that this run reaches.
  const asking = ask.reaches(host) ? host : (cluster.hosts.find((other) => ask.reaches(other.name))?.name ?? host);
  const [loaded, onFile, answers] = await Promise.all([
    ask.ask(host, loadedConfiguration(name)),
    ask.ask(host, file(configurationFile(cluster))),
    ask.ask(asking, loadBalancerAnswers(cluster, hostNamed(cluster, host), requestsFor(cluster))),
  ]);
  return ledBy(deployment, loaded, onFile, answers);
}

/** A configuration that somebody changed by hand still carries our digest: the file itself must be the wanted one, too, or the load balancer's stage has yet to replace it. */
export function ledBy(deployment: Deployment, loaded: Fact<string>, onFile: Fact<HostFile>, answers: Fact<readonly Answer[]>): Fact<ReadonlySet<string>> {
  const { configuration, digest } = loadBalancerFiles(deployment);
  if (valueOf(loaded) !== digest || valueOf(onFile)?.sha256 !== sha256(configuration)) return absent;
  return mapFact(answers, (all) => new Set(all.filter((answer) => isGateway(deployment.cluster, answer)).map(({ instance }) => instance)));
}

async function gatherHost(ask: Ask, { cluster, handed }: Deployment, host: Host, led: Promise<Fact<ReadonlySet<string>>>): Promise<OnHost> {
  const [onLed, onMachine, onContainers, onRegistry, onImage, identity, onFile, answer] = await Promise.all([
    led,
    ask.ask(host.name, machine),
    ask.ask(host.name, containers),
    ask.ask(host.name, registry(cluster.domain)),
    ask.ask(host.name, image(cluster.image)),
    handed?.provenance && ask.reaches(host.name) ? ask.ask(host.name, imageIdentity(cluster.image)) : absent,
    ask.ask(host.name, file(folders(cluster).config)),
    ask.ask(host.name, directAnswer(cluster, host)),
  ]);
  const name = replicaContainer(cluster, valueOf(onMachine)?.user ?? '');
  const onContainer = among(onContainers, name);
  const onHost = { host, machine: onMachine, image: onImage, identity, file: onFile, container: onContainer, answer, registry: onRegistry, led: onLed };
  const works = onContainer.is === 'present' && faultOf(cluster, onHost, onContainer.value) === undefined;
  return { ...onHost, lastWords: works || onContainer.is !== 'present' ? absent : await ask.ask(host.name, lastWords(name)) };
}

/** Each replica by itself; the lane makes the runner take them one at a time. */
export function planReplicas(deployment: Deployment, facts: readonly OnHost[]): Plan {
  const plan = new Plan();
  for (const onHost of facts) {
    const unknowns = [onHost.machine, onHost.image, onHost.identity, onHost.file, onHost.container].flatMap((fact) => (fact.is === 'unknown' ? [fact.why] : []));
    plan.failures.push(...unknowns.map((why) => ({ code: 'fact-unknown' as const, host: onHost.host.name, what: why, remedy: 'Mend what the line names, then run again.' })));
    const unlike = unknowns.length === 0 ? unlikeHanded(deployment, onHost) : [];
    plan.failures.push(...unlike);
    if (unknowns.length === 0 && unlike.length === 0) planReplica(plan, deployment, onHost);
    warnOfTasks(plan, deployment, onHost, facts);
  }
  return plan;
}

function planReplica(plan: Plan, deployment: Deployment, onHost: OnHost): void {
  const { host } = onHost;
  const name = replicaContainer(deployment.cluster, valueOf(onHost.machine)?.user ?? '');
  const step = (change: Step['change'], what: string, why: string, apply: Step['apply'], momentary?: true): void =>
    void plan.steps.push({ host: host.name, change, what, why, lane: 'replicas', apply, ...(momentary && { momentary }) });
  const current = valueOf(onHost.container);
  if (current === undefined) {
    step('+', `start replica ${name}`, 'absent', (act) => create(act, deployment, host, name));
    return;
  }
  const difference = differenceOf(deployment.cluster, onHost, current);
  const fault = faultOf(deployment.cluster, onHost, current);
  const configuredAt = valueOf(onHost.file)?.changedAt ?? 0;
  if (difference !== undefined) {
    step('~', `recreate replica ${name}`, difference, (act) => create(act, deployment, host, name, fault === undefined));
  } else if (['exited', 'dead', 'paused'].includes(current.state)) {
    const why = `${current.state} (${current.exitCode})${current.error ? `: ${current.error}` : ''}`;
    step('~', `start replica ${name} again`, why, (act) => startAgain(act, deployment.cluster, host, startContainer(name, current.state)), true);
  } else if (configuredAt > current.startedAt) {
    step('~', `restart replica ${name}`, 'its configuration changed since it started', (act) => restart(act, deployment, host, current, fault === undefined));
  } else if (fault === undefined && onHost.led.is !== 'absent' && valueOf(onHost.led)?.has(current.hostname) !== true) {
    plan.awaited.push({ host: host.name, what: `the load balancer leads to ${current.hostname}`, why: 'it works, but no answer through the load balancer was its own', failure: notLed(deployment.cluster, onHost, current) });
  } else if (fault === undefined) {
    plan.satisfied.push({ host: host.name, what: `replica ${current.hostname}`, why: 'answers, registered, as described' });
  } else if (current.state === 'running' && (valueOf(onHost.machine)?.clock ?? 0) - current.startedAt > PATIENCE_MS) {
    step('~', `restart replica ${name}`, fault, (act) => restart(act, deployment, host, current, false), true);
  } else {
    plan.awaited.push({ host: host.name, what: `replica ${current.hostname} works`, why: fault, failure: unhealthy(onHost, name, fault) });
  }
}

/** Says which tasks run on the replica where a step of the plan stops it. */
function warnOfTasks(plan: Plan, deployment: Deployment, { host, container, registry }: OnHost, all: readonly OnHost[]): void {
  const current = valueOf(container);
  if (current?.state !== 'running' || !plan.steps.some((step) => step.host === host.name)) return;
  const note = tasksNote(deployment, host, current.hostname, [registry, ...all.map((each) => each.registry)]);
  if (note) plan.warnings.push(note);
}

/** Why the container must be made anew; undefined when it is as described. */
function differenceOf(cluster: Cluster, { image, machine }: OnHost, current: Container): string | undefined {
  const { ports } = cluster;
  const wanted = { '1080/tcp': ports.gateway, '80/tcp': ports.internal, '8082/tcp': ports.api, '8083/tcp': ports.apiGrpc, '9091/tcp': ports.metrics };
  const port = Object.entries(wanted).find(([inside, outside]) => current.ports[inside] !== outside);
  const properties = valueOf(machine);
  const config = absolute(properties?.home ?? '/', folders(cluster).config);
  const hostname = replicaName(replicaContainer(cluster, properties?.user ?? ''), properties?.hostname ?? '');
  if (current.state === 'created') return `left behind by a failed start: ${current.error || 'never started'}`;
  if (image.is === 'present' && current.imageId !== image.value) return `image ${current.imageId.slice(7, 19)} -> ${cluster.image}`;
  if (image.is === 'absent') return `image -> ${cluster.image}`;
  if (current.memory !== cluster.memory) return `memory ${gib(current.memory)} -> ${gib(cluster.memory)}`;
  if (port) return `port ${current.ports[port[0]] ?? 'none'} -> ${port[1]}`;
  if (current.networkMode !== cluster.network.name) return `network ${current.networkMode} -> ${cluster.network.name}`;
  if (current.addresses[cluster.network.name] === undefined) return `no longer attached to ${cluster.network.name}`;
  if (current.mounts['/home/kuscia/etc/conf/kuscia.yaml'] !== config) return `configuration file -> ${config}`;
  if (current.hostname !== hostname) return `name ${current.hostname} -> ${hostname}`;
  return undefined;
}

const gib = (bytes: number): string => `${Number((bytes / 1024 ** 3).toFixed(2))} GiB`;

/** What is wrong with a replica that should be working; undefined when it is proven (kuscia-facts 3.4). */
function faultOf(cluster: Cluster, { answer, registry }: Pick<OnHost, 'answer' | 'registry'>, current: Container): string | undefined {
  if (current.state !== 'running') return `${current.state}, ${current.restarts} restarts`;
  const said = valueOf(answer);
  if (said === undefined) return answer.is === 'unknown' ? answer.why : 'no answer';
  if (!isGateway(cluster, said) || said.instance !== current.hostname) return `its gateway port: ${describeAnswer(cluster, said)}`;
  if (registry.is !== 'present') return registry.is === 'unknown' ? registry.why : 'no answer';
  const gateway = registry.value.gateways.find(({ name }) => name === current.hostname);
  if (gateway === undefined) return 'its gateway object is not there yet';
  // Gateway objects outlive their replica: only one written by this very process proves anything.
  if (gateway.heartbeat < current.startedAt - 1000 || gateway.uptime < current.startedAt - 1000) return 'its gateway object is of an earlier start';
  if (registry.value.nodes.find(({ name }) => name === current.hostname)?.ready !== true) return 'its node is not Ready';
  return undefined;
}

function unhealthy({ host, lastWords }: OnHost, name: string, fault: string): Failure {
  const words = valueOf(lastWords) ?? '';
  return {
    code: 'replica-unhealthy',
    host: host.name,
    what: `the replica ${name} does not work: ${fault}`,
    ...(words !== '' && { evidence: words }),
    remedy: `Mend what the evidence names. More is in docker logs ${name} on ${host.name} and, in the container, /home/kuscia/var/logs.`,
  };
}

const notLed = ({ loadBalancer, ports }: Cluster, { host }: OnHost, current: Container): Failure => ({
  code: 'load-balancer-unhealthy',
  host: loadBalancer.host,
  what: `the load balancer does not lead to ${current.hostname}, which works`,
  remedy: `See that ${loadBalancer.host} reaches ${host.address} on ${ports.gateway}/tcp, and docker logs ${loadBalancer.container} there; then run again.`,
});

async function restart(act: Act, deployment: Deployment, host: Host, current: Container, works: boolean): Promise<void> {
  await awaitTasks(act, deployment, host, current.hostname, works);
  await act.run(host.name, restartContainer(current.name));
}

async function startAgain(act: Act, cluster: Cluster, host: Host, start: Command): Promise<void> {
  const outcome = await act.attempt(host.name, start);
  if (succeeded(outcome)) return;
  if (outcome.ended !== 'lost') await refuseTakenPorts(act, cluster, host);
  throw trouble(commandFailure(host.name, start, outcome));
}

/** Makes the replica's container with kuscia.sh, after whatever stands in its place is gone; `works` tells whether that was found to work. */
async function create(act: Act, deployment: Deployment, host: Host, name: string, works = false): Promise<void> {
  const { cluster } = deployment;
  await takeScript(act, deployment, host.name);
  await proveScript(act, deployment, host);
  const standing = await act.ask(host.name, container(name));
  if (standing.is === 'unknown') throw trouble({ code: 'fact-unknown', host: host.name, what: standing.why, remedy: 'Mend what the line names, then run again.' });
  if (standing.is === 'present' && standing.value.state === 'running') await awaitTasks(act, deployment, host, standing.value.hostname, works);
  if (standing.is === 'present') await act.run(host.name, removeContainer(name));
  const start = startReplica(cluster);
  const outcome = await act.attempt(host.name, start);
  if (succeeded(outcome) && outcome.stdout.includes(startedLine(cluster))) return;
  if (outcome.ended === 'lost') throw trouble(commandFailure(host.name, start, outcome));
  await refuseTakenPorts(act, cluster, host);
  const words = valueOf(await act.ask(host.name, lastWords(name))) ?? '';
  throw trouble({
    code: 'replica-unhealthy',
    host: host.name,
    what: succeeded(outcome) ? 'kuscia.sh ended with 0, but did not say that it deployed the replica' : `kuscia.sh did not start the replica: ${ending(outcome)}`,
    evidence: [lastLine(outcome), words].filter((line) => line !== '').join(' | '),
    remedy: `Mend what the evidence names, then run again: what was left behind is cleaned then. More is in docker logs ${name} on ${host.name}.`,
  });
}
