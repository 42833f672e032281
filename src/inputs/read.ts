import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { PROOF } from '../cluster/matrix.ts';
import { nearest } from '../cluster/nearest.ts';
import { show } from '../cluster/problem.ts';
import { sealKeyFault } from '../artifacts/seal.ts';
import { DeploymentError, type Failure } from '../engine/errors.ts';
import { Secret, UnusedSecret } from '../engine/secret.ts';
import { OPERATIONS, type Mode } from '../operations/index.ts';
import type { ClusterSecret } from '../stages/definition.ts';
import { applying, STAGES, type StageName } from '../stages/index.ts';
import { oneCluster } from './cluster-file.ts';
import { INPUT_LIST, JOB_MODES, MODES, type InputName } from './catalogue.ts';
import { given, givenOrDefault, givenSecret, missing, wrong, type Environment } from './given.ts';
import type { Files } from './files.ts';
import type { ImagesRead } from './images.ts';
import { approvedRunners, readJob, type Job } from './job.ts';
import { readLock, type LockWish } from './lock.ts';
import { waitOf } from './minutes.ts';
import { maskedWords } from './masked.ts';
import { maskFault, passwordFault } from './password.ts';
import { certificateFault, certificateKeyFault, isEncrypted, sshKeyFault } from './pem.ts';
import { secretsUsed } from './uses.ts';

/**
 * What reaching hosts over SSH takes. The key of the bastion is there where it is another one than that of the hosts.
 */
export interface Login {
  readonly sshKey?: Secret;
  readonly passphrase?: Secret;
  readonly bastionKey?: Secret;
  readonly bastionPassphrase?: Secret;
  readonly knownHosts?: string;
}

/** What a run is asked for, read and checked. */
export interface Inputs {
  readonly mode: Mode;
  /** The selected stages in their order. */
  readonly stages: readonly StageName[];
  readonly deployment: Deployment;
  /** What reaching hosts over SSH takes; the key and the known hosts are there as soon as one host is. */
  readonly login: Login;
  readonly job: Job;
  readonly lock: LockWish;
}

/**
 * The inputs that the environment holds as GitHub's runner gives them. Throws a DeploymentError with everything that is
 * wrong or missing, the faults of the cluster file and of the images included.
 */
export function readInputs(
  env: Environment,
  files: Files,
  { archives, failures: imageFaults }: ImagesRead = { failures: [] },
): Inputs {
  const inputFaults: Failure[] = [];
  const clusterFaults: Failure[] = [];
  const mode = oneMode(env, inputFaults);
  const selected = someStages(env, inputFaults);
  const named: readonly StageName[] = OPERATIONS[mode].stages === 'proof' ? [PROOF] : selected;
  const repair = oneFlag(env, 'repair', inputFaults);
  const upgradesDatabase = oneFlag(env, 'upgrade-database', inputFaults);
  const taskWaitMs = waitOf(env, 'task-wait', inputFaults);
  const lock = readLock(env, inputFaults);
  const described = oneCluster(env, files, clusterFaults);
  const cluster = described && approvedRunners(env, described, inputFaults);
  const stages = cluster ? applying(named, cluster) : named;
  if (named.length > 0 && stages.length === 0)
    inputFaults.push(wrong('stage', `names only what this cluster has no use for (${named.join(', ')})`));
  const job = cluster && readJob(env, cluster, mode, inputFaults);
  const words = maskedWords(env, files);
  const failures = [
    ...inputFaults,
    ...unfitInputs(env, words),
    ...missingInputs(env, cluster, job, secretsUsed(mode, stages, job?.here !== undefined)),
    ...imageFaults,
    ...clusterFaults,
  ];
  if (failures.length > 0 || !cluster || !job) throw new DeploymentError(failures);
  const databasePassword = givenSecret(env, 'database-password') ?? new UnusedSecret('database password');
  const secrets = { databasePassword, ...optionalSecrets(env, cluster) };
  return {
    mode,
    stages,
    deployment: { cluster, secrets, repair, upgradesDatabase, taskWaitMs, ...(archives && { archives }) },
    login: loginOf(env),
    job,
    lock,
  };
}

function oneMode(env: Environment, failures: Failure[]): Mode {
  const word = givenOrDefault(env, 'mode');
  const mode = JOB_MODES.find((candidate) => candidate === word);
  if (!mode) failures.push(wrong('mode', notOneOf(word, MODES)));
  return mode ?? 'apply';
}

function someStages(env: Environment, failures: Failure[]): readonly StageName[] {
  const words = givenOrDefault(env, 'stage')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const unknown = words.filter((word) => word !== 'all' && !STAGES.some((stage) => stage === word));
  failures.push(...unknown.map((word) => wrong('stage', notOneOf(word, [...STAGES, 'all']))));
  if (words.length === 0) failures.push(wrong('stage', `names no stage (${[...STAGES, 'all'].join(', ')})`));
  return words.includes('all') ? STAGES : STAGES.filter((stage) => words.includes(stage));
}

function oneFlag(env: Environment, name: 'repair' | 'upgrade-database', failures: Failure[]): boolean {
  const word = givenOrDefault(env, name);
  if (!/^(true|false)$/i.test(word)) failures.push(wrong(name, `is ${show(word)}; must be true or false`));
  return /^true$/i.test(word);
}

function notOneOf(word: string, words: readonly string[]): string {
  const meant = nearest(word, words);
  return `is ${show(word)}${meant === undefined ? '' : `; did you mean "${meant}"?`} (${words.join(', ')})`;
}

/**
 * Inputs whose text cannot be what it should be; judged whether this cluster needs them or not. No secret is taken that
 * could not be masked.
 */
function unfitInputs(env: Environment, words: readonly string[]): Failure[] {
  const faults: Partial<Record<InputName, (text: string) => string | undefined>> = {
    'ssh-key': sshKeyFault,
    'bastion-key': sshKeyFault,
    'database-password': (password) => passwordFault(password, words),
    'seal-key': sealKeyFault,
    'load-balancer-certificate': certificateFault,
    'load-balancer-key': (key) => certificateKeyFault(key, given(env, 'load-balancer-certificate')),
  };
  return INPUT_LIST.flatMap(({ name, kind }) => {
    const text = given(env, name);
    const fault =
      text === undefined
        ? undefined
        : (faults[name]?.(text) ?? (kind === 'secret' ? maskFault(text, words) : undefined));
    return fault === undefined ? [] : [wrong(name, fault)];
  });
}

/**
 * What this run needs and was not given: of SSH for the hosts that it reaches, of the cluster's secrets those in
 * `used`.
 */
function missingInputs(
  env: Environment,
  cluster: Cluster | undefined,
  job: Job | undefined,
  used: ReadonlySet<ClusterSecret>,
): Failure[] {
  const need = (name: InputName, why: string | false | undefined): Failure[] =>
    why && given(env, name) === undefined ? [missing(name, why)] : [];
  const needUsed = (name: ClusterSecret, why: string | false | undefined): Failure[] =>
    used.has(name) ? need(name, why) : [];
  const overSsh =
    cluster?.hosts
      .filter(({ name, route }) => route.via === 'ssh' && job?.reaches.includes(name))
      .map(({ name }) => name) ?? [];
  const ssh = overSsh.length > 0 && `${overSsh.join(', ')} ${overSsh.length === 1 ? 'is' : 'are'} reached over SSH`;
  const key = given(env, 'ssh-key');
  const bastionKey = given(env, 'bastion-key');
  const https = cluster?.loadBalancer.scheme === 'https' && 'the load balancer speaks https';
  return [
    ...need('ssh-key', ssh),
    ...need('ssh-key-passphrase', key !== undefined && isEncrypted(key) && 'the SSH key is encrypted'),
    ...need(
      'bastion-key-passphrase',
      bastionKey !== undefined && isEncrypted(bastionKey) && 'the key of the bastion is encrypted',
    ),
    ...need('known-hosts', ssh && `${ssh}, and a host is only connected to when its key is known`),
    ...needUsed('database-password', 'the replicas share a database, and what is to be done asks it'),
    ...needUsed(
      'registry-password',
      cluster?.registry && `images are pulled from ${cluster.registry.server} as ${cluster.registry.username}`,
    ),
    ...needUsed('load-balancer-certificate', https),
    ...needUsed('load-balancer-key', https),
  ];
}

/** The secrets that this cluster has a use for. */
function optionalSecrets(env: Environment, cluster: Cluster): Omit<Deployment['secrets'], 'databasePassword'> {
  const registryPassword = cluster.registry && givenSecret(env, 'registry-password');
  const kusciaConfig = givenSecret(env, 'kuscia-config');
  const https = cluster.loadBalancer.scheme === 'https';
  const loadBalancerCertificate = https ? givenPem(env, 'load-balancer-certificate') : undefined;
  const loadBalancerKey = https ? givenPem(env, 'load-balancer-key') : undefined;
  return {
    ...(registryPassword && { registryPassword }),
    ...(kusciaConfig && { kusciaConfig }),
    ...(loadBalancerCertificate && { loadBalancerCertificate }),
    ...(loadBalancerKey && { loadBalancerKey }),
  };
}

function loginOf(env: Environment): Login {
  const sshKey = givenPem(env, 'ssh-key');
  const passphrase = givenSecret(env, 'ssh-key-passphrase');
  const bastionKey = givenPem(env, 'bastion-key');
  const bastionPassphrase = givenSecret(env, 'bastion-key-passphrase');
  const knownHosts = given(env, 'known-hosts');
  return {
    ...(sshKey && { sshKey }),
    ...(passphrase && { passphrase }),
    ...(bastionKey && { bastionKey }),
    ...(bastionPassphrase && { bastionPassphrase }),
    ...(knownHosts !== undefined && { knownHosts }),
  };
}

/** A PEM text as programs like it best: line feeds only, one at its end. */
function givenPem(env: Environment, name: InputName): Secret | undefined {
  const secret = givenSecret(env, name);
  return secret && new Secret(secret.name, `${secret.reveal().replaceAll('\r\n', '\n')}\n`);
}
