/**
 * The closed set of things that can go wrong: name, number and title. Each has a heading in docs/troubleshooting.md.
 */
export const CODES = {
  'input-invalid': [1001, 'An input of the action is missing or wrong'],
  'cluster-file-invalid': [1002, 'The cluster file has faults'],
  'cluster-file-unfit': [1003, 'The cluster file is not one, or is not taken from where it lies'],
  'host-unreachable': [1101, 'A host does not answer'],
  'host-key-unknown': [1102, 'The known hosts do not name a host'],
  'host-key-mismatch': [1103, 'A host shows another key than the known hosts say'],
  'host-key-revoked': [1104, 'A host shows a revoked key'],
  'login-refused': [1105, 'A host refuses the login'],
  'connection-lost': [1106, 'The connection to a host was lost'],
  'command-failed': [1107, 'A command failed on a host'],
  'command-timed-out': [1108, 'A command did not end in time'],
  'fact-unknown': [1109, 'Something could not be found out'],
  'not-settled': [1110, 'A change was made but its effect did not appear'],
  cancelled: [1111, 'The run was cancelled'],
  'lock-held': [1112, 'Another run deploys this domain'],
  'lock-lost': [1113, 'The run has lost its lock'],
  'right-missing': [1114, 'A login lacks a right'],
  'login-unusable': [1115, 'A login does not run commands'],
  'login-incomplete': [1116, 'A host wants more than the key'],
  'no-common-algorithm': [1117, 'A host and this program share no algorithm'],
  'bastion-refuses': [1118, 'A bastion does not lead to a host'],
  'host-unfit': [1201, 'A host does not meet the requirements'],
  'engine-unreachable': [1202, 'The Docker Engine of a host does not answer'],
  'swarm-foreign': [1203, 'A host is in another swarm'],
  'data-path-cut': [1204, 'Two hosts do not reach each other over the overlay network'],
  'network-wrong-type': [1205, 'A network of the right name has the wrong type'],
  'subnet-unfit': [1206, 'The subnet is public or in use'],
  'node-not-ready': [1207, 'A swarm node is not Ready'],
  'port-taken': [1208, 'A port is taken'],
  'image-unavailable': [1209, 'An image cannot be brought to a host'],
  'hostname-clash': [1210, 'Two replicas would have the same name'],
  'image-differs': [1211, 'An image is not what its archive says'],
  'address-elsewhere': [1212, "A port cannot be published at its host's address"],
  'folder-open': [1213, 'A folder of the deployment can be changed by others'],
  'data-path-narrow': [1216, 'Large packets are lost between two hosts'],
  'name-unresolved': [1217, 'A name does not resolve in a container'],
  'probe-unfit': [1218, 'The image of the probe lacks what it needs'],
  'replacement-impossible': [1220, 'A replacement cannot be started, so the present container was left as it is'],
  'replacement-not-undone': [1221, 'A former container was put back but does not work'],
  'database-unreachable': [1301, 'The database does not answer'],
  'database-login-refused': [1302, 'The database refuses the login'],
  'database-unfit': [1303, 'The database is too old or not set up'],
  'database-owned': [1304, 'The database belongs to another domain'],
  'database-wants-tls': [1305, 'The database wants TLS'],
  'database-path-narrow': [1306, 'Large packets are lost on the way to the database'],
  'database-root': [1307, "The database's root is open to others, or its password is not known here"],
  'database-upgrade-unconfirmed': [1308, 'A change of the database cannot be undone and was not asked for'],
  'database-login-withheld': [1309, 'The database wants the password itself and does not prove itself'],
  'database-untrusted': [1310, 'The database does not prove itself by the CA'],
  'domain-key-conflict': [1401, 'There are two keys for one domain'],
  'domain-key-missing': [1402, 'The domain exists but its configuration is nowhere'],
  'configuration-invalid': [1403, 'The Kuscia configuration cannot be read'],
  'replica-unhealthy': [1404, 'A replica does not work'],
  'tasks-running': [1405, 'Tasks run on a replica that is to be stopped'],
  'load-balancer-configuration': [1501, 'The configuration of nginx is refused, or not the described one'],
  'load-balancer-unhealthy': [1502, 'The load balancer does not lead to every replica'],
  'cluster-unhealthy': [1601, 'The cluster is not as described'],
  'not-described': [1602, 'Something of the domain works that the cluster file does not describe'],
  'artifact-missing': [1701, 'An artifact of an earlier job is not there'],
  'artifact-foreign': [1702, 'An artifact belongs to another run'],
  'artifact-damaged': [1703, 'An artifact is damaged'],
  'artifact-key-wrong': [1704, 'An artifact was sealed with another key'],
  'plan-moved': [1705, 'The hosts have changed since the plan was approved'],
  'join-token-invalid': [1706, 'The swarm refuses the join token'],
  'host-changed': [1707, 'A host is not as the job before it left it'],
  'artifact-forged': [1708, 'An artifact was sealed by somebody without the key'],
  'artifact-ahead': [1709, 'An artifact is from the future'],
  'github-refused': [1801, "GitHub's API refuses"],
  'github-unreachable': [1802, "GitHub's API does not answer"],
  'approval-unguarded': [1803, 'The environment that is to approve asks nobody'],
  'runner-not-approved': [1804, 'A change that is not merged names the runner that would get the secrets'],
  internal: [1900, 'A defect in kuscia-swarm'],
} as const satisfies Record<string, readonly [number, string]>;

/** Name of one kind of failure. */
export type Code = keyof typeof CODES;

/** `KS-1204` */
export const codeNumber = (code: Code): string => `KS-${CODES[code][0]}`;

/** One thing that went wrong: what and where, the evidence, why, and what to do next. No field holds a secret. */
export interface Failure {
  readonly code: Code;
  /** The host it concerns, where it concerns one. */
  readonly host?: string;
  /** What happened, in one line. */
  readonly what: string;
  /** What was seen: a line of output, a value. */
  readonly evidence?: string;
  /** Why, where it is known. */
  readonly cause?: string;
  /** What the reader should do next. */
  readonly remedy: string;
  /** What a container said that was taken away since: its log can no longer be read. */
  readonly removed?: RemovedLog;
  /** Set where waiting changes nothing: a stage that waits for its changes to show ends with it at once. */
  readonly definite?: true;
}

/** The last lines of a container that is gone, the newest last. */
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

/** The failures in whatever was thrown; anything that is not a DeploymentError is a defect of ours. */
export function failuresOf(thrown: unknown): readonly Failure[] {
  if (thrown instanceof DeploymentError) return thrown.failures;
  const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return [{ code: 'internal', what, remedy: 'Report this with the lines above.' }];
}

/**
 * The failures without mere consequences: where an engine does not answer, whatever else is unknown there says nothing
 * new, and of several stages that met with it the first knows most.
 */
export function withoutConsequences(failures: readonly Failure[]): Failure[] {
  const silent = new Map<string | undefined, Failure>();
  for (const failure of failures) {
    if (failure.code === 'engine-unreachable' && !silent.has(failure.host)) silent.set(failure.host, failure);
  }
  const says = (failure: Failure): boolean => {
    if (failure.code === 'engine-unreachable') return silent.get(failure.host) === failure;
    return failure.code !== 'fact-unknown' || !silent.has(failure.host);
  };
  return failures.filter(says);
}
