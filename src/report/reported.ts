import type { Failure } from '../engine/errors.ts';
import type { Event } from '../engine/events.ts';
import type { Note, Plan, Step } from '../engine/plan.ts';
import { PLAN_WORDS } from './words.ts';

/** A line of a plan as reported: in words, but still identified by its data. */
export interface ToldNote {
  readonly host: string;
  readonly about: Note['about'];
  readonly what: string;
  readonly why: string;
}

/** A step as reported: what it does, not how. */
export type ToldStep = ToldNote & Pick<Step, 'change' | 'image'>;

/** A plan as reported. */
export interface Findings {
  readonly steps: readonly ToldStep[];
  readonly satisfied: readonly ToldNote[];
  readonly later: readonly ToldNote[];
  readonly awaited: readonly ToldNote[];
  readonly failures: readonly Failure[];
  readonly warnings: readonly Failure[];
}

type InWords<T> = T extends Step
  ? ToldStep
  : T extends Plan
    ? Findings
    : T extends readonly Note[]
      ? readonly ToldNote[]
      : T;

/** What happens during a run, in words. */
export type ToldEvent<E = Exclude<Event, { is: 'secret' | 'command' }>> = E extends Event
  ? { readonly [Key in keyof Omit<E, 'applied'>]: InWords<E[Key]> }
  : never;

const toldNote = ({ host, about, why }: Note): ToldNote => ({
  host,
  about,
  what: PLAN_WORDS.what(about),
  why: PLAN_WORDS.why(why),
});

const toldStep = ({ change, image, ...step }: Step): ToldStep => ({
  ...toldNote(step),
  change,
  ...(image && { image }),
});

/** The plan in words. */
export const findings = ({ steps, satisfied, later, awaited, failures, warnings }: Plan): Findings => ({
  steps: steps.map(toldStep),
  satisfied: satisfied.map(toldNote),
  later: later.map(toldNote),
  awaited: awaited.map(toldNote),
  failures,
  warnings,
});

/** The event in words. */
export function toldEvent(event: Exclude<Event, { is: 'secret' | 'command' }>): ToldEvent {
  switch (event.is) {
    case 'planned':
      return { ...event, plan: findings(event.plan) };
    case 'stage-settled': {
      const { is, stage, plan, ms } = event;
      return { is, stage, plan: findings(plan), ms };
    }
    case 'stage-failed': {
      const { is, stage, failures, ms } = event;
      return { is, stage, failures, ms };
    }
    case 'stage-left': {
      const { is, stage, ms } = event;
      return { is, stage, ms };
    }
    case 'step-started':
    case 'step-done':
    case 'step-failed':
    case 'step-undone':
      return { ...event, step: toldStep(event.step) };
    case 'waiting':
      return { ...event, notes: event.notes.map(toldNote) };
    default:
      return event;
  }
}
