import type { Command } from './command.ts';
import { ending, lastLine, mayBeCut, type Exited, type Outcome } from './outcome.ts';

/** What is known about one thing on one host. Unknown is never treated as absent: it stops the plan. */
export type Fact<T> =
  | { readonly is: 'present'; readonly value: T }
  | { readonly is: 'absent' }
  /** `lost`: the connection to the host was lost, which says nothing about the thing itself. */
  | { readonly is: 'unknown'; readonly why: string; readonly lost?: true };

/** The thing exists and has this value. */
export const present = <T>(value: T): Fact<T> => ({ is: 'present', value });

/** The thing was looked for and does not exist. */
export const absent: Fact<never> = { is: 'absent' };

/** It could not be determined whether the thing exists, and why. */
export const unknown = (why: string): Fact<never> => ({ is: 'unknown', why });

/** The value if the thing exists, undefined if it is absent or unknown; for callers to whom both mean "not usable". */
export function valueOf<T>(fact: Fact<T>): T | undefined {
  return fact.is === 'present' ? fact.value : undefined;
}

/** Why the fact is not present, in words; `otherwise` if it is absent. */
export const whyNot = (fact: Fact<unknown>, otherwise = 'no answer'): string =>
  fact.is === 'unknown' ? fact.why : otherwise;

/** The same fact about something derived from the value. */
export function mapFact<T, U>(fact: Fact<T>, derive: (value: T) => U): Fact<U> {
  return fact.is === 'present' ? present(derive(fact.value)) : fact;
}

/** A reading command and how to interpret its output. `read` is called only if the command ran to its end. */
export interface Query<T> {
  readonly command: Command;
  /** Reading commands that its output gives rise to; their outcomes are passed to `read` in the same order. */
  readonly details?: (outcome: Exited) => readonly Command[];
  readonly read: (outcome: Exited, details?: readonly Outcome[]) => Fact<T>;
}

/** Runs the command of a query, then those of its details side by side. Gives the fact in their outcomes. */
export async function gather<T>(query: Query<T>, run: (command: Command) => Promise<Outcome>): Promise<Fact<T>> {
  const outcome = await run(query.command);
  return answer(query, outcome, await Promise.all(detailsOf(query, outcome).map(run)));
}

function detailsOf(query: Query<unknown>, outcome: Outcome): readonly Command[] {
  if (outcome.ended !== 'exited' || mayBeCut(outcome.stdout)) return [];
  try {
    return query.details?.(outcome) ?? [];
  } catch {
    // It is not understood: `read` says so.
    return [];
  }
}

/**
 * The fact in an outcome: unknown unless the command ran to its end and `read` understood its output. An output with
 * parts left out is not an answer.
 */
export function answer<T>(query: Query<T>, outcome: Outcome, details: readonly Outcome[] = []): Fact<T> {
  if (outcome.ended === 'lost')
    return { is: 'unknown', why: `could not ${query.command.purpose}: ${ending(outcome)}`, lost: true };
  if (outcome.ended !== 'exited') return unknown(`could not ${query.command.purpose}: ${ending(outcome)}`);
  if (outcome.code === 0 && mayBeCut(outcome.stdout))
    return unknown(`could not ${query.command.purpose}: its answer is too long`);
  try {
    return query.read(outcome, details);
  } catch (error) {
    return unknown(
      `could not ${query.command.purpose}: its answer was not understood ` +
        `(${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

/** For `read`: unknown, with the exit code and the last line of output as the reason. */
export function failedTo(purpose: string, outcome: Outcome): Fact<never> {
  const line = lastLine(outcome);
  return unknown(`could not ${purpose}: ${ending(outcome)}${line === '' ? '' : `: ${line}`}`);
}
