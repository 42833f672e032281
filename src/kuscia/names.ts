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
