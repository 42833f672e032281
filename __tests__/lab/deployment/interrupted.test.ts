import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { silence } from '../faults/hosts.ts';
import { blocksOf, runOf } from '../faults/run.ts';
import { action } from './action.ts';
import { leftRunning, seenOn } from './seen.ts';

const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;
const HOSTS = ['node-01', 'node-02', 'node-03'];

/** A run ends within this many milliseconds of SIGINT or SIGTERM: a guarantee of the project, so it may be measured. */
const PROMISED_MS = 7_000;
/** While kuscia.sh starts a replica, which takes some seconds. */
const STARTING = /^ {2}node-0[23] +\+ +start replica/m;
const SAID =
  /^Error KS-1111 cancelled: cancelled in kuscia-start, in the middle of "start replica root-kuscia-autonomy-alice" on node-02 /;

/** SIGKILL is the crash matrix's. */
describe('a run that is interrupted', () => {
  beforeAll(async () => {
    await up(3);
  }, 600_000);

  beforeEach(async () => {
    await reset();
  }, 60_000);

  // The moments are spread over the stages; whatever was going on then, the same must hold.
  test.each([
    { signal: 'INT', after: 3 },
    { signal: 'TERM', after: 6 },
  ] as const)(
    'by SIG$signal after $after s says so, leaves nothing running, and the next run completes',
    async (interrupt) => {
      const began = Date.now();
      const ended = await action(EXAMPLE, { interrupt });
      expect(Date.now() - began - interrupt.after * 1_000).toBeLessThan(PROMISED_MS);
      expect(ended.log).toContain('KS-1111');
      expect(ended.code).not.toBe(0);
      expect(await Promise.all(HOSTS.map(leftRunning))).toEqual(['', '', '']);
      await completes();
    },
    200_000,
  );

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s in the middle of a step names the step, in time',
    async (name) => {
      const { log, code, ms } = await signalled(name, () => Promise.resolve());
      expect([code, blocksOf(log)]).toEqual([1, [expect.stringMatching(SAID)]]);
      expect(ms).toBeLessThan(PROMISED_MS);
      expect(await Promise.all(HOSTS.map(leftRunning))).toEqual(['', '', '']);
      // Cancelled, it gave the lock back: its next run is another one, and would wait.
      expect(await seenOn('node-01', `head -n 1 /run/lock/kuscia-swarm/alice.lease`)).toBe('');
    },
    100_000,
  );

  test('still ends in time if its first manager is silent', async () => {
    try {
      // So late that it is in the middle of a question to that manager, which has its time to end, and after it the lock.
      const { log, code, ms } = await signalled('SIGTERM', () => seenOn('node-01', silence('-I')), 4_000);
      expect([code, blocksOf(log)]).toEqual([
        1,
        [expect.stringMatching(/^Error KS-1111 cancelled: cancelled in kuscia-start/)],
      ]);
      expect(ms).toBeLessThan(PROMISED_MS);
    } finally {
      await seenOn('node-01', silence('-D'));
    }
  }, 100_000);
});

/** A run that is sent a signal while it starts a replica, after something was done to the hosts; `ms` is how long it took to end. */
async function signalled(name: 'SIGINT' | 'SIGTERM', before: () => Promise<unknown>, afterMs = 1_000) {
  let at = 0;
  const run = await runOf(
    EXAMPLE,
    'apply',
    {},
    {
      at: STARTING,
      act: async (signal) => {
        await before();
        await sleep(afterMs);
        at = Date.now();
        signal(name);
      },
    },
  );
  return { ...run, ms: Date.now() - at };
}

/** The next run completes, and the one after it has nothing to do. */
async function completes(): Promise<void> {
  const completed = await action(EXAMPLE);
  expect({
    code: completed.code,
    log: completed.code === 0 ? '' : completed.log,
    healthy: completed.matrix?.healthy,
  }).toEqual({ code: 0, log: '', healthy: true });
  const again = await action(EXAMPLE);
  expect({ code: again.code, changed: again.changed }).toEqual({ code: 0, changed: 0 });
}
