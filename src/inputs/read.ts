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
import { readClusterInput } from './cluster-file.ts';
import { INPUT_LIST, JOB_MODES, MODES, type InputName } from './catalogue.ts';
import { given, givenOrDefault, givenSecret, missingInput, invalidInput, type Environment } from './given.ts';
import type { Files } from './files.ts';
import type { ImagesRead } from './images.ts';
import { approvedRunners, readJob, type Job } from './job.ts';
import { readLock, type LockInputs } from './lock.ts';
import { readWait } from './minutes.ts';
import { maskedWords } from './masked.ts';
import { maskFault, passwordFault } from './password.ts';
import { certificateFault, certificateKeyFault, isEncrypted, sshKeyFault } from './pem.ts';
import { secretsUsed } from './uses.ts';

/**
 * Credentials for SSH. The bastion key is present only if it differs from the key for the hosts.
 */
export interface Login {
  readonly sshKey?: Secret;
  readonly passphrase?: Secret;
  readonly bastionKey?: Secret;
  readonly bastionPassphrase?: Secret;
  readonly knownHosts?: string;
}

/** The validated inputs of a run. */
export interface Inputs {
  readonly mode: Mode;
  /** The selected stages in order. */
  readonly stages: readonly StageName[];
  readonly deployment: Deployment;
  /** Credentials for SSH; key and known hosts are present if any host is reached over SSH. */
  readonly login: Login;
  readonly job: Job;
  readonly lock: LockInputs;
}

/**
 * Reads the inputs from the environment, as passed by GitHub's runner. Throws a DeploymentError with everything that is
 * wrong or missing, including errors in the cluster file and the images.
 */
export function readInputs(
  env: Environment,
  files: Files,
  { archives, failures: imageFaults }: ImagesRead = { failures: [] },
): Inputs {
  const inputFaults: Failure[] = [];
  const clusterFaults: Failure[] = [];
  const mode = readMode(env, inputFaults);
  const selected = readStages(env, inputFaults);
  const named: readonly StageName[] = OPERATIONS[mode].stages === 'proof' ? [PROOF] : selected;
  const repair = readFlag(env, 'repair', inputFaults);
  const upgradesDatabase = readFlag(env, 'upgrade-database', inputFaults);
  const taskWaitMs = readWait(env, 'task-wait', inputFaults);
  const lock = readLock(env, inputFaults);
  const described = readClusterInput(env, files, clusterFaults);
  const cluster = described && approvedRunners(env, described, inputFaults);
  const stages = cluster ? applying(named, cluster) : named;
  if (named.length > 0 && stages.length === 0)
    inputFaults.push(invalidInput('stage', `names only what this cluster has no use for (${named.join(', ')})`));
  const job = cluster && readJob(env, cluster, mode, inputFaults);
  const words = maskedWords(env, files);
  const failures = [
    ...inputFaults,
    ...invalidInputs(env, words),
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

function readMode(env: Environment, failures: Failure[]): Mode {
  const word = givenOrDefault(env, 'mode');
  const mode = JOB_MODES.find((candidate) => candidate === word);
  if (!mode) failures.push(invalidInput('mode', notOneOf(word, MODES)));
  return mode ?? 'apply';
}

function readStages(env: Environment, failures: Failure[]): readonly StageName[] {
  const words = givenOrDefault(env, 'stage')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const unknown = words.filter((word) => word !== 'all' && !STAGES.some((stage) => stage === word));
  failures.push(...unknown.map((word) => invalidInput('stage', notOneOf(word, [...STAGES, 'all']))));
  if (words.length === 0) failures.push(invalidInput('stage', `names no stage (${[...STAGES, 'all'].join(', ')})`));
  return words.includes('all') ? STAGES : STAGES.filter((stage) => words.includes(stage));
}

function readFlag(env: Environment, name: 'repair' | 'upgrade-database', failures: Failure[]): boolean {
  const word = givenOrDefault(env, name);
  if (!/^(true|false)$/i.test(word)) failures.push(invalidInput(name, `is ${show(word)}; must be true or false`));
  return /^true$/i.test(word);
}

function notOneOf(word: string, words: readonly string[]): string {
  const meant = nearest(word, words);
  return `is ${show(word)}${meant === undefined ? '' : `; did you mean "${meant}"?`} (${words.join(', ')})`;
}

/**
 * Reports invalid inputs, even those that this cluster does not need. Rejects secrets that cannot be masked.
 */
function invalidInputs(env: Environment, words: readonly string[]): Failure[] {
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
    return fault === undefined ? [] : [invalidInput(name, fault)];
  });
}

/**
 * Reports inputs that this run needs and lacks: SSH inputs for the hosts it reaches, and the cluster's secrets in
 * `used`.
 */
function missingInputs(
  env: Environment,
  cluster: Cluster | undefined,
  job: Job | undefined,
  used: ReadonlySet<ClusterSecret>,
): Failure[] {
  const need = (name: InputName, why: string | false | undefined): Failure[] =>
    why && given(env, name) === undefined ? [missingInput(name, why)] : [];
  const needUsed = (name: ClusterSecret, why: string | false | undefined): Failure[] =>
    used.has(name) ? need(name, why) : [];
  const overSsh =
    cluster?.hosts
      .filter(({ name, route }) => route.via === 'ssh' && job?.reaches.includes(name))
      .map(({ name }) => name) ?? [];
  const ssh = overSsh.length > 0 && `${overSsh.join(', ')} ${overSsh.length === 1 ? 'is' : 'are'} reached over SSH`;
  const key = given(env, 'ssh-key');
  const bastionKey = given(env, 'bastion-key');
  const https = cluster?.loadBalancer.scheme === 'https' && 'the load balancer uses https';
  return [
    ...need('ssh-key', ssh),
    ...need('ssh-key-passphrase', key !== undefined && isEncrypted(key) && 'the SSH key is encrypted'),
    ...need(
      'bastion-key-passphrase',
      bastionKey !== undefined && isEncrypted(bastionKey) && 'the bastion key is encrypted',
    ),
    ...need('known-hosts', ssh && `${ssh}, and host keys must be known before connecting`),
    ...needUsed('database-password', 'this run accesses the database of the replicas'),
    ...needUsed(
      'registry-password',
      cluster?.registry && `images are pulled from ${cluster.registry.server} as ${cluster.registry.username}`,
    ),
    ...needUsed('load-balancer-certificate', https),
    ...needUsed('load-balancer-key', https),
  ];
}

/** The optional secrets that this cluster uses. */
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

/** A PEM text normalised for other programs: line feeds only, with one at the end. */
function givenPem(env: Environment, name: InputName): Secret | undefined {
  const secret = givenSecret(env, name);
  return secret && new Secret(secret.name, `${secret.reveal().replaceAll('\r\n', '\n')}\n`);
}
