/** What the code of a failure implies. */
interface Traits {
  /** What does not respond: the host, whose logs then cannot be read, or only its engine. */
  readonly silent?: 'host' | 'engine';
  /** Logs cannot explain it further. */
  readonly complete?: true;
}

/**
 * All kinds of failures: name, number, title and traits. Each has a heading in docs/troubleshooting.md.
 */
export const CODES = {
  'input-invalid': [1001, 'An input is missing or invalid', { complete: true }],
  'cluster-file-invalid': [1002, 'The cluster file is invalid', { complete: true }],
  'cluster-file-unfit': [1003, 'The cluster file cannot be used', { complete: true }],
  'host-unreachable': [1101, 'A host cannot be reached', { silent: 'host' }],
  'host-key-unknown': [1102, 'A host key is not in the known hosts', { silent: 'host', complete: true }],
  'host-key-mismatch': [1103, 'A host key differs from the known hosts', { silent: 'host', complete: true }],
  'host-key-revoked': [1104, 'A host uses a revoked key', { silent: 'host', complete: true }],
  'login-refused': [1105, 'A host rejects the login', { silent: 'host', complete: true }],
  'connection-lost': [1106, 'The connection to a host was lost', { silent: 'host' }],
  'command-failed': [1107, 'A command failed on a host'],
  'command-timed-out': [1108, 'A command timed out'],
  'fact-unknown': [1109, 'A required fact could not be determined'],
  'not-settled': [1110, 'A change was made but did not take effect'],
  cancelled: [1111, 'The run was cancelled', { complete: true }],
  'lock-held': [1112, 'Another run is deploying this domain', { complete: true }],
  'lock-lost': [1113, 'The run lost its lock', { complete: true }],
  'right-missing': [1114, 'A login lacks a permission'],
  'login-unusable': [1115, 'A login cannot run commands', { silent: 'host', complete: true }],
  'login-incomplete': [1116, 'A host requires more than a key', { silent: 'host', complete: true }],
  'no-common-algorithm': [1117, 'No SSH algorithm in common with a host', { silent: 'host', complete: true }],
  'bastion-refuses': [1118, 'A bastion does not forward to a host', { silent: 'host', complete: true }],
  'host-unfit': [1201, 'A host does not meet the requirements'],
  'engine-unreachable': [1202, 'The Docker Engine of a host does not respond', { silent: 'engine' }],
  'swarm-foreign': [1203, 'A host belongs to another swarm'],
  'data-path-cut': [1204, 'Two hosts cannot reach each other over the overlay network'],
  'network-wrong-type': [1205, 'A network with the right name has the wrong type'],
  'subnet-unfit': [1206, 'The subnet is public or in use'],
  'node-not-ready': [1207, 'A swarm node is not Ready'],
  'port-taken': [1208, 'A port is already in use'],
  'image-unavailable': [1209, 'An image is not available on a host'],
  'hostname-clash': [1210, 'Two replicas would have the same name'],
  'image-differs': [1211, 'An image does not match its archive'],
  'address-elsewhere': [1212, "A port cannot be published at its host's address"],
  'folder-open': [1213, 'A directory of the deployment is writable by others'],
  'data-path-narrow': [1216, 'Large packets are lost between two hosts'],
  'name-unresolved': [1217, 'A name does not resolve in a container'],
  'probe-unfit': [1218, 'The probe image lacks required programs'],
  'replacement-impossible': [1220, 'A replacement cannot be started; the current container was kept'],
  'replacement-not-undone': [1221, 'A previous container was restored but does not work'],
  'database-unreachable': [1301, 'The database does not respond'],
  'database-login-refused': [1302, 'The database rejects the login'],
  'database-unfit': [1303, 'The database is too old or not set up'],
  'database-owned': [1304, 'The database belongs to another domain'],
  'database-wants-tls': [1305, 'The database requires TLS'],
  'database-path-narrow': [1306, 'Large packets to the database are lost'],
  'database-root': [1307, 'The database root user is exposed, or its password is unknown'],
  'database-upgrade-unconfirmed': [1308, 'An irreversible database upgrade was not confirmed'],
  'database-login-withheld': [1309, 'An unverified database asks for the password itself'],
  'database-untrusted': [1310, 'The database certificate is not trusted'],
  'domain-key-conflict': [1401, 'A domain has two keys'],
  'domain-key-missing': [1402, 'The configuration of an existing domain is missing'],
  'configuration-invalid': [1403, 'The Kuscia configuration is invalid'],
  'replica-unhealthy': [1404, 'A replica does not work'],
  'tasks-running': [1405, 'Tasks are running on a replica that must be stopped'],
  'load-balancer-configuration': [1501, 'The nginx configuration is rejected or outdated'],
  'load-balancer-unhealthy': [1502, 'The load balancer does not reach every replica'],
  'cluster-unhealthy': [1601, 'The cluster is not as described'],
  'not-described': [1602, 'A running part of the domain is not in the cluster file'],
  'artifact-missing': [1701, 'An artifact of an earlier job is missing', { complete: true }],
  'artifact-foreign': [1702, 'An artifact belongs to another run', { complete: true }],
  'artifact-damaged': [1703, 'An artifact is damaged', { complete: true }],
  'artifact-key-wrong': [1704, 'An artifact was sealed with a different key', { complete: true }],
  'plan-moved': [1705, 'The hosts have changed since the plan was approved', { complete: true }],
  'join-token-invalid': [1706, 'The swarm rejects the join token'],
  'host-changed': [1707, 'A host changed since the previous job'],
  'artifact-forged': [1708, 'An artifact was sealed without the key', { complete: true }],
  'artifact-ahead': [1709, 'An artifact has a time in the future', { complete: true }],
  'github-refused': [1801, 'The GitHub API rejects a request'],
  'github-unreachable': [1802, 'The GitHub API does not respond'],
  'approval-unguarded': [1803, 'The approval environment has no reviewers'],
  'runner-not-approved': [1804, 'An unmerged change sets the runner that would get the secrets'],
  internal: [1900, 'A bug in kuscia-swarm', { complete: true }],
} as const satisfies Record<string, readonly [number, string, Traits?]>;

/** Name of a kind of failure. */
export type Code = keyof typeof CODES;

/** `KS-1204` */
export const codeNumber = (code: Code): string => `KS-${CODES[code][0]}`;

/** The traits of a code; most have none. */
export const traitsOf = (code: Code): Traits =>
  (CODES as Readonly<Record<Code, readonly [number, string, Traits?]>>)[code][2] ?? {};

/** A failure: what happened and where, the evidence, the cause and the remedy. No field contains a secret. */
export interface Failure {
  readonly code: Code;
  /** The host concerned, if any. */
  readonly host?: string;
  /** What happened, in one line. */
  readonly what: string;
  /** What was observed: a line of output, a value. */
  readonly evidence?: string;
  /** Why, if known. */
  readonly cause?: string;
  /** What to do. */
  readonly remedy: string;
  /** Log of a container that was removed since and can no longer be read. */
  readonly removed?: RemovedLog;
  /** Set if waiting is pointless: a stage waiting for its changes to take effect ends immediately. */
  readonly definite?: true;
}

/** The last log lines of a removed container, newest last. */
export interface RemovedLog {
  readonly container: string;
  readonly lines: readonly string[];
}

/** One or more failures, thrown together. */
export class DeploymentError extends Error {
  readonly failures: readonly Failure[];

  constructor(failures: readonly Failure[]) {
    super(
      failures
        .map(
          (failure) =>
            `${codeNumber(failure.code)} ${failure.code}: ${failure.host ? `${failure.host}: ` : ''}${failure.what}`,
        )
        .join('\n'),
    );
    this.name = 'DeploymentError';
    this.failures = failures;
  }
}

/** A DeploymentError of one failure. */
export const deploymentError = (failure: Failure): DeploymentError => new DeploymentError([failure]);

/** The failures in a thrown value; anything but a DeploymentError is a bug. */
export function failuresOf(thrown: unknown): readonly Failure[] {
  if (thrown instanceof DeploymentError) return thrown.failures;
  const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return [{ code: 'internal', what, remedy: 'Report this bug with the lines above.' }];
}

/**
 * The failures without mere consequences: if an engine does not respond, drops unknown facts on that host, and keeps
 * only the first report.
 */
export function withoutConsequences(failures: readonly Failure[]): Failure[] {
  const silent = new Map<string | undefined, Failure>();
  for (const failure of failures) {
    if (failure.code === 'engine-unreachable' && !silent.has(failure.host)) silent.set(failure.host, failure);
  }
  const isKept = (failure: Failure): boolean => {
    if (failure.code === 'engine-unreachable') return silent.get(failure.host) === failure;
    return failure.code !== 'fact-unknown' || !silent.has(failure.host);
  };
  return failures.filter(isKept);
}
