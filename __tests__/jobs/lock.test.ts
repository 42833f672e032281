import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { failuresOf } from '../../src/engine/errors.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Lock } from '../../src/jobs/lock.ts';
import { betweenJobs, type LockRequest } from '../../src/jobs/lock-life.ts';
import { ALICE } from '../report/alice.ts';

const OTHER = 'held\nacme/site/2#1\n48\n240\nnightly by bob: https://github.com/acme/site/actions/runs/2\n';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

interface World {
  readonly answers: readonly (string | Outcome)[];
  /** After this many answers there are no more. */
  readonly answersUntil?: number;
  readonly wait?: number;
  readonly breaks?: string;
  readonly job?: Partial<LockRequest['job']>;
  readonly stages?: LockRequest['stages'];
  readonly isShared?: boolean;
  readonly use?: LockRequest['use'];
  readonly cluster?: LockRequest['cluster'];
}

/** A lock whose host gives these answers and then repeats the last one. */
function scene({
  answers,
  answersUntil = Infinity,
  wait = 0,
  breaks,
  job,
  stages = ['swarm-init'],
  isShared = false,
  use = 'handed on',
  cluster = ALICE,
}: World) {
  const asked: string[] = [];
  const said: string[] = [];
  const last: string[] = [];
  let stopped = false;
  const cancel = new AbortController();
  const fleet = {
    notes: [],
    connect: () => Promise.resolve(new Map()),
    connectAll: () => Promise.resolve(),
    close: () => Promise.resolve(),
    last: (host: string, { args }: { args: readonly string[] }) =>
      void last.push(`${host} ${args[3]} ${args[5]} ${args[6]}`),
    run: (host: string, { args }: { args: readonly string[] }): Promise<Outcome> => {
      if (asked.length >= answersUntil) return new Promise(() => undefined);
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? '';
      asked.push(`${host} ${args.slice(3, 8).join(' ').trim()}`);
      return Promise.resolve(
        typeof answer === 'string' ? { ended: 'exited', code: 0, stdout: answer, stderr: '' } : answer,
      );
    },
  };
  const request: LockRequest = {
    cluster,
    stages,
    isShared,
    use,
    job: { reaches: ALICE.hosts.map(({ name }) => name), ...job },
    wish: {
      holder: { id: 'acme/ops/7#1', about: 'deploy by ada' },
      waitMs: wait,
      ...(breaks !== undefined && { breaks }),
    },
  };
  const lock = new Lock(request, {
    fleet,
    signal: cancel.signal,
    say: (line) => said.push(line),
    stop: () => void (stopped = true),
  });
  return { lock, asked, said, last, cancel, isStopped: () => stopped };
}

const rejection = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, failuresOf);

describe('a lock', () => {
  test.each([
    ['was free for a long time', 'taken 9999', 'as planned'],
    ['became free during planning', 'taken 1', 'plan again'],
    ['was broken', 'taken 0', 'plan again'],
    ['is held by an earlier job of the run', 'shared', 'as planned'],
  ])('that %s is taken once', async (_, answer, expected) => {
    const { lock, asked, last } = scene({ answers: [answer] });
    expect([await lock.take(), await lock.take()]).toEqual([expected, 'as planned']);
    expect(asked).toEqual(['node-01 take alice acme/ops/7#1 60']);
    expect(last).toEqual(['node-01 end acme/ops/7#1 0']);
    lock.end(false);
  });

  test('that is held is waited for, and its holder is shown', async () => {
    const { lock, asked, said } = scene({ answers: [OTHER, OTHER, 'taken 2'], wait: 60_000 });
    const taking = lock.take();
    await jest.advanceTimersByTimeAsync(11_000);
    expect(await taking).toBe('plan again');
    expect(asked).toHaveLength(3);
    expect(said).toEqual([
      'waiting for the lock of acme/site/2#1 (nightly by bob: https://github.com/acme/site/actions/runs/2), held for 4 min; it expires in 48 s unless renewed; giving up in 60 s',
    ]);
    lock.end(false);
  });

  test('that stays held is a failure that names its holder and how to break it', async () => {
    const { lock, last } = scene({ answers: [OTHER], wait: 20_000 });
    const failures = rejection(lock.take());
    await jest.advanceTimersByTimeAsync(21_000);
    expect(await failures).toMatchObject([
      {
        code: 'lock-held',
        host: 'node-01',
        what: 'another run is deploying alice',
        evidence: expect.stringContaining('acme/site/2#1'),
        remedy: expect.stringMatching(/its lock expires in 48 s\. .*break-lock: acme\/site\/2#1/),
      },
    ]);
    lock.end(true);
    expect(last).toEqual([]);
  });

  test('is asked for with the id that is to be broken', async () => {
    const { lock, asked } = scene({ answers: [OTHER], breaks: 'acme/ops/1#1' });
    expect(await rejection(lock.take())).toMatchObject([
      { what: 'another run is deploying alice, and it is not acme/ops/1#1, the run named in break-lock' },
    ]);
    expect(asked).toEqual(['node-01 take alice acme/ops/7#1 60 acme/ops/1#1']);
  });

  test('changes nothing if the run is cancelled while it waits', async () => {
    const { lock, cancel } = scene({ answers: [OTHER], wait: 60_000 });
    const failures = rejection(lock.take());
    await jest.advanceTimersByTimeAsync(1_000);
    cancel.abort();
    expect(await failures).toMatchObject([{ code: 'cancelled' }]);
  });

  test.each([
    ['answers something else', 'what', 'could not take the lock: exit 0'],
    [
      'is lost',
      { ended: 'lost', reason: 'keepalive timeout', stdout: '', stderr: '' } as const,
      'could not take the lock: connection lost: keepalive timeout',
    ],
  ])('of a host that %s is a failure', async (_, answer, what) => {
    expect(await rejection(scene({ answers: [answer] }).lock.take())).toMatchObject([{ host: 'node-01', what }]);
  });

  test('is kept as long as the run lasts', async () => {
    const { lock, asked, isStopped } = scene({ answers: ['taken 9999', 'shared'] });
    await lock.take();
    await jest.advanceTimersByTimeAsync(61_000);
    expect(asked.slice(1)).toEqual(Array.from({ length: 6 }, () => 'node-01 keep alice acme/ops/7#1 60'));
    lock.end(false);
    await jest.advanceTimersByTimeAsync(61_000);
    expect([asked.length, isStopped(), lock.lost]).toEqual([7, false, undefined]);
  });

  test.each([
    ['somebody broke it', [OTHER], 20_000, 'acme/site/2#1'],
    ['somebody broke it and has released it since', ['held\n\n0\n0\n\n'], 20_000, 'it was released by someone else'],
    [
      'its host does not answer',
      [{ ended: 'timed-out', afterMs: 15_000, stdout: '', stderr: '' } as const],
      45_500,
      'it could not be renewed for 45 s: could not keep the lock: timed out after 15 s',
    ],
  ])('is lost when %s, and the run stops', async (_, then, afterMs, evidence) => {
    const { lock, isStopped } = scene({ answers: ['taken 9999', ...then] });
    await lock.take();
    await jest.advanceTimersByTimeAsync(afterMs);
    expect([isStopped(), lock.lost]).toMatchObject([
      true,
      { code: 'lock-lost', evidence: expect.stringContaining(evidence) },
    ]);
  });

  test('is not lost because one answer is missing', async () => {
    const silence = { ended: 'timed-out', afterMs: 15_000, stdout: '', stderr: '' } as const;
    const { lock, isStopped } = scene({ answers: ['taken 9999', silence, silence, 'shared'] });
    await lock.take();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(isStopped()).toBe(false);
    lock.end(false);
  });

  test('is lost in time when the host does not even answer', async () => {
    const { lock, asked, isStopped } = scene({ answers: ['taken 9999', 'shared'], answersUntil: 2 });
    await lock.take();
    await jest.advanceTimersByTimeAsync(54_500);
    expect([isStopped(), asked.length]).toEqual([false, 2]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect([isStopped(), lock.lost]).toMatchObject([
      true,
      { code: 'lock-lost', evidence: 'it could not be renewed for 45 s: no answer yet' },
    ]);
  });

  test('that could not be renewed is not reported once the run has ended', async () => {
    const { lock, isStopped } = scene({ answers: ['taken 9999'], answersUntil: 1 });
    await lock.take();
    lock.end(false);
    await jest.advanceTimersByTimeAsync(120_000);
    expect([isStopped(), lock.lost]).toEqual([false, undefined]);
  });

  const SHARED = { isShared: true };
  const APART: LockRequest['cluster'] = {
    ...ALICE,
    hosts: ALICE.hosts.map((host) => ({ ...host, route: { via: 'local' } })),
  };
  const LAST = { ...SHARED, stages: ['verify'] } as const;
  const cases: readonly [string, Omit<World, 'answers'>, boolean, number][] = [
    ['a standalone run', {}, false, 0],
    ['a standalone run that failed', {}, true, 0],
    ['a matrix job without artifacts', { job: { host: 'node-02' } }, false, 60],
    ['a job before others', SHARED, false, 300],
    ['a job before others that failed by itself', SHARED, true, 0],
    [
      'a failed matrix job, if each waits for the previous one',
      { ...SHARED, job: { host: 'node-02' }, stages: ['kuscia-start'] },
      true,
      0,
    ],
    [
      'a failed matrix job among parallel ones',
      { ...SHARED, job: { host: 'node-02' }, stages: ['swarm-join'] },
      true,
      60,
    ],
    ['the job before the proof', { ...SHARED, stages: ['nginx-lb'] }, false, 300],
    ['a job before those of other hosts', { ...SHARED, job: { here: 'node-01' }, cluster: APART }, false, 3900],
    [
      'a job before those of other hosts that failed',
      { ...SHARED, job: { here: 'node-01' }, cluster: APART },
      true,
      60,
    ],
    ['the last job of a run', LAST, false, 0],
    ['the last job of a run that failed', LAST, true, 0],
    ['the last job on the host of the first manager', { ...LAST, job: { here: 'node-01' }, cluster: APART }, false, 0],
    ['a whole deployment in one job of several', { ...SHARED, stages: ['swarm-init', 'verify'] }, false, 0],
  ];
  test.each(cases)('outlives %s by the right time', async (_, world, failed, seconds) => {
    const { lock, last } = scene({ answers: ['taken 9999'], ...world });
    lock.begin();
    if (world.stages?.[0] !== 'verify') await lock.take();
    lock.end(failed);
    expect(last.at(-1)).toBe(`node-01 end acme/ops/7#1 ${seconds}`);
  });

  test('is left to the next job even by a job that changes nothing, but only briefly by one that is cut short', () => {
    const { lock, asked, last } = scene({ answers: [''], ...SHARED });
    lock.begin();
    lock.end(false);
    expect([asked, last]).toEqual([[], ['node-01 end acme/ops/7#1 60', 'node-01 end acme/ops/7#1 300']]);
  });

  test.each<[string, Omit<World, 'answers'>]>([
    ['changes nothing on its own', {}],
    ['verifies on its own', { stages: ['verify'] }],
    ['plans', { ...SHARED, use: 'left alone', stages: ['swarm-init', 'verify'] }],
    ['only reads', { ...SHARED, use: 'left alone' }],
    ['does not reach the first manager', { ...SHARED, job: { reaches: ['node-02'] } }],
  ])('is not touched by a run that %s', (_, world) => {
    const { lock, asked, last } = scene({ answers: [''], ...world });
    lock.begin();
    lock.end(false);
    expect([asked, last]).toEqual([[], []]);
  });

  test.each<[string, readonly (string | Outcome)[], unknown]>([
    ['in a minute if the run holds it', ['shared\n'], 60],
    ['not if another run holds it', [OTHER], undefined],
    ['not if nobody holds it', ['held\n\n0\n0\n\n'], undefined],
    [
      'never silently if the holder is not known',
      [{ ended: 'exited', code: 75, stdout: '', stderr: '' }],
      [expect.objectContaining({ host: 'node-01' })],
    ],
  ])('is released %s', async (_, answers, given) => {
    const { lock, asked, last } = scene({ answers, use: 'released', job: { reaches: ['node-01'] } });
    lock.begin();
    expect(await lock.release().catch(failuresOf)).toEqual(given);
    lock.end(false);
    expect([asked, last]).toEqual([['node-01 keep alice acme/ops/7#1 60'], []]);
  });

  test('outlives the longest job if jobs of other hosts cannot keep it', () => {
    const workflow = readFileSync(join(import.meta.dirname, '../../.github/workflows/deploy.yml'), 'utf8');
    const minutes = [...workflow.matchAll(/timeout-minutes: (\d+)/g)].map((match) => Number(match[1]));
    expect(minutes.length).toBeGreaterThan(5);
    expect(betweenJobs(APART)).toBeGreaterThan(Math.max(...minutes) * 60);
    // If the first manager is reached over SSH, every job reaches it.
    expect(
      betweenJobs({
        ...APART,
        hosts: APART.hosts.map((host, i) => (i === 0 ? { ...host, route: ALICE.hosts[0]?.route ?? host.route } : host)),
      }),
    ).toBe(300);
  });

  test('is left to another job if the first manager is out of reach', async () => {
    const { lock, asked, last } = scene({ answers: [''], job: { reaches: ['node-02'] } });
    expect(await lock.take()).toBe('as planned');
    lock.end(false);
    expect([asked, last]).toEqual([[], []]);
  });
});
