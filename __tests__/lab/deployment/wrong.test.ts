import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { cut, kill, mend, paths, reset, run, start, up } from '../../../lab/lab.ts';
import { CLUSTER } from '../support/cluster.ts';
import { action, unmasked, type ActionOptions } from './action.ts';
import { seenOn, stateOf } from './seen.ts';

interface Wrong {
  readonly name: string;
  readonly cluster?: string;
  readonly inputs?: NonNullable<ActionOptions['inputs']>;
  /** Makes it wrong, and puts it right. */
  readonly spoil?: () => Promise<unknown>;
  readonly put?: () => Promise<unknown>;
  /** The texts that the log must contain: the code, the place, and the remedy. */
  readonly says: readonly (string | RegExp)[];
  /** True when something may have been changed before it was found. */
  readonly late?: boolean;
}

const otherKey = (): string =>
  readFileSync(paths.knownHosts, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('10.77.0.13') || line.includes(',10.77.0.13') || line.includes('10.77.0.13 '))
    .join('\n');

/** The known hosts with node-02 under the key of node-03. */
function swappedKeys(): string {
  const own = readFileSync(paths.knownHosts, 'utf8')
    .split('\n')
    .filter((line) => !line.includes('10.77.0.12'));
  return [...own, otherKey().replaceAll('10.77.0.13', '10.77.0.12').replaceAll('node-03', 'node-02')].join('\n');
}

const WRONG: readonly Wrong[] = [
  {
    name: 'a cluster file with three faults',
    cluster: CLUSTER.replace('load-balancer]', 'loadbalancer]')
      .replace('10.77.0.12', '10.77.0.999')
      .replace('image:', 'imagee:'),
    says: [
      'KS-1002',
      /:2:1 /,
      /:4:\d+ .*hosts\.node-01\.roles\[2\].*load-balancer/,
      /:5:\d+ .*hosts\.node-02\.address/,
    ],
  },
  { name: 'no database password', inputs: { 'database-password': '' }, says: ['KS-1001', 'database-password'] },
  {
    name: 'a host under another key',
    inputs: { 'known-hosts': 'SWAPPED' },
    says: ['KS-1103', 'host-key-mismatch', 'node-02', 'SHA256:'],
  },
  {
    name: 'a host that the known hosts do not name',
    inputs: { 'known-hosts': 'WITHOUT' },
    says: ['KS-1102', 'host-key-unknown', 'node-02'],
  },
  {
    name: 'a key that the hosts refuse',
    inputs: { 'ssh-key': 'OTHER' },
    says: ['KS-1105', 'login-refused', 'node-01', 'node-02', 'node-03'],
  },
  {
    name: 'a host without power',
    spoil: () => kill('node-03'),
    put: () => start('node-03'),
    says: ['KS-1101', 'host-unreachable', 'node-03'],
  },
  {
    name: 'a host in a foreign swarm',
    spoil: () =>
      seenOn(
        'node-02',
        'docker swarm init --advertise-addr 10.77.0.12 >/dev/null; for i in $(seq 50); do docker network inspect docker_gwbridge >/dev/null 2>&1 && break; sleep 0.1; done',
      ),
    put: () => seenOn('node-02', 'docker swarm leave --force'),
    says: ['KS-1203', 'swarm-foreign', 'node-02', 'docker swarm leave'],
  },
  {
    name: 'a port that something else listens on',
    spoil: () => seenOn('node-03', 'docker run -d --name squatter -p 20010:80 nginx:1.26'),
    put: () => seenOn('node-03', 'docker rm -f squatter'),
    says: ['KS-1208', 'port-taken', 'node-03', '20010', 'squatter'],
  },
  {
    name: 'an engine that is stopped',
    spoil: () => seenOn('node-02', 'engine stop'),
    put: () => seenOn('node-02', 'engine start'),
    says: ['KS-1202', 'engine-unreachable', 'node-02'],
  },
  {
    name: 'a network of the right name and the wrong type',
    spoil: () => seenOn('node-03', 'docker network create kuscia-exchange-cluster'),
    put: () => seenOn('node-03', 'docker network rm kuscia-exchange-cluster'),
    says: ['KS-1205', 'network-wrong-type', 'node-03', 'repair: true', 'docker network rm'],
  },
  {
    name: 'a subnet that a host uses',
    spoil: () => seenOn('node-02', 'docker network create --subnet 10.200.0.128/25 elsewhere'),
    put: () => seenOn('node-02', 'docker network rm elsewhere'),
    says: ['KS-1206', 'subnet-unfit', 'node-02', 'elsewhere'],
  },
];

describe('one fault at a time: it is reported, nothing is changed, and the next run completes once it is fixed', () => {
  const hosts = ['node-01', 'node-02', 'node-03'];
  const up3 = async (): Promise<string[]> => Promise.all(hosts.map((host) => stateOf(host).catch(() => 'off')));

  beforeAll(async () => {
    await up(3);
    await reset();
  }, 600_000);

  test.each(WRONG)(
    '$name',
    async ({ cluster = CLUSTER, inputs = {}, spoil, put, says }) => {
      await spoil?.();
      try {
        const before = await up3();
        const refused = await action(cluster, { inputs: { ...inputs, ...(await prepared(inputs)) } });
        expect(refused.code).toBe(1);
        for (const words of says) expect(refused.log).toMatch(words);
        expect(refused.log).toContain('docs/troubleshooting.md#ks-');
        expect(await up3()).toEqual(before);
      } finally {
        await put?.();
      }
    },
    200_000,
  );

  test('after all of these, a run completes', async () => {
    const completed = await action(CLUSTER);
    expect({
      code: completed.code,
      log: completed.code === 0 ? '' : completed.log,
      healthy: completed.matrix?.healthy,
    }).toEqual({ code: 0, log: '', healthy: true });
  }, 200_000);

  test('a wrong database password on a volume that has another', async () => {
    const refused = await action(CLUSTER, { inputs: { 'database-password': 'not-the-one-of-the-volume' } });
    expect(refused.code).toBe(1);
    for (const words of ['KS-1302', 'database-login-refused', '1045', 'alice-mysql'])
      expect(refused.log).toMatch(words);
    expect(unmasked(refused.log)).not.toContain('not-the-one-of-the-volume');
    expect((await action(CLUSTER)).changed).toBe(0);
  }, 200_000);

  test('a second domain key', async () => {
    await seenOn(
      'node-03',
      `docker run --rm secretflow/kuscia:1.1.0b0 kuscia init --mode autonomy --domain alice --runtime runp >other.yaml; cp -p kuscia-swarm/alice/kuscia.yaml kept.yaml; cat other.yaml >kuscia-swarm/alice/kuscia.yaml`,
    );
    const refused = await action(CLUSTER);
    expect(refused.code).toBe(1);
    for (const words of ['KS-1401', 'domain-key-conflict', 'node-03']) expect(refused.log).toMatch(words);
    await seenOn('node-03', 'mv kept.yaml kuscia-swarm/alice/kuscia.yaml');
    const mended = await action(CLUSTER);
    expect({ code: mended.code, healthy: mended.matrix?.healthy }).toEqual({ code: 0, healthy: true });
  }, 200_000);

  test('a configuration lost everywhere', async () => {
    for (const host of ['node-02', 'node-03']) await seenOn(host, 'mv kuscia-swarm/alice/kuscia.yaml kept.yaml');
    const refused = await action(CLUSTER);
    expect(refused.code).toBe(1);
    for (const words of ['KS-1402', 'domain-key-missing', 'kuscia-config']) expect(refused.log).toMatch(words);
    const given = await action(CLUSTER, { inputs: { 'kuscia-config': await seenOn('node-02', 'cat kept.yaml') } });
    expect({ code: given.code, log: given.code === 0 ? '' : given.log, healthy: given.matrix?.healthy }).toEqual({
      code: 0,
      log: '',
      healthy: true,
    });
  }, 300_000);

  test('two hosts that cannot reach each other', async () => {
    const block = (action: string): string =>
      `for port in 4789; do iptables ${action} INPUT -s 10.77.0.12 -p udp --dport $port -j DROP; done`;
    await seenOn('node-03', block('-I'));
    try {
      const refused = await action(CLUSTER);
      expect(refused.code).toBe(1);
      for (const words of ['KS-1204', 'data-path-cut', 'node-02', 'node-03', '4789/udp'])
        expect(refused.log).toMatch(words);
    } finally {
      await seenOn('node-03', block('-D'));
    }
    const mended = await action(CLUSTER);
    expect({ code: mended.code, healthy: mended.matrix?.healthy }).toEqual({ code: 0, healthy: true });
  }, 300_000);

  test('a cable pulled in the middle of a run ends it with an error, and the next run completes', async () => {
    await reset();
    const running = action(CLUSTER);
    // From then on every look asks that host, and its connection is gone before any wait for it is over.
    const joined = `[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = active ]`;
    await seenOn('node-03', `for i in $(seq 600); do ${joined} && exit; sleep 0.1; done; exit 1`);
    await cut('node-03');
    const lost = await running;
    await mend('node-03');
    expect(lost.code).toBe(1);
    expect(lost.log).toContain('KS-1106 connection-lost');
    expect(lost.log).toContain('node-03');
    const completed = await action(CLUSTER);
    expect({
      code: completed.code,
      log: completed.code === 0 ? '' : completed.log,
      healthy: completed.matrix?.healthy,
    }).toEqual({ code: 0, log: '', healthy: true });
  }, 400_000);

  test('repair removes a network of the wrong type', async () => {
    await reset();
    await seenOn(
      'node-01',
      'docker swarm init --advertise-addr 10.77.0.11 >/dev/null; docker network create -d overlay kuscia-exchange-cluster',
    );
    const repaired = await action(CLUSTER, { inputs: { repair: 'true' } });
    expect({
      code: repaired.code,
      log: repaired.code === 0 ? '' : repaired.log,
      healthy: repaired.matrix?.healthy,
    }).toEqual({ code: 0, log: '', healthy: true });
  }, 300_000);
});

/** Inputs that are made from the lab's files when the test runs. */
async function prepared(inputs: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  if (inputs['known-hosts'] === 'SWAPPED') return { 'known-hosts': swappedKeys() };
  if (inputs['known-hosts'] === 'WITHOUT')
    return {
      'known-hosts': readFileSync(paths.knownHosts, 'utf8')
        .split('\n')
        .filter((line) => !line.includes('10.77.0.12'))
        .join('\n'),
    };
  if (inputs['ssh-key'] === 'OTHER') {
    const made = await run(['sh', '-c', 'd=$(mktemp -d); ssh-keygen -q -t ed25519 -N "" -f $d/k; cat $d/k; rm -r $d']);
    return { 'ssh-key': made.stdout };
  }
  return {};
}
