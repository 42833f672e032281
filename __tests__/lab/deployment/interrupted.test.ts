import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { action, type ActionOptions } from './action.ts';
import { seenOn } from './seen.ts';

const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;
const HOSTS = ['node-01', 'node-02', 'node-03'];

/** Commands of a deployment that still run on a host. */
const leftRunning = (host: string): Promise<string> =>
  seenOn(host, `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -E '^(bash )?(docker (run|exec|pull|start)|\\./kuscia\\.sh|script )' || true`);

describe('a run that is ended half way', () => {
  beforeAll(async () => {
    await up(3);
  }, 600_000);

  beforeEach(async () => {
    await reset();
  }, 60_000);

  // The moments are spread over the stages; whatever was going on then, the same must hold.
  test.each<NonNullable<ActionOptions['interrupt']>>([
    { signal: 'INT', after: 3 },
    { signal: 'TERM', after: 7 },
    { signal: 'INT', after: 11 },
  ])('by SIG$signal after $after s says so, leaves nothing running, and the next run completes', async (interrupt) => {
    const ended = await action(EXAMPLE, { interrupt });
    expect(ended.log).toContain('KS-1111');
    expect(ended.code).not.toBe(0);
    expect(await Promise.all(HOSTS.map(leftRunning))).toEqual(['', '', '']);
    await completes();
  }, 200_000);

  test.each([4, 8, 11])('by SIGKILL after %i s is completed by the next run', async (after) => {
    expect((await action(EXAMPLE, { interrupt: { signal: 'KILL', after } })).code).not.toBe(0);
    await completes();
  }, 200_000);
});

/** The next run completes, and the one after it has nothing to do. */
async function completes(): Promise<void> {
  const completed = await action(EXAMPLE);
  expect({ code: completed.code, log: completed.code === 0 ? '' : completed.log, healthy: completed.matrix?.healthy }).toEqual({ code: 0, log: '', healthy: true });
  const again = await action(EXAMPLE);
  expect({ code: again.code, changed: again.changed }).toEqual({ code: 0, changed: 0 });
}
