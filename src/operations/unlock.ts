import type { OnHosts } from './operation.ts';

/** Lets go of the lock for jobs that could not. */
export const unlock: OnHosts = {
  does: { english: 'only lets go of the lock of its run', chinese: '只释放本次运行所持有的锁' },
  offered: 'to jobs',
  stages: 'selected',
  hosts: 'first manager',
  secrets: 'none',
  changes: false,
  takes: 'nothing',
  silentHosts: 'end it',
  lock: 'released',
  shows: 'nothing',
  async run({ domain, releaseLock, say }) {
    const seconds = await releaseLock();
    say(
      seconds === undefined
        ? `${domain}: this run does not hold the lock`
        : `${domain}: the lock of this run ends in ${seconds} s`,
    );
    return [];
  },
  closing: () => ['Nothing but the lock was touched (mode: unlock).'],
};
