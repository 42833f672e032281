import { firstManager, type Cluster } from '../cluster/cluster.ts';
import { ownRunners } from '../cluster/jobs.ts';
import { PROOF } from '../cluster/matrix.ts';
import type { Job } from '../inputs/job.ts';
import type { LockInputs } from '../inputs/lock.ts';
import type { OnHosts } from '../operations/operation.ts';
import { goesSideBySide, type StageName } from '../stages/index.ts';

/** What the lock of a domain needs to know about a run. */
export interface LockRequest {
  readonly cluster: Cluster;
  readonly wish: LockInputs;
  readonly stages: readonly StageName[];
  readonly job: Pick<Job, 'host' | 'here' | 'reaches'>;
  /** Whether it is one of several jobs that share the lock. */
  readonly isShared: boolean;
  /** What its operation does with the lock that its run may hold. */
  readonly use: OnHosts['lock'];
}

/**
 * Seconds after which a lock that is no longer kept is free: nobody waits longer than this for a run that was killed.
 */
export const LIFE = 60;
/** Seconds for which a lock outlives a job of a workflow, so that the next job can take it over. */
const BETWEEN_JOBS = 300;
/**
 * The same if the next jobs may run on hosts from which the lock cannot be kept: it must outlast the longest of them
 * and the time until the next one starts.
 */
const BETWEEN_JOBS_APART = 65 * 60;

/**
 * Seconds for which the lock outlives a successful job of a workflow. If only its own runner reaches the first manager,
 * jobs of other hosts cannot keep the lock.
 */
export const betweenJobs = (cluster: Cluster): number =>
  ownRunners(cluster).includes(firstManager(cluster)) ? BETWEEN_JOBS_APART : BETWEEN_JOBS;

/** How a run ends, as far as is known; `cut short` includes a run that ends without being able to say so. */
export type Ending = 'well' | 'failed' | 'cut short';

/** Seconds for which the lock outlives a run that ended this way. */
export function secondsLeft({ job, stages, cluster, isShared }: LockRequest, ended: Ending): number {
  // Other jobs of the same matrix may still be running.
  if (!isShared) return job.host === undefined ? 0 : LIFE;
  // No job of a deployment comes after the proof.
  if (stages.includes(PROOF)) return 0;
  if (ended === 'well') return betweenJobs(cluster);
  // If it failed by itself and no other job of its run can be running, nobody needs the lock any longer.
  const isAlone = job.here === undefined && (job.host === undefined || !stages.some(goesSideBySide));
  return ended === 'failed' && isAlone ? 0 : LIFE;
}
