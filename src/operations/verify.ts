import type { Failure } from '../engine/errors.ts';
import { plan } from '../engine/runner.ts';
import type { OnHosts, Task } from './operation.ts';
import { notJudged, unproven } from './proof.ts';

/** Proves that the deployment works, by reading its present state once. */
export const verify: OnHosts = {
  does: { english: 'check that the deployment works', chinese: '只验证部署是否正常' },
  stages: 'proof',
  hosts: 'all',
  secrets: 'to ask',
  changes: false,
  takes: 'snapshots',
  leaves: 'nothing',
  silentHosts: 'are judged',
  lock: 'handed on',
  shows: 'a proof',
  run: verified,
  closing: ({ domain, proof }) => [
    proof?.verdict ??
      `Whether ${domain} is healthy is unknown: it could not be checked. Nothing was changed (mode: verify).`,
  ],
};

/** Succeeds if everything described could be judged and exists, and the proof is healthy. */
async function verified({ stages, run }: Task): Promise<readonly Failure[]> {
  const plans = await plan(stages, run);
  const failures = plans.flatMap(({ stage, plan }) => [
    ...plan.failures,
    ...plan.awaited.map(({ failure }) => failure),
    ...plan.later.map((note) => notJudged(stage.name, note, run.words)),
    ...plan.steps.map((step) => notJudged(stage.name, step, run.words)),
  ]);
  return failures.length > 0 ? failures : unproven(plans.at(-1)?.plan.proof);
}
