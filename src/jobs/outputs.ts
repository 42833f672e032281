import { writeArtifact } from '../artifacts/folder.ts';
import type { SealedArtifact } from '../artifacts/sealed-artifact.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Act } from '../engine/ask.ts';
import { asker } from '../engine/asker.ts';
import { changesIn } from '../engine/approved.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { deploymentError } from '../engine/errors.ts';
import { succeeded } from '../engine/outcome.ts';
import { quiet } from '../engine/quiet.ts';
import type { Run } from '../engine/run.ts';
import { plan, type Planned } from '../engine/runner.ts';
import { Secret } from '../engine/secret.ts';
import type { Stage } from '../engine/stage.ts';
import type { Job } from '../inputs/job.ts';
import { readJobOutputs } from '../stages/job-outputs.ts';
import { definitionOf, type StageName } from '../stages/index.ts';

/** What is sealed, without the fields that the job adds. */
type Content = Pick<SealedArtifact, 'kind' | 'host' | 'content'>;

/** The plan, for the jobs that must follow it. */
export const planContents = (planned: readonly Planned[]): readonly Content[] => [
  { kind: 'plan', host: '', content: new Secret('plan', JSON.stringify({ changes: changesIn(planned) })) },
];

/** The outputs of these stages for later jobs. */
export async function outputContents(
  job: Pick<Job, 'host' | 'reaches'>,
  stages: readonly StageName[],
  deployment: Deployment,
  run: Run,
): Promise<readonly Content[]> {
  const covers = (host: string): boolean => (job.host === undefined || job.host === host) && job.reaches.includes(host);
  const ask = { ...asker(run.fleet, run.emit, run.snapshots?.unrecorded()), run: permitted(run) };
  const outputs = await readJobOutputs(stages.map(definitionOf), deployment, ask, covers);
  return outputs.map(({ kind, content }) => ({ kind, host: '', content }));
}

/**
 * The snapshot of this job's host: its present answers to all queries of a whole deployment, which consists of `all`
 * stages.
 */
export async function snapshotContents(
  { here }: Pick<Job, 'here'>,
  all: readonly Stage[],
  run: Run,
): Promise<readonly Content[]> {
  if (here === undefined || run.snapshots === undefined) return [];
  await plan(all, quiet(run));
  return [{ kind: 'snapshot', host: here, content: new Secret('snapshot', JSON.stringify(run.snapshots.of(here))) }];
}

/** Whether this job hands anything over to later jobs. */
export const isTaken = ({ artifacts }: Pick<Job, 'artifacts'>): boolean => artifacts?.handedOver !== undefined;

/** Seals the contents for later jobs, if this job hands anything over. Returns the number of files written. */
export async function seal(
  { artifacts, origin }: Pick<Job, 'artifacts' | 'origin'>,
  contents: readonly Content[],
): Promise<number> {
  const { handedOver, key } = artifacts ?? {};
  if (handedOver === undefined || !key) return 0;
  for (const content of contents) await writeArtifact(handedOver, { ...content, origin, made: Date.now() }, key);
  return contents.length;
}

/** Runs a command that changes a host, under the lock. Throws a DeploymentError unless it exited with 0. */
const permitted =
  (run: Run): Act['run'] =>
  async (host, command) => {
    await run.permit?.();
    const outcome = await run.fleet.run(host, command);
    if (!succeeded(outcome)) throw deploymentError(commandFailure(host, command, outcome));
    return outcome.stdout;
  };
