import type { Cluster } from '../cluster/cluster.ts';

/**
 * Name that kuscia.sh gives a replica's container; `user` is the account that runs it (kuscia.sh,
 * `${USER}-kuscia-autonomy-${ID}`).
 */
export const replicaContainer = (cluster: Cluster, user: string): string => `${user}-kuscia-autonomy-${cluster.domain}`;

/**
 * Name of a replica: hostname of its container, hence its gateway object, its node and the `instance` in its answers.
 * As generate_hostname of kuscia.sh makes it: cut to 63, lower case, `_` and `.` to `-`, one odd character off either
 * end.
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
 * Whether docker takes the name for a container's and Kubernetes takes it for a node's: kuscia.sh only mends the usual,
 * and of two odd characters at an end it leaves one.
 */
export const isReplicaName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
