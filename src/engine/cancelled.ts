import type { ActivityTracker } from './activity.ts';
import type { Words } from './about.ts';
import { failuresOf, type Failure } from './errors.ts';

/**
 * Gives the failures of what was thrown, as it is to be told once the signal has aborted: cancelling cuts connections,
 * and that they were lost is then no news.
 */
export function cancellation(
  signal: AbortSignal,
  activity: ActivityTracker,
  words: Words,
): (thrown: unknown) => readonly Failure[] {
  // What is told afterwards is how its commands were ended.
  let stoppedIn: string | undefined;
  signal.addEventListener('abort', () => (stoppedIn = activity.inWords(words)), { once: true });
  return (thrown) => (signal.aborted ? cancelledFirst(failuresOf(thrown), stoppedIn) : failuresOf(thrown));
}

/** `stoppedIn` is what the run was in the middle of. */
function cancelledFirst(failures: readonly Failure[], stoppedIn: string | undefined): readonly Failure[] {
  const rest = failures.filter(({ code }) => code !== 'connection-lost' && code !== 'cancelled');
  const told = failures.find(({ code }) => code === 'cancelled');
  const cancelled: Failure = {
    code: 'cancelled',
    what: `cancelled ${stoppedIn ?? 'before the end'}`,
    remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
  };
  return [stoppedIn === undefined && told ? told : cancelled, ...rest];
}
