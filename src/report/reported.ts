import type { Failure } from '../engine/errors.ts';
import type { Event } from '../engine/events.ts';
import type { Note, Plan, Step } from '../engine/plan.ts';
import { PLAN_WORDS } from './words.ts';

/** A line of a plan as reported: in words, but still identified by its data. */
export interface ReportedNote {
  readonly host: string;
  readonly about: Note['about'];
  readonly what: string;
  readonly why: string;
}

/** A step as reported: what it does, not how. */
export type ReportedStep = ReportedNote & Pick<Step, 'change' | 'image'>;

/** A plan as reported. */
export interface Findings {
  readonly steps: readonly ReportedStep[];
  readonly satisfied: readonly ReportedNote[];
  readonly later: readonly ReportedNote[];
  readonly awaited: readonly ReportedNote[];
  readonly failures: readonly Failure[];
  readonly warnings: readonly Failure[];
}

type InWords<T> = T extends Step
  ? ReportedStep
  : T extends Plan
    ? Findings
    : T extends readonly Note[]
      ? readonly ReportedNote[]
      : T;

/** What happens during a run, in words. */
export type ReportedEvent<E = Exclude<Event, { is: 'secret' | 'command' }>> = E extends Event
  ? { readonly [Key in keyof Omit<E, 'applied'>]: InWords<E[Key]> }
  : never;

const reportedNote = ({ host, about, why }: Note): ReportedNote => ({
  host,
  about,
  what: PLAN_WORDS.what(about),
  why: PLAN_WORDS.why(why),
});

const reportedStep = ({ change, image, ...step }: Step): ReportedStep => ({
  ...reportedNote(step),
  change,
  ...(image && { image }),
});

/** The plan in words. */
export const findings = ({ steps, satisfied, later, awaited, failures, warnings }: Plan): Findings => ({
  steps: steps.map(reportedStep),
  satisfied: satisfied.map(reportedNote),
  later: later.map(reportedNote),
  awaited: awaited.map(reportedNote),
  failures,
  warnings,
});

/** The event in words. */
export function reportedEvent(event: Exclude<Event, { is: 'secret' | 'command' }>): ReportedEvent {
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
      return { ...event, step: reportedStep(event.step) };
    case 'waiting':
      return { ...event, notes: event.notes.map(reportedNote) };
    default:
      return event;
  }
}
