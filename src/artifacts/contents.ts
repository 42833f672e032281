import { z } from 'zod';
import { isOutput, OUTPUTS, type ReceivedOutputs } from '../cluster/job-outputs.ts';
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
const snapshot = z.record(z.string().regex(/^[0-9a-f]{64}$/), outcome);
const plan = z.array(z.strictObject({ line: z.string(), image: z.array(z.string()).optional() }));

/**
 * What a host answered in its own job. Like all of these it throws artifact-damaged where something else was handed
 * over.
 */
export const snapshotIn = (handover: SealedArtifact): HostSnapshot =>
  readOf(handover, (text) => jsonOf(text, snapshot));

/** The changes of a plan. */
export const approvedIn = (handover: SealedArtifact): readonly Change[] =>
  readOf(handover, (text) => jsonOf(text, plan).map(({ line, image }) => ({ line, ...(image && { image }) })));

/** What stages left for the whole cluster; anything else is passed over. */
export const outputsIn = (handovers: readonly SealedArtifact[]): ReceivedOutputs =>
  Object.assign({}, ...handovers.filter(({ host }) => host === '').map(outputIn)) as ReceivedOutputs;

const outputIn = (handover: SealedArtifact): ReceivedOutputs => {
  const { kind, content } = handover;
  return isOutput(kind) ? readOf(handover, () => OUTPUTS[kind].receive(content)) : {};
};

/** The reason is not told: it may show what was handed over, which is secret. */
function readOf<T>(handover: SealedArtifact, read: (text: string) => T): T {
  try {
    return read(handover.content.reveal());
  } catch {
    throw deploymentError({
      code: 'artifact-damaged',
      what: `what ${fileName(handover)} holds is no ${handover.kind}`,
      remedy: 'Let all jobs of a run use one version of kuscia-swarm, and run the whole workflow again.',
    });
  }
}
