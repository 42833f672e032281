import type { Deployment } from '../cluster/deployment.ts';
import type { Matrix } from '../cluster/matrix.ts';
import { seen } from '../engine/about.ts';
import type { Failure } from '../engine/errors.ts';
import { Plan } from '../engine/plan.ts';
import { rootWarnings } from './database-root.ts';
import { defineStage } from './definition.ts';
import { askStrays, strayWarnings } from './strays.ts';
import { cellFailures } from './verify-cells.ts';
import { askAll, type VerifyFacts } from './verify-facts.ts';
import { matrixOf as matrixWith, silentHosts } from './verify-matrix.ts';
import { hostFailures, nodeFailures, otherFailures, pairFailures, otherCauses } from './verify-others.ts';

/**
 * The cluster seen from outside: every check of every replica. Changes nothing; its matrix is the proof of its plan.
 */
export const verify = defineStage({
  name: 'verify',
  purpose: {
    english: 'The deployment verified: every replica against every check',
    chinese: '验证部署：每个副本的每项检查',
  },
  detail: {
    english: 'Changes nothing. Fails if anything is not as described.',
    chinese: '不做任何更改；有任何一项与描述不符即失败。',
  },
  needs: ['nginx-lb'],
  inputs: ['database-password', 'load-balancer-certificate', 'load-balancer-key'],
  outputs: ['verify', 'load-balancer-url'],
  judges: true,
  work: (deployment) => ({
    settleMs: 45_000,
    toleratesLoss: true,
    gather: (ask) => askAll(ask, deployment),
    plan: (facts) => planVerify(deployment, facts),
    preview: async (ask) => {
      const plan = new Plan();
      plan.warnings.push(...strayWarnings(deployment.cluster, await askStrays(ask, deployment.cluster)));
      return plan;
    },
  }),
});

/** The result of each check of each replica, and what else is worth reporting about the domain. */
export const matrixOf = (deployment: Deployment, facts: VerifyFacts): Matrix =>
  matrixWith(deployment.cluster, facts, {
    wrong: [...otherFailures(deployment, facts), ...hostFailures(facts)],
    warnings: [...strayWarnings(deployment.cluster, facts), ...rootWarnings(deployment.cluster, facts.database.root)],
  });

/**
 * Fails unless everything works: first what does not work besides the replicas, then a failure for each failed check.
 */
export function planVerify(deployment: Deployment, facts: VerifyFacts): Plan {
  const plan = new Plan();
  const matrix = matrixOf(deployment, facts);
  plan.proof = matrix;
  const { cluster } = deployment;
  const hosts = hostFailures(facts);
  const known = new Set([...hosts.flatMap(({ host = '' }) => host), ...silentHosts(cluster, facts)]);
  const failures: Failure[] = [
    ...hosts,
    ...otherFailures(deployment, facts),
    ...matrix.rows.flatMap((row) => cellFailures(cluster, facts, row, otherCauses(deployment, facts, row.host))),
    ...nodeFailures(cluster, facts, known),
    ...pairFailures(cluster, facts),
  ];
  plan.awaited.push(
    ...failures.map((failure) => ({
      host: failure.host ?? '',
      about: { kind: 'match', thing: 'cluster' } as const,
      why: seen(failure.what),
      failure,
    })),
  );
  plan.warnings.push(...(matrix.warnings ?? []));
  if (failures.length === 0)
    plan.satisfied.push(
      ...matrix.rows.map(({ replica, host }) => ({
        host,
        about: { kind: 'work', thing: 'cluster', name: replica } as const,
        why: seen('all checks ok'),
      })),
    );
  return plan;
}
