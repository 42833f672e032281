import { describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { ALICE, CUT, planOf, step } from './alice.ts';
import { recorder, reportOn, type Recorder } from './play.ts';
import { says } from '../support/lines.ts';

/** Stages a, b, c and d: b and d begin beside a, and what each does bears its name. */
const STAGES = ['a', 'b', 'c', 'd'];
type Told = [stage: string, what: 'begins' | 'does' | 'breaks' | 'waits' | 'settles' | 'fails' | 'is left'];

function eventOf([stage, what]: Told): Event {
  const each = step(`node-${stage}`, '+', `work of ${stage}`, 'absent');
  switch (what) {
    case 'begins':
      return { is: 'stage-started', stage };
    case 'does':
      return { is: 'step-done', stage, step: each, ms: 300 };
    case 'breaks':
      return { is: 'step-failed', stage, step: each, ms: 300, failures: [CUT] };
    case 'waits':
      return {
        is: 'waiting',
        stage,
        notes: [{ host: `node-${stage}`, ...says(`peace of ${stage}`, 'not yet') }],
        leftMs: 9_000,
      };
    case 'settles':
      return { is: 'stage-settled', stage, plan: planOf({}), applied: [each], ms: 900 };
    case 'fails':
      return { is: 'stage-failed', stage, failures: [CUT], applied: [], ms: 900 };
    case 'is left':
      return { is: 'stage-left', stage, applied: [], ms: 900 };
  }
}

/** A run that reports these events and ends, with these failures or none. */
async function ran(told: readonly Told[], failures: readonly Failure[] = []): Promise<Recorder> {
  const face = recorder();
  const report = reportOn(face);
  report.begin({ mode: 'apply', cluster: ALICE, stages: STAGES });
  for (const stage of STAGES)
    report.emit({
      is: 'planned',
      stage,
      plan: planOf({ steps: [step(`node-${stage}`, '+', `work of ${stage}`, 'absent')] }),
    });
  for (const each of told) report.emit(eventOf(each));
  await report.finish(failures);
  return face;
}

/** The report of the stages, shortened: groups as `[a` and `]`, lines by stage, closing lines unchanged. */
const course = ({ lines }: Recorder): string[] =>
  lines.flatMap((line) => {
    const [, word, stage] = / {2}(done|failed|waits) +(?:work|peace) of (\w)/.exec(line) ?? [];
    if (word !== undefined) return [`  ${word} ${stage}`];
    return /^(\[.$|\]$|[a-d]: )/.test(line) ? [line.replace(/ (in|after) 0.9 s/, '')] : [];
  });

const told = (...parts: string[]): string[] => parts;
const alone = (stage: string): string[] => [`[${stage}`, `  done ${stage}`, ']', `${stage}: 1 change`];
const all = (stage: string): Told[] => [
  [stage, 'begins'],
  [stage, 'does'],
  [stage, 'settles'],
];

const COURSES: readonly {
  readonly name: string;
  readonly told: readonly Told[];
  readonly failures?: readonly Failure[];
  readonly course: readonly string[];
}[] = [
  { name: 'one after the other', told: STAGES.flatMap(all), course: STAGES.flatMap(alone) },
  {
    name: 'one beside another that ends first',
    told: [
      ['a', 'begins'],
      ['b', 'begins'],
      ['b', 'does'],
      ['b', 'settles'],
      ['a', 'does'],
      ['a', 'settles'],
      ...all('c'),
      ...all('d'),
    ],
    course: STAGES.flatMap(alone),
  },
  {
    name: 'one that goes on when its turn has come',
    told: [
      ['a', 'begins'],
      ['b', 'begins'],
      ['b', 'does'],
      ['a', 'does'],
      ['a', 'settles'],
      ['b', 'waits'],
      ['b', 'settles'],
      ...all('c'),
      ...all('d'),
    ],
    course: told(...alone('a'), '[b', '  done b', '  waits b', ']', 'b: 1 change', ...alone('c'), ...alone('d')),
  },
  {
    name: 'two beside one, mixed',
    told: [
      ['a', 'begins'],
      ['d', 'begins'],
      ['b', 'begins'],
      ['d', 'does'],
      ['b', 'does'],
      ['d', 'waits'],
      ['b', 'waits'],
      ['d', 'settles'],
      ['b', 'settles'],
      ['a', 'does'],
      ['a', 'settles'],
      ...all('c'),
    ],
    course: told(
      ...alone('a'),
      '[b',
      '  done b',
      '  waits b',
      ']',
      'b: 1 change',
      ...alone('c'),
      '[d',
      '  done d',
      '  waits d',
      ']',
      'd: 1 change',
    ),
  },
  {
    name: 'one that is abandoned because the one before it failed',
    told: [
      ['a', 'begins'],
      ['b', 'begins'],
      ['b', 'does'],
      ['a', 'breaks'],
      ['a', 'fails'],
      ['b', 'is left'],
    ],
    failures: [CUT],
    course: told(
      '[a',
      '  failed a',
      ']',
      'a: failed, 0 changes made, 1 failed',
      '[b',
      '  done b',
      ']',
      'b: abandoned, 1 change made',
    ),
  },
  {
    name: 'one that is abandoned behind stages that never began',
    told: [
      ['a', 'begins'],
      ['d', 'begins'],
      ['d', 'does'],
      ['a', 'fails'],
      ['d', 'is left'],
    ],
    failures: [CUT],
    course: told('a: failed, 0 changes made', '[d', '  done d', ']', 'd: abandoned, 1 change made'),
  },
  {
    name: 'two that the run ends in the middle of',
    told: [
      ['a', 'begins'],
      ['d', 'begins'],
      ['b', 'begins'],
      ['a', 'does'],
      ['d', 'does'],
      ['b', 'does'],
      ['d', 'waits'],
      ['b', 'waits'],
    ],
    failures: [CUT],
    course: told('[a', '  done a', ']', '[b', '  done b', '  waits b', ']', '[d', '  done d', '  waits d', ']'),
  },
];

describe('stages that run in parallel are printed one after the other', () => {
  test.each(COURSES)('$name', async ({ told, failures = [], course: expected }) => {
    expect(course(await ran(told, failures))).toEqual(expected);
  });

  test('with no group still open when the run reports what is wrong', async () => {
    const { lines } = await ran(
      [
        ['a', 'begins'],
        ['b', 'begins'],
        ['a', 'does'],
        ['b', 'does'],
      ],
      [CUT],
    );
    const failure = lines.findIndex((line) => line.startsWith('Error '));
    expect(lines.slice(0, failure).filter((line) => line.startsWith('['))).toHaveLength(
      lines.slice(0, failure).filter((line) => line === ']').length,
    );
    expect(failure).toBeGreaterThan(0);
  });

  test('and none suppresses the waits of another', async () => {
    const { lines } = await ran([
      ['a', 'begins'],
      ['b', 'begins'],
      ['b', 'waits'],
      ['a', 'waits'],
      ['a', 'settles'],
      ['b', 'settles'],
      ...all('c'),
      ...all('d'),
    ]);
    expect(lines.filter((line) => line.includes('peace of')).map((line) => line.trim().split(' ')[0])).toEqual([
      'node-a',
      'node-b',
    ]);
  });
});

describe('a stage that was abandoned', () => {
  const LEFT: Told[] = [
    ['a', 'begins'],
    ['a', 'does'],
    ['a', 'settles'],
    ['b', 'begins'],
    ['c', 'begins'],
    ['c', 'does'],
    ['b', 'breaks'],
    ['b', 'fails'],
    ['c', 'is left'],
  ];

  test('says so in the log, and the run says which of its changes remain', async () => {
    const { lines, outputs } = await ran(LEFT, [CUT]);
    expect(lines).toContain('c: abandoned after 0.9 s, 1 change made');
    expect(lines.slice(-2)).toEqual([
      'No stage after b was started (d).',
      '2 changes made before the failure are kept (a 1, c 1). 1 change failed; the next run checks what it left behind.',
    ]);
    expect(outputs['changed']).toBe('3');
  });

  test('appears as such in the job summary', async () => {
    const { markdown } = await ran(LEFT, [CUT]);
    const rows = markdown
      .split('\n')
      .filter((line) => /^\| [a-d] \|/.test(line) && /settled|failed|abandoned|not started/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, 4)
          .map((cell) => cell.trim()),
      );
    expect(rows).toEqual([
      ['a', 'settled', '1'],
      ['b', 'failed', '0'],
      ['c', 'abandoned', '1'],
      ['d', 'not started', '0'],
    ]);
  });
});
