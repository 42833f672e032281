import { actor } from './actor.ts';
import { notApproved } from './approved.ts';
import { failuresOf, DeploymentError, type Failure } from './errors.ts';
import { sameStep, type Plan, type Step } from './plan.ts';
import { undoAll } from './undo.ts';
import { asNote, planStage, pause, stopIfCancelled, type Run } from './run.ts';
import type { RunCache } from './run-cache.ts';
import { stateOf, type ScheduledStage } from './schedule.ts';
import type { Stage } from './stage.ts';

/** Thrown by a stage when an earlier one failed: what it waits for may never happen. */
export class StageAbandoned extends Error {}

/** A run, with what applying one of its stages needs. */
export interface ApplyContext extends Run {
  readonly cache: RunCache;
  /** The stages that must settle before this one can. */
  readonly before: readonly ScheduledStage[];
  /** The stage that begins once this one has settled. */
  readonly next: ScheduledStage | undefined;
  /** Must be called before anything is changed. */
  readonly changing: () => void;
}

/** What a stage has done so far. */
interface Progress {
  readonly applied: Step[];
  /** Steps whose replacement has not been shown to work yet. */
  readonly replaced: Step[];
}

/**
 * Applies what is missing until the stage's plan is empty and all stages before it have settled. Returns the applied
 * steps. Throws a DeploymentError or StageAbandoned.
 */
export async function applyStage(scheduled: ScheduledStage, run: ApplyContext): Promise<readonly Step[]> {
  const { stage } = scheduled;
  const started = Date.now();
  const applied: Step[] = [];
  const progress: Progress = { applied, replaced: [] };
  run.emit({ is: 'stage-started', stage: stage.name });
  try {
    let current = scheduled.plan ?? (await planStage(stage, run))[0];
    if (current.failures.length > 0) throw new DeploymentError(current.failures);
    for (;;) {
      while (!current.empty) {
        const unapproved = notApproved(run.approved, stage.name, current.steps, run.words);
        if (unapproved.length > 0) throw new DeploymentError(unapproved);
        const batch = nextBatch(current.steps);
        if (batch.length > 0) run.changing();
        current = await applyAndSettle(
          stage,
          batch,
          progress,
          run,
          current.steps.length === batch.length && current.later.length === 0,
        );
      }
      if (stateOf(run.before) === 'settled') break;
      await allEnded(run.before);
      if (stateOf(run.before) === 'failed') throw new StageAbandoned();
      // If nothing was changed, the plan made before is still valid.
      if (scheduled.plan) break;
      current = await planAlong(stage, run);
    }
    run.emit({ is: 'stage-settled', stage: stage.name, plan: current, applied, ms: Date.now() - started });
    return applied;
  } catch (thrown) {
    if (thrown instanceof StageAbandoned)
      run.emit({ is: 'stage-left', stage: stage.name, applied, ms: Date.now() - started });
    else
      run.emit({
        is: 'stage-failed',
        stage: stage.name,
        failures: failuresOf(thrown),
        applied,
        ms: Date.now() - started,
      });
    throw thrown;
  }
}

/**
 * Applies the steps and waits until they have settled. What they replaced is discarded once nothing is missing on its
 * host, and put back if that fails. Returns the remaining plan.
 */
async function applyAndSettle(
  stage: Stage,
  batch: readonly Step[],
  { applied, replaced }: Progress,
  run: ApplyContext,
  last: boolean,
): Promise<Plan> {
  let remaining: Plan;
  try {
    await applyBatch(stage, batch, applied, run);
    remaining = await settle(stage, batch, run, last);
  } catch (thrown) {
    throw run.signal?.aborted === true ? thrown : await undoSteps(stage, [...replaced, ...batch], applied, thrown, run);
  }
  replaced.push(...batch.filter(({ conclude }) => conclude !== undefined));
  // A pending removal of the old one is not a reason to keep it.
  const proven = replaced.filter(
    ({ host }) => !remaining.steps.some((step) => step.host === host && step.change !== '-'),
  );
  if (proven.length === 0) return remaining;
  replaced.splice(0, replaced.length, ...replaced.filter((step) => !proven.includes(step)));
  await Promise.all(proven.map(async (step) => step.conclude?.(actor(stage, run, run.cache))));
  return planAlong(stage, run);
}

/** Puts back what the steps replaced; undone steps no longer count as applied. Returns what must be thrown. */
async function undoSteps(
  stage: Stage,
  batch: readonly Step[],
  applied: Step[],
  thrown: unknown,
  run: ApplyContext,
): Promise<unknown> {
  const emit: ApplyContext['emit'] = (event) => {
    if (event.is === 'step-undone' && applied.includes(event.step)) applied.splice(applied.indexOf(event.step), 1);
    run.emit(event);
  };
  return undoAll(batch, thrown, { stage: stage.name, act: actor(stage, run, run.cache), emit });
}

/** All steps without a serial group, and the first step of each group. */
function nextBatch(steps: readonly Step[]): Step[] {
  const groups = new Set<string>();
  return steps.filter((step) => {
    if (step.serialGroup === undefined) return true;
    if (groups.has(step.serialGroup)) return false;
    groups.add(step.serialGroup);
    return true;
  });
}

/** Applies the steps in parallel; waits for all of them, then throws all their failures together. */
async function applyBatch(stage: Stage, batch: readonly Step[], applied: Step[], run: ApplyContext): Promise<void> {
  const repeated = batch.filter((step) => applied.some((done) => sameStep(done, step)));
  if (repeated.length > 0)
    throw new DeploymentError(repeated.map((step) => unsettled(stage, step, run, 'needed again: ')));
  stopIfCancelled(stage, run);
  const results = await Promise.allSettled(batch.map((step) => applyStep(stage, step, run)));
  results.forEach((result, i) => {
    const step = batch[i];
    if (result.status === 'fulfilled' && step) applied.push(step);
  });
  const failures = results.flatMap((result) => (result.status === 'rejected' ? failuresOf(result.reason) : []));
  if (failures.length > 0) throw new DeploymentError(failures);
}

async function applyStep(stage: Stage, step: Step, run: ApplyContext): Promise<void> {
  const started = Date.now();
  run.emit({ is: 'step-started', stage: stage.name, step });
  try {
    await step.apply(actor(stage, run, run.cache));
    run.emit({ is: 'step-done', stage: stage.name, step, ms: Date.now() - started });
  } catch (thrown) {
    run.emit({ is: 'step-failed', stage: stage.name, step, ms: Date.now() - started, failures: failuresOf(thrown) });
    // A step that fails after the run was cancelled failed because of that.
    stopIfCancelled(stage, run);
    throw thrown;
  }
}

const allEnded = (stages: readonly ScheduledStage[]): Promise<unknown> => Promise.all(stages.map((each) => each.ended));

/** Plans the stage again, together with the next one if that begins once this one has settled. */
async function planAlong(stage: Stage, { next, ...run }: ApplyContext): Promise<Plan> {
  const following = stateOf(run.before) === 'settled' ? next : undefined;
  const [plan, nextPlan] = await planStage(stage, run, following?.stage);
  if (following && nextPlan && plan.empty) following.plan = nextPlan;
  return plan;
}

/** Plans again until the applied steps are no longer missing and nothing is awaited; fails after the deadline. */
async function settle(stage: Stage, batch: readonly Step[], run: ApplyContext, last: boolean): Promise<Plan> {
  let deadline = Date.now() + stage.settleMs;
  for (let attempt = 1; ; attempt += 1) {
    const current = last && attempt === 1 ? await planAlong(stage, run) : (await planStage(stage, run))[0];
    const missing = current.steps.filter((step) => batch.some((done) => sameStep(done, step)));
    if (missing.length === 0 && current.awaited.length === 0 && current.failures.length === 0) return current;
    stopIfCancelled(stage, run);
    const definite = current.failures.filter((failure) => failure.definite);
    if (definite.length > 0) throw new DeploymentError(definite);
    const beforeState = stateOf(run.before);
    if (beforeState === 'failed') throw new StageAbandoned();
    if (beforeState === 'under way') deadline = Date.now() + stage.settleMs;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      throw new DeploymentError([
        ...current.failures,
        ...current.awaited.map((note) => note.failure),
        ...missing.map((step) => unsettled(stage, step, run)),
      ]);
    }
    const notes = [...missing, ...current.awaited, ...current.failures.map(asNote)];
    run.emit({ is: 'waiting', stage: stage.name, notes, leftMs });
    await pause(stage, run, attempt, stateOf(run.before) === 'under way' ? allEnded(run.before) : undefined);
  }
}

function unsettled(stage: Stage, { host, about, why }: Step, { words }: Run, prefix = ''): Failure {
  return {
    code: 'not-settled',
    host,
    what:
      `${stage.name}: "${words.what(about)}" was carried out, but is still missing after ` +
      `${stage.settleMs / 1000} s`,
    evidence: `${prefix}${words.why(why)}`,
    remedy: 'Check the host, then run again. Completed changes are kept; the next run applies the rest.',
  };
}
