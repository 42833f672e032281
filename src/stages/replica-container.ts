import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { startContainer } from '../docker/commands.ts';
import { container, type Container } from '../docker/containers.ts';
import { knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import type { ContainerPair, Wanted } from '../docker/wanted.ts';
import type { Act } from '../engine/ask.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { deploymentError, DeploymentError } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { ending, lastLine, succeeded } from '../engine/outcome.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { extractScript, startedLine, startReplica, terminalCheck } from '../kuscia/commands.ts';
import { lastErrorLines } from '../kuscia/facts.ts';
import { verifyScript, fetchScript } from './kuscia-script.ts';
import { awaitTasks } from './kuscia-tasks.ts';
import { forwardToAllPorts } from './nginx-files.ts';
import { refuseTakenPorts } from './ports.ts';
import { askReplica, differenceOf, faultOf, isProvenBroken, portsOf, type Replica } from './replica.ts';

/**
 * How long a replacement may take to work: longer than the run that made it waits, since kuscia.sh takes up to 150 s
 * before the stage begins to wait.
 */
const REPLACEMENT_PATIENCE_MS = 330_000;

/** The serial group of all replicas: one after the other. */
export const REPLICAS = 'replicas';

/** A replica's container as it should be. */
export function wantedReplica(
  deployment: Deployment,
  replica: Replica,
  name: string,
  { current }: ContainerPair,
  former: readonly number[],
): Wanted {
  const { cluster } = deployment;
  const { host } = replica;
  const ports = portsOf(cluster);
  return {
    host: host.name,
    name,
    kind: 'replica',
    serialGroup: REPLICAS,
    stopping: { seconds: 30 },
    difference: (container) => differenceOf(cluster, replica, container),
    moved: (container) => movedImage(container, cluster.image, replica.image),
    image: knownImage(deployment, cluster.image, replica.image),
    state: stateOf(cluster, replica, current),
    prepare: async (act) => {
      await fetchScript(act, deployment, host.name);
      await verifyScript(act, deployment, host);
    },
    rehearsal: (present) => ({
      image: cluster.image,
      ports: portsToTry(ports, present),
      options: [`--network=${cluster.network.name}`, `--memory=${cluster.memory}`],
    }),
    proof: async (act) => {
      await proveTerminal(act, host);
      if (former.length > 0) await forwardToAllPorts(act, deployment, former);
    },
    // Comes last, so that waiting for tasks is not in vain.
    beforeStop: async (act) => {
      if (current?.state === 'running')
        await awaitTasks(act, deployment, host, current.hostname, faultOf(cluster, replica, current) === undefined);
    },
    takeBack: async (act, replaced) => {
      if (replaced.image !== cluster.image) await act.run(host.name, extractScript(cluster, replaced.imageId));
    },
    refused: (act) => refuseTakenPorts(act, cluster, host),
    create: (act) => create(act, cluster, host, name),
    start: (act, container) => restartStopped(act, cluster, host, container),
    fault: (act) => faultNow(act, deployment, host),
  };
}

function stateOf(cluster: Cluster, replica: Replica, current: Container | undefined): Wanted['state'] {
  if (current === undefined) return 'broken';
  if (faultOf(cluster, replica, current) === undefined) return 'works';
  return (valueOf(replica.machine)?.clock ?? 0) - current.createdAt < REPLACEMENT_PATIENCE_MS ||
    !isProvenBroken(cluster, replica, current)
    ? 'starting'
    : 'broken';
}

/** What is wrong with the replica now, including at the load balancer. */
async function faultNow(act: Act, deployment: Deployment, host: Host): Promise<string | undefined> {
  const replica = await askReplica(act, deployment, host);
  const current = valueOf(replica.standing)?.current;
  if (current === undefined) return 'absent';
  const fault = faultOf(deployment.cluster, replica, current);
  const { forwarded } = replica;
  return (
    fault ??
    (forwarded.is === 'absent' || valueOf(forwarded)?.has(current.hostname) === true
      ? undefined
      : 'the load balancer does not forward to it')
  );
}

async function restartStopped(act: Act, cluster: Cluster, host: Host, { name, state }: Container): Promise<void> {
  const start = startContainer(name, state);
  const outcome = await act.attempt(host.name, start);
  if (succeeded(outcome)) return;
  if (outcome.ended !== 'lost') await refuseTakenPorts(act, cluster, host);
  throw deploymentError(commandFailure(host.name, start, outcome));
}

/** kuscia.sh fails without a terminal, and only once its container runs (docs/kuscia.md#terminal). */
async function proveTerminal(act: Act, host: Host): Promise<void> {
  const outcome = await act.attempt(host.name, terminalCheck);
  if (succeeded(outcome)) return;
  if (outcome.ended === 'lost') throw deploymentError(commandFailure(host.name, terminalCheck, outcome));
  throw deploymentError({
    code: 'replacement-impossible',
    host: host.name,
    what: 'kuscia.sh cannot get a terminal, so the present replica was left as it is',
    evidence: `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: 'Make sure that the login can open one (script(1), /dev/ptmx and /dev/pts), then run again.',
  });
}

/** Creates the replica's container with kuscia.sh, which hangs at a prompt if a container of that name exists. */
async function create(act: Act, cluster: Cluster, host: Host, name: string): Promise<void> {
  const existing = await act.ask(host.name, container(name));
  if (existing.is === 'unknown') throw new DeploymentError(unknownFailures(host.name, [existing]));
  if (existing.is === 'present')
    throw deploymentError({
      code: 'host-changed',
      host: host.name,
      what: `a container ${name} has appeared since the plan was made`,
      remedy: 'Find out who created it (docker inspect), then run again: the run compares it with the cluster file.',
    });
  const start = startReplica(cluster);
  const outcome = await act.attempt(host.name, start);
  if (succeeded(outcome) && outcome.stdout.includes(startedLine(cluster))) return;
  if (outcome.ended === 'lost') throw deploymentError(commandFailure(host.name, start, outcome));
  await refuseTakenPorts(act, cluster, host);
  const logLines = valueOf(await act.ask(host.name, lastErrorLines(name))) ?? '';
  throw deploymentError({
    code: 'replica-unhealthy',
    host: host.name,
    what: succeeded(outcome)
      ? 'kuscia.sh exited with 0, but did not report that it deployed the replica'
      : `kuscia.sh did not start the replica: ${ending(outcome)}`,
    evidence: [lastLine(outcome), logLines].filter((line) => line !== '').join(' | '),
    remedy:
      'Fix the reported problem, then run again: the next run removes what was left behind. For more, see docker ' +
      `logs ${name} on ${host.name}.`,
  });
}
