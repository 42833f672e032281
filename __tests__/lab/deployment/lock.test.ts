import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { action, type ActionRun } from './action.ts';
import { seenOn } from './seen.ts';

const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;
const LEASE = '/run/lock/kuscia-swarm/alice.lease';
const HOLDER = 'acme/ops/1#1';
const SHOWN = 'the lock of acme/ops/1#1 (deploy by ada: https://github.com/acme/ops/actions/runs/1), held for ';

/** First line of the lease on the first manager: who holds it. */
const holder = (): Promise<string> => seenOn('node-01', `head -n 1 ${LEASE} 2>/dev/null || true`);

/** Resolves when a run has the lock. */
async function held(): Promise<void> {
  for (let i = 0; i < 300; i += 1) {
    if ((await holder()) !== '') return;
    await sleep(100);
  }
  throw new Error('nobody took the lock');
}

const other = (inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> =>
  action(EXAMPLE, { run: '2', inputs });
const succeeded = ({ code, log, matrix }: ActionRun) => ({
  code,
  log: code === 0 ? '' : log,
  healthy: matrix?.healthy,
});
const SUCCESS = { code: 0, log: '', healthy: true };

describe('one run at a time changes a domain', () => {
  beforeAll(async () => {
    await up(3);
    await reset();
  }, 600_000);

  test('a second run waits, shows which run it waits for, and finds everything up to date; one that does not wait says so and changes nothing', async () => {
    const first = action(EXAMPLE);
    await held();
    const [second, third] = await Promise.all([other(), action(EXAMPLE, { run: '3', inputs: { 'lock-wait': '0' } })]);
    expect(succeeded(await first)).toEqual(SUCCESS);
    expect({
      ...succeeded(second),
      changed: second.changed,
      shown: second.log.includes(`waiting for ${SHOWN}`),
    }).toEqual({ ...SUCCESS, changed: 0, shown: true });
    expect({ code: third.code, changed: third.changed }).toEqual({ code: 1, changed: 0 });
    for (const words of ['KS-1112 lock-held: node-01: another run is deploying alice', SHOWN, `break-lock: ${HOLDER}`])
      expect(third.log).toContain(words);
    expect(await holder()).toBe('');
    const mode = await seenOn('node-01', `stat -c %a ${LEASE.replace(/\/[^/]+$/, '')} ${LEASE}`);
    expect(mode).toBe('2770\n660');
  }, 200_000);

  test('a run with nothing to do, and a read-only run, need no lock', async () => {
    await seenOn('node-01', `printf '%s\n' 'acme/site/9#1' $(($(date +%s) + 600)) $(date +%s) 'by hand' >${LEASE}`);
    expect(succeeded(await other({ 'lock-wait': '0' }))).toEqual(SUCCESS);
    expect(succeeded(await other({ mode: 'verify' }))).toEqual(SUCCESS);
    expect((await other({ mode: 'plan' })).code).toBe(0);
    expect(await holder()).toBe('acme/site/9#1');
  }, 200_000);
});

describe('the lifetime of a lock', () => {
  beforeEach(async () => {
    await reset();
  }, 60_000);

  test('legs of one matrix keep it for each other, even without artifacts', async () => {
    const leg = (stage: string, host?: string): Promise<ActionRun> =>
      action(EXAMPLE, { inputs: { stage, ...(host !== undefined && { host }) } });
    expect((await leg('swarm-init')).code).toBe(0);
    expect(await holder()).toBe('');
    const legs = ['node-02', 'node-03'].map((host) => leg('swarm-join', host));
    await Promise.race(legs);
    const afterTheFirst = await holder();
    expect(
      (await Promise.all(legs)).map(({ code, changed, log }) => ({ code, changed, log: code === 0 ? '' : log })),
    ).toEqual(legs.map(() => ({ code: 0, changed: 1, log: '' })));
    expect([afterTheFirst, await holder()]).toEqual([HOLDER, HOLDER]);
  }, 100_000);

  test('a cancelled run releases it immediately', async () => {
    expect((await action(EXAMPLE, { interrupt: { signal: 'INT', after: 6 } })).log).toContain('KS-1111');
    expect(await holder()).toBe('');
    const next = await other({ 'lock-wait': '0' });
    expect(succeeded(next)).toEqual(SUCCESS);
  }, 200_000);

  test('the lock of a killed run expires by itself', async () => {
    await action(EXAMPLE, { interrupt: { signal: 'KILL', after: 6 } });
    expect(await holder()).toBe(HOLDER);
    const next = await other({ 'lock-wait': '3' });
    expect({ ...succeeded(next), waited: next.log.includes(`waiting for ${SHOWN}`) }).toEqual({
      ...SUCCESS,
      waited: true,
    });
  }, 300_000);

  test('the lock of a killed run is broken only by its id', async () => {
    await action(EXAMPLE, { interrupt: { signal: 'KILL', after: 6 } });
    const wrong = await other({ 'lock-wait': '0', 'break-lock': 'acme/ops/7#1' });
    expect({
      code: wrong.code,
      told: wrong.log.includes(
        'another run is deploying alice, and it is not acme/ops/7#1, the run named in break-lock',
      ),
    }).toEqual({ code: 1, told: true });
    expect(succeeded(await other({ 'lock-wait': '0', 'break-lock': HOLDER }))).toEqual(SUCCESS);
  }, 200_000);

  test('a later attempt of a killed run takes over its lock', async () => {
    await action(EXAMPLE, { interrupt: { signal: 'KILL', after: 6 } });
    const again = await action(EXAMPLE, { inputs: { 'lock-wait': '0' } });
    expect(succeeded(again)).toEqual(SUCCESS);
  }, 200_000);

  test('a run whose lock is broken stops, and says so', async () => {
    const first = action(EXAMPLE);
    await held();
    await seenOn(
      'node-01',
      `flock ${LEASE.replace('.lease', '.guard')} sh -c 'printf "%s\\n" "acme/site/9#1" $(($(date +%s) + 5)) $(date +%s) "by hand" >${LEASE}'`,
    );
    const stopped = await first;
    expect(stopped.code).toBe(1);
    for (const words of [
      'KS-1113 lock-lost: node-01: this run no longer holds the lock of alice',
      'the lock of acme/site/9#1 (by hand)',
    ])
      expect(stopped.log).toContain(words);
    expect(succeeded(await other({ 'lock-wait': '1' }))).toEqual(SUCCESS);
  }, 200_000);
});
