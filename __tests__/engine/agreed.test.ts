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

const recreate = (why: string): string[] => {
  const plan = new Plan();
  plan.steps.push({ host: 'b', change: '~', what: 'replace replica r', why, apply: () => Promise.resolve() });
  return changesIn([{ stage: join, plan }]);
};

test('a change is agreed to for its reason, and for no other', () => {
  expect(movedSince(recreate('memory 4 GiB -> 8 GiB'), recreate('memory 4 GiB -> 8 GiB'))).toEqual([]);
  expect(movedSince(recreate('memory 4 GiB -> 8 GiB'), recreate('image -> kuscia:2')).map(({ evidence }) => evidence)).toEqual([
    'now also: swarm-join b ~ replace replica r (image -> kuscia:2); no longer: swarm-join b ~ replace replica r (memory 4 GiB -> 8 GiB)',
  ]);
});

test('the reason of what is made anew, and one that is of the moment, are not held to', () => {
  const plan = new Plan();
  plan.steps.push({ host: 'b', change: '~', what: 'start replica r again', why: 'exited (137)', momentary: true, apply: () => Promise.resolve() });
  plan.steps.push({ host: 'b', change: '-', what: 'network n (abc)', why: 'not attachable', apply: () => Promise.resolve() });
  expect(changesIn([{ stage: join, plan }])).toEqual(['swarm-join b ~ start replica r again', 'swarm-join b - network n (abc) (not attachable)']);
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
