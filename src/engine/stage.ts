import type { Act, Ask } from './ask.ts';
import type { Plan } from './plan.ts';

/** What can be asked of a stage: that its thing be there as described, or that it be gone. */
export type Wish = 'present' | 'absent';

/** One part of a deployment: it looks, and says what is missing. It never changes anything itself. */
export interface Stage {
  readonly name: string;
  /** What it brings about, in one line for logs and docs. */
  readonly purpose: string;
  /** Stages that must have settled before this one can be applied. */
  readonly needs: readonly string[];
  /**
   * Stages after which it may already begin, where it need not wait for all that it needs; it settles only after those,
   * too.
   */
  readonly startAfter?: readonly string[];
  /** How long, in milliseconds, what was asked for may take until it is really there. */
  readonly settleMs: number;
  /**
   * Does what can be done for the plan's changes before their turn, beside all else, as soon as any change may be made.
   * What goes wrong with it is told when the change itself is made.
   */
  readonly prefetch?: (plan: Plan, act: Act) => Promise<unknown>;
  /**
   * True where a host whose connection is lost ends no look: the stage judges what stays unknown, and the look adds the
   * host's own failure.
   */
  readonly toleratesLoss?: true;
  /** What a plan that is only shown says of it, where that is less than its look. */
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
