import { answered } from './divided.ts';
import type { Offline } from './operation.ts';

/** Validates the inputs and the cluster file as an apply of these stages would. */
export const check: Offline = {
  does: {
    english: 'validate the inputs and the cluster file without connecting to any host',
    chinese: '只检查输入与集群文件，不访问任何主机',
  },
  stages: 'selected',
  hosts: 'all',
  secrets: 'to change',
  answer: (cluster, jobs) => answered(cluster, jobs, 'the inputs and the cluster file are valid', 'check'),
};
