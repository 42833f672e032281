import { describe, expect, test } from '@jest/globals';
import { exec } from '../../../lab/lab.ts';
import { readable, storedArtifacts, type WorkflowEnd } from '../../../lab/github/workflow.ts';
import { unzipped } from '../../../lab/github/zip.ts';
import type { Matrix } from '../../../src/cluster/matrix.ts';
import { answering, leaseOn, seenOn } from '../deployment/seen.ts';
import {
  called,
  callerSecrets,
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

const REPLICAS = ['root-kuscia-autonomy-alice-node-02', 'root-kuscia-autonomy-alice-node-03'];
const ALL = [
  'check',
  'plan',
  'preflight',
  'swarm-init',
  'swarm-join-1',
  'swarm-join-2',
  'swarm-joined',
  'network-create',
  'mysql-up',
  'kuscia-init',
  'kuscia-start-1',
  'kuscia-start-2',
  'nginx-lb',
  'verify',
];
const well = (jobs: readonly string[]): Record<string, string> =>
  Object.fromEntries(jobs.map((job) => [job, 'success']));
const said = (end: WorkflowEnd): string => readable(end.log);

describe('a repository that calls deploy.yml', () => {
  let first: WorkflowEnd;
  let tokens = '';

  test('deploys a cluster on empty hosts, and leaves no artifact of its own', async () => {
    const others = [
      'kuscia-swarm.alice.deploy.00000000.1.plan.plan',
      'kuscia-swarm.alice.verify.1.snapshot.snapshot',
      'report',
    ];
    for (const name of others) onGithub().addArtifact(name, 11);
    let call: string | undefined;
    const onLog = (log: string): void => {
      if (call !== undefined) return;
      call = /set-output:: call=([0-9a-f]{8})/.exec(readable(log))?.[1];
      if (call !== undefined) onGithub().addArtifact(`kuscia-swarm.alice.deploy.${call}.1.plan.plan`, 11);
    };
    first = await called(template('deploy'), { inputs: { mode: 'apply' }, run: 11, onLog });
    expect(call).toBeDefined();
    expect([first.code, results(first)]).toEqual([0, well([...ALL, 'clean-up'])]);
    expect(onGithub().artifacts.map(({ name }) => name)).toEqual(others);
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual(REPLICAS);
    expect(JSON.parse(outputs(first, 'verify')['verify'] ?? '') as Matrix).toMatchObject({
      healthy: true,
      nodes: { ready: 3, total: 3 },
    });
    expect((await leaseOn('node-01')).holder).toBe('');
  }, 240_000);

  test('passes only sealed artifacts between jobs, each under its own name', () => {
    const files = storedArtifacts().flatMap(({ path, bytes }) =>
      [...unzipped(bytes)].map(([name, content]) => ({
        name: `${path.replace(/^.*\//, '').replace(/\.deploy\.[0-9a-f]{8}\./, '.deploy.CALL.')}: ${name.replace(/\d{13}/, 'TIME')}`,
        content,
      })),
    );
    expect(files.map(({ name }) => name).sort()).toEqual([
      'kuscia-swarm.alice.deploy.CALL.1.kuscia-init.kuscia-init.zip: kuscia-configuration.TIME.age',
      'kuscia-swarm.alice.deploy.CALL.1.kuscia-init.kuscia-init.zip: provenance.TIME.age',
      'kuscia-swarm.alice.deploy.CALL.1.plan.plan.zip: plan.TIME.age',
      'kuscia-swarm.alice.deploy.CALL.1.swarm-init.swarm-init.zip: join-tokens.TIME.age',
    ]);
    for (const { content } of files) expect(content.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  });

  test('leaves no passed join token valid', async () => {
    tokens = await seenOn('node-01', 'docker swarm join-token -q worker');
    expect(said(first)).toContain('rotate the join tokens');
    const [travelled, inUse] = [await handedTokens(), await tokensInUse()];
    expect([travelled.length, inUse.length, travelled.filter((token) => inUse.includes(token))]).toEqual([2, 2, []]);
  });

  test('reports no change in any job of a second run, and passes no token', async () => {
    const again = await called(template('deploy'), { inputs: { mode: 'apply' }, run: 12 });
    expect([again.code, results(again)]).toEqual([0, well([...ALL, 'clean-up'])]);
    const changed = outputs(again, 'changed');
    expect(Object.keys(changed).sort()).toEqual(
      [...ALL, 'preflight'].filter((job, i, all) => job !== 'check' && all.indexOf(job) === i).sort(),
    );
    expect(Object.values(changed).filter((count) => count !== '0')).toEqual([]);
    expect(storedArtifacts().filter(({ path }) => path.includes('/12/') && path.includes('swarm-init'))).toEqual([]);
    expect(await seenOn('node-01', 'docker swarm join-token -q worker')).toBe(tokens);
    expect((await leaseOn('node-01')).holder).toBe('');
  }, 240_000);

  test('can continue with the root action in one job, which finds the same state', async () => {
    const end = await called(template('deploy-single-job'), {
      run: 16,
      secrets: callerSecrets('ssh', { KUSCIA_SEAL_KEY: '' }),
    });
    expect([end.code, results(end), outputs(end, 'changed')]).toEqual([0, { deploy: 'success' }, { deploy: '0' }]);
    expect(JSON.parse(outputs(end, 'verify')['deploy'] ?? '') as Matrix).toMatchObject({ healthy: true });
  }, 120_000);

  test('shows a plan and changes nothing', async () => {
    await exec('node-03', ['docker', 'rm', '--force', REPLICAS[1]?.replace(/-node-03$/, '') ?? '']);
    const planned = await called(template('deploy'), { inputs: { mode: 'plan' }, run: 13 });
    expect([planned.code, results(planned)]).toEqual([0, well(['check', 'plan'])]);
    expect(JSON.parse(outputs(planned, 'plan')['plan'] ?? '')).toMatchObject({
      changes: [{ stage: 'kuscia-start', host: 'node-03', change: '+' }],
    });
    expect(await seenOn('node-03', `docker ps -a --format '{{.Names}}'`)).toBe('alice-probe');
    expect(storedArtifacts().filter(({ path }) => path.includes('/13/'))).toEqual([]);
  }, 120_000);

  test('keeps one comment with the plan on a pull request', async () => {
    const pull = onGithub().addIssue({ title: 'A larger cluster', isPullRequest: true });
    const payload = {
      action: 'synchronize',
      number: pull.number,
      pull_request: { number: pull.number, head: { repo: { full_name: 'acme/clusters' } }, base: { ref: 'main' } },
      repository: { full_name: 'acme/clusters', name: 'clusters', owner: { login: 'acme' } },
    };
    for (const run of [14, 15]) {
      const end = await called(template('plan'), { event: 'pull_request', payload, run });
      expect([end.code, results(end)]).toEqual([0, well(['check', 'plan', 'comment'])]);
    }
    expect(onGithub().comments.map(({ issue }) => issue)).toEqual([pull.number]);
    expect(onGithub().comments[0]?.body).toContain('start replica root-kuscia-autonomy-alice');
  }, 120_000);

  test('has exposed no secret in any log, summary, output or artifact', async () => {
    const forms = await hiddenForms();
    expect(forms).toEqual(expect.arrayContaining(await handedTokens()));
    expect(await places(forms)).toEqual([]);
    // Each run, including its summaries, and sealed content that is not secret are searched.
    expect(await places(['Summary - ## '])).toHaveLength(6);
    expect(await places(['initialise'])).toContainEqual(expect.stringMatching(/plan\.\d+\.age, opened$/));
  });
});
