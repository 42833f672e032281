import { answered } from './divided.ts';
import type { Offline } from './operation.ts';

/** Outputs how the jobs of a workflow divide the cluster, from the cluster file alone. */
export const divide: Offline = {
  does: {
    english: 'output how the jobs of a workflow divide the cluster',
    chinese: '只告诉工作流的各作业如何划分集群',
  },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'none',
  secrets: 'none',
  action: {
    name: 'check',
    brings: { english: 'The cluster file, checked and free of errors', chinese: '集群文件已检查，没有错误' },
    detail: {
      english:
        'Takes no secrets and contacts no host. Its outputs say how the jobs of a workflow divide the cluster ' +
        'among themselves.',
      chinese: '不接受任何机密，也不访问任何主机。其输出说明工作流的各作业如何划分集群。',
    },
  },
  answer: (cluster, jobs) => answered(cluster, jobs, 'the cluster file is valid', 'divide'),
};
