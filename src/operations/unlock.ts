import type { OnHosts } from './operation.ts';

/** Releases the lock on behalf of jobs that could not. */
export const unlock: OnHosts = {
  does: { english: 'release the lock of this run', chinese: '只释放本次运行所持有的锁' },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'first manager',
  secrets: 'none',
  action: {
    name: 'unlock',
    brings: { english: 'The lock of a failed run, released', chinese: '释放失败运行所持有的锁' },
    detail: {
      english:
        'For a first manager that only its own runner can reach: jobs on other hosts can neither renew its lock ' +
        'nor release it. Afterwards, another run waits at most a minute for the lock. Changes nothing else.',
      chinese:
        '用于只有自身运行器才能访问的首个 manager：其他主机上的作业既不能续期也不能释放该锁。此后其他运行最多再等一分钟。' +
        '不做任何其他更改。',
    },
  },
  changes: false,
  takes: 'nothing',
  leaves: 'nothing',
  silentHosts: 'stop the run',
  lock: 'released',
  shows: 'nothing',
  async run({ domain, releaseLock, say }) {
    const seconds = await releaseLock();
    say(
      seconds === undefined
        ? `${domain}: this run does not hold the lock`
        : `${domain}: the lock of this run expires in ${seconds} s`,
    );
    return [];
  },
  closing: () => ['Nothing was changed except the lock (mode: unlock).'],
};
