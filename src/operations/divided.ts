import { randomBytes } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.ts';
import { ownRunners, runnersOf, type Jobs } from '../cluster/jobs.ts';
import type { Answer } from './operation.ts';

/** What the jobs of a workflow need to know about a valid cluster file; `found` says what was found valid. */
export function answered(cluster: Cluster, jobs: Jobs, found: string, mode: string): Answer {
  const { domain, hosts } = cluster;
  const apart = ownRunners(cluster).length > 0 ? ', each reached by its own runner' : '';
  return {
    line:
      `${domain}: ${found}; ${hosts.length} hosts (${hosts.map(({ name }) => name).join(', ')})${apart}. No host was ` +
      `contacted (mode: ${mode}).`,
    outputs: {
      domain,
      jobs: JSON.stringify(jobs),
      runners: JSON.stringify(runnersOf(cluster)),
      call: randomBytes(4).toString('hex'),
    },
  };
}
