import { withoutConsequences, type Failure } from '../engine/errors.ts';
import { plan as planStages } from '../engine/runner.ts';
import type { Stage } from '../engine/stage.ts';
import type { OnHosts, Task } from './operation.ts';
import { isProof } from './proof.ts';

/** Shows what apply would change, and seals the plan for the jobs that must follow it. */
export const plan: OnHosts = {
  does: { english: 'show what apply would change', chinese: '只显示 apply 会做的更改' },
  offered: 'to workflows',
  stages: 'selected',
  hosts: 'all',
  secrets: 'to ask',
  action: {
    name: 'plan',
    brings: {
      english: 'The plan of a whole deployment: what would change, where and why',
      chinese: '整个部署的计划：将更改什么、在哪里更改、为何更改',
    },
    detail: {
      english:
        'Changes nothing. With `artifacts`, it hands the plan over to later jobs; the action `preflight` stops if ' +
        'the hosts need other changes by then.',
      chinese: '不做任何更改。提供 `artifacts` 时会移交该计划；若届时主机需要其他更改，`preflight` 会停止。',
    },
  },
  changes: false,
  takes: 'snapshots',
  leaves: 'a plan',
  silentHosts: 'stop the run after the others are judged',
  lock: 'left alone',
  shows: 'only a plan',
  run: planned,
  closing: ({ findings, works }) => [
    findings === undefined
      ? 'Nothing was changed (mode: plan).'
      : `Nothing was changed (mode: plan); ${findings} must be fixed before these changes can be made.`,
    ...works,
  ],
};

/** Succeeds if no stage finds a reason why it could not continue. */
async function planned({ stages, run, save }: Task): Promise<readonly Failure[]> {
  const plans = await planStages(stages.flatMap(shown), run);
  const failures = withoutConsequences(plans.flatMap(({ plan }) => plan.failures));
  if (failures.length === 0) await save.plan(plans);
  return failures;
}

/** The proof changes nothing and is judged only after an apply; until then only its preview is shown. */
const shown = (stage: Stage): Stage[] =>
  stage.preview ? [{ ...stage, plan: stage.preview }] : isProof(stage) ? [] : [stage];
