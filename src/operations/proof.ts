import type { Words } from '../engine/about.ts';
import type { Note } from '../engine/plan.ts';
import { PROOF } from '../cluster/matrix.ts';
import type { Failure } from '../engine/errors.ts';
import type { Proof } from '../engine/proof.ts';
import { quiet } from '../engine/quiet.ts';
import type { Run } from '../engine/run.ts';
import { plan } from '../engine/runner.ts';
import type { Stage } from '../engine/stage.ts';

/** Whether a stage is the proof: it changes nothing, so plan and approval skip it. */
export const isProof = ({ name }: Pick<Stage, 'name'>): boolean => name === PROOF;

/** A failure unless the proof is healthy. */
export function unproven(proof: Proof | undefined): Failure[] {
  if (proof?.healthy === true) return [];
  const what = proof ? 'not every check of the matrix is ok' : 'the verification ended without a result';
  return [
    {
      code: 'cluster-unhealthy',
      what,
      remedy: 'Run mode plan to see the differences from the cluster file, or mode apply to remove them.',
    },
  ];
}

/** The failure for something that must be known but is not. */
export function notJudged(stage: string, { host, about, why }: Note, words: Words): Failure {
  return {
    code: 'fact-unknown',
    host,
    what: `${stage}: "${words.what(about)}" could not be checked on ${host}`,
    evidence: words.why(why),
    remedy: 'Apply the stages that it needs first, or use stage: all.',
  };
}

/** The proof for the hosts that answer, without reporting it; undefined if there is none. Never throws. */
export async function proofNow(all: readonly Stage[], run: Run): Promise<Proof | undefined> {
  const [proof] = await plan(all.filter(isProof), quiet(run)).catch(() => []);
  return proof?.plan.proof;
}
