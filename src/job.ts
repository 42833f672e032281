import { agreedIn, joinTokensIn, provenanceIn, viewIn } from './artifacts/contents.ts';
import { receive, handOver } from './artifacts/folder.ts';
import { handed, missingHandover, type Handover, type Kind } from './artifacts/handover.ts';
import type { Handed } from './cluster/handed.ts';
import type { Act } from './engine/ask.ts';
import { asker } from './engine/asker.ts';
import { changesIn, movedSince, type Change } from './engine/agreed.ts';
import { commandFailure } from './engine/command-failure.ts';
import { Trouble, trouble, type Failure } from './engine/errors.ts';
import { succeeded } from './engine/outcome.ts';
import type { Run } from './engine/run.ts';
import { plan, type Planned } from './engine/runner.ts';
import { Secret } from './engine/secret.ts';
import type { Stage } from './engine/stage.ts';
import { Views, type View } from './engine/views.ts';
import { logText, type Log } from './diagnosis/logs.ts';
import type { Inputs } from './inputs/read.ts';
import { readConfiguration } from './kuscia/configuration.ts';
import { askHandings } from './stages/handings.ts';
import type { StageName } from './stages/names.ts';

/** What earlier jobs handed over to this one. */
export interface Received {
  /** What stages take of it; undefined where jobs hand over nothing, and hosts are asked instead. */
  readonly handed?: Handed;
  /** Where not every host is reached: what the others answered in their own jobs. */
  readonly views?: Views;
  /** The changes that were agreed to, where a plan was handed over. */
  readonly agreed?: readonly Change[];
  /** What of all this must be masked. */
  readonly secrets: readonly Secret[];
}

/** Opens what earlier jobs handed over and this one has a use for. Throws a Trouble that names all that is missing. */
export async function openReceived({ mode, stages, deployment, job }: Inputs): Promise<Received> {
  const { artifacts, reaches, here, origin } = job;
  const elsewhere =
    here === undefined || mode === 'look' || mode === 'unlock'
      ? []
      : deployment.cluster.hosts.map(({ name }) => name).filter((name) => !reaches.includes(name));
  const kinds = new Set<Kind>(mode === 'apply' ? stages.flatMap(takenBy) : []);
  const wanted = (kind: Kind, host: string): boolean =>
    kinds.has(kind) || (kind === 'view' && elsewhere.includes(host));
  const { received, key, unfetched } = artifacts ?? {};
  if (unfetched && kinds.size + elsewhere.length > 0) throw trouble(UNFETCHED);
  const all = received !== undefined && key ? await receive(received, key, origin, wanted) : [];
  // Tokens travel only while a host is still outside the swarm.
  const needed = received === undefined ? [] : [...kinds].filter((kind) => kind !== 'join-tokens');
  const missing = [
    ...needed.filter((kind) => !handed(all, kind)).map((kind) => missingHandover(kind)),
    ...elsewhere.filter((host) => !handed(all, 'view', host)).map((host) => missingHandover('view', host)),
  ];
  if (missing.length > 0) throw new Trouble(missing);
  const { secrets, ...taken } = handedIn(all);
  const agreed = handed(all, 'plan');
  return {
    ...(received !== undefined && { handed: taken }),
    secrets,
    ...(here !== undefined && {
      views: new Views(reaches, new Map(elsewhere.map((host) => [host, viewOf(all, host)]))),
    }),
    ...(agreed && { agreed: agreedIn(agreed) }),
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

function viewOf(all: readonly Handover[], host: string): View {
  const handover = handed(all, 'view', host);
  return handover ? viewIn(handover) : {};
}

function handedIn(all: readonly Handover[]): Handed & { readonly secrets: readonly Secret[] } {
  const [tokens, configuration, provenance] = [
    handed(all, 'join-tokens'),
    handed(all, 'kuscia-configuration'),
    handed(all, 'provenance'),
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
export const untold = (run: Run): Run => ({
  ...run,
  emit: (event) => (event.is === 'secret' || event.is === 'command' ? run.emit(event) : undefined),
});

/** Nothing when the hosts still need what was agreed to. `all` are the stages of a whole deployment. */
export async function heldToAgreed(
  agreed: readonly Change[],
  all: readonly Stage[],
  run: Run,
): Promise<readonly Failure[]> {
  return movedSince(agreed, changesIn(await plan(changing(all), untold(run))));
}

const changing = (stages: readonly Stage[]): Stage[] => stages.filter(({ name }) => name !== 'verify');

/** Hands the plan over for the job that is held to it. Gives how many files there are. */
export async function handPlanOver(inputs: Inputs, planned: readonly Planned[]): Promise<number> {
  return put(inputs, [{ kind: 'plan', host: '', content: new Secret('plan', JSON.stringify(changesIn(planned))) }]);
}

/**
 * Hands over what these stages leave to later jobs, and what the host of this job answers now. Gives how many files
 * there are.
 */
export async function handSettledOver(inputs: Inputs, all: readonly Stage[], run: Run): Promise<number> {
  const { deployment, job, stages, mode } = inputs;
  if (job.artifacts?.handedOver === undefined) return 0;
  const takes = (host: string): boolean => (job.host === undefined || job.host === host) && job.reaches.includes(host);
  const ask = { ...asker(run.fleet, run.emit, run.views?.unrecorded()), run: permitted(run) };
  const handings = mode === 'apply' ? await askHandings(stages, deployment, ask, takes) : [];
  const views = await seen(inputs, all, run);
  return put(inputs, [...handings.map(({ kind, content }) => ({ kind, host: '', content })), ...views]);
}

/** Runs a command that changes a host, under the lock. Throws a Trouble when it did not exit with 0. */
const permitted =
  (run: Run): Act['run'] =>
  async (host, command) => {
    await run.permit?.();
    const outcome = await run.fleet.run(host, command);
    if (!succeeded(outcome)) throw trouble(commandFailure(host, command, outcome));
    return outcome.stdout;
  };

/** The view of this job's host: everything that a whole deployment asks it, asked now. */
async function seen({ job: { here } }: Inputs, all: readonly Stage[], run: Run): Promise<Content[]> {
  if (here === undefined || run.views === undefined) return [];
  await plan(all, untold(run));
  return [{ kind: 'view', host: here, content: new Secret('view', JSON.stringify(run.views.viewOf(here))) }];
}

type Content = Pick<Handover, 'kind' | 'host' | 'content'>;

/** Keeps the logs of a failed run, where that is wanted. Gives how many files there are. */
export async function keepLogs(
  { job: { logs, origin, here } }: Inputs,
  read: readonly Log[],
  masked: (text: string) => string,
): Promise<number> {
  if (logs === undefined || read.length === 0) return 0;
  await handOver(
    logs.folder,
    { kind: 'logs', host: here ?? '', content: new Secret('logs', masked(logText(read))), origin, made: Date.now() },
    logs.key,
  );
  return 1;
}

async function put({ job: { artifacts, origin } }: Inputs, contents: readonly Content[]): Promise<number> {
  const { handedOver, key } = artifacts ?? {};
  if (handedOver === undefined || !key) return 0;
  for (const content of contents) await handOver(handedOver, { ...content, origin, made: Date.now() }, key);
  return contents.length;
}
