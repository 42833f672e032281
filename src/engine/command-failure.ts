import type { Command } from './command.ts';
import type { Failure } from './errors.ts';
import { ending, lastLine, type Outcome } from './outcome.ts';

/** What to do about a host whose connection was lost. */
export const LOST_REMEDY =
  'Check that the host is up and reachable, then run again. Completed changes are kept; the next run applies the rest.';

/** The failure of a command that did not exit with 0. */
export function commandFailure(host: string, command: Command, outcome: Outcome): Failure {
  if (outcome.ended === 'lost' && outcome.failure !== undefined) return outcome.failure;
  const what = `could not ${command.purpose}: ${ending(outcome)}`;
  const evidence = lastLine(command.confidential === true ? { ...outcome, stdout: '' } : outcome);
  const shared = { host, what, ...(evidence !== '' && { evidence }) };
  switch (outcome.ended) {
    case 'lost':
      return { ...shared, code: 'connection-lost', remedy: LOST_REMEDY };
    case 'timed-out':
      return { ...shared, code: 'command-timed-out', remedy: 'Find out what keeps the host busy, then run again.' };
    case 'not-kept':
      return {
        ...shared,
        code: 'command-failed',
        remedy: 'Fix what prevents the output from being written on the machine that runs this, then run again.',
      };
    case 'killed':
    case 'exited':
      return { ...shared, code: 'command-failed', remedy: 'Fix the problem shown in the evidence, then run again.' };
  }
}
