import type { ActivityTracker } from './activity.ts';
import type { Words } from './about.ts';
import { failuresOf, type Failure } from './errors.ts';

/**
 * Returns a function that gives the failures to report for a thrown value. Once the signal has aborted, lost
 * connections are left out: cancelling cuts them.
 */
export function cancellation(
  signal: AbortSignal,
  activity: ActivityTracker,
  words: Words,
): (thrown: unknown) => readonly Failure[] {
  // Recorded right away: later events only show how the commands were stopped.
  let stoppedIn: string | undefined;
  signal.addEventListener('abort', () => (stoppedIn = activity.inWords(words)), { once: true });
  return (thrown) => (signal.aborted ? cancelledFirst(failuresOf(thrown), stoppedIn) : failuresOf(thrown));
}

/** `stoppedIn` says what the run was doing when it was cancelled. */
function cancelledFirst(failures: readonly Failure[], stoppedIn: string | undefined): readonly Failure[] {
  const rest = failures.filter(({ code }) => code !== 'connection-lost' && code !== 'cancelled');
  const reported = failures.find(({ code }) => code === 'cancelled');
  const cancelled: Failure = {
    code: 'cancelled',
    what: `cancelled ${stoppedIn ?? 'before the end'}`,
    remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
  };
  return [stoppedIn === undefined && reported ? reported : cancelled, ...rest];
}
