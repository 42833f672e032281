import { describe, expect, test } from '@jest/globals';
import { asker } from '../../src/engine/asker.ts';
import { reading } from '../../src/engine/command.ts';
import { present, type Query } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { ownPart } from '../../src/engine/part.ts';
import { Plan } from '../../src/engine/plan.ts';
import { Secret } from '../../src/engine/secret.ts';
import { digestOf, Snapshots } from '../../src/engine/snapshots.ts';
import { FakeFleet, ok } from '../support/fake.ts';
import { says } from '../support/lines.ts';

const said = (word: string): Query<string> => ({
  command: reading('say', ['echo', word]),
  read: (outcome) => present(outcome.stdout),
});
const outcome = (stdout: string): Outcome => ({ ended: 'exited', code: 0, stdout, stderr: '' });
const nothing = (): void => undefined;

describe('a snapshot', () => {
  test('of one job answers in the next, but only what the host was asked', async () => {
    const first = new Snapshots(['a'], new Map());
    await asker(new FakeFleet([ok('a', said('x').command, 'from a')]), nothing, first).ask('a', said('x'));
    const second = new Snapshots(
      ['b'],
      new Map([['a', JSON.parse(JSON.stringify(first.of('a'))) as ReturnType<Snapshots['of']>]]),
    );
    const ask = asker(new FakeFleet([ok('b', said('x').command, 'from b')]), nothing, second);
    expect(await Promise.all([ask.ask('a', said('x')), ask.ask('b', said('x'))])).toEqual([
      present('from a'),
      present('from b'),
    ]);
    expect(await ask.ask('a', said('y'))).toMatchObject({ is: 'unknown' });
    expect(await ask.ask('c', said('x'))).toMatchObject({ is: 'unknown' });
    expect([ask.reaches('a'), ask.reaches('b')]).toEqual([false, true]);
  });

  test('contains the latest answer to each query, for hosts that were asked', async () => {
    const views = new Snapshots(['a'], new Map());
    const fleet = new FakeFleet([ok('a', said('x').command, 'before'), ok('a', said('x').command, 'after')]);
    for (let look = 0; look < 2; look += 1) await asker(fleet, nothing, views).ask('a', said('x'));
    expect(views.of('a')).toEqual({ [digestOf(said('x').command)]: outcome('after') });
    expect(views.of('b')).toEqual({});
  });

  test('identifies a query by its content, including its secret, without revealing it', () => {
    const login = (password: string) => reading('log in', ['mysql'], { stdin: new Secret('password', password) });
    const digests = [
      login('one-password'),
      login('two-password'),
      reading('log in', ['mysql']),
      reading('log in', ['mysql', '-v']),
    ].map(digestOf);
    expect(new Set(digests).size).toBe(4);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf(reading('in other words', ['mysql']))).toBe(digests[2]);
  });
});

describe('the part of a plan for a host', () => {
  const note = (host: string, what: string, at?: string) => ({
    host,
    ...says(what, 'so'),
    ...(at !== undefined && { at }),
  });
  const failure = { code: 'host-unfit' as const, host: 'c', what: 'unfit', remedy: 'fix it' };
  const whole = (): Plan => {
    const plan = new Plan();
    const notes = [
      note('a', 'own'),
      note('b', 'of b'),
      note('b', 'of b, done at a', 'a'),
      note('a', 'own, seen at b', 'b'),
    ];
    plan.steps.push(...notes.map((each) => ({ ...each, change: '+' as const, apply: () => Promise.resolve() })));
    plan.awaited.push(...notes.map((each) => ({ ...each, failure })));
    plan.satisfied.push(...notes);
    plan.later.push(...notes);
    plan.failures.push(failure);
    plan.warnings.push(failure);
    return plan;
  };
  const cases: readonly [string, readonly string[] | undefined, Snapshots | undefined, readonly string[]][] = [
    ['is everything if no host was named', undefined, undefined, ['own', 'of b', 'of b, done at a', 'own, seen at b']],
    [
      'is everything that concerns the host, wherever it is done, if all hosts can be reached',
      ['a'],
      undefined,
      ['own', 'of b, done at a', 'own, seen at b'],
    ],
    ['is the same for another host', ['b'], undefined, ['of b', 'of b, done at a', 'own, seen at b']],
    [
      'is only what is done on the host itself, if only that one can be reached',
      ['a'],
      new Snapshots(['a'], new Map()),
      ['own', 'of b, done at a'],
    ],
    ['is nothing for a host that does not exist', ['c'], undefined, []],
  ];
  test.each(cases)('%s', (_, hosts, views, left) => {
    const plan = ownPart(whole(), hosts && new Set(hosts), views);
    for (const notes of [plan.steps, plan.awaited, plan.satisfied, plan.later])
      expect(notes.map(({ about }) => about.name)).toEqual(left);
    expect([plan.failures, plan.warnings]).toEqual([[failure], [failure]]);
  });
});
