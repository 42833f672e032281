import type { Act, Ask } from './ask.ts';
import type { Plan } from './plan.ts';

/** What a deployment asks of a stage: that its thing exists as described, or that it does not exist. */
export type Wish = 'present' | 'absent';

/**
 * One part of a deployment: it reads the state of the hosts and says what is missing. It never changes anything itself.
 */
export interface Stage {
  readonly name: string;
  /** What it brings about, in one line for logs and docs. */
  readonly purpose: string;
  /** Stages that must have settled before this one can be applied. */
  readonly needs: readonly string[];
  /**
   * Stages after which it may already begin, if it need not wait for everything that it needs; it still settles only
   * after all of those.
   */
  readonly startAfter?: readonly string[];
  /** How many milliseconds its changes may take until they are in effect. */
  readonly settleMs: number;
  /**
   * Prepares the plan's changes before their turn, in parallel with everything else, as soon as changes are allowed.
   * Its failures are ignored; the change itself reports them.
   */
  readonly prefetch?: (plan: Plan, act: Act) => Promise<unknown>;
  /**
   * True if a lost connection does not stop planning: the stage judges what stays unknown, and the host's own failure
   * is added to its plan.
   */
  readonly toleratesLoss?: true;
  /** Used instead of `plan` when a plan is only shown, if that should say less. */
  readonly preview?: (ask: Ask) => Promise<Plan>;
  /** Gathers facts (reads only) and plans from them. */
  plan(ask: Ask): Promise<Plan>;
}

/** A stage from its two halves: `gather` reads, `plan` is pure. */
export function stage<Facts>(
  parts: Omit<Stage, 'plan'> & { gather: (ask: Ask) => Promise<Facts>; plan: (facts: Facts) => Plan },
): Stage {
  const { gather, plan, ...rest } = parts;
  return { ...rest, plan: async (ask) => plan(await gather(ask)) };
}
