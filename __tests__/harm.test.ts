import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { FAULTS } from './lab/faults/faults.ts';
import { harmBetween, missing, sampleIn, type Granted } from './lab/faults/harm.ts';
import { UNMADE } from './lab/faults/unmade.ts';

const REPLICA = 'root-kuscia-autonomy-alice';
/** What three sound hosts print. */
const SOUND: Readonly<Record<string, readonly string[]>> = {
  'node-01': [
    'container alice-mysql m1 running 10:00 yes 0',
    'container alice-nginx-lb l1 running 10:00 yes 0',
    'container alice-probe p1 running 10:00 yes 0',
    `led ${REPLICA}-node-02`,
    `led ${REPLICA}-node-03`,
  ],
  'node-02': [`container ${REPLICA} r2 running 10:00 yes 0`, 'container alice-probe p2 running 10:00 yes 0'],
  'node-03': [`container ${REPLICA} r3 running 10:00 yes 0`, 'container alice-probe p3 running 10:00 yes 0'],
};
const sample = (said: Readonly<Record<string, readonly string[]>>) =>
  sampleIn(Object.entries(said).map(([host, lines]) => ({ host, text: lines.join('\n') })));
/** The sound hosts, with lines in place of those that begin the same way; without new lines, those are removed. */
function but(changes: readonly (readonly [host: string, begins: string, ...lines: string[]])[]) {
  const kept = Object.entries(SOUND).map(([host, lines]) => {
    const mine = changes.filter(([of]) => of === host);
    return [
      host,
      [
        ...lines.filter((line) => !mine.some(([, begins]) => line.startsWith(begins))),
        ...mine.flatMap(([, , ...rest]) => rest),
      ],
    ] as const;
  });
  return sample(Object.fromEntries(kept));
}

interface Case {
  readonly about: string;
  readonly before?: ReturnType<typeof sample>;
  readonly after: ReturnType<typeof sample>;
  readonly granted?: Granted;
  readonly harm: readonly string[];
}

const replica = (line: string): readonly [string, string, string] => [
  'node-02',
  `container ${REPLICA}`,
  `container ${REPLICA} ${line}`,
];
const database = (line: string): readonly [string, string, string] => [
  'node-01',
  'container alice-mysql',
  `container alice-mysql ${line}`,
];
const notLed = ['node-01', `led ${REPLICA}-node-02`] as const;

const CASES: readonly Case[] = [
  { about: 'everything as before', after: sample(SOUND), harm: [] },
  {
    about: 'a replica removed',
    after: but([['node-02', `container ${REPLICA}`], notLed]),
    harm: [`node-02 ${REPLICA} is gone`, `${REPLICA}-node-02 no longer answers through the load balancer`],
  },
  {
    about: 'a replica stopped',
    after: but([replica('r2 exited 10:00 no 0')]),
    harm: [`node-02 ${REPLICA} no longer runs (exited)`],
  },
  {
    about: 'a replica set aside without a replacement',
    after: but([['node-02', `container ${REPLICA}`, `container ${REPLICA}.former r2 exited 10:00 no 0`]]),
    harm: [`node-02 ${REPLICA} is gone`],
  },
  {
    about: 'a replica that runs but does not answer',
    after: but([replica('r2 running 10:00 no 0')]),
    harm: [`node-02 ${REPLICA} no longer works`],
  },
  {
    about: 'a healthy replica restarted',
    after: but([replica('r2 running 10:05 yes 0')]),
    harm: [`node-02 ${REPLICA} was restarted`],
  },
  {
    about: 'a healthy replica recreated',
    after: but([replica('r9 running 10:05 yes 0')]),
    harm: [`node-02 ${REPLICA} was recreated`],
  },
  {
    about: 'a replica recreated as the fault allows',
    after: but([replica('r9 running 10:05 yes 0')]),
    granted: { replaces: [`node-02 ${REPLICA}`] },
    harm: [],
  },
  {
    about: 'the other replica recreated',
    after: but([replica('r9 running 10:05 yes 0')]),
    granted: { replaces: [`node-03 ${REPLICA}`] },
    harm: [`node-02 ${REPLICA} was recreated`],
  },
  {
    about: 'a replica replaced as the fault allows by one that does not work',
    after: but([replica('r9 running 10:05 no 0')]),
    granted: { replaces: [`node-02 ${REPLICA}`] },
    harm: [`node-02 ${REPLICA} no longer works`],
  },
  {
    about: 'a replica that did not work restarted',
    before: but([replica('r2 running 10:00 no 0'), notLed]),
    after: but([replica('r2 running 10:05 no 0'), notLed]),
    harm: [],
  },
  {
    about: 'a replica that works again',
    before: but([replica('r2 exited 10:00 no 0'), notLed]),
    after: sample(SOUND),
    harm: [],
  },
  {
    about: 'a replica left out by the load balancer',
    after: but([notLed]),
    harm: [`${REPLICA}-node-02 no longer answers through the load balancer`],
  },
  {
    about: 'a host without power, as the fault allows',
    after: sample({
      ...SOUND,
      'node-02': [],
      'node-01': SOUND['node-01']?.filter((line) => !line.endsWith('-node-02')) ?? [],
    }),
    granted: { takes: ['node-02'] },
    harm: [],
  },
  {
    about: 'the host of the load balancer without power',
    after: sample({ ...SOUND, 'node-01': [] }),
    granted: { takes: ['node-01'] },
    harm: [],
  },
  {
    about: 'a host without power that no fault explains',
    after: sample({ ...SOUND, 'node-02': [] }),
    harm: [`node-02 ${REPLICA} is gone`, 'node-02 alice-probe is gone'],
  },
  {
    about: 'a probe restarted',
    after: but([['node-03', 'container alice-probe', 'container alice-probe p3 running 10:05 yes 0']]),
    harm: ['node-03 alice-probe was restarted'],
  },
  {
    about: 'a database killed and recreated',
    after: but([database('m2 running 10:05 yes 1')]),
    granted: { replaces: ['node-01 alice-mysql'] },
    harm: ['node-01 alice-mysql recovered from a crash'],
  },
  {
    about: 'a database killed and started again',
    after: but([database('m1 running 10:05 yes 1')]),
    granted: { replaces: ['node-01 alice-mysql'], takes: ['node-01'] },
    harm: ['node-01 alice-mysql recovered from a crash'],
  },
  {
    about: 'a database that had recovered before',
    before: but([database('m1 running 10:00 yes 2')]),
    after: but([database('m1 running 10:00 yes 2')]),
    harm: [],
  },
  {
    about: 'a database that refuses the login',
    after: but([database('m1 running 10:00 no 0')]),
    harm: ['node-01 alice-mysql no longer works'],
  },
];

describe('harm is what worked before a run and no longer works after it', () => {
  test.each(CASES)('$about', ({ before = sample(SOUND), after, granted, harm }) => {
    expect(harmBetween(before, after, granted)).toEqual(harm);
  });

  test('of the parts that must come back, only missing ones count', () => {
    expect(
      missing(sample(SOUND), but([replica('r9 running 10:05 yes 0'), database('m2 running 10:05 yes 1')])),
    ).toEqual([]);
    expect(missing(sample(SOUND), but([replica('r9 running 10:05 no 0')]))).toEqual([
      `node-02 ${REPLICA} no longer works`,
    ]);
  });

  test('everything that a host prints is parsed', () => {
    expect(
      sample({ 'node-01': ['container alice-mysql m1 running 2026-11-26T19:01:35.5Z yes 1', 'led a-node-02', ''] }),
    ).toEqual({
      containers: [
        {
          host: 'node-01',
          name: 'alice-mysql',
          id: 'm1',
          state: 'running',
          startedAt: '2026-11-26T19:01:35.5Z',
          works: true,
          recoveries: 1,
        },
      ],
      led: ['a-node-02'],
    });
  });
});

describe('the table of faults', () => {
  test('names each fault once, whether the lab can make it or not', () => {
    const names = [...FAULTS, ...UNMADE].map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test.each(UNMADE)('$name, which the lab cannot make, has a unit test', ({ shownBy: [file, title] }) => {
    expect(readFileSync(new URL(file, import.meta.url), 'utf8')).toContain(title);
  });

  test('a fault after which containers may be missing happens during its run', () => {
    expect(
      FAULTS.filter(({ when, takes }) => takes !== undefined && when === 'before').map(({ name }) => name),
    ).toEqual([]);
  });
});
