import { posix } from 'node:path';
import type { Cluster } from './cluster.ts';

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
