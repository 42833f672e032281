import { notApproved } from './approved.ts';
import { DeploymentError, withoutConsequences } from './errors.ts';
import { sameStep, type Plan, type Step } from './plan.ts';
import { asNote, planStages, pause, type Run } from './run.ts';
import { ScheduledStage, scheduleOf } from './schedule.ts';
import { applyStages } from './scheduler.ts';
import type { Stage } from './stage.ts';

/** A stage and its plan. */
export interface Planned {
  readonly stage: Stage;
  readonly plan: Plan;
}

/** Gathers the facts of all stages in parallel and plans each. Changes nothing. */
export async function plan(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const plans = await planStages(stages, run);
  const planned = stages.flatMap((stage, i) => (plans[i] ? [{ stage, plan: plans[i] }] : []));
  for (const [i, { plan }] of planned.entries()) {
    if (planned.slice(0, i).some((before) => before.plan.steps.length > 0)) postpone(plan);
  }
  for (const { stage, plan } of planned) run.emit({ is: 'planned', stage: stage.name, plan });
  return planned;
}

/** What is awaited after changes that are yet to be made cannot be known yet. */
function postpone(plan: Plan): void {
  const awaited = plan.awaited.splice(0);
  const notes = awaited.filter((note, i) => awaited.findIndex((other) => sameStep(other, note)) === i);
  plan.later.push(...notes.map(({ host, about }) => ({ host, about, why: { because: 'after-changes' } as const })));
}

/**
 * Applies what is missing, stage by stage, until each stage's plan is empty. Changes nothing if any stage already knows
 * that it cannot continue. Returns the applied steps by stage. Throws a DeploymentError.
 */
export async function apply(stages: readonly Stage[], run: Run): Promise<Map<string, readonly Step[]>> {
  let planned = await planOnceOthersAllow(stages, run);
  if (planned.some(({ plan }) => !plan.empty) && (await permitted(run)) === 'plan again')
    planned = await planOnceOthersAllow(stages, run);
  const unapproved = planned.flatMap(({ stage, plan }) => notApproved(run.approved, stage.name, plan.steps, run.words));
  if (unapproved.length > 0) throw new DeploymentError(unapproved);
  return applyStages(
    planned.map(({ stage, plan }) => new ScheduledStage(stage, scheduleOf(stage, stages), plan)),
    run,
  );
}

const permitted = async (run: Run): Promise<'as planned' | 'plan again'> => (run.permit ? run.permit() : 'as planned');

/**
 * The plans of the stages, once all of them can continue. If the run covers only some hosts, runs for the others may
 * still be at work: they are given as much time as the stages themselves.
 */
async function planOnceOthersAllow(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const deadline = Date.now() + Math.max(...stages.map(({ settleMs }) => settleMs));
  for (;;) {
    const planned = await plan(stages, run);
    const failures = withoutConsequences(planned.flatMap(({ plan }) => plan.failures));
    if (failures.length === 0) return planned;
    // What looks wrong may be the unfinished work of another run.
    if ((await permitted(run)) === 'plan again') continue;
    const leftMs = deadline - Date.now();
    const onOtherHosts = failures.every(({ host }) => host !== undefined && run.hosts?.has(host) === false);
    const [first] = planned;
    if (!onOtherHosts || leftMs <= 0 || !first) throw new DeploymentError(failures);
    run.emit({ is: 'waiting', stage: first.stage.name, notes: failures.map(asNote), leftMs });
    await pause(first.stage, run);
  }
}
