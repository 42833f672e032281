import { describe, expect, test } from '@jest/globals';
import { changesIn, laterLine, movedSince, notApproved, type Change } from '../../src/engine/approved.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { stage } from '../../src/engine/stage.ts';

const join = stage({
  name: 'swarm-join',
  purpose: '',
  needs: [],
  settleMs: 0,
  gather: () => Promise.resolve(),
  plan: () => new Plan(),
});
const step = (parts: Partial<Step>): Step => ({
  host: 'b',
  change: '~',
  what: 'replace replica r',
  why: 'memory 4 GiB -> 8 GiB',
  apply: () => Promise.resolve(),
  ...parts,
});

/** The changes of a plan of these steps. */
function changesOf(...steps: readonly Partial<Step>[]): Change[] {
  const plan = new Plan();
  plan.steps.push(...steps.map(step));
  return changesIn([{ stage: join, plan }]);
}

test('what is agreed to are changes and what is known only after them, not what is so or awaited', () => {
  const plan = new Plan();
  plan.steps.push(step({ change: '+', what: 'join as worker', why: 'not in any swarm', image: ['sha256:a'] }));
  plan.later.push({ host: 'c', what: 'the same', why: 'after it', image: ['sha256:b'] });
  plan.satisfied.push({ host: 'a', what: 'manager', why: 'node 1' });
  expect(changesIn([{ stage: join, plan }])).toEqual([
    { line: 'swarm-join b + join as worker', image: ['sha256:a'] },
    { line: 'swarm-join c ? the same', image: ['sha256:b'] },
  ]);
});

test('a change is agreed to for its reason, and for no other', () => {
  const [memory, image] = [changesOf({ why: 'memory 4 GiB -> 8 GiB' }), changesOf({ why: 'image -> kuscia:2' })];
  expect(movedSince(memory, memory)).toEqual([]);
  expect(movedSince(memory, image).map(({ evidence }) => evidence)).toEqual([
    'now also: swarm-join b ~ replace replica r (image -> kuscia:2); no longer: swarm-join b ~ replace replica r (memory 4 GiB -> 8 GiB)',
  ]);
});

test('the reason of what is made anew, and one that is of the moment, are not held to', () => {
  const changes = changesOf(
    { what: 'start replica r again', why: 'exited (137)', transient: true },
    { change: '-', what: 'network n (abc)', why: 'not attachable' },
  );
  expect(changes.map(({ line }) => line)).toEqual([
    'swarm-join b ~ start replica r again',
    'swarm-join b - network n (abc) (not attachable)',
  ]);
});

const lines = (...texts: readonly string[]): Change[] => texts.map((line) => ({ line }));
const cases: readonly [string, readonly Change[], readonly Change[], string | undefined][] = [
  ['the same', lines('a', 'b'), lines('a', 'b'), undefined],
  ['the same in another order', lines('a', 'b'), lines('b', 'a'), undefined],
  ['nothing to do, as was agreed', [], [], undefined],
  ['a change that nobody agreed to', lines('a'), lines('a', 'b'), 'now also: b'],
  ['a change that is gone', lines('a', 'b'), lines('a'), 'no longer: b'],
  ['another in its place', lines('a'), lines('b'), 'now also: b; no longer: a'],
  ['an image that nobody knew', lines('a'), [{ line: 'a', image: ['sha256:1'] }], undefined],
  ['the same image', [{ line: 'a', image: ['sha256:1'] }], [{ line: 'a', image: ['sha256:1'] }], undefined],
  [
    'one of those that an archive gives it',
    [{ line: 'a', image: ['sha256:1', 'sha256:2'] }],
    [{ line: 'a', image: ['sha256:2'] }],
    undefined,
  ],
  [
    'a tag that means another image now',
    [{ line: 'a', image: ['sha256:1'] }],
    [{ line: 'a', image: ['sha256:2'] }],
    'another image: sha256:2, not sha256:1: a',
  ],
  [
    'an image that is gone',
    [{ line: 'a', image: ['sha256:1'] }],
    lines('a'),
    'another image: none that is known, not sha256:1: a',
  ],
];
test.each(cases)('%s', (_, agreed, now, evidence) => {
  expect(movedSince(agreed, now).map(({ code, evidence }) => [code, evidence])).toEqual(
    evidence === undefined ? [] : [['plan-moved', evidence]],
  );
});

describe('a step', () => {
  const restart = step({
    what: 'restart replica r',
    why: 'its configuration changed since it started',
    foretold: laterLine('kuscia-init', 'b', 'restart of the replica'),
  });
  const started = step({ what: 'start replica r', why: 'exited (137)', transient: true });
  const make = step({ change: '+', what: 'probe p', why: 'absent', image: ['sha256:1'] });
  const held: readonly [string, readonly Change[], Step, string][] = [
    ['that was planned', changesOf({}), step({}), 'done'],
    ['for another reason', changesOf({}), step({ why: 'image a -> b' }), 'image a -> b'],
    ['on another host', changesOf({}), step({ host: 'c' }), 'memory 4 GiB -> 8 GiB'],
    ['where nothing was planned', [], step({}), 'memory 4 GiB -> 8 GiB'],
    [
      'of another stage',
      lines('mysql-up b ~ replace replica r (memory 4 GiB -> 8 GiB)'),
      step({}),
      'memory 4 GiB -> 8 GiB',
    ],
    ['that only takes back a right', [], step({ revokes: true }), 'done'],
    ['that was to be known later', lines('swarm-join b ? probe p'), make, 'done'],
    [
      'that replaces what was to be known later',
      lines('swarm-join b ? probe p'),
      step({ what: 'replace probe p' }),
      'done',
    ],
    [
      'of another name than was to be known later',
      lines('swarm-join b ? probe p'),
      step({ change: '+', what: 'sprobe p' }),
      'memory 4 GiB -> 8 GiB',
    ],
    [
      'that removes what was to be known later',
      lines('swarm-join b ? probe p'),
      step({ change: '-', what: 'probe p' }),
      'memory 4 GiB -> 8 GiB',
    ],
    ['that was foretold by an earlier stage', lines('kuscia-init b ? restart of the replica'), restart, 'done'],
    [
      'that was foretold on another host',
      lines('kuscia-init c ? restart of the replica'),
      restart,
      'its configuration changed since it started',
    ],
    ['that brings back what was to be changed anyway', changesOf({}), started, 'done'],
    ['that brings back what was to be left alone', changesOf({ host: 'c' }), started, 'exited (137)'],
    ['that brings back what was only to be removed', changesOf({ change: '-' }), started, 'exited (137)'],
    ['of the image that was agreed to', changesOf(make), make, 'done'],
    ['of an image that nobody knew', changesOf({ change: '+', what: 'probe p' }), make, 'done'],
    ['of another image', changesOf({ ...make, image: ['sha256:2'] }), make, 'another image: sha256:1, not sha256:2'],
    [
      'whose image is gone',
      changesOf(make),
      step({ change: '+', what: 'probe p' }),
      'another image: none that is known, not sha256:1',
    ],
    [
      'of another image, known later',
      [{ line: 'swarm-join b ? probe p', image: ['sha256:2'] }],
      make,
      'another image: sha256:1, not sha256:2',
    ],
  ];
  test.each(held)('%s', (_, agreed, now, end) => {
    expect(notApproved(agreed, 'swarm-join', [now]).map(({ code, host, evidence }) => [code, host, evidence])).toEqual(
      end === 'done' ? [] : [['plan-moved', now.host, end]],
    );
  });

  test('is refused by name, each for itself, and not where nothing was to be agreed to', () => {
    expect(notApproved([], 'swarm-join', [step({}), make]).map(({ what }) => what)).toEqual([
      'swarm-join: "~ replace replica r" is not in the plan that was agreed to, so it was not done',
      'swarm-join: "+ probe p" is not in the plan that was agreed to, so it was not done',
    ]);
    expect(notApproved(undefined, 'swarm-join', [step({})])).toEqual([]);
  });
});
