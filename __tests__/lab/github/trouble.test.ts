import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { registry } from '../../../lab/lab.ts';
import type { EndedJobs } from '../../../lab/github/repositories.ts';
import { artifactsFolder, readable, storedArtifacts, type WorkflowEnd } from '../../../lab/github/workflow.ts';
import { unzipped, zipped } from '../../../lab/github/zip.ts';
import type { Jobs } from '../../../src/cluster/jobs.ts';
import type { StageName } from '../../../src/stages/index.ts';
import { answering, leaseOn, leftRunning, seenOn } from '../deployment/seen.ts';
import {
  called,
  callerSecrets,
  errors as codes,
  freshCaller,
  hiddenForms,
  onGithub,
  openedArtifacts,
  outputs,
  places,
  results,
  template,
} from './caller.ts';

freshCaller();

/** A workflow of one job that uses only one action of this repository. */
function using(action: string, inputs: Readonly<Record<string, string>> = {}): string {
  const given = {
    cluster: 'cluster.yml',
    'ssh-key': '${{ secrets.KUSCIA_SSH_KEY }}',
    'known-hosts': '${{ secrets.KUSCIA_KNOWN_HOSTS }}',
    'database-password': '${{ secrets.KUSCIA_DATABASE_PASSWORD }}',
    ...inputs,
  };
  const lines = Object.entries(given).map(([name, value]) => `          ${name}: ${value}`);
  return [
    'on: workflow_dispatch',
    'jobs:',
    '  one:',
    '    runs-on: ubuntu-latest',
    '    steps:',
    '      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1',
    `      - uses: OWNER/kuscia-swarm/actions/${action}@v1`,
    '        with:',
    ...lines,
    '',
  ].join('\n');
}

const ANOTHER_KEY = 'correct horse battery staple';
const ANOTHER_PASSWORD = 'Bx8-not.the+One-of-the-Volume';
const SEALED = { artifacts: 'kuscia-swarm.alice', 'seal-key': '${{ secrets.KUSCIA_SEAL_KEY }}' };
/** A job that created artifacts keeps the lock for five minutes, for the next job of its run; if none follows, this avoids the wait. */
const freeLock = (): Promise<string> => seenOn('node-01', 'rm -f /run/lock/kuscia-swarm/alice.lease');
const nodes = (): Promise<string> => seenOn('node-01', `docker node ls --format '{{.Hostname}}' | sort | tr '\\n' ' '`);

describe('a single action', () => {
  test('can be used from another repository', async () => {
    const end = await called(using('preflight'), { run: 41 });
    expect([end.code, results(end), outputs(end, 'changed')]).toEqual([0, { one: 'success' }, { one: '0' }]);
  }, 60_000);

  test('reports what is missing, and contacts no host', async () => {
    const end = await called(using('swarm-init'), { run: 42, secrets: callerSecrets('ssh', { KUSCIA_SSH_KEY: '' }) });
    expect([end.code, codes(end)]).toEqual([1, ['KS-1001 input-invalid']]);
    expect(readable(end.log)).toContain('input ssh-key is missing');
    expect(await seenOn('node-01', `docker info --format '{{.Swarm.LocalNodeState}}'`)).toBe('inactive');
  }, 60_000);
});

describe('an artifact passed between jobs', () => {
  const join = (host: string, run: number, attempt: number, secrets = callerSecrets()): Promise<WorkflowEnd> =>
    called(using('swarm-join', { ...SEALED, host }), { run, attempt, secrets });
  const init = (attempt: number): Promise<WorkflowEnd> => called(using('swarm-init', SEALED), { run: 43, attempt });

  test('is reported by name if missing', async () => {
    const end = await called(using('kuscia-start', SEALED), { run: 43 });
    expect([end.code, codes(end)]).toEqual([1, ['KS-1701 artifact-missing']]);
  }, 60_000);

  test('is used by a job that runs alone in a later attempt', async () => {
    // Every job that changes something must follow a plan.
    expect((await called(using('plan', SEALED), { run: 43 })).code).toBe(0);
    expect((await init(1)).code).toBe(0);
    const end = await join('node-02', 43, 2);
    expect([end.code, outputs(end, 'changed')]).toEqual([0, { one: '1' }]);
    expect(await nodes()).toBe('node-01 node-02');
  }, 120_000);

  test('is not opened with another key', async () => {
    const end = await join('node-03', 43, 2, callerSecrets('ssh', { KUSCIA_SEAL_KEY: ANOTHER_KEY }));
    expect([end.code, codes(end)]).toEqual([1, ['KS-1704 artifact-key-wrong']]);
  }, 60_000);

  test('is not used if part of it is missing', async () => {
    const [stored] = storedArtifacts().filter(({ path }) => path.startsWith(storeOf(43)));
    if (!stored) throw new Error('nothing was handed over');
    writeFileSync(
      stored.path,
      zipped(
        new Map([...unzipped(stored.bytes)].map(([name, content]) => [name, content.subarray(0, content.length / 2)])),
      ),
    );
    const end = await join('node-03', 43, 2);
    writeFileSync(stored.path, stored.bytes);
    expect([end.code, codes(end)]).toEqual([1, ['KS-1703 artifact-damaged']]);
    expect(await nodes()).toBe('node-01 node-02');
  }, 60_000);

  test('is not accepted from another run', async () => {
    cpSync(storeOf(43), storeOf(44), { recursive: true });
    const end = await join('node-03', 44, 1);
    expect([end.code, codes(end)]).toEqual([1, ['KS-1702 artifact-foreign']]);
    expect(readable(end.log)).toContain('run 43, not 44');
    expect(await nodes()).toBe('node-01 node-02');
  }, 60_000);

  test('is useless once the token was rotated, until swarm-init passes on the new one', async () => {
    await seenOn('node-01', 'docker swarm join-token --rotate -q worker >/dev/null');
    const refused = await join('node-03', 43, 3);
    expect([refused.code, codes(refused)]).toEqual([1, ['KS-1706 join-token-invalid']]);
    expect((await init(4)).code).toBe(0);
    const end = await join('node-03', 43, 4);
    expect([end.code, outputs(end, 'changed')]).toEqual([0, { one: '1' }]);
    expect(await nodes()).toBe('node-01 node-02 node-03');
  }, 120_000);

  test('is invalidated by the next run if the run that created it ended before doing so', async () => {
    const tokens = 'docker swarm join-token -q worker; docker swarm join-token -q manager';
    const handedOver = await seenOn('node-01', tokens);
    await freeLock();
    const end = await called(using('swarm-join'), { run: 49 });
    expect([end.code, outputs(end, 'changed')]).toEqual([0, { one: '1' }]);
    expect(readable(end.log)).toContain('an earlier run handed them over but did not rotate them');
    const now = await seenOn('node-01', tokens);
    expect(now.split('\n').filter((token) => handedOver.includes(token))).toEqual([]);
    expect(
      await seenOn('node-01', `docker node inspect --format '{{json .Spec.Labels}}' node-01 node-02 node-03`),
    ).not.toContain('join-tokens');
  }, 60_000);
});

const storeOf = (run: number): string => join(artifactsFolder, String(run));

describe('a plan that was approved', () => {
  test('is not applied to hosts that have changed since', async () => {
    let moved: Promise<string> | undefined;
    const onLog = (log: string): void => {
      if (moved === undefined && readable(log).includes('The plan was approved.'))
        moved = seenOn(
          'node-01',
          'docker network create --driver overlay --attachable --subnet 10.200.0.0/24 kuscia-exchange-cluster',
        );
    };
    await freeLock();
    onGithub().environments.set('production', { reviewers: 1 });
    const end = await called(template('deploy').replace("environment: ''", 'environment: production'), {
      run: 48,
      inputs: { mode: 'apply' },
      onLog,
    });
    await moved;
    await freeLock();
    expect([end.code, codes(end)]).toEqual([1, ['KS-1705 plan-moved']]);
    expect(results(end)).toMatchObject({ plan: 'success', approve: 'success', preflight: 'failure' });
    expect(outputs(end, 'changed')).toEqual({ plan: '0', preflight: '0' });
    expect(readable(end.log)).toContain(
      'no longer: network-create node-01 + overlay kuscia-exchange-cluster 10.200.0.0/24',
    );
  }, 120_000);
});

describe('a whole deployment', () => {
  test('reports an invalid mode and a missing secret before any host is contacted', async () => {
    const misspelt = await called(template('deploy'), { run: 45, inputs: { mode: 'aply' } });
    expect([misspelt.code, results(misspelt)['check'], codes(misspelt)]).toEqual([
      1,
      'failure',
      ['KS-1001 input-invalid'],
    ]);
    expect(readable(misspelt.log)).toContain(
      'input mode of the workflow is "aply"; did you mean "apply"? (apply, plan)',
    );
    expect(Object.values(results(misspelt)).filter((result) => result === 'success')).toEqual([]);
    const lacking = await called(template('deploy'), {
      run: 45,
      attempt: 2,
      inputs: { mode: 'apply' },
      secrets: callerSecrets('ssh', { KUSCIA_KNOWN_HOSTS: '' }),
    });
    expect([lacking.code, results(lacking)['plan'], codes(lacking)]).toEqual([1, 'failure', ['KS-1001 input-invalid']]);
    expect(readable(lacking.log)).toContain('input known-hosts is missing');
  }, 120_000);

  test('is refused if nobody has to approve it', async () => {
    onGithub().environments.set('prodution', {});
    const end = await called(template('deploy').replace("environment: ''", 'environment: prodution'), {
      run: 52,
      inputs: { mode: 'apply' },
    });
    expect([end.code, codes(end)]).toEqual([1, ['KS-1803 approval-unguarded']]);
    expect(results(end)).toMatchObject({ plan: 'success', approve: 'failure' });
    expect(outputs(end, 'changed')).toEqual({ plan: '0' });
    // GitHub's runner clears the variables with the version in a composite; the link must be present all the same.
    expect(readable(end.log)).toContain(
      'https://github.com/OWNER/kuscia-swarm/blob/v1/docs/troubleshooting.md#ks-1803',
    );
  }, 120_000);

  test('that is interrupted ends and leaves nothing running', async () => {
    const cut = await called(template('deploy'), {
      run: 46,
      inputs: { mode: 'apply' },
      interruptWhen: (log) => /kuscia-start-1[^]*start replica [^"]*\(absent\)/.test(log),
      timeoutMs: 240_000,
    });
    // act reports every job that it no longer ran as a success; the jobs that ran to their end have outputs.
    expect(Object.keys(outputs(cut, 'changed'))).toEqual(expect.arrayContaining(['swarm-init', 'kuscia-init']));
    expect(outputs(cut, 'verify')['verify']).toBeUndefined();
    await expect(answering('http://10.77.0.11:8080', 1)).resolves.toEqual({});
    // act does not wait for the step that it interrupts, which has this long to end.
    const running = () => Promise.all(['node-01', 'node-02', 'node-03'].map(leftRunning));
    const deadline = Date.now() + 7_000;
    while ((await running()).join('') !== '' && Date.now() < deadline) await setTimeout(200);
    expect(await running()).toEqual(['', '', '']);
    // None of its own jobs follows, except in a re-run: any other run waits no longer than this.
    const lease = await leaseOn('node-01');
    expect([lease.holder, lease.lasts <= 60]).toEqual(['acme/clusters/46#1', true]);
  }, 240_000);

  test('is continued immediately by its own re-run, in which a failed job runs again alone', async () => {
    const image = 'secretflow/kuscia:1.1.0b0';
    const again = template('deploy').replace(/^ {6}domain: alice.*\n/m, `$&      lock-wait: '0'\n`);
    await seenOn(
      'node-03',
      `docker tag ${image} kept && docker image rm ${image} >/dev/null && ip route add unreachable ${registry.address}`,
    );
    const second = await called(again, { run: 46, attempt: 2, inputs: { mode: 'apply' } });
    expect([second.code, codes(second)]).toEqual([1, ['KS-1209 image-unavailable']]);
    expect(results(second)).toMatchObject({ 'kuscia-start-1': 'success', 'kuscia-start-2': 'failure' });
    await seenOn('node-03', `ip route del unreachable ${registry.address} && docker tag kept ${image}`);
    const end = await called(again, {
      run: 46,
      attempt: 3,
      inputs: { mode: 'apply' },
      ended: endedIn(second, 'kuscia-start'),
    });
    expect((await leaseOn('node-01')).holder).toBe('');
    expect([end.code, results(end)['verify']]).toEqual([0, 'success']);
    expect(outputs(end, 'changed')).toMatchObject({ 'kuscia-start': '1' });
    expect(Object.keys(outputs(end, 'changed')).sort()).toEqual(['kuscia-start', 'nginx-lb', 'verify']);
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual([
      'root-kuscia-autonomy-alice-node-02',
      'root-kuscia-autonomy-alice-node-03',
    ]);
  }, 400_000);

  test('in one job keeps the logs of a failed run, sealed with the key', async () => {
    const end = await called(template('deploy-single-job'), {
      run: 51,
      secrets: callerSecrets('ssh', { KUSCIA_DATABASE_PASSWORD: ANOTHER_PASSWORD }),
    });
    expect([end.code, codes(end)]).toEqual([1, ['KS-1302 database-login-refused']]);
    const kept = (await openedArtifacts()).filter(({ path }) => path.startsWith(storeOf(51)));
    expect(kept.map(({ path, kind }) => [path.slice(storeOf(51).length).replace(/\d{13}/, 'TIME'), kind])).toEqual([
      ['/kuscia-swarm-logs.1/kuscia-swarm-logs.1.zip: logs.TIME.age', 'logs'],
    ]);
    expect(kept[0]?.content).toContain('===== node-01: docker logs alice-mysql');
  }, 120_000);
});

test('no secret was exposed in any of these runs, in a log, a summary, an output, an artifact or the kept logs', async () => {
  expect(await places(await hiddenForms([ANOTHER_KEY, ANOTHER_PASSWORD]))).toEqual([]);
  expect(await places(['Error KS-170'])).toHaveLength(6);
});

/** The jobs that ended well in an attempt in which the second leg of one failed, with what that job and those after it take of them. */
function endedIn(attempt: WorkflowEnd, failed: StageName): EndedJobs {
  const jobs = JSON.parse(outputs(attempt, 'jobs')['check'] ?? '') as Jobs<StageName>;
  const again = JSON.stringify({ ...jobs, [failed]: jobs[failed].slice(1) });
  const well = Object.entries(results(attempt)).flatMap(([job, result]) =>
    result === 'success' && !job.startsWith(failed) ? [job.replace(/-\d+$/, '')] : [],
  );
  return {
    ...Object.fromEntries(well.map((job) => [job, {}])),
    check: { domain: 'alice', call: outputs(attempt, 'call')['check'] ?? '', jobs: again },
  };
}
