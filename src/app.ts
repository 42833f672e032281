import type { Host } from './cluster/cluster.ts';
import { jobsOf } from './cluster/jobs.ts';
import type { Deployment } from './cluster/deployment.ts';
import { ActivityTracker } from './engine/activity.ts';
import { cancellation } from './engine/cancelled.ts';
import { failuresOf, DeploymentError, type Failure } from './engine/errors.ts';
import type { Emit } from './engine/events.ts';
import type { Stage } from './engine/stage.ts';
import type { Files } from './inputs/files.ts';
import type { Environment } from './inputs/given.ts';
import type { Inputs } from './inputs/read.ts';
import { requestReader, type ReadRequest } from './inputs/request.ts';
import { Lock } from './jobs/lock.ts';
import { explained } from './jobs/logs.ts';
import { asksHosts, OPERATIONS } from './operations/index.ts';
import { isProof, proofNow } from './operations/proof.ts';
import type { Report } from './report/report.ts';
import { withUnreached } from './report/unreached.ts';
import { DEFINITIONS, deploymentStages } from './stages/index.ts';
import { PLAN_WORDS } from './report/words.ts';
import { lockRequestOf, prepare, runOf, taskOf, type Prepared } from './task.ts';
import { openFleet, type FleetOptions, type OpenFleet } from './transport/fleet.ts';

/** The parts of a run; tests replace them. */
export interface Parts {
  readonly readRequest: ReadRequest;
  readonly openFleet: (hosts: readonly Host[], options: FleetOptions) => OpenFleet;
  readonly stagesOf: (deployment: Deployment) => Stage[];
}

/** The parts of a real run. */
export const realParts = (argv: readonly string[], env: Environment, files: Files): Parts => ({
  readRequest: requestReader(argv, env, files),
  openFleet,
  stagesOf: deploymentStages,
});

/** Runs the requested operation and reports it. Returns the exit code: 0 only if everything succeeded. Never throws. */
export async function run(parts: Parts, report: Report, signal: AbortSignal): Promise<number> {
  const failures = await attempt(parts, report, signal);
  if (failures === 'nothing to run') return 0;
  try {
    await report.finish(failures);
  } catch (thrown) {
    report.defect(thrown);
    return 1;
  }
  return failures.length === 0 ? 0 : 1;
}

async function attempt(
  parts: Parts,
  report: Report,
  cancelled: AbortSignal,
): Promise<readonly Failure[] | 'nothing to run'> {
  const activity = new ActivityTracker();
  const failuresIn = cancellation(cancelled, activity, PLAN_WORDS);
  try {
    const request = await parts.readRequest((secrets) => report.hide(secrets), cancelled);
    if (typeof request === 'string') {
      request.split('\n').forEach((line) => report.say(line));
      return 'nothing to run';
    }
    const { mode, deployment, job } = request;
    if (!asksHosts(mode)) {
      report.checked(OPERATIONS[mode].answer(deployment.cluster, jobsOf(deployment.cluster, job.runner, DEFINITIONS)));
      return 'nothing to run';
    }
    const prepared = await prepare(mode, request, parts.stagesOf, report);
    const emit: Emit = (event) => {
      activity.hear(event);
      report.emit(event);
    };
    const stopped = new AbortController();
    const signal = AbortSignal.any([cancelled, stopped.signal]);
    const fleet = parts.openFleet(reached(request), { ...request.login, emit, signal });
    const lock = new Lock(lockRequestOf(prepared), {
      fleet,
      signal,
      say: (line) => report.say(line),
      stop: () => stopped.abort(),
    });
    const failures = await onHosts(prepared, { fleet, emit, signal }, lock, report, failuresIn).catch(failuresIn);
    const closeFailures = await fleet.close().then(() => [], failuresOf);
    return [...failures, ...closeFailures];
  } catch (thrown) {
    return failuresIn(thrown);
  }
}

const reached = ({ deployment, job }: Inputs): readonly Host[] =>
  deployment.cluster.hosts.filter(({ name }) => job.reaches.includes(name));

/** Runs the operation on the hosts. Returns the failures found, with their causes. */
async function onHosts(
  prepared: Prepared,
  parts: { readonly fleet: OpenFleet; readonly emit: Emit; readonly signal: AbortSignal },
  lock: Lock,
  report: Report,
  failuresIn: (thrown: unknown) => readonly Failure[],
): Promise<readonly Failure[]> {
  const began = Date.now();
  const { operation, request, all, stages } = prepared;
  const { fleet, signal } = parts;
  fleet.notes.forEach((note) => report.say(note));
  lock.begin();
  // If silent hosts are judged, so are hosts whose login cannot run commands. Otherwise the first command shows that,
  // and not checking it here saves a round trip.
  const judgesSilent = operation.silentHosts === 'are judged';
  const unreached = await fleet.connect(judgesSilent ? 'and start a shell' : undefined);
  const run = runOf(prepared, parts, lock);
  const someAnswer = unreached.size < request.job.reaches.length;
  if (unreached.size > 0 && !(judgesSilent && someAnswer)) {
    if (someAnswer && operation.silentHosts === 'stop the run after the others are judged' && stages.some(isProof)) {
      const proof = await proofNow(all, run);
      if (proof && !signal.aborted) report.seen(proof);
    }
    throw new DeploymentError([...unreached.values()].flat());
  }
  const found = await operation.run(taskOf(prepared, run, lock, report)).catch(failuresIn);
  const failures = withUnreached(found, unreached);
  lock.end(failures.length > 0);
  if (lock.lost) return [lock.lost];
  return signal.aborted ? failures : explained(failures, request, fleet, Date.now() - began, report);
}
