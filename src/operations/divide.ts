import { answered } from './divided.ts';
import type { Offline } from './operation.ts';

/** Tells the jobs of a workflow how they divide the cluster, from the cluster file alone. */
export const divide: Offline = {
  does: {
    english: 'only tells the jobs of a workflow how they divide the cluster',
    chinese: '只告诉工作流的各作业如何划分集群',
  },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'none',
  secrets: 'none',
  answer: (cluster, jobs) => answered(cluster, jobs, 'the cluster file has no fault', 'divide'),
};
