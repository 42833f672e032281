import { expect, test } from '@jest/globals';
import { CAUSES, FIELDS, KINDS, type Details } from '../../src/engine/about.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';

const details: Details = { address: '10.0.0.11', port: '3306', volume: 'v', subnet: '10.2.0.0/24', role: 'worker' };
const SAYS = /^(?!.*(undefined|\[object))\S/;

test.each(KINDS)('a line of a plan that is to %s has words', (kind) =>
  expect(PLAN_WORDS.what({ kind, thing: 'database', name: 'd', details })).toMatch(SAYS),
);

test.each(CAUSES)('the cause "%s" has words', (because) =>
  expect(
    PLAN_WORDS.why({ because, of: 'o', seen: 'exited (137)', differs: [{ field: 'memory', from: '1', to: '2' }] }),
  ).toMatch(SAYS),
);

test.each(FIELDS)('a difference of the field "%s" has words', (field) =>
  expect(PLAN_WORDS.why({ because: 'differs', differs: [{ field, of: 'o', from: 'a', to: 'b' }] })).toMatch(SAYS),
);

test('several differences are listed one after the other', () =>
  expect(
    PLAN_WORDS.why({
      because: 'differs',
      differs: [
        { field: 'entry', of: 'protocol', from: 'TLS', to: 'NOTLS' },
        { field: 'entry', of: 'datastoreEndpoint' },
        { field: 'mode', from: '644' },
      ],
    }),
  ).toBe('protocol TLS -> NOTLS, datastoreEndpoint, mode 644'));
