import { expect, test } from '@jest/globals';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { jobsOf } from '../../src/cluster/jobs.ts';
import { Plan } from '../../src/engine/plan.ts';
import { defineStage } from '../../src/stages/definition.ts';
import { definitionOf, deploymentStages } from '../../src/stages/index.ts';
import { clusterOf, deploymentOf, EXTERNAL } from '../support/deployment.ts';

/** A stage that does nothing, for some clusters only. */
const example = (name: string, needs: readonly string[], appliesTo?: (cluster: Cluster) => boolean) =>
  defineStage({
    name,
    purpose: { english: `Example ${name}`, chinese: `示例 ${name}` },
    detail: { english: '', chinese: '' },
    needs,
    inputs: [],
    ...(appliesTo && { appliesTo }),
    work: () => ({ startAfter: needs, settleMs: 0, gather: () => Promise.resolve(undefined), plan: () => new Plan() }),
  });

const EXAMPLES = [
  example('first', []),
  example('second', ['first'], ({ database }) => database.kind === 'external'),
  example('third', ['second'], () => false),
  example('fourth', ['third']),
];

const plannedOf = (deployment = deploymentOf()): unknown =>
  deploymentStages(deployment, 'present', EXAMPLES).map(({ name, needs, startAfter }) => ({ name, needs, startAfter }));

test('a stage that does not apply to a cluster is not planned, and stages that need it wait for its own prerequisites instead', () => {
  const first = { name: 'first', needs: [], startAfter: [] };
  expect(plannedOf()).toEqual([first, { name: 'fourth', needs: ['first'], startAfter: ['first'] }]);
  expect(plannedOf(deploymentOf({ database: EXTERNAL }))).toEqual([
    first,
    { name: 'second', needs: ['first'], startAfter: ['first'] },
    { name: 'fourth', needs: ['second'], startAfter: ['second'] },
  ]);
});

test('a stage that does not apply to a cluster has no job', () => {
  const legs = jobsOf(clusterOf(), '"any"', EXAMPLES);
  expect([legs['first'], legs['second'], legs['third']]).toEqual([[expect.anything()], [], []]);
});

test('removable stages are removed in reverse order, each after those that need it, and none starts early', () => {
  const stages = deploymentStages(deploymentOf(), 'absent');
  expect(stages.map(({ name, needs }) => [name, needs])).toEqual([
    ['nginx-lb', []],
    ['kuscia-start', ['nginx-lb']],
    ['mysql-up', ['kuscia-start']],
    ['network-create', ['mysql-up']],
  ]);
  expect(stages.flatMap(({ startAfter, prefetch }) => [startAfter ?? [], prefetch ?? []].flat())).toEqual([]);
});

test('what is not removable cannot be removed', () => {
  expect(() => definitionOf('swarm-join').of(deploymentOf(), 'absent')).toThrow('swarm-join is not removable');
});
