import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exec, hosts, kill, run, sshd, start } from '../../../lab/lab.ts';
import { answering, leaseOn, seenOn } from '../deployment/seen.ts';
import {
  called,
  freshCaller,
  handedTokens,
  hiddenForms,
  onGithub,
  outputs,
  places,
  results,
  template,
  tokensInUse,
} from './caller.ts';

freshCaller();

const HOSTS = hosts.slice(0, 3).map(({ name }) => name);

describe('runners on the hosts themselves', () => {
  beforeAll(async () => {
    for (const host of HOSTS) await sshd(host, 'stop');
  });
  afterAll(async () => {
    await start('node-03');
    for (const host of HOSTS) if ((await exec(host, ['pidof', 'sshd'])).code !== 0) await sshd(host, 'start');
  }, 60_000);

  const nobodyListens = async (): Promise<void> => {
    for (const host of HOSTS) expect((await exec(host, ['pidof', 'sshd'])).code).toBe(1);
    const tried = await run(['bash', '--norc', '-c', 'exec 3<>/dev/tcp/10.77.0.12/22']);
    expect(tried.code).toBe(1);
  };

  test('release the lock of the first manager when a job elsewhere fails', async () => {
    const noJoining = String.raw`case "$*" in *swarm/join) exit 7 ;; esac; exec /usr/bin/curl "$@"`;
    await seenOn(
      'node-03',
      `printf '#!/bin/sh\n%s\n' '${noJoining}' >/usr/local/bin/curl && chmod 755 /usr/local/bin/curl`,
    );
    const end = await called(template('deploy-self-hosted'), { via: 'local', run: 20 });
    await seenOn('node-03', 'rm /usr/local/bin/curl');
    // If one leg of a matrix failed, act reports the others as failed, too.
    expect([end.code, results(end)]).toEqual([
      1,
      expect.objectContaining({ 'swarm-init': 'success', 'swarm-join-2': 'failure', unlock: 'success' }),
    ]);
    expect(await seenOn('node-01', `docker node ls --format '{{.Hostname}}' | sort | xargs`)).toBe('node-01 node-02');
    const { holder, lasts } = await leaseOn('node-01');
    expect(holder).toMatch(/\/20#1$/);
    expect(lasts).toBeLessThanOrEqual(60);
  }, 120_000);

  test('deploy without SSH, each job on the host that it concerns', async () => {
    await nobodyListens();
    const end = await called(template('deploy-self-hosted'), { via: 'local', run: 20, attempt: 2 });
    const legs = (job: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${job}-${i + 1}`);
    const jobs = [
      'check',
      ...legs('snapshot', 3),
      'plan',
      ...legs('snapshot-again', 3),
      'preflight',
      'swarm-init',
      ...legs('swarm-join', 2),
      'swarm-joined',
      ...legs('network-create', 3),
      ...legs('mysql-up', 3),
      ...legs('kuscia-init', 2),
      ...legs('kuscia-start', 3),
      'nginx-lb',
      ...legs('snapshot-last', 3),
      'verify',
      'clean-up',
    ];
    expect([end.code, results(end)]).toEqual([0, Object.fromEntries(jobs.map((job) => [job, 'success']))]);
    expect(JSON.parse(outputs(end, 'verify')['verify'] ?? '')).toMatchObject({
      healthy: true,
      pairs: { connected: 6, total: 6 },
    });
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual([
      'root-kuscia-autonomy-alice-node-02',
      'root-kuscia-autonomy-alice-node-03',
    ]);
    expect((await leaseOn('node-01')).holder).toBe('');
    await nobodyListens();
  }, 300_000);

  test('detect a missing replica, although the judging job runs elsewhere', async () => {
    await exec('node-03', ['docker', 'stop', 'root-kuscia-autonomy-alice']);
    const end = await called(template('verify'), { via: 'local', event: 'schedule', run: 22 });
    expect(results(end)).toMatchObject({ 'snapshot-3': 'success', verify: 'failure' });
    expect(JSON.parse(outputs(end, 'failures')['verify'] ?? '[]')).toContainEqual(
      expect.objectContaining({ code: 'cluster-unhealthy', host: 'node-03' }),
    );
    await exec('node-03', ['docker', 'start', 'root-kuscia-autonomy-alice']);
  }, 120_000);

  test('are reported in the issue when a host is dead, although nothing can be verified without it', async () => {
    const [issue] = onGithub().issues;
    expect(issue?.body).toContain('KS-1601');
    await kill('node-03');
    const end = await called(template('verify'), { via: 'local', event: 'schedule', run: 23 });
    expect([end.code, results(end)]).toEqual([
      1,
      expect.objectContaining({ check: 'success', 'snapshot-3': 'failure', report: 'success' }),
    ]);
    expect(results(end)['verify']).not.toBe('success');
    expect(onGithub().issues.map(({ state }) => state)).toEqual(['open']);
    expect(onGithub().issues[0]?.body).toContain(
      'it could not be checked (the earlier job snapshot ended with failure',
    );
  }, 120_000);

  test('expose no secret in the artifacts that they pass on', async () => {
    // The artifacts of the failed attempt were created again by the next.
    const [travelled, inUse] = [[...new Set(await handedTokens())], await tokensInUse()];
    expect([travelled.length, travelled.filter((token) => inUse.includes(token))]).toEqual([2, []]);
    expect(await places(await hiddenForms())).toEqual([]);
    expect(await seenOn('node-02', 'stat -c %a ~/kuscia-swarm/alice/kuscia.yaml')).toBe('600');
  });
});
