import { posix } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * Name of a replica's container, as set by kuscia.sh; `user` is the account that runs it (kuscia.sh,
 * `${USER}-kuscia-autonomy-${ID}`).
 */
export const replicaContainer = (cluster: Cluster, user: string): string => `${user}-kuscia-autonomy-${cluster.domain}`;

/**
 * Name of a replica: the hostname of its container, and so of its gateway object, its node and the `instance` in its
 * answers. Generated like generate_hostname of kuscia.sh: truncated to 63, lower case, `_` and `.` replaced by `-`, one
 * invalid character removed from either end.
 */
export function replicaName(container: string, hostname: string): string {
  return `${container}-${hostname}`
    .slice(0, 63)
    .toLowerCase()
    .replace(/[_.]/g, '-')
    .replace(/^[^a-z0-9]/, '')
    .replace(/[^a-z0-9]$/, '');
}

/**
 * Whether the name is valid for a Docker container and a Kubernetes node: kuscia.sh corrects only common cases, and of
 * two invalid characters at an end it leaves one.
 */
export const isReplicaName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);

/**
 * Paths of a deployment's files on a host: absolute, or relative to the login's home directory, in which every command
 * starts.
 */
export interface Folders {
  readonly root: string;
  /** The Kuscia configuration: private key and database password, mode 0600. */
  readonly config: string;
  readonly script: string;
  readonly databasePassword: string;
  /** Notes which external server this deployment uses. */
  readonly databaseInUse: string;
  readonly databaseRootPassword: string;
  readonly nginx: string;
}

/** The paths of the deployment's files. */
export function folders(cluster: Cluster): Folders {
  const file = (name: string): string => posix.join(cluster.directory, name);
  return {
    root: cluster.directory,
    config: file('kuscia.yaml'),
    script: file('kuscia.sh'),
    databasePassword: file('database-password'),
    databaseInUse: file('database-in-use'),
    databaseRootPassword: file('database-root-password'),
    nginx: file('nginx'),
  };
}

/** The path as an absolute path, as Docker requires. */
export const absolute = (home: string, path: string): string => posix.resolve(home, path);
