import { approvedIn, joinTokensIn, provenanceIn, snapshotIn } from './artifacts/contents.ts';
import { readArtifacts, writeArtifact } from './artifacts/folder.ts';
import { artifactOf, missingArtifact, type SealedArtifact, type Kind } from './artifacts/sealed-artifact.ts';
import type { ReceivedOutputs } from './cluster/job-outputs.ts';
import type { Act } from './engine/ask.ts';
import { asker } from './engine/asker.ts';
import { changesIn, movedSince, type Change } from './engine/approved.ts';
import { commandFailure } from './engine/command-failure.ts';
import { DeploymentError, deploymentError, type Failure } from './engine/errors.ts';
import { succeeded } from './engine/outcome.ts';
import type { Run } from './engine/run.ts';
import { plan, type Planned } from './engine/runner.ts';
import { Secret } from './engine/secret.ts';
import type { Stage } from './engine/stage.ts';
import { Snapshots, type HostSnapshot } from './engine/snapshots.ts';
import { logText, type Log } from './diagnosis/logs.ts';
import type { Inputs } from './inputs/read.ts';
import { readConfiguration } from './kuscia/configuration.ts';
import { readJobOutputs } from './stages/job-outputs.ts';
import type { StageName } from './stages/names.ts';

/** What earlier jobs handed over to this one. */
export interface Received {
  /** What stages take of it; undefined where jobs hand over nothing, and hosts are asked instead. */
  readonly outputs?: ReceivedOutputs;
  /** Where not every host is reached: what the others answered in their own jobs. */
  readonly snapshots?: Snapshots;
  /** The changes that were agreed to, where a plan was handed over. */
  readonly approved?: readonly Change[];
  /** What of all this must be masked. */
  readonly secrets: readonly Secret[];
}

/** Opens what earlier jobs handed over and this one has a use for. Throws a DeploymentError that names all that is missing. */
export async function openReceived({ mode, stages, deployment, job }: Inputs): Promise<Received> {
  const { artifacts, reaches, here, origin } = job;
  const elsewhere =
    here === undefined || mode === 'snapshot' || mode === 'unlock'
      ? []
      : deployment.cluster.hosts.map(({ name }) => name).filter((name) => !reaches.includes(name));
  const kinds = new Set<Kind>(mode === 'apply' ? stages.flatMap(takenBy) : []);
  const wanted = (kind: Kind, host: string): boolean =>
    kinds.has(kind) || (kind === 'snapshot' && elsewhere.includes(host));
  const { received, key, unfetched } = artifacts ?? {};
  if (unfetched && kinds.size + elsewhere.length > 0) throw deploymentError(UNFETCHED);
  const all = received !== undefined && key ? await readArtifacts(received, key, origin, wanted) : [];
  // Tokens travel only while a host is still outside the swarm.
  const needed = received === undefined ? [] : [...kinds].filter((kind) => kind !== 'join-tokens');
  const missing = [
    ...needed.filter((kind) => !artifactOf(all, kind)).map((kind) => missingArtifact(kind)),
    ...elsewhere.filter((host) => !artifactOf(all, 'snapshot', host)).map((host) => missingArtifact('snapshot', host)),
  ];
  if (missing.length > 0) throw new DeploymentError(missing);
  const { secrets, ...taken } = handedIn(all);
  const agreed = artifactOf(all, 'plan');
  return {
    ...(received !== undefined && { outputs: taken }),
    secrets,
    ...(here !== undefined && {
      snapshots: new Snapshots(reaches, new Map(elsewhere.map((host) => [host, snapshotOf(all, host)]))),
    }),
    ...(agreed && { approved: approvedIn(agreed) }),
  };
}

/** What was fetched may be a part, or what it was before. */
const UNFETCHED: Failure = {
  code: 'artifact-missing',
  what: 'what earlier jobs handed over could not be downloaded',
  evidence: 'the step before this one failed (actions/download-artifact); its log says why',
  remedy:
    'Look at githubstatus.com, then run this job again (Re-run failed jobs); once artifacts are gone, after a ' +
    'day, the whole workflow.',
};

/** What a stage takes from the jobs before it: whatever changes something is held to the plan. */
const takenBy = (stage: StageName): readonly Kind[] => [
  ...(stage === 'verify' ? [] : (['plan'] as const)),
  ...(TAKEN[stage] ?? []),
];

const TAKEN: Readonly<Partial<Record<StageName, readonly Kind[]>>> = {
  'swarm-join': ['join-tokens'],
  'kuscia-start': ['kuscia-configuration', 'provenance'],
};

function snapshotOf(all: readonly SealedArtifact[], host: string): HostSnapshot {
  const handover = artifactOf(all, 'snapshot', host);
  return handover ? snapshotIn(handover) : {};
}

function handedIn(all: readonly SealedArtifact[]): ReceivedOutputs & { readonly secrets: readonly Secret[] } {
  const [tokens, configuration, provenance] = [
    artifactOf(all, 'join-tokens'),
    artifactOf(all, 'kuscia-configuration'),
    artifactOf(all, 'provenance'),
  ];
  const joinTokens = tokens && joinTokensIn(tokens);
  return {
    ...(joinTokens && { joinTokens }),
    ...(configuration && { configuration: configuration.content }),
    ...(provenance && { provenance: provenanceIn(provenance) }),
    secrets: [
      ...(joinTokens ? [joinTokens.manager, joinTokens.worker] : []),
      ...(configuration ? [readConfiguration(configuration.content, 'the artifact of kuscia-init').domainKey] : []),
    ],
  };
}

/** The same run without its plans and steps being told: secrets and commands still are. */
export const quiet = (run: Run): Run => ({
  ...run,
  emit: (event) => (event.is === 'secret' || event.is === 'command' ? run.emit(event) : undefined),
});

/** Nothing when the hosts still need what was agreed to. `all` are the stages of a whole deployment. */
export async function compareWithApproved(
  agreed: readonly Change[],
  all: readonly Stage[],
  run: Run,
): Promise<readonly Failure[]> {
  return movedSince(agreed, changesIn(await plan(changing(all), quiet(run))));
}

const changing = (stages: readonly Stage[]): Stage[] => stages.filter(({ name }) => name !== 'verify');

/** Hands the plan over for the job that is held to it. Gives how many files there are. */
export async function savePlan(inputs: Inputs, planned: readonly Planned[]): Promise<number> {
  return put(inputs, [{ kind: 'plan', host: '', content: new Secret('plan', JSON.stringify(changesIn(planned))) }]);
}

/**
 * Hands over what these stages leave to later jobs, and what the host of this job answers now. Gives how many files
 * there are.
 */
export async function saveOutputs(inputs: Inputs, all: readonly Stage[], run: Run): Promise<number> {
  const { deployment, job, stages, mode } = inputs;
  if (job.artifacts?.handedOver === undefined) return 0;
  const takes = (host: string): boolean => (job.host === undefined || job.host === host) && job.reaches.includes(host);
  const ask = { ...asker(run.fleet, run.emit, run.snapshots?.unrecorded()), run: permitted(run) };
  const handings = mode === 'apply' ? await readJobOutputs(stages, deployment, ask, takes) : [];
  const snapshots = await seen(inputs, all, run);
  return put(inputs, [...handings.map(({ kind, content }) => ({ kind, host: '', content })), ...snapshots]);
}

/** Runs a command that changes a host, under the lock. Throws a DeploymentError when it did not exit with 0. */
const permitted =
  (run: Run): Act['run'] =>
  async (host, command) => {
    await run.permit?.();
    const outcome = await run.fleet.run(host, command);
    if (!succeeded(outcome)) throw deploymentError(commandFailure(host, command, outcome));
    return outcome.stdout;
  };

/** The snapshot of this job's host: everything that a whole deployment asks it, asked now. */
async function seen({ job: { here } }: Inputs, all: readonly Stage[], run: Run): Promise<Content[]> {
  if (here === undefined || run.snapshots === undefined) return [];
  await plan(all, quiet(run));
  return [{ kind: 'snapshot', host: here, content: new Secret('snapshot', JSON.stringify(run.snapshots.of(here))) }];
}

type Content = Pick<SealedArtifact, 'kind' | 'host' | 'content'>;

/** Keeps the logs of a failed run, where that is wanted. Gives how many files there are. */
export async function keepLogs(
  { job: { logs, origin, here } }: Inputs,
  read: readonly Log[],
  masked: (text: string) => string,
): Promise<number> {
  if (logs === undefined || read.length === 0) return 0;
  await writeArtifact(
    logs.folder,
    { kind: 'logs', host: here ?? '', content: new Secret('logs', masked(logText(read))), origin, made: Date.now() },
    logs.key,
  );
  return 1;
}

async function put({ job: { artifacts, origin } }: Inputs, contents: readonly Content[]): Promise<number> {
  const { handedOver, key } = artifacts ?? {};
  if (handedOver === undefined || !key) return 0;
  for (const content of contents) await writeArtifact(handedOver, { ...content, origin, made: Date.now() }, key);
  return contents.length;
}
