import { firstManager, type Cluster } from '../cluster/cluster.ts';
import { ownRunners } from '../cluster/jobs.ts';
import { PROOF } from '../cluster/matrix.ts';
import type { Job } from '../inputs/job.ts';
import type { LockInputs } from '../inputs/lock.ts';
import type { OnHosts } from '../operations/operation.ts';
import { goesSideBySide, type StageName } from '../stages/index.ts';

/** What a run is, as far as it matters to the lock of its domain. */
export interface LockRequest {
  readonly cluster: Cluster;
  readonly wish: LockInputs;
  readonly stages: readonly StageName[];
  readonly job: Pick<Job, 'host' | 'here' | 'reaches'>;
  /** Whether it is one of several jobs, which share the lock. */
  readonly isShared: boolean;
  /** What its operation does with the lock that its run may hold. */
  readonly use: OnHosts['lock'];
}

/** Seconds after which a lock that nobody keeps is free: a run that was killed is waited for no longer. */
export const LIFE = 60;
/** Seconds that a lock outlives a job of a workflow, for the next job to take it over. */
const BETWEEN_JOBS = 300;
/**
 * The same where the next jobs may sit on hosts from which the lock cannot be kept: the longest of them, and then the
 * next.
 */
const BETWEEN_JOBS_APART = 65 * 60;

/**
 * Seconds that the lock outlives a job of a workflow that ended well. Where the first manager is reached by its own
 * runner only, the jobs of other hosts cannot keep it.
 */
export const betweenJobs = (cluster: Cluster): number =>
  ownRunners(cluster).includes(firstManager(cluster)) ? BETWEEN_JOBS_APART : BETWEEN_JOBS;

/** How a run ends, as far as it is known: cut short is also one that does not come to say it. */
export type Ending = 'well' | 'failed' | 'cut short';

/** Seconds that the lock outlives a run that ended so. */
export function secondsLeft({ job, stages, cluster, isShared }: LockRequest, ended: Ending): number {
  // Other legs of the same matrix may be at work.
  if (!isShared) return job.host === undefined ? 0 : LIFE;
  // Nothing of a deployment comes after the proof.
  if (stages.includes(PROOF)) return 0;
  if (ended === 'well') return betweenJobs(cluster);
  // Where it failed by itself, and no other job of its run can be at work, nobody comes any more.
  const isAlone = job.here === undefined && (job.host === undefined || !stages.some(goesSideBySide));
  return ended === 'failed' && isAlone ? 0 : LIFE;
}
