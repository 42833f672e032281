import { expect, test } from '@jest/globals';
import { Progress } from '../../src/report/progress.ts';
import { says } from '../support/lines.ts';

const NOTE = {
  about: says('replica answers', '').about,
  host: 'node-02',
  what: 'replica answers',
  why: 'no answer yet',
};

function waits(at: readonly number[], why: (i: number) => string): number[] {
  let now = 0;
  const progress = new Progress({ width: Infinity, paint: (_style, text) => text }, ['node-02'], () => now);
  return at.filter((time, i) => {
    now = time;
    return (
      progress.lines({ is: 'waiting', stage: 'kuscia-start', notes: [{ ...NOTE, why: why(i) }], leftMs: 60_000 - time })
        .length > 0
    );
  });
}

const everyHalfSecond = Array.from({ length: 90 }, (_, i) => i * 500);

test('a wait that changes at each check is reported every 5 s', () => {
  expect(waits(everyHalfSecond, (i) => `try ${i}`)).toEqual([
    0, 5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000,
  ]);
});

test('a wait that does not change is reported every 20 s', () =>
  expect(waits(everyHalfSecond, () => 'no answer yet')).toEqual([0, 20_000, 40_000]));

test('a wait states its subject, its reason and the time left', () => {
  const progress = new Progress({ width: Infinity, paint: (_style, text) => text }, ['node-02'], () => 0);
  expect(progress.lines({ is: 'waiting', stage: 'kuscia-start', notes: [NOTE], leftMs: 58_900 })).toEqual([
    '  node-02  waits   replica answers (no answer yet)  59 s left',
  ]);
});

test('the waits of a new stage are reported at once', () => {
  const progress = new Progress({ width: Infinity, paint: (_style, text) => text }, [], () => 0);
  const event = { is: 'waiting', stage: 'a', notes: [NOTE], leftMs: 1 } as const;
  expect([progress.lines(event).length, progress.lines(event).length]).toEqual([1, 0]);
  progress.lines({ is: 'stage-started', stage: 'b' });
  expect([progress.lines({ ...event, stage: 'b' }).length, progress.lines(event).length]).toEqual([1, 0]);
  progress.lines({ is: 'stage-started', stage: 'a' });
  expect(progress.lines(event)).toHaveLength(1);
});
