import type { Plan } from './plan.ts';
import type { Stage } from './stage.ts';

/** When a stage may begin and settle, by the names of other stages. */
export interface Schedule {
  readonly stage: string;
  /** Those that must have settled before it begins. */
  readonly beginsAfter: readonly string[];
  /** Those that must have settled before it settles: all before it, whose work it may wait for. */
  readonly settlesAfter: readonly string[];
  /** The one that begins once it has settled: what shows that it has is the look for that one's plan, too. */
  readonly plansAlong: string | undefined;
}

type Listed = Pick<Stage, 'name' | 'startAfter'>;

/** The schedule of one of these stages: it begins when all before it have settled, or those of them that it names. */
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

/** A stage of a run, and how far it has come. */
export class ScheduledStage {
  readonly stage: Stage;
  readonly schedule: Schedule;
  /** `abandoned` where the failure of another kept it from beginning, or from settling. */
  state: 'waiting' | 'under way' | 'settled' | 'failed' | 'abandoned' = 'waiting';
  /** Its plan while that holds; undefined once anything was changed after the look that it was made from. */
  plan: Plan | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(stage: Stage, schedule: Schedule, plan: Plan) {
    this.stage = stage;
    this.schedule = schedule;
    this.plan = plan;
  }

  /** Resolves when it has ended, however it did. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  end(state: 'settled' | 'failed' | 'abandoned'): void {
    this.state = state;
    this.#ended.resolve();
  }
}

/** The state of several stages together: failed as soon as one of them will not settle any more. */
export function stateOf(stages: readonly ScheduledStage[]): 'under way' | 'settled' | 'failed' {
  if (stages.some(({ state }) => state === 'failed' || state === 'abandoned')) return 'failed';
  return stages.every(({ state }) => state === 'settled') ? 'settled' : 'under way';
}
