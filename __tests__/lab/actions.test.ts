import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../lab/lab.ts';
import type { Matrix } from '../../src/cluster/matrix.ts';
import { printedForms, Secret } from '../../src/engine/secret.ts';
import { STAGES, type StageName } from '../../src/stages/index.ts';
import { composite, type CompositeRun } from '../actions/composite.ts';
import { unmasked } from './deployment/action.ts';
import { answering, seenOn } from './deployment/seen.ts';

const PASSWORD = 'Ut9-database.Password+32';
const REPLICAS = ['root-kuscia-autonomy-alice-node-02', 'root-kuscia-autonomy-alice-node-03'];

const runs: CompositeRun[] = [];

async function stage(name: StageName, inputs: Readonly<Record<string, string>> = {}): Promise<CompositeRun> {
  const sshKey = readFileSync(paths.sshKey, 'utf8');
  const usual = {
    cluster: 'examples/two-replicas.yml',
    'ssh-key': sshKey,
    'known-hosts': readFileSync(paths.knownHosts, 'utf8'),
    'database-password': PASSWORD,
  };
  const run = await composite(name, { ...usual, ...inputs });
  runs.push(run);
  return run;
}

/** Number of changes of a run that has to succeed; nothing for a stage that never changes anything. */
async function changes(name: StageName): Promise<string | undefined> {
  const { code, log, outputs } = await stage(name);
  expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' });
  return outputs['changed'];
}

/** Changes that each stage makes on fresh hosts. */
const ON_FRESH_HOSTS: Readonly<Record<StageName, string | undefined>> = {
  preflight: '0',
  'swarm-init': '1',
  'swarm-join': '2',
  'network-create': expect.stringMatching(/^[1-9]/) as unknown as string,
  'mysql-up': '1',
  'kuscia-init': expect.stringMatching(/^[1-9]/) as unknown as string,
  'kuscia-start': '2',
  'nginx-lb': expect.stringMatching(/^[1-9]/) as unknown as string,
  verify: undefined,
};

describe("the stages' actions, one after the other, each in its own run", () => {
  beforeAll(async () => {
    await up(3);
    await reset();
  }, 600_000);

  test('a stage run too early changes nothing and says so', async () => {
    const early = await stage('kuscia-start');
    expect(early.code).toBe(1);
    expect(early.log).toMatch(/::error /);
    expect(await seenOn('node-02', 'docker container ls -aq')).toBe('');
  }, 60_000);

  test('a plan lists the change and makes none', async () => {
    const planned = await stage('swarm-init', { mode: 'plan' });
    expect(planned.code).toBe(0);
    expect(JSON.parse(planned.outputs['plan'] ?? '')).toMatchObject({
      changes: [{ stage: 'swarm-init', host: 'node-01' }],
    });
    expect(await seenOn('node-01', `docker info --format '{{.Swarm.LocalNodeState}}'`)).toBe('inactive');
  }, 60_000);

  test.each(STAGES)(
    '%s',
    async (name) => {
      expect(await changes(name)).toEqual(ON_FRESH_HOSTS[name]);
    },
    200_000,
  );

  test('deploy the cluster, checked by other means', async () => {
    expect(await seenOn('node-01', `docker node ls --format '{{.Hostname}} {{.Status}}' | sort`)).toBe(
      'node-01 Ready\nnode-02 Ready\nnode-03 Ready',
    );
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual(REPLICAS);
  }, 60_000);

  test.each(STAGES)(
    '%s again finds nothing to do',
    async (name) => {
      expect(await changes(name)).toBe(name === 'verify' ? undefined : '0');
    },
    100_000,
  );

  test('output the matrix and the address', () => {
    const outputs = runs.at(-1)?.outputs;
    expect(JSON.parse(outputs?.['verify'] ?? '') as Matrix).toMatchObject({
      healthy: true,
      nodes: { ready: 3, total: 3 },
    });
    expect(outputs?.['load-balancer-url']).toBe('http://10.77.0.11:8080');
  });

  test('print no secret', () => {
    const secrets = [PASSWORD, readFileSync(paths.sshKey, 'utf8')].flatMap((text) =>
      printedForms(new Secret('secret', text)),
    );
    const printed = runs.map(({ log, outputs }) => unmasked(log) + JSON.stringify(outputs)).join('\n');
    expect(runs.length).toBeGreaterThan(2 * STAGES.length);
    expect(secrets.filter((form) => printed.includes(form))).toEqual([]);
  });
});
