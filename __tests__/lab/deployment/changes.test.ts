import { beforeAll, describe, expect, test } from '@jest/globals';
import { exec, reset, up } from '../../../lab/lab.ts';
import { action, type ActionRun } from './action.ts';
import { answering, containerIds, seenOn } from './seen.ts';

const cluster = (replicas: readonly string[], more = ''): string => `
domain: alice
image: secretflow/kuscia:1.1.0b0
hosts:
  node-01: { address: 10.77.0.11, roles: [manager, database, load-balancer] }
${replicas.map((node) => `  ${node}: { address: 10.77.0.1${node.at(-1)}, roles: [replica] }`).join('\n')}
${more}`;
const TWO = ['node-02', 'node-03'];
const REPLICA = 'root-kuscia-autonomy-alice';

/** Changes of a run as `stage host: what (why)`, with IMAGE for the digest of an image. */
async function changesOf(
  text: string,
  inputs: Record<string, string> = {},
): Promise<{ run: ActionRun; planned: string[] }> {
  const plan = await action(text, { inputs: { ...inputs, mode: 'plan' } });
  const changes = (
    JSON.parse(plan.outputs['plan'] ?? '{"changes":[]}') as {
      changes: { stage: string; host: string; change: string; what: string; why: string }[];
    }
  ).changes;
  const applied = await action(text, { inputs });
  expect({ code: applied.code, log: applied.code === 0 ? '' : applied.log }).toEqual({ code: 0, log: '' });
  return {
    run: applied,
    planned: changes.map(({ stage, host, change, what, why }) =>
      `${stage} ${host} ${change} ${what} (${why})`.replace(/sha256:[0-9a-f]{12}\b/, 'IMAGE'),
    ),
  };
}

/** Containers that a change recreated, by host. */
async function recreatedBy(
  hosts: readonly string[],
  change: () => Promise<unknown>,
): Promise<Record<string, string[]>> {
  const before = await Promise.all(hosts.map(containerIds));
  await change();
  const after = await Promise.all(hosts.map(containerIds));
  return Object.fromEntries(
    hosts.map((host, i) => [
      host,
      Object.entries(after[i] ?? {})
        .filter(([name, id]) => before[i]?.[name] !== id)
        .map(([name]) => name),
    ]),
  );
}

describe('a deployed cluster follows its file, and only changed parts are touched', () => {
  beforeAll(async () => {
    await up(4);
    await reset();
    const first = await action(cluster(TWO));
    expect({ code: first.code, log: first.code === 0 ? '' : first.log }).toEqual({ code: 0, log: '' });
  }, 600_000);

  test('memory: each replica is replaced, nothing else', async () => {
    const recreated = await recreatedBy(['node-01', ...TWO], async () => {
      const { planned } = await changesOf(cluster(TWO, 'memory: 4GiB'));
      expect(planned).toEqual(
        TWO.map((node) => `kuscia-start ${node} ~ replace replica ${REPLICA} (memory 8 GiB -> 4 GiB; image IMAGE)`),
      );
    });
    expect(recreated).toEqual({ 'node-01': [], 'node-02': [REPLICA], 'node-03': [REPLICA] });
    expect(await seenOn('node-02', `docker inspect -f '{{.HostConfig.Memory}}' ${REPLICA}`)).toBe(
      String(4 * 1024 ** 3),
    );
  }, 200_000);

  test('a port: replicas are replaced one after the other, and no request through the load balancer is lost', async () => {
    const load = exec(
      'node-04',
      [
        'bash',
        '-c',
        `for i in $(seq 400); do curl -s -o /dev/null -m 10 -w '%{http_code}\\n' http://10.77.0.11:8080; sleep 0.05; done | sort | uniq -c`,
      ],
      { timeoutMs: 300_000 },
    );
    const recreated = await recreatedBy(['node-01', ...TWO], async () => {
      const { planned } = await changesOf(cluster(TWO, 'memory: 4GiB\nports: { metrics: 13099 }'));
      expect(planned).toEqual(
        TWO.map((node) => `kuscia-start ${node} ~ replace replica ${REPLICA} (port 13084 -> 13099; image IMAGE)`),
      );
    });
    expect(recreated).toEqual({ 'node-01': [], 'node-02': [REPLICA], 'node-03': [REPLICA] });
    expect((await load).stdout.trim()).toBe('400 401');
  }, 300_000);

  test('the protocol: configuration rewritten with the same domain key, replicas restarted, nginx reloaded', async () => {
    const keyOf = (): Promise<string> =>
      seenOn('node-02', `grep domainKeyData kuscia-swarm/alice/kuscia.yaml | sha256sum`);
    const key = await keyOf();
    const text = cluster(TWO, 'memory: 4GiB\nports: { metrics: 13099 }\nprotocol: NOTLS');
    const recreated = await recreatedBy(['node-01', ...TWO], () => changesOf(text));
    expect(recreated).toEqual({ 'node-01': [], 'node-02': [], 'node-03': [] });
    expect(await keyOf()).toBe(key);
    expect(await seenOn('node-01', 'curl -s http://10.77.0.12:20000')).toContain(`"instance":"${REPLICA}-node-02"`);
    expect(Object.values(await answering('http://10.77.0.11:8080'))).toEqual([6, 6]);
    expect(await seenOn('node-01', 'grep -c "proxy_pass https" kuscia-swarm/alice/nginx/nginx.conf.last-good')).toBe(
      '1',
    );
  }, 300_000);

  test('a replica added: it joins, gets the same configuration, and the load balancer forwards to it', async () => {
    const text = cluster([...TWO, 'node-04'], 'memory: 4GiB\nports: { metrics: 13099 }\nprotocol: NOTLS');
    const recreated = await recreatedBy(['node-01', ...TWO], () => changesOf(text));
    expect(recreated).toEqual({ 'node-01': [], 'node-02': [], 'node-03': [] });
    expect(await answering('http://10.77.0.11:8080')).toEqual(
      Object.fromEntries([...TWO, 'node-04'].map((node) => [`${REPLICA}-${node}`, 4])),
    );
  }, 300_000);

  test('a new image: replicas are replaced one after the other', async () => {
    const text = cluster([...TWO, 'node-04'], 'memory: 4GiB\nports: { metrics: 13099 }\nprotocol: NOTLS').replace(
      '1.1.0b0',
      '1.0.0b0',
    );
    const { run: applied } = await changesOf(text);
    expect(applied.matrix?.rows.map(({ cells }) => cells.version.text)).toEqual(['1.0.0b0', '1.0.0b0', '1.0.0b0']);
    const starts = await Promise.all(
      ['node-02', 'node-03', 'node-04'].map((node) =>
        seenOn(node, `docker inspect -f '{{.State.StartedAt}}' ${REPLICA}`),
      ),
    );
    expect(starts).toEqual([...starts].sort());
  }, 300_000);
});

describe('leftovers of a failed start are removed', () => {
  const REMNANTS: [string, string][] = [
    [
      'a container that was created and never started',
      `docker rm -f ${REPLICA} >/dev/null; docker create --name ${REPLICA} secretflow/kuscia:1.1.0b0 true`,
    ],
    ['a replica that was killed', `docker kill ${REPLICA}`],
    ['a replica that is gone, its folders still there', `docker rm -f ${REPLICA}`],
    [
      'a replica started by hand without the terminal that kuscia.sh needs',
      `docker rm -f ${REPLICA} >/dev/null; cd kuscia-swarm/alice; export KUSCIA_IMAGE=secretflow/kuscia:1.1.0b0 USER=root ROOT=$PWD; timeout 20 setsid ./kuscia.sh start -c $PWD/kuscia.yaml -p 20000 -q 20001 -k 20010 -g 20011 -a none -m 8G --cluster </dev/null; true`,
    ],
    [
      'a half-written configuration beside the real one',
      `echo half >kuscia-swarm/alice/kuscia.yaml.new.1; docker stop ${REPLICA}`,
    ],
  ];

  beforeAll(async () => {
    await up(3);
    await reset();
    const first = await action(cluster(TWO));
    expect({ code: first.code, log: first.code === 0 ? '' : first.log }).toEqual({ code: 0, log: '' });
  }, 600_000);

  test.each(REMNANTS)(
    '%s',
    async (_, leave) => {
      await seenOn('node-03', leave);
      const mended = await action(cluster(TWO));
      expect({ code: mended.code, log: mended.code === 0 ? '' : mended.log, healthy: mended.matrix?.healthy }).toEqual({
        code: 0,
        log: '',
        healthy: true,
      });
      const again = await action(cluster(TWO));
      expect({ code: again.code, changed: again.changed }).toEqual({ code: 0, changed: 0 });
    },
    400_000,
  );
});
