import { expect, test } from '@jest/globals';
import { changesIn, movedSince } from '../../src/engine/agreed.ts';
import { Plan } from '../../src/engine/plan.ts';
import { stage } from '../../src/engine/stage.ts';

const join = stage({ name: 'swarm-join', purpose: '', needs: [], settleMs: 0, gather: () => Promise.resolve(), plan: () => new Plan() });

test('what is agreed to are changes and what is known only after them, not what is so or awaited', () => {
  const plan = new Plan();
  plan.steps.push({ host: 'b', change: '+', what: 'join as worker', why: 'not in any swarm', apply: () => Promise.resolve() });
  plan.later.push({ host: 'c', what: 'the same', why: 'after it' });
  plan.satisfied.push({ host: 'a', what: 'manager', why: 'node 1' });
  expect(changesIn([{ stage: join, plan }])).toEqual(['swarm-join b + join as worker', 'swarm-join c ? the same']);
});

const cases: readonly [string, readonly string[], readonly string[], string | undefined][] = [
  ['the same', ['a', 'b'], ['a', 'b'], undefined],
  ['the same in another order', ['a', 'b'], ['b', 'a'], undefined],
  ['nothing to do, as was agreed', [], [], undefined],
  ['a change that nobody agreed to', ['a'], ['a', 'b'], 'now also: b'],
  ['a change that is gone', ['a', 'b'], ['a'], 'no longer: b'],
  ['another in its place', ['a'], ['b'], 'now also: b; no longer: a'],
];
test.each(cases)('%s', (_, agreed, now, evidence) => {
  expect(movedSince(agreed, now).map(({ code, evidence }) => [code, evidence])).toEqual(evidence === undefined ? [] : [['plan-moved', evidence]]);
});
