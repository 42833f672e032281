import type { OnHosts } from './operation.ts';

/** Records the answers of a host, for jobs that do not reach it. Judges nothing. */
export const snapshot: OnHosts = {
  does: { english: 'record the answers of the hosts', chinese: '只记录各主机的应答' },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'all',
  secrets: 'to record',
  action: {
    name: 'snapshot',
    brings: {
      english: 'The state of one host, handed over to the jobs of other hosts',
      chinese: '记录一台主机的状态，移交给其他主机的作业',
    },
    detail: {
      english: 'For hosts that only their own runner can reach. Changes nothing and judges nothing.',
      chinese: '用于只有自身的运行器才能访问的主机。不做更改，也不做判断。',
    },
  },
  changes: false,
  takes: 'nothing',
  leaves: 'a snapshot',
  silentHosts: 'stop the run',
  lock: 'left alone',
  shows: 'nothing',
  async run({ save }) {
    await save.snapshot();
    return [];
  },
  closing({ domain, findings, saved }) {
    const kept =
      findings !== undefined || saved === 0
        ? 'Nothing was handed over'
        : `${domain}: the answers were sealed and handed over`;
    return [`${kept}; nothing was changed (mode: snapshot).`];
  },
};
