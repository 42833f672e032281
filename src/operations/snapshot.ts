import type { OnHosts } from './operation.ts';

/** Records what a host answers, for the jobs that do not reach it. Judges nothing of it. */
export const snapshot: OnHosts = {
  does: { english: 'only records what the hosts answer', chinese: '只记录各主机的应答' },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'all',
  secrets: 'to record',
  changes: false,
  takes: 'nothing',
  silentHosts: 'end it',
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
        : `${domain}: what was answered is handed over, sealed`;
    return [`${kept}; nothing was changed (mode: snapshot).`];
  },
};
