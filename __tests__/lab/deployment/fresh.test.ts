import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { printedForms, Secret } from '../../../src/engine/secret.ts';
import { action, DATABASE_PASSWORD, unmasked, type ActionRun } from './action.ts';
import { answering, seenOn, stateOf } from './seen.ts';

const HOSTS = ['node-01', 'node-02', 'node-03'];
const REPLICAS = ['root-kuscia-autonomy-alice-node-02', 'root-kuscia-autonomy-alice-node-03'];
const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;

const states = (): Promise<string[]> => Promise.all(HOSTS.map(stateOf));

describe("the tutorial's cluster on fresh hosts", () => {
  const runs: ActionRun[] = [];
  const keep = (run: ActionRun): ActionRun => {
    runs.push(run);
    return run;
  };

  beforeAll(async () => {
    await up(3);
    await reset();
  }, 600_000);

  test('a plan on empty hosts lists every change and makes none', async () => {
    const before = await states();
    const planned = keep(await action(EXAMPLE, { inputs: { mode: 'plan' } }));
    expect({ code: planned.code, state: await states() }).toEqual({ code: 0, state: before });
    const changes = (
      JSON.parse(planned.outputs['plan'] ?? '{}') as { changes: { stage: string; host: string; what: string }[] }
    ).changes;
    expect(changes.map(({ stage, host }) => `${stage} ${host}`)).toEqual([
      'swarm-init node-01',
      'swarm-join node-02',
      'swarm-join node-03',
      'network-create node-01',
      'mysql-up node-01',
      'kuscia-init node-02',
      'kuscia-start node-02',
      'kuscia-start node-03',
      'nginx-lb node-01',
      'nginx-lb node-01',
    ]);
  }, 120_000);

  test('verify is red on empty hosts', async () => {
    const verified = keep(await action(EXAMPLE, { inputs: { mode: 'verify' } }));
    expect(verified.code).toBe(1);
    expect(verified.matrix?.healthy).toBe(false);
    expect(verified.log).toContain('cluster-unhealthy');
  }, 180_000);

  test('apply deploys it, confirmed by other means', async () => {
    const applied = keep(await action(EXAMPLE));
    expect({ code: applied.code, log: applied.code === 0 ? '' : applied.log }).toEqual({ code: 0, log: '' });
    expect(applied.changed).toBeGreaterThanOrEqual(14);
    expect(applied.matrix).toMatchObject({
      healthy: true,
      nodes: { ready: 3, total: 3 },
      pairs: { connected: 6, total: 6 },
    });
    expect(applied.matrix?.rows.map(({ replica }) => replica)).toEqual(REPLICAS);
    expect(applied.outputs['load-balancer-url']).toBe('http://10.77.0.11:8080');

    expect(await answering('http://10.77.0.11:8080')).toEqual({ [REPLICAS[0] ?? '']: 6, [REPLICAS[1] ?? '']: 6 });
    expect(await seenOn('node-01', `docker node ls --format '{{.Hostname}} {{.Status}}' | sort`)).toBe(
      'node-01 Ready\nnode-02 Ready\nnode-03 Ready',
    );
    const gateways = await seenOn(
      'node-02',
      'docker exec root-kuscia-autonomy-alice kubectl get gateways -n alice --no-headers | cut -d" " -f1 | sort',
    );
    expect(gateways.split('\n')).toEqual(REPLICAS);
    const hashes = await Promise.all(
      ['node-02', 'node-03'].map((host) =>
        seenOn(host, `stat -c '%a %U' kuscia-swarm/alice/kuscia.yaml; sha256sum < kuscia-swarm/alice/kuscia.yaml`),
      ),
    );
    expect(hashes[0]).toMatch(/^600 root\n/);
    expect(hashes[1]).toBe(hashes[0]);
  }, 300_000);

  test('the summary says that it works, and shows the matrix and a picture', () => {
    const { summary } = runs.at(-1) ?? { summary: '' };
    for (const replica of REPLICAS) expect(summary).toContain(replica);
    expect(summary).toContain('```mermaid');
    expect(summary).toContain('healthy');
  });

  test('a second run changes nothing', async () => {
    const before = await states();
    const again = keep(await action(EXAMPLE));
    expect({ code: again.code, changed: again.changed, state: await states() }).toEqual({
      code: 0,
      changed: 0,
      state: before,
    });
  }, 120_000);

  test('the load balancer leaves the limit on request size to the gateways (secretflow#1939)', async () => {
    expect(
      await seenOn(
        'node-01',
        `head -c 3M /dev/zero | curl -sko /dev/null -m 20 -w '%{http_code}' --data-binary @- http://10.77.0.11:8080/`,
      ),
    ).toBe('401');
  }, 30_000);

  test('verify is green and changes nothing', async () => {
    const before = await states();
    const verified = keep(await action(EXAMPLE, { inputs: { mode: 'verify' } }));
    expect({ code: verified.code, healthy: verified.matrix?.healthy, state: await states() }).toEqual({
      code: 0,
      healthy: true,
      state: before,
    });
  }, 120_000);

  test('no log, summary or output of these runs contains a secret', async () => {
    const key = await seenOn('node-02', `sed -n 's/^domainKeyData: //p' kuscia-swarm/alice/kuscia.yaml`);
    const token = await seenOn('node-01', 'docker swarm join-token -q worker');
    const secrets = [DATABASE_PASSWORD, key, token, readFileSync(paths.sshKey, 'utf8')].map(
      (value) => new Secret('searched', value),
    );
    const printed = runs
      .map(({ log, summary, outputs }) => [unmasked(log), summary, JSON.stringify(outputs)].join('\n'))
      .join('\n');
    expect(printed.length).toBeGreaterThan(5_000);
    expect(secrets.flatMap(printedForms).filter((form) => printed.includes(form))).toEqual([]);
  });
});
