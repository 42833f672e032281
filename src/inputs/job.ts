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
import { given, givenSecret, missingInput, invalidInput, type Environment } from './given.ts';

/** What a run knows about itself as one of several jobs that share a deployment. */
export interface Job {
  /** The host to work on; all hosts by default. */
  readonly host?: string;
  /** Hosts that this run queries itself; for the others it uses the artifacts of their jobs. */
  readonly reaches: readonly string[];
  /** The host whose answers this job passes on; undefined if every job reaches every host. */
  readonly here?: string;
  readonly artifacts?: Artifacts;
  /** Where to save the sealed logs of a failed run. */
  readonly logs?: { readonly key: Secret; readonly folder: string };
  /** Default for `runs-on`, as JSON. */
  readonly runner: string;
  /** The GitHub run to which this process belongs. */
  readonly origin: {
    readonly domain: string;
    readonly repository: string;
    readonly run: string;
    readonly call: string;
    readonly attempt: number;
  };
}

/** Variable in which an action passes its input `artifacts`. */
const CALL = 'KUSCIA_SWARM_ARTIFACTS';
/** Variable with the result of the download step, whose failure does not stop the job by itself. */
const DOWNLOAD_RESULT = 'KUSCIA_SWARM_FETCHED';

/** Where sealed artifacts are read from and written to. */
export interface Artifacts {
  readonly key: Secret;
  readonly received?: string;
  /** Set if some of them could not be downloaded. */
  readonly unfetched?: true;
  readonly handedOver?: string;
}

/** Reads the job from the environment; adds what is wrong or missing to `failures`. */
export function readJob(env: Environment, cluster: Cluster, mode: Mode, failures: Failure[]): Job {
  const { hosts }: Operation = OPERATIONS[mode];
  const host = readHost(env, 'host', cluster, failures);
  const here = readHost(env, 'here', cluster, failures);
  const withOwnRunner = ownRunners(cluster).map(({ name }) => name);
  if (here === undefined && withOwnRunner.length > 0 && asksHosts(mode))
    failures.push(
      missingInput('here', `${withOwnRunner.join(' and ')} have via: local, but this job runs on only one host`),
    );
  if (here !== undefined && withOwnRunner.length > 0 && !withOwnRunner.includes(here))
    failures.push(
      invalidInput('here', `is ${show(here)}, which does not have via: local (${withOwnRunner.join(', ')} do)`),
    );
  const domain = given(env, 'domain');
  if (domain !== undefined && domain !== cluster.domain)
    failures.push(invalidInput('domain', `is ${show(domain)}, but the cluster file describes ${show(cluster.domain)}`));
  checkWorkflowMode(env, failures);
  const reached = cluster.hosts
    .map(({ name }) => name)
    .filter((name) => !withOwnRunner.includes(name) || name === here);
  const manager = firstManager(cluster).name;
  if (hosts === 'first manager' && !reached.includes(manager))
    failures.push(
      invalidInput(
        'here',
        `is ${show(here ?? '')}, but the lock is on ${manager}, which only its own runner can reach`,
      ),
    );
  const artifacts = readArtifacts(env, withOwnRunner.length > 0, failures);
  const logs = readLogs(env, failures);
  return {
    ...(host !== undefined && { host }),
    ...(here !== undefined && withOwnRunner.length > 0 && { here }),
    reaches: hosts === 'first manager' ? [manager] : hosts === 'none' ? [] : reached,
    ...(artifacts && { artifacts }),
    ...(logs && { logs }),
    runner: readRunner(env, failures),
    origin: {
      domain: cluster.domain,
      repository: env['GITHUB_REPOSITORY'] ?? '',
      run: env['GITHUB_RUN_ID'] ?? '',
      call: env[CALL] ?? '',
      attempt: Number(env['GITHUB_RUN_ATTEMPT'] ?? 1) || 1,
    },
  };
}

/** An unknown mode would skip all jobs of the workflow and leave the run green. */
function checkWorkflowMode(env: Environment, failures: Failure[]): void {
  const word = given(env, 'workflow-mode');
  if (word === undefined || WORKFLOW_MODES.some((mode) => mode === word)) return;
  const suggestion = nearest(word, WORKFLOW_MODES);
  const what =
    `input mode of the workflow is ${show(word)}${suggestion === undefined ? '' : `; did you mean "${suggestion}"?`} ` +
    `(${WORKFLOW_MODES.join(', ')})`;
  failures.push({
    code: 'input-invalid',
    what,
    remedy: 'Correct the input mode where the workflow is called (for the action check: workflow-mode).',
  });
}

const runnersSchema = z.record(z.string(), z.array(z.string().min(1)).min(1));

/**
 * The cluster with approved runners only; adds a failure for each unapproved one. A cluster given as text is part of
 * the workflow and therefore trusted.
 */
export function approvedRunners(env: Environment, cluster: Cluster, failures: Failure[]): Cluster {
  const text = given(env, 'approved-runners');
  if (text === undefined || given(env, 'cluster')?.includes('\n')) return cluster;
  const approved = runnersIn(text);
  if (approved === undefined) {
    failures.push(invalidInput('approved-runners', 'is not valid JSON with labels by host'));
    return cluster;
  }
  const unapproved = Object.keys(runnersOf(cluster)).filter((host) => !Object.hasOwn(approved, host));
  failures.push(
    ...unapproved.map((host): Failure => ({
      code: 'runner-not-approved',
      host,
      what: `${host} has a runner, but not in the cluster file on the default branch`,
      cause: 'a job with the secrets would run on that runner, and a pull request must not choose where secrets go',
      remedy: 'Review and merge the host with its runner first; plans use it from then on.',
    })),
  );
  return withRunners(cluster, approved);
}

function runnersIn(text: string): Runners | undefined {
  try {
    return runnersSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A label, or JSON as in `runs-on`: a list of labels, a group. */
function readRunner(env: Environment, failures: Failure[]): string {
  const word = given(env, 'runner') ?? INPUTS.runner.default;
  if (!/^[[{"]/.test(word)) return JSON.stringify(word);
  try {
    return JSON.stringify(JSON.parse(word));
  } catch {
    failures.push(
      invalidInput(
        'runner',
        `is ${show(word)}, which is not valid JSON; use a label, or JSON such as ["self-hosted", "linux"]`,
      ),
    );
    return '""';
  }
}

function readHost(env: Environment, name: 'host' | 'here', cluster: Cluster, failures: Failure[]): string | undefined {
  const word = given(env, name);
  const names = cluster.hosts.map((host) => host.name);
  if (word === undefined || names.includes(word)) return word;
  const meant = nearest(word, names);
  failures.push(
    invalidInput(
      name,
      `is ${show(word)}, which is not a host in the cluster ` +
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
      missingInput(
        'seal-key',
        apart ? 'the jobs of several hosts exchange artifacts' : 'artifacts exchanged between jobs are always sealed',
      ),
    );
    return undefined;
  }
  return {
    key,
    ...(received !== undefined && { received }),
    ...(env[DOWNLOAD_RESULT] === 'failure' && { unfetched: true as const }),
    ...(handedOver !== undefined && { handedOver }),
  };
}

function readLogs(env: Environment, failures: Failure[]): Job['logs'] {
  const [kept, key] = [folder(env, 'logs-out'), givenSecret(env, 'seal-key')];
  if (kept === undefined) return undefined;
  if (key === undefined) failures.push(missingInput('seal-key', 'logs are only saved sealed'));
  return key && { key, folder: kept };
}

function folder(env: Environment, name: InputName): string | undefined {
  const path = given(env, name);
  return path === undefined ? undefined : resolve(env['GITHUB_WORKSPACE'] ?? '.', path);
}
