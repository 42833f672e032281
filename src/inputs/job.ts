import { resolve } from 'node:path';
import { z } from 'zod';
import { firstManager, type Cluster } from '../cluster/cluster.ts';
import { ownRunners, runnersOf, withRunners, type Runners } from '../cluster/jobs.ts';
import { nearest } from '../cluster/nearest.ts';
import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import { asksHosts, OPERATIONS, type Mode } from '../operations/index.ts';
import type { Operation } from '../operations/operation.ts';
import { INPUTS, WORKFLOW_MODES, type InputName } from './catalogue.ts';
import { given, givenSecret, missing, wrong, type Environment } from './given.ts';

/** What a run is told as one job of several that share a deployment. */
export interface Job {
  /** The host whose part is done; all hosts' unless told. */
  readonly host?: string;
  /** Hosts that this run asks itself; of the others it takes what their jobs handed over. */
  readonly reaches: readonly string[];
  /** The host of which this job hands over what it answered; undefined where every job reaches every host. */
  readonly here?: string;
  readonly artifacts?: Artifacts;
  /** Where the logs of a failed run are kept, sealed. */
  readonly logs?: { readonly key: Secret; readonly folder: string };
  /** What `runs-on` takes for jobs whose host names no runner of its own, as JSON. */
  readonly runner: string;
  /** Where this run belongs, as GitHub tells it. */
  readonly origin: {
    readonly domain: string;
    readonly repository: string;
    readonly run: string;
    readonly call: string;
    readonly attempt: number;
  };
}

/** Where an action tells what its input `artifacts` is. */
const CALL = 'KUSCIA_SWARM_ARTIFACTS';
/** Where it tells how its step that fetches artifacts ended, which stops nothing by itself. */
const FETCHED = 'KUSCIA_SWARM_FETCHED';

/** Where sealed files are taken from and put. */
export interface Artifacts {
  readonly key: Secret;
  readonly received?: string;
  /** Set where they could not be fetched, or not all of them. */
  readonly unfetched?: true;
  readonly handedOver?: string;
}

/** The job that the environment tells of; what is wrong or missing goes to `failures`. */
export function readJob(env: Environment, cluster: Cluster, mode: Mode, failures: Failure[]): Job {
  const { hosts }: Operation = OPERATIONS[mode];
  const host = oneHost(env, 'host', cluster, failures);
  const here = oneHost(env, 'here', cluster, failures);
  const apart = ownRunners(cluster).map(({ name }) => name);
  if (here === undefined && apart.length > 0 && asksHosts(mode))
    failures.push(missing('here', `${apart.join(' and ')} have via: local, and this runs on one host only`));
  if (here !== undefined && apart.length > 0 && !apart.includes(here))
    failures.push(wrong('here', `is ${show(here)}, which has no via: local (${apart.join(', ')} have)`));
  const domain = given(env, 'domain');
  if (domain !== undefined && domain !== cluster.domain)
    failures.push(wrong('domain', `is ${show(domain)}, but the cluster file is of ${show(cluster.domain)}`));
  checkWorkflowMode(env, failures);
  const reached = cluster.hosts.map(({ name }) => name).filter((name) => !apart.includes(name) || name === here);
  const manager = firstManager(cluster).name;
  if (hosts === 'first manager' && !reached.includes(manager))
    failures.push(
      wrong('here', `is ${show(here ?? '')}, but the lock is kept on ${manager}, which only its own runner reaches`),
    );
  const artifacts = readArtifacts(env, apart.length > 0, failures);
  const logs = readLogs(env, failures);
  return {
    ...(host !== undefined && { host }),
    ...(here !== undefined && apart.length > 0 && { here }),
    reaches: hosts === 'first manager' ? [manager] : hosts === 'none' ? [] : reached,
    ...(artifacts && { artifacts }),
    ...(logs && { logs }),
    runner: oneRunner(env, failures),
    origin: {
      domain: cluster.domain,
      repository: env['GITHUB_REPOSITORY'] ?? '',
      run: env['GITHUB_RUN_ID'] ?? '',
      call: env[CALL] ?? '',
      attempt: Number(env['GITHUB_RUN_ATTEMPT'] ?? 1) || 1,
    },
  };
}

/** A mode that no job of a workflow goes by would leave all of them out, and the run green. */
function checkWorkflowMode(env: Environment, failures: Failure[]): void {
  const word = given(env, 'workflow-mode');
  if (word === undefined || WORKFLOW_MODES.some((mode) => mode === word)) return;
  const meant = nearest(word, WORKFLOW_MODES);
  const what =
    `input mode of the workflow is ${show(word)}${meant === undefined ? '' : `; did you mean "${meant}"?`} ` +
    `(${WORKFLOW_MODES.join(', ')})`;
  failures.push({
    code: 'input-invalid',
    what,
    remedy: 'Correct the input mode where the workflow is called (of the action check: workflow-mode).',
  });
}

const runnersSchema = z.record(z.string(), z.array(z.string().min(1)).min(1));

/**
 * The cluster with only those runners that were agreed to; one that its file alone names goes to `failures`. A text in
 * place of a file is the workflow's own.
 */
export function approvedRunners(env: Environment, cluster: Cluster, failures: Failure[]): Cluster {
  const text = given(env, 'agreed-runners');
  if (text === undefined || given(env, 'cluster')?.includes('\n')) return cluster;
  const agreed = runnersIn(text);
  if (agreed === undefined) {
    failures.push(wrong('agreed-runners', 'is no JSON of labels by host'));
    return cluster;
  }
  const foreign = Object.keys(runnersOf(cluster)).filter((host) => !Object.hasOwn(agreed, host));
  failures.push(
    ...foreign.map((host): Failure => ({
      code: 'runner-not-agreed',
      host,
      what: `${host} names a runner, but the cluster file on the default branch names none for it`,
      cause: 'a job with the secrets would run there, and whoever opens a pull request is not to say where',
      remedy: 'Merge the host with its runner first, after a look at it; plans know it from then on.',
    })),
  );
  return withRunners(cluster, agreed);
}

function runnersIn(text: string): Runners | undefined {
  try {
    return runnersSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A label, or what `runs-on` takes as JSON: a list of labels, a group. */
function oneRunner(env: Environment, failures: Failure[]): string {
  const word = given(env, 'runner') ?? INPUTS.runner.default;
  if (!/^[[{"]/.test(word)) return JSON.stringify(word);
  try {
    return JSON.stringify(JSON.parse(word));
  } catch {
    failures.push(
      wrong('runner', `is ${show(word)}, which is no JSON; write a label, or JSON such as ["self-hosted", "linux"]`),
    );
    return '""';
  }
}

function oneHost(env: Environment, name: 'host' | 'here', cluster: Cluster, failures: Failure[]): string | undefined {
  const word = given(env, name);
  const names = cluster.hosts.map((host) => host.name);
  if (word === undefined || names.includes(word)) return word;
  const meant = nearest(word, names);
  failures.push(
    wrong(
      name,
      `is ${show(word)}, which is no host of the cluster ` +
        `file${meant === undefined ? '' : `; did you mean "${meant}"?`} (${names.join(', ')})`,
    ),
  );
  return undefined;
}

function readArtifacts(env: Environment, apart: boolean, failures: Failure[]): Artifacts | undefined {
  const [received, handedOver, key] = [
    folder(env, 'artifacts-in'),
    folder(env, 'artifacts-out'),
    givenSecret(env, 'seal-key'),
  ];
  if (received === undefined && handedOver === undefined) return undefined;
  if (key === undefined) {
    failures.push(
      missing(
        'seal-key',
        apart
          ? 'the jobs of several hosts hand over what each of them answered'
          : 'what jobs hand over to each other is always sealed',
      ),
    );
    return undefined;
  }
  return {
    key,
    ...(received !== undefined && { received }),
    ...(env[FETCHED] === 'failure' && { unfetched: true as const }),
    ...(handedOver !== undefined && { handedOver }),
  };
}

function readLogs(env: Environment, failures: Failure[]): Job['logs'] {
  const [kept, key] = [folder(env, 'logs-out'), givenSecret(env, 'seal-key')];
  if (kept === undefined) return undefined;
  if (key === undefined) failures.push(missing('seal-key', 'logs are only kept sealed'));
  return key && { key, folder: kept };
}

function folder(env: Environment, name: InputName): string | undefined {
  const path = given(env, name);
  return path === undefined ? undefined : resolve(env['GITHUB_WORKSPACE'] ?? '.', path);
}
