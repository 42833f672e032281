import type { Command } from './command.ts';
import { ending, lastLine, mayBeCut, type Exited, type Outcome } from './outcome.ts';

/** What is known of one thing on one host. Unknown is never read as absent: it stops the plan. */
export type Fact<T> =
  | { readonly is: 'present'; readonly value: T }
  | { readonly is: 'absent' }
  /** `lost`: the connection to the host was, so that this says nothing of the thing itself. */
  | { readonly is: 'unknown'; readonly why: string; readonly lost?: true };

/** The thing is there, and this is it. */
export const present = <T>(value: T): Fact<T> => ({ is: 'present', value });

/** It was looked for and is not there. */
export const absent: Fact<never> = { is: 'absent' };

/** It could not be found out, and why. */
export const unknown = (why: string): Fact<never> => ({ is: 'unknown', why });

/** The value if the thing is there, undefined if it is absent or unknown; for places where both mean "not usable". */
export function valueOf<T>(fact: Fact<T>): T | undefined {
  return fact.is === 'present' ? fact.value : undefined;
}

/** Why the fact is not present, in words; `otherwise` where it is absent. */
export const whyNot = (fact: Fact<unknown>, otherwise = 'no answer'): string =>
  fact.is === 'unknown' ? fact.why : otherwise;

/** The same fact about something derived from the value. */
export function mapFact<T, U>(fact: Fact<T>, derive: (value: T) => U): Fact<U> {
  return fact.is === 'present' ? present(derive(fact.value)) : fact;
}

/** A reading command together with what its output means. `read` sees only commands that ran to their end. */
export interface Query<T> {
  readonly command: Command;
  readonly read: (outcome: Exited) => Fact<T>;
}

/**
 * The answer in an outcome: unknown unless the command ran to its end and `read` understood it; a list of which
 * something was left out is none.
 */
export function answer<T>(question: Query<T>, outcome: Outcome): Fact<T> {
  if (outcome.ended === 'lost')
    return { is: 'unknown', why: `could not ${question.command.purpose}: ${ending(outcome)}`, lost: true };
  if (outcome.ended !== 'exited') return unknown(`could not ${question.command.purpose}: ${ending(outcome)}`);
  if (outcome.code === 0 && mayBeCut(outcome.stdout))
    return unknown(`could not ${question.command.purpose}: its answer is too long`);
  try {
    return question.read(outcome);
  } catch (error) {
    return unknown(
      `could not ${question.command.purpose}: its answer was not understood ` +
        `(${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

/** For `read`: unknown with the exit code and the last line said, as the reason. */
export function failedTo(purpose: string, outcome: Outcome): Fact<never> {
  const said = lastLine(outcome);
  return unknown(`could not ${purpose}: ${ending(outcome)}${said === '' ? '' : `: ${said}`}`);
}
