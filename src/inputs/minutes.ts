import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import { givenOrDefault, wrong, type Environment } from './given.ts';

/** The longest that a job of GitHub may take, in minutes. */
const LONGEST = 6 * 60;

/**
 * How long to wait at most, in milliseconds, by an input that gives minutes; what is wrong with it goes to `failures`.
 */
export function waitOf(env: Environment, name: 'lock-wait' | 'task-wait', failures: Failure[]): number {
  const word = givenOrDefault(env, name);
  const minutes = /^\d{1,3}$/.test(word) ? Number(word) : NaN;
  if (!(minutes <= LONGEST)) failures.push(wrong(name, `is ${show(word)}; must be whole minutes from 0 to ${LONGEST}`));
  return minutes * 60_000;
}
