import type { Host } from './cluster/cluster.ts';
import type { Deployment } from './cluster/deployment.ts';
import type { Matrix } from './cluster/matrix.ts';
import { failuresOf, withoutConsequences, type Failure } from './engine/errors.ts';
import type { Emit } from './engine/events.ts';
import { apply, plan, type Run } from './engine/runner.ts';
import type { Secret } from './engine/secret.ts';
import type { Stage } from './engine/stage.ts';
import { translateArguments } from './inputs/arguments.ts';
import { secretsGiven, type Environment } from './inputs/given.ts';
import { readInputs, type Files, type Inputs } from './inputs/read.ts';
import type { Report } from './report/report.ts';
import type { Mode } from './report/story.ts';
import { deploymentStages } from './stages/index.ts';
import { openFleet, type FleetOptions, type OpenFleet } from './transport/fleet.ts';

/** The parts of a run; tests put others in their place. */
export interface Parts {
  /** What is asked for; a text where only that is wanted. Secrets are told to `hide` first. Throws a Trouble that names every wrong input. */
  readonly readRequest: (hide: (secrets: readonly Secret[]) => void) => Inputs | string;
  readonly openFleet: (hosts: readonly Host[], options: FleetOptions) => OpenFleet;
  readonly stagesOf: (deployment: Deployment, hooks: { onMatrix(matrix: Matrix): void }) => Stage[];
}

/** The parts of a real run: inputs as GitHub hands them over, or a command line where GitHub does not run this. */
export function realParts(argv: readonly string[], env: Environment, files: Files): Parts {
  return {
    readRequest(hide) {
      hide(secretsGiven(env));
      if (env['GITHUB_ACTIONS'] === 'true') return readInputs(env, files);
      const asked = translateArguments(argv, env, files);
      if (asked.is === 'help') return asked.text;
      hide(secretsGiven(asked.env));
      return readInputs(asked.env, files);
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

async function attemptWith(opened: OpenFleet[], parts: Parts, report: Report, signal: AbortSignal): Promise<Outcome> {
  try {
    const request = parts.readRequest((secrets) => report.hide(secrets));
    if (typeof request === 'string') {
      request.split('\n').forEach((line) => report.say(line));
      return 'only a text was wanted';
    }
    const { cluster } = request.deployment;
    const proof: Proof = {};
    const onMatrix = (matrix: Matrix): void => {
      proof.matrix = matrix;
      report.matrix(matrix);
    };
    const stages = selected(request, parts.stagesOf(request.deployment, { onMatrix }));
    report.begin({ mode: request.mode, cluster, stages: stages.map(({ name }) => name) });
    const fleet = parts.openFleet(cluster.hosts, { ...request.login, emit: report.emit, signal });
    opened.push(fleet);
    fleet.notes.forEach((note) => report.say(note));
    await fleet.connectAll();
    return await MODES[request.mode](stages, { fleet, emit: report.emit, signal }, proof);
  } catch (thrown) {
    return cancelledFirst(failuresOf(thrown), signal);
  }
}

/** The latest matrix that the verify stage made. */
interface Proof {
  matrix?: Matrix;
}

const MODES: Readonly<Record<Mode, (stages: readonly Stage[], run: Run, proof: Proof) => Promise<readonly Failure[]>>> = {
  plan: planned,
  apply: applied,
  verify: verified,
};

/** Shows what would change. Verify changes nothing, and is judged only after an apply. */
async function planned(stages: readonly Stage[], run: Run): Promise<readonly Failure[]> {
  const changing = stages.filter(({ name }) => name !== 'verify');
  return withoutConsequences((await plan(changing, run)).flatMap(({ plan }) => plan.failures));
}

/** The selected stages in their order. To select nothing would be to do nothing and call it success. */
function selected({ stages }: Inputs, all: readonly Stage[]): Stage[] {
  const missing = stages.filter((name) => !all.some((stage) => stage.name === name));
  if (missing.length > 0 || stages.length === 0) throw new Error(`no such stage: ${missing.join(', ') || '(none selected)'}`);
  return all.filter(({ name }) => stages.some((selected) => selected === name));
}

/** Applies; a stage that settled although something in it could not be judged is a failure, and so is a matrix that is not healthy. */
async function applied(stages: readonly Stage[], run: Run, proof: Proof): Promise<readonly Failure[]> {
  const undecided: Failure[] = [];
  const emit: Emit = (event) => {
    if (event.is === 'stage-settled') undecided.push(...event.plan.later.map((note) => notJudged(event.stage, note)));
    run.emit(event);
  };
  await apply(stages, { ...run, emit });
  return undecided.length === 0 && stages.some(({ name }) => name === 'verify') ? unproven(proof) : undecided;
}

/** One look at what is there now. */
async function verified(stages: readonly Stage[], run: Run, proof: Proof): Promise<readonly Failure[]> {
  const plans = await plan(stages, run);
  const failures = plans.flatMap(({ stage, plan }) => [
    ...plan.failures,
    ...plan.awaited.map(({ failure }) => failure),
    ...plan.later.map((note) => notJudged(stage.name, note)),
    ...plan.steps.map((step) => notJudged(stage.name, step)),
  ]);
  return failures.length > 0 ? failures : unproven(proof);
}

function unproven({ matrix }: Proof): Failure[] {
  if (matrix?.healthy === true) return [];
  const what = matrix ? 'not every check of the matrix is ok' : 'the verification ended without a result';
  return [{ code: 'cluster-unhealthy', what, remedy: 'Run mode plan to see what differs from the cluster file, or mode apply to bring it about.' }];
}

function notJudged(stage: string, { host, what, why }: { readonly host: string; readonly what: string; readonly why: string }): Failure {
  return { code: 'fact-unknown', host, what: `${stage}: "${what}" could not be judged on ${host}`, evidence: why, remedy: 'Apply the stages it needs first, or stage: all.' };
}

/** Cancelling cuts connections; that they were lost is then no news. */
function cancelledFirst(failures: readonly Failure[], signal: AbortSignal): readonly Failure[] {
  if (!signal.aborted) return failures;
  const rest = failures.filter(({ code }) => code !== 'connection-lost' && code !== 'cancelled');
  const cancelled = failures.find(({ code }) => code === 'cancelled');
  return [cancelled ?? { code: 'cancelled', what: 'cancelled before the end', remedy: 'Run again: what was done stays, and the rest is done then.' }, ...rest];
}
