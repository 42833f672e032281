import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { reading } from '../../src/engine/command.ts';
import {
  absent,
  answer,
  failedTo,
  mapFact,
  present,
  unknown,
  valueOf,
  type Fact,
  type Query,
} from '../../src/engine/fact.ts';
import { jsonOf } from '../../src/engine/json.ts';
import { leftOut, type Outcome } from '../../src/engine/outcome.ts';
import { z } from 'zod';

const question: Query<number> = {
  command: reading('count it', ['count']),
  read: (outcome) =>
    outcome.code === 0
      ? present(jsonOf(outcome.stdout, z.object({ n: z.array(z.number()) })).n.length)
      : outcome.code === 1
        ? absent
        : failedTo('count it', outcome),
};
const ended = (code: number, stdout = '', stderr = ''): Outcome => ({ ended: 'exited', code, stdout, stderr });

describe('an answer', () => {
  const cases: readonly [string, Outcome, Fact<number>][] = [
    ['what was read', ended(0, '{"n":[1,2]}'), present(2)],
    ['absent when the query says so', ended(1), absent],
    [
      'unknown with the last line of output',
      ended(2, '', 'a\npermission denied\n'),
      unknown('could not count it: exit 2: permission denied'),
    ],
    ['unknown without a colon when there is no output', ended(2), unknown('could not count it: exit 2')],
    [
      'unknown for a killed command',
      { ended: 'killed', signal: 'SIGKILL', stdout: '{"n":[1]}', stderr: '' },
      unknown('could not count it: killed by SIGKILL'),
    ],
    [
      'unknown for one that took too long',
      { ended: 'timed-out', afterMs: 20_000, stdout: '{"n":[1]}', stderr: '' },
      unknown('could not count it: timed out after 20 s'),
    ],
    [
      'unknown if part of it was left out',
      ended(0, `{"n":[1]${leftOut(9)}}`),
      unknown('could not count it: its answer is too long'),
    ],
    [
      'unknown, quoting nothing of it, if it is not JSON',
      ended(0, 'secret'),
      unknown('could not count it: its answer was not understood (not valid JSON)'),
    ],
    [
      'unknown for a lost connection',
      { ended: 'lost', reason: 'reset', stdout: '{"n":[1]}', stderr: '' },
      { is: 'unknown', why: 'could not count it: connection lost: reset', lost: true },
    ],
  ];
  test.each(cases)('is %s', (_, outcome, fact) => {
    expect(answer(question, outcome)).toEqual(fact);
  });

  test('is unknown, never absent and never thrown, for any nonsense', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json()).filter((text) => !text.includes('"n"')),
        (stdout) => {
          expect(answer(question, ended(0, stdout))).toMatchObject({
            is: 'unknown',
            why: expect.stringMatching(/^could not count it: its answer was not understood \(/),
          });
        },
      ),
    );
  });
});

test('a derived fact stays unknown or absent', () => {
  expect(mapFact(present(2), (n) => n + 1)).toEqual(present(3));
  expect(mapFact(absent, () => 1)).toBe(absent);
  expect(mapFact(unknown('why'), () => 1)).toEqual(unknown('why'));
  expect([present(0), absent, unknown('why')].map((fact) => valueOf<number>(fact))).toEqual([0, undefined, undefined]);
});
