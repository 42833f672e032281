import { randomBytes } from 'node:crypto';
import type { Host } from './cluster/cluster.ts';
import { jobsOf, ownRunners, runnersOf } from './cluster/jobs.ts';
import type { Deployment } from './cluster/deployment.ts';
import { diagnose, worthAsking } from './diagnosis/diagnose.ts';
import { failuresOf, DeploymentError, withoutConsequences, type Failure } from './engine/errors.ts';
import type { Emit } from './engine/events.ts';
import { ActivityTracker } from './engine/activity.ts';
import type { Proof } from './engine/proof.ts';
import type { Run } from './engine/run.ts';
import { apply, plan } from './engine/runner.ts';
import type { Secret } from './engine/secret.ts';
import type { Stage } from './engine/stage.ts';
import { translateArguments } from './inputs/arguments.ts';
import type { Files } from './inputs/files.ts';
import type { Environment } from './inputs/given.ts';
import { readImages } from './inputs/images.ts';
import { secretsGiven } from './inputs/masked.ts';
import { readInputs, type Inputs } from './inputs/read.ts';
import { savePlan, saveOutputs, compareWithApproved, keepLogs, openReceived, quiet, type Received } from './job.ts';
import { Lock } from './lock.ts';
import { notJudged, unproven, verified, withUnreached } from './proof.ts';
import type { Report } from './report/report.ts';
import type { Mode } from './report/run-state.ts';
import { deploymentStages } from './stages/index.ts';
import { PROOF } from './stages/names.ts';
import { openFleet, type FleetOptions, type OpenFleet } from './transport/fleet.ts';

/** The parts of a run; tests put others in their place. */
export interface Parts {
  /**
   * What is asked for; a text where only that is wanted. Secrets are told to `hide` first. Throws a DeploymentError that names
   * every wrong input.
   */
  readonly readRequest: (hide: (secrets: readonly Secret[]) => void, signal: AbortSignal) => Promise<Inputs | string>;
  readonly openFleet: (hosts: readonly Host[], options: FleetOptions) => OpenFleet;
  readonly stagesOf: (deployment: Deployment) => Stage[];
}

/** The parts of a real run: inputs as GitHub hands them over, or a command line where GitHub does not run this. */
export function realParts(argv: readonly string[], env: Environment, files: Files): Parts {
  return {
    async readRequest(hide, signal) {
      hide(secretsGiven(env, files));
      if (env['GITHUB_ACTIONS'] === 'true') return readInputs(env, files, await readImages(env, signal));
      const asked = translateArguments(argv, env, files);
      if (asked.is === 'help') return asked.text;
      hide(secretsGiven(asked.env, files));
      return readInputs(asked.env, files, await readImages(asked.env, signal));
    },
    openFleet,
    stagesOf: deploymentStages,
  };
}

/** Does what is asked for and reports it. Gives the exit code: 0 only when all of it is true. Never throws. */
export async function run(parts: Parts, report: Report, signal: AbortSignal): Promise<number> {
  const failures = await attempt(parts, report, signal);
  if (failures === 'only a text was wanted') return 0;
  try {
    await report.finish(failures);
  } catch (thrown) {
    report.defect(thrown);
    return 1;
  }
  return failures.length === 0 ? 0 : 1;
}

type Outcome = readonly Failure[] | 'only a text was wanted';

async function attempt(parts: Parts, report: Report, signal: AbortSignal): Promise<Outcome> {
  const fleets: OpenFleet[] = [];
  const failures = await attemptWith(fleets, parts, report, signal);
  if (typeof failures === 'string') return failures;
  const closed = await Promise.allSettled(fleets.map((fleet) => fleet.close()));
  return [...failures, ...closed.flatMap((result) => (result.status === 'rejected' ? failuresOf(result.reason) : []))];
}

async function attemptWith(
  opened: OpenFleet[],
  parts: Parts,
  report: Report,
  cancelled: AbortSignal,
): Promise<Outcome> {
  const stopped = new AbortController();
  const signal = AbortSignal.any([cancelled, stopped.signal]);
  const moment = new ActivityTracker();
  let stoppedIn: string | undefined;
  // What is told afterwards is how its commands were ended.
  cancelled.addEventListener('abort', () => (stoppedIn = moment.inWords()), { once: true });
  try {
    const request = await parts.readRequest((secrets) => report.hide(secrets), signal);
    if (typeof request === 'string') {
      request.split('\n').forEach((line) => report.say(line));
      return 'only a text was wanted';
    }
    if (request.mode === 'check' || request.mode === 'divide') {
      tellChecked(request, report);
      return 'only a text was wanted';
    }
    const task = await begun(request.mode, request, parts, report);
    const { job, login, deployment } = request;
    const began = Date.now();
    const emit: Emit = (event) => {
      moment.hear(event);
      report.emit(event);
    };
    const fleet = parts.openFleet(
      deployment.cluster.hosts.filter(({ name }) => job.reaches.includes(name)),
      { ...login, emit, signal },
    );
    opened.push(fleet);
    fleet.notes.forEach((note) => report.say(note));
    const lock = new Lock(request, { fleet, signal, say: (line) => report.say(line), stop: () => stopped.abort() });
    lock.begin();
    // Verify goes on without a host whose login runs no commands; the others are told by their first command, and save
    // a round trip.
    const unreached = await fleet.connect(request.mode === 'verify' ? 'and start a shell' : undefined);
    const { snapshots } = task.received;
    const run: Run = {
      fleet,
      emit,
      signal,
      permit: lock.take,
      ...(job.host !== undefined && { hosts: new Set([job.host]) }),
      ...(snapshots && { snapshots }),
    };
    const refused =
      request.mode === 'verify' && unreached.size < job.reaches.length ? [] : [...unreached.values()].flat();
    if (refused.length > 0) {
      if (unreached.size < job.reaches.length) await showWorking(task, run);
      throw new DeploymentError(refused);
    }
    const found = await MODES[request.mode](task, run, lock).catch((thrown: unknown) =>
      cancelledFirst(failuresOf(thrown), cancelled, stoppedIn),
    );
    const failures = withUnreached(found, unreached);
    lock.end(failures.length > 0);
    if (lock.lost) return [lock.lost];
    return signal.aborted ? failures : await diagnosed(failures, task, run, Date.now() - began);
  } catch (thrown) {
    return cancelledFirst(failuresOf(thrown), cancelled, stoppedIn);
  }
}

/**
 * How far before the run's begin the engine's log is read, in seconds: what went wrong earlier is no cause of what goes
 * wrong now.
 */
const MARGIN = 2;

/** The failures with the causes that the logs of the hosts give away; the logs are kept where that is wanted. */
async function diagnosed(
  failures: readonly Failure[],
  { request, report }: Task,
  { fleet }: Run,
  ms: number,
): Promise<readonly Failure[]> {
  if (!worthAsking(failures)) return failures;
  const { cluster } = request.deployment;
  const hosts = cluster.hosts.filter(({ name }) => request.job.reaches.includes(name));
  report.say(`reading the logs of ${hosts.map(({ name }) => name).join(', ')} for the cause`);
  const { failures: explained, logs } = await diagnose(failures, {
    cluster,
    hosts,
    fleet,
    seconds: Math.ceil(ms / 1000) + MARGIN,
  });
  report.keptLogs(await keepLogs(request, logs, (text) => report.masked(text)));
  return explained;
}

/** What is to be done, and what is known before any host is asked. */
interface Task {
  readonly request: Inputs;
  readonly received: Received;
  readonly report: Report;
  /** The selected stages. */
  readonly stages: readonly Stage[];
  /** Those of a whole deployment, whose looks are for nobody to see. */
  readonly all: readonly Stage[];
}

async function begun(mode: Mode, request: Inputs, parts: Parts, report: Report): Promise<Task> {
  const received = await openReceived(request);
  report.hide(received.secrets);
  const deployment = { ...request.deployment, ...(received.outputs && { received: received.outputs }) };
  const all = parts.stagesOf(deployment);
  const stages = selected(request, all);
  report.begin({
    mode,
    cluster: deployment.cluster,
    asked: request.job.reaches,
    stages: stages.map(({ name }) => name),
  });
  return { request, received, report, stages, all };
}

/** What the jobs of a workflow need to know of the cluster file. */
function tellChecked({ mode, deployment: { cluster }, job }: Inputs, report: Report): void {
  const apart = ownRunners(cluster).length > 0 ? ', each reached by its own runner' : '';
  report.checked(
    [
      `${cluster.domain}: ${mode === 'check' ? 'the inputs and the cluster file have' : 'the cluster file has'} ` +
        `no fault; ${cluster.hosts.length} hosts (${cluster.hosts.map(({ name }) => name).join(', ')})${apart}. No ` +
        `host was asked (mode: ${mode}).`,
    ],
    {
      domain: cluster.domain,
      jobs: JSON.stringify(jobsOf(cluster, job.runner)),
      runners: JSON.stringify(runnersOf(cluster)),
      call: randomBytes(4).toString('hex'),
    },
  );
}

const MODES: Readonly<Record<Mode, (task: Task, run: Run, lock: Lock) => Promise<readonly Failure[]>>> = {
  plan: planned,
  apply: applied,
  verify: ({ stages }, run) => verified(stages, run),
  snapshot: looked,
  unlock: unlocked,
};

/** What works, where a whole deployment is refused because some of its hosts do not answer. Never throws. */
async function showWorking({ request, stages, all, report }: Task, run: Run): Promise<void> {
  if (!['plan', 'apply'].includes(request.mode) || !stages.some(({ name }) => name === 'verify')) return;
  const [verify] = await plan(
    all.filter(({ name }) => name === PROOF),
    quiet(run),
  ).catch(() => []);
  if (verify?.plan.proof && run.signal?.aborted !== true) report.seen(verify.plan.proof);
}

/**
 * Shows what would change, and hands it over. Verify changes nothing, and is judged only after an apply; what it can
 * foretell is shown.
 */
async function planned({ stages, request, report }: Task, run: Run): Promise<readonly Failure[]> {
  const shown = stages.flatMap((stage) =>
    stage.preview ? [{ ...stage, plan: stage.preview }] : stage.name === 'verify' ? [] : [stage],
  );
  const plans = await plan(shown, run);
  const failures = withoutConsequences(plans.flatMap(({ plan }) => plan.failures));
  if (failures.length === 0) report.handedOver(await savePlan(request, plans));
  return failures;
}

/** Hands over what the hosts answer, and judges nothing of it. */
async function looked({ request, report, all }: Task, run: Run): Promise<readonly Failure[]> {
  report.handedOver(await saveOutputs(request, all, run));
  return [];
}

/** Lets go of the lock for jobs that could not. */
async function unlocked({ request, report }: Task, _: Run, lock: Lock): Promise<readonly Failure[]> {
  const seconds = await lock.letGo();
  const { domain } = request.deployment.cluster;
  report.say(
    seconds === undefined
      ? `${domain}: this run does not hold the lock`
      : `${domain}: the lock of this run ends in ${seconds} s`,
  );
  return [];
}

/** The selected stages in their order. To select nothing would be to do nothing and call it success. */
function selected({ stages }: Inputs, all: readonly Stage[]): Stage[] {
  const missing = stages.filter((name) => !all.some((stage) => stage.name === name));
  if (missing.length > 0 || stages.length === 0)
    throw new Error(`no such stage: ${missing.join(', ') || '(none selected)'}`);
  return all.filter(({ name }) => stages.some((selected) => selected === name));
}

/**
 * Applies; a stage that settled although something in it could not be judged is a failure, and so is a matrix that is
 * not healthy.
 */
async function applied({ stages, all, request, received, report }: Task, run: Run): Promise<readonly Failure[]> {
  const { approved } = received;
  if (approved && stages.some(({ name }) => name === 'preflight')) {
    // Whoever is changing the hosts now would move them after they were compared with what was agreed to.
    await run.permit?.();
    const moved = await compareWithApproved(approved, all, run);
    if (moved.length > 0) return moved;
  }
  const undecided: Failure[] = [];
  let proof: Proof | undefined;
  const emit: Emit = (event) => {
    if (event.is === 'stage-settled') proof = event.plan.proof ?? proof;
    if (event.is === 'stage-settled') undecided.push(...event.plan.later.map((note) => notJudged(event.stage, note)));
    run.emit(event);
  };
  await apply(stages, { ...run, emit, ...(approved && { approved }) });
  const failures = undecided.length === 0 && stages.some(({ name }) => name === 'verify') ? unproven(proof) : undecided;
  if (failures.length === 0) report.handedOver(await saveOutputs(request, all, run));
  return failures;
}

/**
 * Cancelling cuts connections; that they were lost is then no news. `stoppedIn` is what the run was in the middle of.
 */
function cancelledFirst(
  failures: readonly Failure[],
  signal: AbortSignal,
  stoppedIn: string | undefined,
): readonly Failure[] {
  if (!signal.aborted) return failures;
  const rest = failures.filter(({ code }) => code !== 'connection-lost' && code !== 'cancelled');
  const told = failures.find(({ code }) => code === 'cancelled');
  const cancelled: Failure = {
    code: 'cancelled',
    what: `cancelled ${stoppedIn ?? 'before the end'}`,
    remedy: 'Run again: what was done stays, and the rest is done then.',
  };
  return [stoppedIn === undefined && told ? told : cancelled, ...rest];
}
