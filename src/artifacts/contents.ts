import { z } from 'zod';
import { isOutput, OUTPUTS, type ReceivedOutputs } from '../cluster/job-outputs.ts';
import { CAUSES, DETAILS, FIELDS, KINDS, THINGS } from '../engine/about.ts';
import type { Change } from '../engine/approved.ts';
import { deploymentError } from '../engine/errors.ts';
import { jsonOf } from '../engine/json.ts';
import type { HostSnapshot } from '../engine/snapshots.ts';
import { fileName, type SealedArtifact } from './sealed-artifact.ts';

const said = { stdout: z.string(), stderr: z.string() };
const outcome = z.discriminatedUnion('ended', [
  z.strictObject({
    ended: z.literal('exited'),
    code: z.int(),
    status: z.int().exactOptional(),
    server: z.string().exactOptional(),
    ...said,
  }),
  z.strictObject({ ended: z.literal('killed'), signal: z.string(), ...said }),
  z.strictObject({ ended: z.literal('timed-out'), afterMs: z.number(), ...said }),
  z.strictObject({ ended: z.literal('lost'), reason: z.string(), ...said }),
]);
const snapshot = z.record(z.string().regex(/^[0-9a-f]{64}$/), outcome);
const text = z.string().exactOptional();
const about = z.strictObject({
  kind: z.enum(KINDS),
  thing: z.enum(THINGS),
  name: text,
  details: z.partialRecord(z.enum(DETAILS), z.string()).exactOptional(),
});
const why = z.strictObject({
  because: z.enum(CAUSES),
  of: text,
  differs: z.array(z.strictObject({ field: z.enum(FIELDS), of: text, from: text, to: text })).exactOptional(),
});
const plan: z.ZodType<{ readonly changes: readonly Change[] }> = z.strictObject({
  changes: z.array(
    z.strictObject({
      stage: z.string(),
      host: z.string(),
      change: z.enum(['+', '~', '-', '?']),
      about,
      why: why.exactOptional(),
      image: z.array(z.string()).exactOptional(),
    }),
  ),
});

/**
 * What a host answered in its own job. Like all functions here it throws artifact-damaged for other content.
 */
export const snapshotIn = (handover: SealedArtifact): HostSnapshot =>
  readOf(handover, (text) => jsonOf(text, snapshot));

/** The changes of an approved plan. */
export const approvedIn = (handover: SealedArtifact): readonly Change[] =>
  readOf(handover, (text) => jsonOf(text, plan).changes);

/** What stages left for the whole cluster; anything else is passed over. */
export const outputsIn = (handovers: readonly SealedArtifact[]): ReceivedOutputs =>
  Object.assign({}, ...handovers.filter(({ host }) => host === '').map(outputIn)) as ReceivedOutputs;

const outputIn = (handover: SealedArtifact): ReceivedOutputs => {
  const { kind, content } = handover;
  return isOutput(kind) ? readOf(handover, () => OUTPUTS[kind].receive(content)) : {};
};

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
