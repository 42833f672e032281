import { z } from 'zod';
import { readJoinTokens, readProvenance, type JoinTokens, type Provenance } from '../cluster/job-outputs.ts';
import type { Change } from '../engine/approved.ts';
import { deploymentError } from '../engine/errors.ts';
import { jsonOf } from '../engine/json.ts';
import type { HostSnapshot } from '../engine/snapshots.ts';
import { fileName, type SealedArtifact } from './sealed-artifact.ts';

const said = { stdout: z.string(), stderr: z.string() };
const outcome = z.discriminatedUnion('ended', [
  z.strictObject({ ended: z.literal('exited'), code: z.int(), ...said }),
  z.strictObject({ ended: z.literal('killed'), signal: z.string(), ...said }),
  z.strictObject({ ended: z.literal('timed-out'), afterMs: z.number(), ...said }),
  z.strictObject({ ended: z.literal('lost'), reason: z.string(), ...said }),
]);
const view = z.record(z.string().regex(/^[0-9a-f]{64}$/), outcome);
const plan = z.array(z.strictObject({ line: z.string(), image: z.array(z.string()).optional() }));

/**
 * What a host answered in its own job. Like all functions here it throws artifact-damaged for other content.
 */
export const snapshotIn = (handover: SealedArtifact): HostSnapshot => readOf(handover, (text) => jsonOf(text, view));

/** The changes of an approved plan. */
export const approvedIn = (handover: SealedArtifact): readonly Change[] =>
  readOf(handover, (text) => jsonOf(text, plan).map(({ line, image }) => ({ line, ...(image && { image }) })));

export const joinTokensIn = (handover: SealedArtifact): JoinTokens =>
  readOf(handover, () => readJoinTokens(handover.content));

export const provenanceIn = (handover: SealedArtifact): Provenance =>
  readOf(handover, () => readProvenance(handover.content));

/** Drops the parse error, which could show secret content. */
function readOf<T>(handover: SealedArtifact, read: (text: string) => T): T {
  try {
    return read(handover.content.reveal());
  } catch {
    throw deploymentError({
      code: 'artifact-damaged',
      what: `${fileName(handover)} does not contain a valid ${handover.kind}`,
      remedy: 'Use the same version of kuscia-swarm in all jobs, then run the whole workflow again.',
    });
  }
}
