import { describe, expect, test } from '@jest/globals';
import type { Event } from '../../src/engine/events.ts';
import { ActivityTracker } from '../../src/engine/activity.ts';
import { Plan, type Step } from '../../src/engine/plan.ts';
import { BARE, says } from '../support/lines.ts';

const step = (host: string, what: string): Step => ({
  host,
  change: '+',
  ...says(what, 'absent'),
  apply: () => Promise.resolve(),
});
const [init, join, database] = [
  step('node-01', 'initialise swarm'),
  step('node-02', 'join'),
  step('node-01', 'start database'),
];
const began = (stage: string): Event => ({ is: 'stage-started', stage });
const started = (stage: string, which: Step): Event => ({ is: 'step-started', stage, step: which });
const done = (stage: string, which: Step): Event => ({ is: 'step-done', stage, step: which, ms: 1 });
const waiting = (stage: string, ...notes: readonly { host: string; what: string }[]): Event => ({
  is: 'waiting',
  stage,
  leftMs: 1,
  notes: notes.map(({ host, what }) => ({ host, ...says(what, 'not yet') })),
});
const settled = (stage: string): Event => ({ is: 'stage-settled', stage, plan: new Plan(), applied: [], ms: 1 });

const ONE = 'swarm-init';
const cases: readonly [string, readonly Event[], string | undefined][] = [
  ['nothing has started', [waiting(ONE, { host: 'node-01', what: 'join' })], undefined],
  ['a stage is planned', [began(ONE)], 'in swarm-init'],
  [
    'a step is under way',
    [began(ONE), started(ONE, init)],
    'in swarm-init, in the middle of "initialise swarm" on node-01',
  ],
  [
    'a step failed',
    [began(ONE), started(ONE, init), { is: 'step-failed', stage: ONE, step: init, ms: 1, failures: [] }],
    'in swarm-init',
  ],
  [
    'something is awaited',
    [
      began(ONE),
      started(ONE, init),
      done(ONE, init),
      waiting(ONE, { host: 'node-01', what: 'Ready' }, { host: '', what: 'a leader' }),
    ],
    'in swarm-init, while waiting for "Ready" on node-01 and "a leader"',
  ],
  [
    'a step has ended after a wait',
    [began(ONE), waiting(ONE, { host: 'node-01', what: 'Ready' }), started(ONE, init), done(ONE, init)],
    'in swarm-init',
  ],
  [
    'stages run in parallel',
    [
      began(ONE),
      settled(ONE),
      began('swarm-join'),
      began('mysql-up'),
      started('mysql-up', database),
      started('swarm-join', join),
      started('swarm-join', init),
    ],
    'in swarm-join and mysql-up, in the middle of "join" on node-02, "initialise swarm" on node-01 and "start database" on node-01',
  ],
  ['everything is done', [began(ONE), started(ONE, init), done(ONE, init), settled(ONE)], undefined],
];

describe('what a run is doing, in words, when', () => {
  test.each(cases)('%s', (_, events, words) => {
    const moment = new ActivityTracker();
    events.forEach((event) => moment.hear(event));
    expect(moment.inWords(BARE)).toBe(words);
  });
});
