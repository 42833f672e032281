import { expect, test } from '@jest/globals';
import { planRemoval } from '../../src/docker/bring-about.ts';
import type { Container } from '../../src/docker/containers.ts';
import { discard } from '../../src/docker/replacement.ts';
import type { Removable } from '../../src/docker/wanted.ts';
import { changing, shellLine } from '../../src/engine/command.ts';
import { Plan } from '../../src/engine/plan.ts';
import { carryOut, ok } from '../support/fake.ts';
import { containerOf } from '../support/facts.ts';
import { shown } from '../support/plans.ts';

const BEFORE = changing('wait', ['wait']);
const thing = (stopping: Removable['stopping']): Removable => ({
  host: 'a',
  name: 'it',
  kind: 'database',
  serialGroup: 'group',
  stopping,
  beforeStop: async (act) => void (await act.run('a', BEFORE)),
});
const [CURRENT, FORMER] = [containerOf('it'), containerOf('it.former', { state: 'exited' })];

const line = (name: string): string => `- a remove ${name} (no longer wanted) [group]`;
const cases: readonly [string, Container | undefined, Container | undefined, readonly string[]][] = [
  ['nothing exists', undefined, undefined, ['= a no database it (its data stay)']],
  ['it exists', CURRENT, undefined, [line('it')]],
  ['it has stopped', { ...CURRENT, state: 'exited' }, undefined, [line('it')]],
  ['it never started', { ...CURRENT, state: 'created' }, undefined, [line('it')]],
  ['one was set aside', undefined, FORMER, [line('it.former')]],
  ['both are there', CURRENT, FORMER, [line('it.former'), line('it')]],
];

test.each(cases)('a container is to be removed: %s', (_, current, former, lines) => {
  const plan = new Plan();
  planRemoval(plan, thing({ seconds: 10 }), { current, former }, 'its data stay');
  expect([plan.empty, shown(plan)]).toEqual([lines[0]?.startsWith('=') === true, lines]);
});

test.each([{ seconds: 10 }, { seconds: 60, holdsData: true }] as const)(
  'it is stopped as in a replacement, after everything that must come first: %j',
  async (stopping) => {
    const plan = new Plan();
    planRemoval(plan, thing(stopping), { current: CURRENT, former: FORMER }, 'its data stay');
    const removals = ['it.former', 'it'].map((name) => discard(name, stopping));
    const scripts = [BEFORE, ...removals].map((command) => ok('a', command));
    const ran = await Promise.all(plan.steps.map(async (step) => (await carryOut(step, scripts)).fleet.lines()));
    expect(ran).toEqual([[removals[0]], [BEFORE, removals[1]]].map((each) => each.map((it) => shellLine(it!))));
  },
);
