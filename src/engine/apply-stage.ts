import { actor } from './actor.ts';
import { notApproved } from './approved.ts';
import { failuresOf, DeploymentError, type Failure } from './errors.ts';
import { sameStep, type Plan, type Step } from './plan.ts';
import { PLAIN } from './about.ts';
import { undoAll } from './undo.ts';
import { asNote, planStage, pause, stopIfCancelled, type Run } from './run.ts';
import type { RunCache } from './run-cache.ts';
import { stateOf, type ScheduledStage } from './schedule.ts';
import type { Stage } from './stage.ts';

/** A stage before this one failed: what this one waits for may never come. */
export class StageAbandoned extends Error {}

/** A run, as one of its stages needs it. */
export interface ApplyContext extends Run {
  readonly cache: RunCache;
  /** The stages that must have settled before this one does. */
  readonly before: readonly ScheduledStage[];
  /** The one that begins once this one has settled. */
  readonly next: ScheduledStage | undefined;
  /** To be told before anything is changed. */
  readonly changing: () => void;
}

/** What a stage has done so far. */
interface Made {
  readonly applied: Step[];
  /** Steps whose replacements have yet to be proven. */
  readonly replaced: Step[];
}

/**
 * Applies what the stage's plan misses until nothing is missing any more and all before it have settled. Gives the
 * steps that were applied. Throws a DeploymentError, or StageAbandoned.
 */
export async function applyStage(scheduled: ScheduledStage, run: ApplyContext): Promise<readonly Step[]> {
  const { stage } = scheduled;
  const started = Date.now();
  const applied: Step[] = [];
  const made: Made = { applied, replaced: [] };
  run.emit({ is: 'stage-started', stage: stage.name });
  try {
    let current = scheduled.plan ?? (await planStage(stage, run))[0];
    if (current.failures.length > 0) throw new DeploymentError(current.failures);
    for (;;) {
      while (!current.empty) {
        const strange = notApproved(run.approved, stage.name, current.steps, run.words);
        if (strange.length > 0) throw new DeploymentError(strange);
        const batch = nextBatch(current.steps);
        if (batch.length > 0) run.changing();
        current = await carriedOut(
          stage,
          batch,
          made,
          run,
          current.steps.length === batch.length && current.later.length === 0,
        );
      }
      if (stateOf(run.before) === 'settled') break;
      await ended(run.before);
      if (stateOf(run.before) === 'failed') throw new StageAbandoned();
      // Where nothing was changed, what was seen before still stands.
      if (scheduled.plan) break;
      current = await lookAlong(stage, run);
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
 * Applies the steps and waits until they have settled. What was replaced is let go of once nothing more is missing on
 * its host, and put back where it does not come to that. Gives the plan that is left.
 */
async function carriedOut(
  stage: Stage,
  batch: readonly Step[],
  { applied, replaced }: Made,
  run: ApplyContext,
  last: boolean,
): Promise<Plan> {
  let left: Plan;
  try {
    await applyBatch(stage, batch, applied, run);
    left = await settle(stage, batch, run, last);
  } catch (thrown) {
    throw run.signal?.aborted === true ? thrown : await undone(stage, [...replaced, ...batch], applied, thrown, run);
  }
  replaced.push(...batch.filter(({ conclude }) => conclude !== undefined));
  // That the former one is still there is no reason to keep it.
  const proven = replaced.filter(({ host }) => !left.steps.some((step) => step.host === host && step.change !== '-'));
  if (proven.length === 0) return left;
  replaced.splice(0, replaced.length, ...replaced.filter((step) => !proven.includes(step)));
  await Promise.all(proven.map(async (step) => step.conclude?.(actor(stage, run, run.cache))));
  return lookAlong(stage, run);
}

/** Puts back what the steps replaced; they then count as applied no longer. Gives what is to be thrown. */
async function undone(
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

/** Every step that is in no serial group, and the first of each group. */
function nextBatch(steps: readonly Step[]): Step[] {
  const groups = new Set<string>();
  return steps.filter((step) => {
    if (step.serialGroup === undefined) return true;
    if (groups.has(step.serialGroup)) return false;
    groups.add(step.serialGroup);
    return true;
  });
}

/** Applies the steps side by side; all of them finish, then all failures are thrown together. */
async function applyBatch(stage: Stage, batch: readonly Step[], applied: Step[], run: ApplyContext): Promise<void> {
  const again = batch.filter((step) => applied.some((done) => sameStep(done, step)));
  if (again.length > 0) throw new DeploymentError(again.map((step) => unsettled(stage, step, run, 'needed again: ')));
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
    // What ends badly once the run is cancelled was ended by that.
    stopIfCancelled(stage, run);
    throw thrown;
  }
}

const ended = (stages: readonly ScheduledStage[]): Promise<unknown> => Promise.all(stages.map((each) => each.ended));

/** Looks at the stage, and along with it at the next, where that begins once this one has settled. */
async function lookAlong(stage: Stage, { next, ...run }: ApplyContext): Promise<Plan> {
  const begins = stateOf(run.before) === 'settled' ? next : undefined;
  const [plan, nextPlan] = await planStage(stage, run, begins?.stage);
  if (begins && nextPlan && plan.empty) begins.plan = nextPlan;
  return plan;
}

/** Looks until the applied steps are no longer missing and nothing is awaited; past the deadline that is a failure. */
async function settle(stage: Stage, batch: readonly Step[], run: ApplyContext, last: boolean): Promise<Plan> {
  let deadline = Date.now() + stage.settleMs;
  for (let looks = 1; ; looks += 1) {
    const current = last && looks === 1 ? await lookAlong(stage, run) : (await planStage(stage, run))[0];
    const missing = current.steps.filter((step) => batch.some((done) => sameStep(done, step)));
    if (missing.length === 0 && current.awaited.length === 0 && current.failures.length === 0) return current;
    stopIfCancelled(stage, run);
    const definite = current.failures.filter((failure) => failure.definite);
    if (definite.length > 0) throw new DeploymentError(definite);
    const before = stateOf(run.before);
    if (before === 'failed') throw new StageAbandoned();
    if (before === 'under way') deadline = Date.now() + stage.settleMs;
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
    await pause(stage, run, looks, stateOf(run.before) === 'under way' ? ended(run.before) : undefined);
  }
}

function unsettled(stage: Stage, { host, about, why }: Step, { words = PLAIN }: Run, how = ''): Failure {
  return {
    code: 'not-settled',
    host,
    what:
      `${stage.name}: "${words.what(about)}" was carried out, but is still missing after ` +
      `${stage.settleMs / 1000} s`,
    evidence: `${how}${words.why(why)}`,
    remedy: 'Look at the host, then run again: what is done stays and is found again.',
  };
}
