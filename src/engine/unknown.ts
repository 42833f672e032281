import type { Failure } from './errors.ts';
import type { Fact } from './fact.ts';

/** The remedy if the reason of the unknown fact already says what is wrong. */
const FIX = 'Fix the reported problem, then run again.';

/** One failure for each of these facts of a host that is unknown, with the remedy. */
export const unknownFailures = (host: string, facts: readonly Fact<unknown>[], remedy = FIX): Failure[] =>
  facts.flatMap((fact) => (fact.is === 'unknown' ? [{ code: 'fact-unknown', host, what: fact.why, remedy }] : []));
