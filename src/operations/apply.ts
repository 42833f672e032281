import { changesIn, movedSince, type Change } from '../engine/approved.ts';
import type { Failure } from '../engine/errors.ts';
import type { Emit } from '../engine/events.ts';
import type { Proof } from '../engine/proof.ts';
import { quiet } from '../engine/quiet.ts';
import type { Run } from '../engine/run.ts';
import { apply as applyStages, plan } from '../engine/runner.ts';
import type { Stage } from '../engine/stage.ts';
import type { OnHosts, Task } from './operation.ts';
import { isProof, notJudged, unproven } from './proof.ts';

/** Makes the hosts match the cluster file. */
export const apply: OnHosts = {
  does: { english: 'deploy the cluster file', chinese: '使集群与集群文件一致' },
  offered: 'to workflows',
  stages: 'selected',
  hosts: 'all',
  secrets: 'to change',
  changes: true,
  takes: 'outputs and snapshots',
  leaves: 'outputs and a snapshot',
  silentHosts: 'stop the run after the others are judged',
  lock: 'handed on',
  shows: 'a plan and changes',
  run: applied,
  closing: ({ findings, account, proof, works }) => [
    ...account,
    ...(proof && (findings === undefined || !proof.healthy) ? [proof.verdict] : []),
    ...works,
  ],
};

/** Succeeds if no stage is missing anything, everything could be judged and the proof, if selected, is healthy. */
async function applied({ stages, all, run, save }: Task): Promise<readonly Failure[]> {
  // The job of the first stage compares the whole approved plan before anything is changed.
  if (run.approved && stages[0] === all[0]) {
    // Takes the lock first: otherwise another run could change the hosts after they were compared.
    await run.permit?.();
    const differences = await compareWithApproved(run.approved, all, run);
    if (differences.length > 0) return differences;
  }
  const undecided: Failure[] = [];
  let proof: Proof | undefined;
  const emit: Emit = (event) => {
    if (event.is === 'stage-settled') {
      undecided.push(...event.plan.later.map((note) => notJudged(event.stage, note, run.words)));
      proof = event.plan.proof ?? proof;
    }
    run.emit(event);
  };
  await applyStages(stages, { ...run, emit });
  const failures = undecided.length === 0 && stages.some(isProof) ? unproven(proof) : undecided;
  if (failures.length === 0) await save.outputs();
  return failures;
}

/** No failure if the hosts still need exactly the approved changes. `all` are the stages of a whole deployment. */
export async function compareWithApproved(
  approved: readonly Change[],
  all: readonly Stage[],
  run: Run,
): Promise<readonly Failure[]> {
  const changing = all.filter((stage) => !isProof(stage));
  return movedSince(approved, changesIn(await plan(changing, quiet(run))), run.words);
}
