import { approvedIn, outputsIn, snapshotIn } from '../artifacts/contents.ts';
import { readArtifacts } from '../artifacts/folder.ts';
import { artifactOf, makerOf, missingArtifact, type SealedArtifact, type Kind } from '../artifacts/sealed-artifact.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { isOutput, OUTPUTS, type ReceivedOutputs } from '../cluster/job-outputs.ts';
import type { Change } from '../engine/approved.ts';
import { DeploymentError, deploymentError, type Failure } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import { Snapshots, type HostSnapshot } from '../engine/snapshots.ts';
import type { Job } from '../inputs/job.ts';
import type { OnHosts } from '../operations/operation.ts';
import { DEFINITIONS, definitionOf, type StageName } from '../stages/index.ts';

/** Determines what a job takes from earlier ones: what its operation takes, for these stages. */
export interface Wanted {
  readonly takes: OnHosts['takes'];
  readonly stages: readonly StageName[];
  readonly cluster: Cluster;
  readonly job: Pick<Job, 'artifacts' | 'reaches' | 'here' | 'origin'>;
}

/** What earlier jobs handed over to this one. */
export interface Received {
  /** Outputs for the stages; undefined if jobs hand over nothing, so that hosts are asked instead. */
  readonly outputs?: ReceivedOutputs;
  /** If not every host is reached: the answers of the others, recorded by their own jobs. */
  readonly snapshots?: Snapshots;
  /** The approved changes, if a plan was handed over. */
  readonly approved?: readonly Change[];
  /** The secrets in all of this, which must be masked. */
  readonly secrets: readonly Secret[];
}

/**
 * Opens those artifacts of earlier jobs that this one needs. Throws a DeploymentError that names everything missing.
 */
export async function openReceived({ takes, stages, cluster, job }: Wanted): Promise<Received> {
  const { artifacts, reaches, here, origin } = job;
  const elsewhere =
    here === undefined || takes === 'nothing'
      ? []
      : cluster.hosts.map(({ name }) => name).filter((name) => !reaches.includes(name));
  const kinds = new Set<Kind>(takes === 'outputs and snapshots' ? stages.flatMap(takenBy) : []);
  const wanted = (kind: Kind, host: string): boolean =>
    kinds.has(kind) || (kind === 'snapshot' && elsewhere.includes(host));
  const { received, key, unfetched } = artifacts ?? {};
  if (unfetched && kinds.size + elsewhere.length > 0) throw deploymentError(UNFETCHED);
  const all = received !== undefined && key ? await readArtifacts(received, key, origin, wanted) : [];
  const needed = received === undefined ? [] : [...kinds].filter((kind) => !isOutput(kind) || OUTPUTS[kind].always);
  const missing = [
    ...needed.filter((kind) => !artifactOf(all, kind)).map((kind) => missingArtifact(kind, madeBy(kind))),
    ...elsewhere
      .filter((host) => !artifactOf(all, 'snapshot', host))
      .map((host) => missingArtifact('snapshot', madeBy('snapshot'), host)),
  ];
  if (missing.length > 0) throw new DeploymentError(missing);
  const outputs = outputsIn(all);
  const plan = artifactOf(all, 'plan');
  return {
    ...(received !== undefined && { outputs }),
    secrets: DEFINITIONS.flatMap(({ leaves }) => leaves?.secrets(outputs) ?? []),
    ...(here !== undefined && {
      snapshots: new Snapshots(reaches, new Map(elsewhere.map((host) => [host, snapshotOf(all, host)]))),
    }),
    ...(plan && { approved: approvedIn(plan) }),
  };
}

/** The files that are there may be incomplete or outdated, so none of them are used. */
const UNFETCHED: Failure = {
  code: 'artifact-missing',
  what: 'the artifacts of earlier jobs could not be downloaded',
  evidence: 'the previous step failed (actions/download-artifact); see its log',
  remedy:
    'Check githubstatus.com, then run this job again (Re-run failed jobs). After a day, when the artifacts have ' +
    'expired, run the whole workflow again.',
};

/** What a stage takes from earlier jobs. Every stage that changes something must follow the plan. */
function takenBy(stage: StageName): readonly Kind[] {
  const { judges, takes = [] } = definitionOf(stage);
  return [...(judges ? [] : (['plan'] as const)), ...takes];
}

/** The job that hands over artifacts of that kind. */
const madeBy = (kind: Kind): string =>
  isOutput(kind) ? (DEFINITIONS.find(({ leaves }) => leaves?.kinds.includes(kind))?.name ?? '') : makerOf(kind);

function snapshotOf(all: readonly SealedArtifact[], host: string): HostSnapshot {
  const artifact = artifactOf(all, 'snapshot', host);
  return artifact ? snapshotIn(artifact) : {};
}
