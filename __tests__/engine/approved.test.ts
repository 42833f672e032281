import { describe, expect, test } from '@jest/globals';
import { differing, seen, type About, type Reason } from '../../src/engine/about.ts';
import { changesIn, movedSince, notApproved, type Change } from '../../src/engine/approved.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { stage } from '../../src/engine/stage.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

const join = stage({
  name: 'swarm-join',
  purpose: '',
  needs: [],
  settleMs: 0,
  gather: () => Promise.resolve(),
  plan: () => new Plan(),
});
/** Replaces a replica for more memory by default. */
const step = (parts: Partial<Step>): Step => ({
  host: 'b',
  change: '~',
  about: { kind: 'replace', thing: 'replica', name: 'r' },
  why: MEMORY,
  apply: () => Promise.resolve(),
  ...parts,
});
const MEMORY = differing({ field: 'memory', from: '4 GiB', to: '8 GiB' });
const IMAGE = differing({ field: 'image', from: 'kuscia:1', to: 'kuscia:2' });
const MOMENT: Partial<Step> = {
  about: { kind: 'start', thing: 'replica', name: 'r' },
  why: { because: 'stopped', seen: 'exited (137)' },
};
const PROBE: About = { kind: 'create', thing: 'probe', name: 'p' };

/** The changes of a plan of these steps. */
function changesOf(...steps: readonly Partial<Step>[]): Change[] {
  const plan = new Plan();
  plan.steps.push(...steps.map(step));
  return changesIn([{ stage: join, plan }]);
}

/** A change that is known only after apply. */
const later = (about: About, parts: Partial<Change> = {}): Change => ({
  stage: 'swarm-join',
  host: 'b',
  change: '?',
  about,
  ...parts,
});

test('an approval covers changes and what is only known after them, not what is up to date or awaited', () => {
  const plan = new Plan();
  const about: About = { kind: 'join', thing: 'node', details: { role: 'worker' } };
  plan.steps.push(step({ change: '+', about, why: { because: 'not-in-swarm' }, image: ['sha256:a'] }));
  plan.later.push({ host: 'c', about: PROBE, why: { because: 'after-network' }, image: ['sha256:b'] });
  plan.later.push({
    host: 'c',
    stage: 'kuscia-start',
    about: { kind: 'restart', thing: 'replica' },
    why: { because: 'if-running' },
  });
  plan.satisfied.push({ host: 'a', about: { kind: 'manage', thing: 'swarm' }, why: seen('node 1') });
  expect(changesIn([{ stage: join, plan }])).toEqual([
    { stage: 'swarm-join', host: 'b', change: '+', about, image: ['sha256:a'] },
    { stage: 'swarm-join', host: 'c', change: '?', about: PROBE, image: ['sha256:b'] },
    { stage: 'kuscia-start', host: 'c', change: '?', about: { kind: 'restart', thing: 'replica' } },
  ]);
});

test('a change is approved for its reason and for no other', () => {
  const [memory, image] = [changesOf({ why: MEMORY }), changesOf({ why: IMAGE })];
  expect(movedSince(memory, memory, PLAN_WORDS)).toEqual([]);
  expect(movedSince(memory, image, PLAN_WORDS).map(({ evidence }) => evidence)).toEqual([
    'now also: swarm-join b ~ replace replica r (image kuscia:1 -> kuscia:2); no longer: swarm-join b ~ replace replica r (memory 4 GiB -> 8 GiB)',
  ]);
  const other = differing({ field: 'memory', from: '4 GiB', to: '16 GiB' });
  expect(movedSince(memory, changesOf({ why: other }), PLAN_WORDS)).toHaveLength(1);
});

test('the reasons of creations, transient reasons and observations are not compared', () => {
  const wrong: Reason = {
    because: 'wrong-type',
    differs: [{ field: 'attachable', to: 'true' }],
    seen: 'not attachable',
  };
  const changes = changesOf(MOMENT, { change: '+' }, { change: '-', why: wrong });
  expect(changes.map(({ why }) => why)).toEqual([
    undefined,
    undefined,
    { because: 'wrong-type', differs: [{ field: 'attachable', to: 'true' }] },
  ]);
});

test('a change is approved with the properties of what it creates', () => {
  const at = (port: string): Partial<Step> => ({
    change: '+',
    about: { kind: 'create', thing: 'load balancer', name: 'l', details: { port } },
  });
  expect(movedSince(changesOf(at('8080')), changesOf(at('8080')), PLAN_WORDS)).toEqual([]);
  expect(movedSince(changesOf(at('8080')), changesOf(at('8081')), PLAN_WORDS)).toHaveLength(1);
});

const named = (name: string, parts: Partial<Change> = {}): Change => later({ ...PROBE, name }, parts);
const all = (...names: readonly string[]): Change[] => names.map((name) => named(name));
const cases: readonly [string, readonly Change[], readonly Change[], string | undefined][] = [
  ['the same', all('a', 'b'), all('a', 'b'), undefined],
  ['the same in another order', all('a', 'b'), all('b', 'a'), undefined],
  ['nothing to do, as approved', [], [], undefined],
  ['a change that was not approved', all('a'), all('a', 'b'), 'now also: swarm-join b ? probe b'],
  ['a change that is no longer needed', all('a', 'b'), all('a'), 'no longer: swarm-join b ? probe b'],
  ['another in its place', all('a'), all('b'), 'now also: swarm-join b ? probe b; no longer: swarm-join b ? probe a'],
  ['an image that was not known', all('a'), [named('a', { image: ['sha256:1'] })], undefined],
  ['the same image', [named('a', { image: ['sha256:1'] })], [named('a', { image: ['sha256:1'] })], undefined],
  [
    'one of the ids that an archive gives the image',
    [named('a', { image: ['sha256:1', 'sha256:2'] })],
    [named('a', { image: ['sha256:2'] })],
    undefined,
  ],
  [
    'a tag that now refers to another image',
    [named('a', { image: ['sha256:1'] })],
    [named('a', { image: ['sha256:2'] })],
    'another image: sha256:2, not sha256:1: swarm-join b ? probe a',
  ],
  [
    'an image that no longer exists',
    [named('a', { image: ['sha256:1'] })],
    all('a'),
    'another image: unknown, not sha256:1: swarm-join b ? probe a',
  ],
];
test.each(cases)('%s', (_, approved, now, evidence) => {
  expect(movedSince(approved, now, PLAN_WORDS).map(({ code, evidence }) => [code, evidence])).toEqual(
    evidence === undefined ? [] : [['plan-moved', evidence]],
  );
});

describe('a step', () => {
  const restart = step({
    about: { kind: 'restart', thing: 'replica', name: 'r' },
    why: { because: 'configuration-changed' },
  });
  const started = step(MOMENT);
  const make = step({ change: '+', about: PROBE, why: { because: 'absent' }, image: ['sha256:1'] });
  const without = step({ change: '+', about: PROBE, why: { because: 'absent' } });
  const foretold: About = { kind: 'restart', thing: 'replica' };
  const memory = 'memory 4 GiB -> 8 GiB';
  const held: readonly [string, readonly Change[], Step, string][] = [
    ['that was planned', changesOf({}), step({}), 'done'],
    ['for another reason', changesOf({}), step({ why: IMAGE }), 'image kuscia:1 -> kuscia:2'],
    ['on another host', changesOf({}), step({ host: 'c' }), memory],
    ['if nothing was planned', [], step({}), memory],
    ['of another stage', changesOf({}).map((each) => ({ ...each, stage: 'mysql-up' })), step({}), memory],
    ['that only revokes a permission', [], step({ revokes: true }), 'done'],
    ['that could only be known later', [later(PROBE)], make, 'done'],
    [
      'that replaces what could only be known later',
      [later(PROBE)],
      step({ about: { ...PROBE, kind: 'replace' } }),
      'done',
    ],
    [
      'of another name than what could only be known later',
      [later(PROBE)],
      step({ about: { ...PROBE, name: 'q' } }),
      memory,
    ],
    [
      'of another thing than what could only be known later',
      [later(PROBE)],
      step({ about: { ...PROBE, thing: 'overlay' } }),
      memory,
    ],
    [
      'that removes what could only be known later',
      [later(PROBE)],
      step({ change: '-', about: { ...PROBE, kind: 'remove' } }),
      memory,
    ],
    ['that was announced', [later(foretold)], restart, 'done'],
    ['that differs from what was announced', [later(foretold)], step({}), memory],
    [
      'that was announced for another stage',
      [later(foretold, { stage: 'kuscia-start' })],
      restart,
      'its configuration changed since it started',
    ],
    [
      'that was announced on another host',
      [later(foretold, { host: 'c' })],
      restart,
      'its configuration changed since it started',
    ],
    ['that restores what was to be changed anyway', changesOf({}), started, 'done'],
    ['that restores what was to be left alone', changesOf({ host: 'c' }), started, 'exited (137)'],
    ['that restores what was only to be removed', changesOf({ change: '-' }), started, 'exited (137)'],
    ['with the approved image', changesOf(make), make, 'done'],
    ['with an image that was not known', changesOf(without), make, 'done'],
    ['with another image', changesOf({ ...make, image: ['sha256:2'] }), make, 'another image: sha256:1, not sha256:2'],
    ['whose image no longer exists', changesOf(make), without, 'another image: unknown, not sha256:1'],
    [
      'with another image, known later',
      [later(PROBE, { image: ['sha256:2'] })],
      make,
      'another image: sha256:1, not sha256:2',
    ],
  ];
  test.each(held)('%s', (_, approved, now, end) => {
    const failures = notApproved(approved, 'swarm-join', [now], PLAN_WORDS);
    expect(failures.map(({ code, host, evidence }) => [code, host, evidence])).toEqual(
      end === 'done' ? [] : [['plan-moved', now.host, end]],
    );
  });

  test('is rejected by name, each separately, and never if no approval is required', () => {
    expect(notApproved([], 'swarm-join', [step({}), make], PLAN_WORDS).map(({ what }) => what)).toEqual([
      'swarm-join: "~ replace replica r" is not in the approved plan, so it was not done',
      'swarm-join: "+ probe p" is not in the approved plan, so it was not done',
    ]);
    expect(notApproved(undefined, 'swarm-join', [step({})], PLAN_WORDS)).toEqual([]);
  });
});
