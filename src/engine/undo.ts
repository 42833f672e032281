import type { Act } from './ask.ts';
import { failuresOf, DeploymentError, type Failure } from './errors.ts';
import type { Emit } from './events.ts';
import type { Step, Undone } from './plan.ts';

/** The result of undoing a step: the state after that, or the failures if it was not possible. */
interface Attempt {
  readonly step: Step;
  readonly undone?: Undone;
  readonly failures: readonly Failure[];
}

/** What undoing the steps of a stage needs. */
interface UndoContext {
  readonly stage: string;
  readonly act: Act;
  readonly emit: Emit;
}

/**
 * Puts back what these steps replaced, after they or their replacements failed. Returns what must be thrown: a failure
 * of each host also says that its step was undone and what is true now; failures to put something back are added. If
 * everything could be put back, anything but a DeploymentError is returned as it was thrown.
 */
export async function undoAll(steps: readonly Step[], thrown: unknown, context: UndoContext): Promise<unknown> {
  const attempts = await Promise.all(
    steps.filter(({ undo }) => undo !== undefined).map((step) => undoStep(step, context)),
  );
  const failed = attempts.flatMap(({ failures }) => failures);
  if (!(thrown instanceof DeploymentError)) return failed.length === 0 ? thrown : new DeploymentError(failed);
  return new DeploymentError([...withUndone(thrown.failures, attempts), ...failed]);
}

/** The failures; what was undone is added to the first one of the same host, or else to the very first. */
function withUndone(failures: readonly Failure[], attempts: readonly Attempt[]): Failure[] {
  const place = ({ step }: Attempt): number =>
    Math.max(
      0,
      failures.findIndex(({ host }) => host === step.host),
    );
  return failures.map((failure, i) => {
    const undone = attempts.filter((each) => place(each) === i).flatMap((each) => each.undone ?? []);
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

async function undoStep(step: Step, { stage, act, emit }: UndoContext): Promise<Attempt> {
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
