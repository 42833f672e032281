import { expect, test } from '@jest/globals';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { jobsOf } from '../../src/cluster/jobs.ts';
import { Plan } from '../../src/engine/plan.ts';
import { defineStage } from '../../src/stages/definition.ts';
import { deploymentStages } from '../../src/stages/index.ts';
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
  deploymentStages(deployment, EXAMPLES).map(({ name, needs, startAfter }) => ({ name, needs, startAfter }));

test('a stage that does not apply to a cluster is not planned, and what it needs is waited for in its stead', () => {
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
