import type { Plan } from './plan.ts';
import type { Stage } from './stage.ts';

/** When a stage may begin and settle, in terms of other stages' names. */
export interface Schedule {
  readonly stage: string;
  /** Stages that must have settled before it begins. */
  readonly beginsAfter: readonly string[];
  /** Stages that must have settled before it settles: all earlier ones, since it may wait for their work. */
  readonly settlesAfter: readonly string[];
  /** The stage that begins once it has settled: the check that shows it has settled plans that one as well. */
  readonly plansAlong: string | undefined;
}

type Listed = Pick<Stage, 'name' | 'startAfter'>;

/**
 * The schedule of one of these stages: it begins when all earlier ones have settled, or those of them that it names.
 */
export function scheduleOf(stage: Listed, stages: readonly Listed[]): Schedule {
  const place = stages.indexOf(stage);
  const before = stages.slice(0, place).map(({ name }) => name);
  const next = stages[place + 1];
  return {
    stage: stage.name,
    beginsAfter: before.filter((name) => stage.startAfter?.includes(name) ?? true),
    settlesAfter: before,
    plansAlong: next?.startAfter ? undefined : next?.name,
  };
}

/** A stage of a run, and its state. */
export class ScheduledStage {
  readonly stage: Stage;
  readonly schedule: Schedule;
  /** `abandoned` if the failure of another stage kept it from beginning or from settling. */
  state: 'waiting' | 'under way' | 'settled' | 'failed' | 'abandoned' = 'waiting';
  /** Its plan as long as that holds; undefined once anything has changed since it was made. */
  plan: Plan | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(stage: Stage, schedule: Schedule, plan: Plan) {
    this.stage = stage;
    this.schedule = schedule;
    this.plan = plan;
  }

  /** Resolves when it has ended, in any state. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  end(state: 'settled' | 'failed' | 'abandoned'): void {
    this.state = state;
    this.#ended.resolve();
  }
}

/** The state of several stages together: failed as soon as one of them can no longer settle. */
export function stateOf(stages: readonly ScheduledStage[]): 'under way' | 'settled' | 'failed' {
  if (stages.some(({ state }) => state === 'failed' || state === 'abandoned')) return 'failed';
  return stages.every(({ state }) => state === 'settled') ? 'settled' : 'under way';
}
