import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Plan } from '../../src/engine/plan.ts';
import { ScheduledStage, scheduleOf, stateOf } from '../../src/engine/schedule.ts';
import type { Stage } from '../../src/engine/stage.ts';
import { deploymentStages } from '../../src/stages/index.ts';
import { deploymentOf, EXTERNAL } from '../support/deployment.ts';

const of = (name: string, startAfter?: readonly string[]): Stage => ({
  name,
  purpose: '',
  needs: [],
  settleMs: 0,
  ...(startAfter && { startAfter }),
  plan: () => Promise.resolve(new Plan()),
});

const schedules = (...stages: readonly Stage[]): string[] =>
  stages.map((stage) => {
    const { beginsAfter, settlesAfter, plansAlong } = scheduleOf(stage, stages);
    return `${stage.name}: begins ${beginsAfter.join()}; settles ${settlesAfter.join()}; along ${plansAlong ?? ''}`;
  });

test('a stage begins and settles after all before it, and is planned along with the one before it', () => {
  expect(schedules(of('a'), of('b'), of('c'))).toEqual([
    'a: begins ; settles ; along b',
    'b: begins a; settles a; along c',
    'c: begins a,b; settles a,b; along ',
  ]);
});

test('a stage that names others begins after those of them that are before it, and is planned by itself', () => {
  expect(schedules(of('a'), of('b'), of('c', ['a', 'd']), of('d'), of('e', []))).toEqual([
    'a: begins ; settles ; along b',
    'b: begins a; settles a; along ',
    'c: begins a; settles a,b; along d',
    'd: begins a,b,c; settles a,b,c; along ',
    'e: begins ; settles a,b,c,d; along ',
  ]);
});

test('the picture in ADR 18 is the schedule of a deployment', () => {
  const adr = readFileSync(join(import.meta.dirname, '../../docs/adr/0018-side-by-side.md'), 'utf8');
  const edges = [...adr.matchAll(/^ {4}([a-z-]+) (-->|-\.->\|settles\|) (\S+)$/gm)].map(([, from, line, to]) =>
    line === '-->' ? `${from} begins ${to}` : `${from} settles ${to}`,
  );
  const stages = deploymentStages(deploymentOf());
  const last = (names: readonly string[]): string[] => names.slice(-1);
  expect(edges.sort()).toEqual(
    stages
      .flatMap((stage) => {
        const { beginsAfter, settlesAfter } = scheduleOf(stage, stages);
        const [begins, settles] = [last(beginsAfter), last(settlesAfter)];
        return [
          ...begins.map((name) => `${name} begins ${stage.name}`),
          ...settles.filter((name) => !begins.includes(name)).map((name) => `${name} settles ${stage.name}`),
        ];
      })
      .sort(),
  );
});

test('a database that runs elsewhere waits for the network', () => {
  const stages = deploymentStages(deploymentOf({ database: EXTERNAL }));
  expect(stages.filter(({ startAfter }) => startAfter)).toEqual([]);
});

test('several stages have settled when each has, and have failed when one cannot settle', () => {
  const states = ['waiting', 'under way', 'settled', 'failed', 'abandoned'] as const;
  const inState = (state: ScheduledStage['state']): ScheduledStage =>
    Object.assign(new ScheduledStage(of('s'), scheduleOf(of('s'), []), new Plan()), { state });
  expect(stateOf([])).toBe('settled');
  expect(states.map((state) => stateOf([inState('settled'), inState(state)]))).toEqual([
    'under way',
    'under way',
    'settled',
    'failed',
    'failed',
  ]);
});
