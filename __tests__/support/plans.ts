import { expect } from '@jest/globals';
import type { Failure } from '../../src/engine/errors.ts';
import type { Plan, Step } from '../../src/engine/plan.ts';
import { HIDDEN } from './fake.ts';
import { isTransient } from '../../src/engine/about.ts';
import { findings } from '../../src/report/reported.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

/** A plan in lines: `+ node-02 join as worker (not in any swarm)`, `~ node-02 start it {exited}` for a reason of the moment, `= ...` satisfied, `? ...` later, `. ...` awaited, `! host code`, `w host code`. */
export function shown(plan: Plan): string[] {
  const failure = (sign: string, { code, host }: Failure): string => `${sign} ${host ?? 'all'} ${code}`;
  const lines = [
    ...plan.steps.map(
      ({ change, host, about, why, serialGroup }) =>
        `${change} ${host} ${PLAN_WORDS.what(about)} ${isTransient(why) ? `{${PLAN_WORDS.why(why)}}` : `(${PLAN_WORDS.why(why)})`}${serialGroup === undefined ? '' : ` [${serialGroup}]`}`,
    ),
    ...plan.satisfied.map(({ host, about, why }) => `= ${host} ${PLAN_WORDS.what(about)} (${PLAN_WORDS.why(why)})`),
    ...plan.later.map(({ host, about, why }) => `? ${host} ${PLAN_WORDS.what(about)} (${PLAN_WORDS.why(why)})`),
    ...plan.awaited.map(({ host, about, failure: { code } }) => `. ${host} ${PLAN_WORDS.what(about)}: ${code}`),
    ...plan.failures.map((each) => failure('!', each)),
    ...plan.warnings.map((each) => failure('w', each)),
  ];
  leaksNothing(plan);
  return lines;
}

/** Fails if any text of a plan contains a secret, or lacks something that a reader needs. */
export function leaksNothing(plan: Plan): void {
  const text = JSON.stringify([plan, findings(plan)]);
  for (const hidden of HIDDEN) expect(text).not.toContain(hidden);
  expect(text).not.toMatch(/undefined|\[object|NaN/);
  for (const { what, remedy } of [...plan.failures, ...plan.warnings, ...plan.awaited.map(({ failure }) => failure)])
    expect([what, remedy]).not.toContain('');
}

/** The one step of a plan with these words in it. Throws when it is not exactly one. */
export function stepOf(plan: Plan, words: string): Step {
  const found = plan.steps.filter(({ host, about }) => `${host} ${PLAN_WORDS.what(about)}`.includes(words));
  if (found.length !== 1 || !found[0])
    throw new Error(`${found.length} steps of "${words}": ${shown(plan).join('\n')}`);
  return found[0];
}
