import type { Act } from './ask.ts';
import { failuresOf, DeploymentError, type Failure } from './errors.ts';
import type { Emit } from './events.ts';
import type { Step, Undone } from './plan.ts';

/** What came of putting something back: what is true where that was done, failures where it was not possible. */
interface Tried {
  readonly step: Step;
  readonly undone?: Undone;
  readonly failures: readonly Failure[];
}

/** Where a stage's steps are put back. */
interface Scene {
  readonly stage: string;
  readonly act: Act;
  readonly emit: Emit;
}

/**
 * Puts back what these steps replaced, after something of them failed. Gives what is to be thrown: a failure of each
 * host says that it was undone and what is true now, and where something could not be put back, that stands beside it.
 * Whatever is no DeploymentError stays as it was thrown.
 */
export async function undoAll(steps: readonly Step[], thrown: unknown, scene: Scene): Promise<unknown> {
  const tried = await Promise.all(steps.filter(({ undo }) => undo !== undefined).map((step) => undoStep(step, scene)));
  const failed = tried.flatMap(({ failures }) => failures);
  if (!(thrown instanceof DeploymentError)) return failed.length === 0 ? thrown : new DeploymentError(failed);
  return new DeploymentError([...told(thrown.failures, tried), ...failed]);
}

/** The failures, with what was undone in the first one of the same host, or else in the first of all. */
function told(failures: readonly Failure[], tried: readonly Tried[]): Failure[] {
  const place = ({ step }: Tried): number =>
    Math.max(
      0,
      failures.findIndex(({ host }) => host === step.host),
    );
  return failures.map((failure, i) => {
    const undone = tried.filter((each) => place(each) === i).flatMap((each) => each.undone ?? []);
    const removed = undone.find((each) => each.removed)?.removed;
    return undone.length === 0
      ? failure
      : {
          ...failure,
          what: `${failure.what}; undone: ${undone.map(({ words }) => words).join(', ')}`,
          ...(removed && { removed }),
        };
  });
}

async function undoStep(step: Step, { stage, act, emit }: Scene): Promise<Tried> {
  const started = Date.now();
  try {
    const undone = await step.undo?.(act);
    if (undone === undefined) return { step, failures: [] };
    emit({ is: 'step-undone', stage, step, words: undone.words, ms: Date.now() - started });
    return { step, undone, failures: [] };
  } catch (thrown) {
    return { step, failures: failuresOf(thrown) };
  }
}
