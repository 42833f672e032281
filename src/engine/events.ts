import type { Command } from './command.ts';
import type { Failure } from './errors.ts';
import type { Outcome } from './outcome.ts';
import type { Note, Plan, Step } from './plan.ts';
import type { Proof } from './proof.ts';
import type { Secret } from './secret.ts';

/** What happens during a run, for reports. Durations are in milliseconds. */
export type Event =
  | { readonly is: 'planned'; readonly stage: string; readonly plan: Plan }
  | { readonly is: 'stage-started'; readonly stage: string }
  | { readonly is: 'step-started'; readonly stage: string; readonly step: Step }
  | { readonly is: 'step-done'; readonly stage: string; readonly step: Step; readonly ms: number }
  | {
      readonly is: 'step-failed';
      readonly stage: string;
      readonly step: Step;
      readonly ms: number;
      readonly failures: readonly Failure[];
    }
  /** What the step replaced was put back; `words` describe the state now. */
  | {
      readonly is: 'step-undone';
      readonly stage: string;
      readonly step: Step;
      readonly words: string;
      readonly ms: number;
    }
  | { readonly is: 'waiting'; readonly stage: string; readonly notes: readonly Note[]; readonly leftMs: number }
  | { readonly is: 'said'; readonly stage: string; readonly host: string; readonly text: string }
  | {
      readonly is: 'stage-settled';
      readonly stage: string;
      readonly plan: Plan;
      readonly applied: readonly Step[];
      readonly ms: number;
    }
  | {
      readonly is: 'stage-failed';
      readonly stage: string;
      readonly failures: readonly Failure[];
      readonly applied: readonly Step[];
      readonly ms: number;
    }
  /** The stage began before all earlier ones had settled, and one of those failed. */
  | { readonly is: 'stage-left'; readonly stage: string; readonly applied: readonly Step[]; readonly ms: number }
  /** A stage that checks the whole deployment found this; its latest proof counts, even if the stage fails. */
  | { readonly is: 'proof'; readonly stage: string; readonly proof: Proof }
  | { readonly is: 'secret'; readonly secret: Secret }
  | {
      readonly is: 'command';
      readonly host: string;
      readonly command: Command;
      readonly outcome: Outcome;
      readonly ms: number;
      /** The stage that needed it; absent while all stages are planned. */
      readonly stage?: string;
    };

/** Receives every event of a run, in order. */
export type Emit = (event: Event) => void;
