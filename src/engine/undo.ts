import type { Act } from './ask.ts';
import { failuresOf, Trouble, type Failure } from './errors.ts';
import type { Emit } from './events.ts';
import type { Step } from './plan.ts';

/** What came of putting something back: words for where that was done, a failure where it was not possible. */
interface Undone {
  readonly step: Step;
  readonly words?: string;
  readonly failures: readonly Failure[];
}

/** Where a stage's steps are put back. */
interface Scene {
  readonly stage: string;
  readonly act: Act;
  readonly emit: Emit;
}

/**
 * Puts back what these steps replaced, after something of them failed. Gives what is to be thrown: a failure of each host says that it was undone and
 * what is true now, and where something could not be put back, that stands beside it. Whatever is no Trouble stays as it was thrown.
 */
export async function undoAll(steps: readonly Step[], thrown: unknown, scene: Scene): Promise<unknown> {
  const undone = await Promise.all(steps.filter(({ undo }) => undo !== undefined).map((step) => undoStep(step, scene)));
  const worded = undone.filter(({ words }) => words !== undefined);
  const failed = undone.flatMap(({ failures }) => failures);
  if (!(thrown instanceof Trouble)) return failed.length === 0 ? thrown : new Trouble(failed);
  return new Trouble([...told(thrown.failures, worded), ...failed]);
}

/** The failures, with what was undone in the first one of the same host, or else in the first of all. */
function told(failures: readonly Failure[], worded: readonly Undone[]): Failure[] {
  const place = ({ step }: Undone): number => Math.max(0, failures.findIndex(({ host }) => host === step.host));
  return failures.map((failure, i) => {
    const words = worded.filter((each) => place(each) === i).map((each) => each.words);
    return words.length === 0 ? failure : { ...failure, what: `${failure.what}; undone: ${words.join(', ')}` };
  });
}

async function undoStep(step: Step, { stage, act, emit }: Scene): Promise<Undone> {
  const started = Date.now();
  try {
    const words = await step.undo?.(act);
    if (words === undefined) return { step, failures: [] };
    emit({ is: 'step-undone', stage, step, words, ms: Date.now() - started });
    return { step, words, failures: [] };
  } catch (thrown) {
    return { step, failures: failuresOf(thrown) };
  }
}
