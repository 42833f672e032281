import { describe, expect, test } from '@jest/globals';
import { asker } from '../../src/engine/asker.ts';
import { changing, reading, script, type Command } from '../../src/engine/command.ts';
import type { Event } from '../../src/engine/events.ts';
import { failedTo, present, unknown, type Query } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { FakeFleet, ok, type Script } from '../support/fake.ts';

const question = (command: Command): Query<string> => ({
  command,
  read: (outcome) => (outcome.code === 0 ? present(outcome.stdout) : failedTo(command.purpose, outcome)),
});
const [one, two] = ['one', 'two words\n\n'].map((word) => reading(`say ${word}`, ['echo', word])) as [Command, Command];
const many = reading('say many', script("echo \"$1\"; echo 'it'\\''s' >&2", 'x\ny'));
const typed = reading('login', ['mysql'], { stdin: new Secret('login', 'hunter22') });
const shown = reading('look', ['kuscia.sh'], { terminal: true });

const made = (scripts: readonly Script[]) => {
  const fleet = new FakeFleet(scripts);
  const events: Event[] = [];
  return { fleet, events, ask: asker(fleet, (event) => void events.push(event)) };
};

describe('queries', () => {
  test('to one host in one turn share a round trip', async () => {
    const { fleet, ask } = made([ok('a', one, '1'), ok('a', two, '2\n'), ok('a', many, '3')]);
    expect(await Promise.all([one, two, many].map((command) => ask.ask('a', question(command))))).toEqual([
      present('1'),
      present('2\n'),
      present('3'),
    ]);
    expect(fleet.trips).toBe(1);
    expect(fleet.ran).toHaveLength(3);
  });

  test('to several hosts make one round trip to each', async () => {
    const { fleet, ask } = made([ok('a', one, '1'), ok('b', one, '2'), ok('b', two, '3')]);
    expect(
      await Promise.all([ask.ask('a', question(one)), ask.ask('b', question(one)), ask.ask('b', question(two))]),
    ).toEqual([present('1'), present('2'), present('3')]);
    expect(fleet.trips).toBe(2);
  });

  test('that are the same are sent once, and each reads the answer in its own way', async () => {
    const { fleet, ask } = made([ok('a', one, '1'), ok('a', two, '2')]);
    const length: Query<number> = { command: one, read: (outcome) => present(outcome.stdout.length) };
    expect(
      await Promise.all([
        ask.ask('a', question(one)),
        ask.ask('a', length),
        ask.ask('a', question(one)),
        ask.ask('a', question(two)),
      ]),
    ).toEqual([present('1'), present(1), present('1'), present('2')]);
    expect(fleet.lines()).toHaveLength(2);
  });

  test('of one asker see one state: an answer is reused in later turns', async () => {
    const { fleet, ask } = made([ok('a', one, 'before'), ok('a', one, 'after')]);
    expect([await ask.ask('a', question(one)), await ask.ask('a', question(one))]).toEqual([
      present('before'),
      present('before'),
    ]);
    expect(fleet.trips).toBe(1);
  });

  test('with input or a terminal are sent alone, so that a secret is never in a bundle', async () => {
    const { fleet, ask } = made([ok('a', one, '1'), ok('a', two, '2'), ok('a', typed, '3'), ok('a', shown, '4')]);
    expect(await Promise.all([one, typed, two, shown].map((command) => ask.ask('a', question(command))))).toEqual([
      present('1'),
      present('3'),
      present('2'),
      present('4'),
    ]);
    expect(fleet.trips).toBe(3);
    expect(fleet.ran.find(({ line }) => line === 'mysql')).toEqual({ host: 'a', line: 'mysql', stdin: 'hunter22' });
  });
});

describe('what cannot be found out', () => {
  const lost: Outcome = { ended: 'lost', reason: 'keepalive timeout', stdout: '', stderr: '' };

  test.each([
    ['one query', [one]],
    ['several', [one, two, many]],
  ])('a lost connection makes %s unknown', async (_, commands) => {
    const ask = asker({ run: () => Promise.resolve(lost) }, () => undefined);
    const facts = await Promise.all(commands.map((command) => ask.ask('a', question(command))));
    expect(facts).toEqual(
      commands.map(({ purpose }) => ({
        ...unknown(`could not ${purpose}: connection lost: keepalive timeout`),
        lost: true,
      })),
    );
  });

  test.each([
    ['one query', [one]],
    ['several', [one, two]],
  ])('a fleet that throws fails %s, and no promise stays pending', async (_, commands) => {
    const ask = asker({ run: () => Promise.reject(new Error('the line is too long')) }, () => undefined);
    const asked = await Promise.allSettled(commands.map((command) => ask.ask('a', question(command))));
    expect(asked).toEqual(
      commands.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ message: 'the line is too long' }),
      })),
    );
  });

  test('a query that no shell can run fails its whole round trip', async () => {
    const { ask } = made([]);
    await expect(
      Promise.all([ask.ask('a', question(reading('x', ['echo', 'a\0b']))), ask.ask('a', question(one))]),
    ).rejects.toThrow('NUL');
  });
});

test('a query with a command that changes something is rejected before it is sent', () => {
  const { fleet, ask } = made([]);
  expect(() => ask.ask('a', question(changing('remove it', ['rm', 'f'])))).toThrow(
    'asked with a command that changes something: remove it',
  );
  expect(fleet.trips).toBe(0);
});

test('a query whose output goes to a sink is rejected before it is sent', () => {
  const { fleet, ask } = made([]);
  const dump = reading('dump it', ['dump'], { stdout: { keep: () => Promise.resolve() } });
  expect(() => ask.ask('a', question(dump))).toThrow('asked with a command whose output goes elsewhere: dump it');
  expect(fleet.trips).toBe(0);
});

test('a secret that was read is reported', () => {
  const { events, ask } = made([]);
  const secret = new Secret('token', 'abcdef');
  ask.learn(secret);
  expect(events).toEqual([{ is: 'secret', secret }]);
});
