import { actor, Predecessors, allOf, applyStage, StageAbandoned } from './apply-stage.ts';
import { notApproved } from './approved.ts';
import { failuresOf, DeploymentError, withoutConsequences, type Failure } from './errors.ts';
import { hostsToChange, sameStep, type Plan, type Step } from './plan.ts';
import { asNote, planStages, pause, type Run } from './run.ts';
import type { Stage } from './stage.ts';

/** A stage with the plan that was made for it. */
export interface Planned {
  readonly stage: Stage;
  readonly plan: Plan;
}

/** Gathers the facts of all stages side by side and plans each. Changes nothing. */
export async function plan(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const plans = await planStages(stages, run);
  const planned = stages.flatMap((stage, i) => (plans[i] ? [{ stage, plan: plans[i] }] : []));
  for (const [i, { plan }] of planned.entries()) {
    if (planned.slice(0, i).some((before) => before.plan.steps.length > 0)) postpone(plan);
  }
  for (const { stage, plan } of planned) run.emit({ is: 'planned', stage: stage.name, plan });
  return planned;
}

/** What is awaited behind changes that are still to be made cannot be known yet. */
function postpone(plan: Plan): void {
  const awaited = plan.awaited.splice(0);
  const notes = awaited.filter((note, i) => awaited.findIndex((other) => sameStep(other, note)) === i);
  plan.later.push(...notes.map(({ host, about }) => ({ host, about, why: { because: 'after-changes' } as const })));
}

/**
 * Applies what is missing, stage by stage, until each stage's plan is empty. Nothing is changed when any stage already
 * knows that it cannot go on. Gives the steps that were applied, by stage. Throws a DeploymentError.
 */
export async function apply(stages: readonly Stage[], run: Run): Promise<Map<string, readonly Step[]>> {
  let planned = await planOnceOthersAllow(stages, run);
  if (planned.some(({ plan }) => !plan.empty) && (await permitted(run)) === 'plan again')
    planned = await planOnceOthersAllow(stages, run);
  const strange = planned.flatMap(({ stage, plan }) => notApproved(run.approved, stage.name, plan.steps, run.words));
  if (strange.length > 0) throw new DeploymentError(strange);
  return new Scheduler(planned, run).follow();
}

/**
 * The way of a run through its stages. A stage begins when all before it have settled, or those that it names; when one
 * fails, none begins any more.
 */
class Scheduler {
  readonly #planned: readonly Planned[];
  readonly #run: Run;
  readonly #applied = new Map<string, readonly Step[]>();
  readonly #failures: Failure[] = [];
  /** Whether the hosts may be other than when everything was planned. */
  #changed = false;
  /** Plans of stages that were made after the last change before them, by stage. */
  readonly #foreseen = new Map<string, Plan>();

  constructor(planned: readonly Planned[], run: Run) {
    this.#planned = planned;
    this.#run = run;
  }

  async follow(): Promise<Map<string, readonly Step[]>> {
    for (const { stage, plan } of this.#planned) {
      if (hostsToChange(plan).length > 0) stage.prefetch?.(plan, actor(stage, this.#run)).catch(() => undefined);
    }
    const ends: Promise<boolean>[] = [];
    for (const [i, { stage, plan }] of this.#planned.entries()) {
      const names = stage.startAfter;
      const begin = names ? ends.filter((_, j) => names.includes(this.#planned[j]?.stage.name ?? '')) : ends;
      ends[i] = this.#pass(stage, plan, [...begin], [...ends]);
    }
    await Promise.all(ends);
    if (this.#failures.length > 0) throw new DeploymentError(this.#failures);
    return this.#applied;
  }

  /** Whether the stage settled. Never rejects. */
  async #pass(
    stage: Stage,
    plan: Plan,
    begin: readonly Promise<boolean>[],
    before: readonly Promise<boolean>[],
  ): Promise<boolean> {
    if (!(await allOf(begin)) || this.#failures.length > 0) return false;
    const ahead = stage.startAfter ? new Predecessors(before) : undefined;
    const next = this.#planned[this.#planned.findIndex((each) => each.stage === stage) + 1]?.stage;
    const underWay = {
      ...this.#run,
      begins: () => void (this.#changed = true),
      changed: () => this.#changed,
      ...(ahead && { ahead }),
      ...(next &&
        !next.startAfter && {
          next: { stage: next, planned: (nextPlan: Plan) => void this.#foreseen.set(next.name, nextPlan) },
        }),
    };
    try {
      this.#applied.set(
        stage.name,
        await applyStage(stage, this.#changed ? this.#foreseen.get(stage.name) : plan, underWay),
      );
      return true;
    } catch (thrown) {
      if (!(thrown instanceof StageAbandoned)) this.#failures.push(...failuresOf(thrown));
      return false;
    }
  }
}

const permitted = async (run: Run): Promise<'as planned' | 'plan again'> => (run.permit ? run.permit() : 'as planned');

/**
 * The plans of stages that can go on. Where a run takes some hosts' part, others may be in the middle of theirs: they
 * are given as long as the stages themselves.
 */
async function planOnceOthersAllow(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const deadline = Date.now() + Math.max(...stages.map(({ settleMs }) => settleMs));
  for (;;) {
    const planned = await plan(stages, run);
    const failures = withoutConsequences(planned.flatMap(({ plan }) => plan.failures));
    if (failures.length === 0) return planned;
    // What looks wrong may be another run in the middle of its work.
    if ((await permitted(run)) === 'plan again') continue;
    const leftMs = deadline - Date.now();
    const ofOthers = failures.every(({ host }) => host !== undefined && run.hosts?.has(host) === false);
    const [first] = planned;
    if (!ofOthers || leftMs <= 0 || !first) throw new DeploymentError(failures);
    run.emit({ is: 'waiting', stage: first.stage.name, notes: failures.map(asNote), leftMs });
    await pause(first.stage, run);
  }
}
