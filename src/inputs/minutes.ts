import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import { givenOrDefault, invalidInput, type Environment } from './given.ts';

/** The longest time a GitHub job may take, in minutes. */
const MAX_MINUTES = 6 * 60;

/**
 * Reads a waiting time in minutes, and returns milliseconds; adds what is wrong to `failures`.
 */
export function readWait(env: Environment, name: 'lock-wait' | 'task-wait', failures: Failure[]): number {
  const word = givenOrDefault(env, name);
  const minutes = /^\d{1,3}$/.test(word) ? Number(word) : NaN;
  if (!(minutes <= MAX_MINUTES))
    failures.push(invalidInput(name, `is ${show(word)}; must be a whole number of minutes from 0 to ${MAX_MINUTES}`));
  return minutes * 60_000;
}
