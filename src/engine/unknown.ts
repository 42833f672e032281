import type { Failure } from './errors.ts';
import type { Fact } from './fact.ts';

/** What is left to do where what could not be found out says itself what is wrong. */
const FIX = 'Fix the reported problem, then run again.';

/** One failure for each of these facts of a host that is unknown. */
export const unknownFailures = (host: string, facts: readonly Fact<unknown>[], remedy = FIX): Failure[] =>
  facts.flatMap((fact) => (fact.is === 'unknown' ? [{ code: 'fact-unknown', host, what: fact.why, remedy }] : []));
