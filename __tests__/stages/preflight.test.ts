import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import { NO_DOCKER, type Engine, type SwarmNode } from '../../src/docker/facts.ts';
import type { Network } from '../../src/docker/networks.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import type { Disk, Machine } from '../../src/host/facts.ts';
import type { ExposedPath } from '../../src/host/ownership.ts';
import type { Setup } from '../../src/host/setup.ts';
import { portsOn } from '../../src/stages/ports.ts';
import { planPreflight } from '../../src/stages/preflight.ts';
import { clusterOf, EXTERNAL, THREE } from '../support/deployment.ts';
import { BRIDGE, engineInside, engineOutside, GIB, machineOf, nodeOf, NOW, RULES, setupOf } from '../support/facts.ts';
import { shown } from '../support/plans.ts';

interface Told {
  readonly machine?: Partial<Machine> | Fact<Machine>;
  readonly engine?: Fact<Engine>;
  readonly setup?: Partial<Setup> | Fact<Setup>;
  readonly networks?: Fact<readonly Network[]>;
  readonly published?: Fact<ReadonlyMap<number, string>>;
  readonly restarted?: Fact<ReadonlyMap<number, string>>;
  readonly disk?: Fact<Disk>;
  readonly others?: Fact<readonly ExposedPath[]>;
  readonly asked?: readonly [number, number];
}

const isFact = <T>(told: Partial<T> | Fact<T>): told is Fact<T> => 'is' in told;

/** Three fit hosts, except for the given facts, by number. */
function plan(told: Readonly<Record<number, Told>>, cluster = clusterOf(), nodes: Fact<readonly SwarmNode[]> = absent) {
  const hosts = cluster.hosts.map((host, i) => {
    const {
      machine = {},
      engine = present(engineOutside()),
      setup = {},
      networks = present([BRIDGE]),
      published = present(new Map<number, string>()),
      restarted = present(new Map<number, string>()),
      disk = present({ free: 50 * GIB, size: 100 * GIB }),
      others = present([]),
      asked = [NOW - 10, NOW + 10],
    } = told[i + 1] ?? {};
    return {
      host,
      machine: isFact(machine) ? machine : present(machineOf(host, machine)),
      engine,
      setup: isFact(setup) ? setup : present(setupOf(setup)),
      networks,
      published,
      restarted,
      disk,
      others,
      asked,
    };
  });
  return planPreflight(cluster, { hosts, nodes });
}

const FIT = (n: number): string =>
  `= node-0${n} meets the requirements (engine 27.3.1, kernel 6.1.0, x86_64, 8 CPUs, 16 GiB)`;

test('fit hosts are satisfied', () => {
  expect(shown(plan({}))).toEqual([FIT(1), FIT(2), FIT(3)]);
});

test('what others can change on the path to the folder is a warning, and stops nothing', () => {
  const planned = plan({
    2: { others: present([{ path: '/srv', is: 'ada:users 777', why: 'it is writable by everyone' }]) },
  });
  expect(shown(planned)).toEqual([FIT(1), FIT(2), FIT(3), 'w node-02 folder-open']);
  expect(planned.warnings[0]).toMatchObject({
    what: 'users other than root and the login can change /srv: it is writable by everyone',
    evidence: '/srv: ada:users 777',
  });
  expect(shown(plan({ 3: { others: unknown('exit 1') } }))).toContain('! node-03 fact-unknown');
});

describe('one thing wrong', () => {
  const port = (listening: number, container?: string): Told => ({
    machine: { listening: [22, listening] },
    published: present(new Map(container === undefined ? [] : [[listening, container]])),
  });
  const cases: readonly { name: string; told: Told; on?: number; code: string; what: string; evidence?: string }[] = [
    {
      name: 'no engine',
      told: { engine: unknown('could not: Cannot connect') },
      code: 'engine-unreachable',
      what: 'the Docker Engine does not answer',
      evidence: 'could not: Cannot connect',
    },
    {
      name: 'an old engine',
      told: { engine: present(engineOutside({ version: '20.10.23' })) },
      code: 'host-unfit',
      what: 'Docker Engine 20.10.23 is too old',
    },
    {
      name: 'unreadable properties',
      told: { machine: unknown('exit 1') },
      code: 'host-unfit',
      what: 'its properties cannot be read',
      evidence: 'exit 1',
    },
    {
      name: 'an old kernel',
      told: { machine: { kernel: '4.5.9-generic' } },
      code: 'host-unfit',
      what: 'kernel 4.5.9-generic is too old',
    },
    {
      name: 'another architecture',
      told: { machine: { arch: 'riscv64' } },
      code: 'host-unfit',
      what: 'architecture riscv64 is not supported',
    },
    {
      name: 'missing programs',
      told: { machine: { missingPrograms: ['awk', 'script'] } },
      code: 'host-unfit',
      what: 'these programs are missing: awk, script',
    },
    {
      name: 'too little memory',
      told: { machine: { memory: 1.5 * GIB } },
      code: 'host-unfit',
      what: 'a replica may use 2.0 GiB of memory, but the host has only 1.5 GiB',
    },
    {
      name: 'ptrace forbidden',
      told: { machine: { ptraceScope: 3 } },
      code: 'host-unfit',
      what: 'ptrace is disabled, but runp needs it',
      evidence: 'kernel.yama.ptrace_scope = 3',
    },
    {
      name: 'a hostname of which no replica name can be made',
      told: { machine: { hostname: 'node 2!' } },
      code: 'host-unfit',
      what: 'its replica would be named root-kuscia-autonomy-alice-node 2, which Kubernetes does not accept',
      evidence: 'hostname node 2!, login root',
    },
    {
      name: 'a full disk',
      told: { disk: present({ free: 2.94 * GIB, size: 100 * GIB }) },
      code: 'host-unfit',
      what: "only 2.9 GiB of disk space is free for the Docker Engine's data; 3.0 GiB is needed",
      evidence: '2.9 GiB of 100.0 GiB is free in /var/lib/docker',
    },
    {
      name: 'a disk that is not known',
      told: { disk: unknown('could not read the free disk space: exit 1') },
      code: 'fact-unknown',
      what: 'could not read the free disk space: exit 1',
    },
    {
      name: 'a taken port',
      told: port(20000),
      code: 'port-taken',
      what: 'port 20000 (gateway) is taken',
      evidence: 'something listens on 20000/tcp',
    },
    {
      name: 'a port that another container publishes',
      told: port(13084, 'grafana'),
      code: 'port-taken',
      what: 'port 13084 (metrics) is taken',
      evidence: 'published by container grafana',
    },
    {
      name: 'the replica of another domain',
      told: port(20000, 'root-kuscia-autonomy-bob'),
      code: 'port-taken',
      what: 'port 20000 (gateway) is taken',
      evidence: 'published by container root-kuscia-autonomy-bob',
    },
    {
      name: 'a port that a container took which runs, while our own does not',
      told: { ...port(20000, 'squatter'), restarted: present(new Map([[20000, 'root-kuscia-autonomy-alice']])) },
      code: 'port-taken',
      what: 'port 20000 (gateway) is taken',
      evidence: 'published by container squatter',
    },
    {
      name: 'a port that a container of others is about to take',
      told: { ...port(20000), restarted: present(new Map([[20000, 'squatter']])) },
      code: 'port-taken',
      what: 'port 20000 (gateway) is taken',
      evidence: 'something listens on 20000/tcp',
    },
    {
      name: 'a port of which it is not known whose it is',
      told: { ...port(20000), published: unknown('could not list the containers: timed out after 20 s') },
      code: 'fact-unknown',
      what: 'could not list the containers: timed out after 20 s',
    },
    {
      name: 'a taken port of the load balancer',
      told: port(8080),
      on: 1,
      code: 'port-taken',
      what: 'port 8080 (load balancer) is taken',
    },
    {
      name: 'a taken port of the database',
      told: port(3306),
      on: 1,
      code: 'port-taken',
      what: 'port 3306 (database) is taken',
    },
    { name: 'a taken port of the swarm', told: port(2377), code: 'port-taken', what: 'port 2377 (swarm) is taken' },
    { name: 'the gossip port of the swarm', told: port(7946), code: 'port-taken', what: 'port 7946 (swarm) is taken' },
  ];
  test.each(cases)('$name', ({ told, on = 2, code, what, evidence }) => {
    const made = plan({ [on]: told });
    expect(shown(made)).toEqual([...[1, 2, 3].filter((n) => n !== on).map(FIT), `! node-0${on} ${code}`]);
    expect(made.failures[0]).toMatchObject({ what, ...(evidence !== undefined && { evidence }) });
  });

  const fine: readonly [string, Told, number][] = [
    ['a port of our own replica', port(20000, 'root-kuscia-autonomy-alice'), 2],
    [
      'a port of our own replica that docker is about to start',
      { ...port(20000), restarted: present(new Map([[20000, 'root-kuscia-autonomy-alice']])) },
      2,
    ],
    ['a port of our own database', port(3306, 'alice-mysql'), 1],
    ['a port of our own load balancer', port(8080, 'alice-nginx-lb'), 1],
    ['a port of a role the host has not', port(20000), 1],
    [
      'ports of the swarm it is in',
      {
        machine: { listening: [2377, 7946] },
        engine: present({ ...engineOutside(), swarm: engineInside(THREE[1] as Host).swarm }),
      },
      2,
    ],
    ['little memory on a host without a replica', { machine: { memory: GIB } }, 1],
    ['ptrace forbidden on a host without a replica', { machine: { ptraceScope: 3 } }, 1],
    ['a kernel without Yama', { machine: { ptraceScope: undefined } }, 2],
    ['arm on a host without a replica', { machine: { arch: 'aarch64' } }, 1],
    [
      'the oldest engine and kernel',
      { machine: { kernel: '4.6' }, engine: present(engineOutside({ version: '20.10.24+dfsg1' })) },
      2,
    ],
  ];
  test.each(fine)('%s is fine', (_, told, on) => {
    expect(plan({ [on]: told }).failures).toEqual([]);
  });
});

describe('hosts as a group', () => {
  test('must not share a machine-id', () => {
    const made = plan({ 1: { machine: { machineId: 'same' } }, 3: { machine: { machineId: 'same' } } });
    expect(made.failures).toMatchObject([
      {
        code: 'host-unfit',
        host: 'node-01, node-03',
        what: 'these hosts have the same machine-id, as cloned machines do',
        evidence: '/etc/machine-id is same',
      },
    ]);
  });

  test('of replicas have one architecture, under any of its names', () => {
    const archs = (two: string, three: string) =>
      plan({ 2: { machine: { arch: two } }, 3: { machine: { arch: three } } }).failures;
    expect([archs('aarch64', 'arm64'), archs('aarch64', 'aarch64')]).toEqual([[], []]);
    expect(archs('x86_64', 'aarch64')).toMatchObject([
      {
        code: 'host-unfit',
        host: 'node-02, node-03',
        what: "the hosts of alice's replicas have different architectures",
        evidence: 'x86_64: node-02; arm64: node-03',
      },
    ]);
  });

  const clocks: readonly [string, Readonly<Record<number, Told>>, readonly (readonly [string, string])[]][] = [
    ['5 s apart are allowed', { 2: { machine: { clock: NOW + 5_000 } } }, []],
    [
      '6 s apart are not',
      { 2: { machine: { clock: NOW + 6_021 } } },
      [['node-02', 'its clock is at least 6 s ahead of that of node-01; 5 s are allowed']],
    ],
    [
      'a slow one is named along with each that is ahead',
      { 3: { machine: { clock: NOW - 60_000 } } },
      [
        ['node-01', 'its clock is at least 59 s ahead of that of node-03; 5 s are allowed'],
        ['node-02', 'its clock is at least 59 s ahead of that of node-03; 5 s are allowed'],
      ],
    ],
    ['a slow answer is not skew', { 2: { machine: { clock: NOW + 14_000 }, asked: [NOW, NOW + 15_000] } }, []],
    [
      'hosts not queried at the same time are compared by our clock',
      { 2: { machine: { clock: NOW + 30_000 }, asked: [NOW + 29_990, NOW + 30_010] } },
      [],
    ],
    ['an unknown clock is not compared', { 2: { machine: unknown('exit 1') } }, []],
  ];
  test.each(clocks)('clocks: %s', (_, told, failures) => {
    expect(
      plan(told)
        .failures.filter(({ what }) => what.includes('clock'))
        .map(({ host, what }) => [host, what]),
    ).toEqual(failures);
  });

  const long = 'h'.repeat(70);
  const names: readonly [string, readonly [string, string], readonly string[]][] = [
    ['distinct', ['node-02', 'node-03'], []],
    ['equal', ['node', 'node'], ['both replicas would be named root-kuscia-autonomy-alice-node']],
    [
      'one the beginning of another',
      ['node-1', 'node-10'],
      ['the replica name root-kuscia-autonomy-alice-node-1 is part of root-kuscia-autonomy-alice-node-10'],
    ],
    [
      'the other way round',
      ['node-10', 'node-1'],
      ['the replica name root-kuscia-autonomy-alice-node-1 is part of root-kuscia-autonomy-alice-node-10'],
    ],
    [
      'equal after lower case and dashes',
      ['Node_2.lan', 'node-2-lan'],
      ['both replicas would be named root-kuscia-autonomy-alice-node-2-lan'],
    ],
    [
      'equal after they are cut',
      [`${long}a`, `${long}b`],
      [`both replicas would be named root-kuscia-autonomy-alice-${'h'.repeat(36)}`],
    ],
  ];
  test.each(names)('names: %s', (_, [second, third], whats) => {
    const made = plan({ 2: { machine: { hostname: second } }, 3: { machine: { hostname: third } } });
    expect(made.failures.map(({ code, what }) => [code, what])).toEqual(whats.map((what) => ['hostname-clash', what]));
  });

  test('names of hosts without a replica do not matter', () => {
    expect(plan({ 1: { machine: { hostname: 'node-02' } } }).failures).toEqual([]);
  });
});

test('everything wrong on all hosts is in one report', () => {
  const made = plan({
    1: { engine: unknown('down'), machine: { kernel: '4.4', machineId: 'x' } },
    2: {
      engine: present(engineOutside({ version: '19.3' })),
      machine: { machineId: 'x', memory: GIB, listening: [20000, 20001], missingPrograms: ['bash'] },
    },
    3: { machine: unknown('exit 127'), disk: present({ free: 1, size: 2 }), engine: absent },
  });
  expect(shown(made)).toEqual([
    '! node-01 engine-unreachable',
    '! node-01 host-unfit',
    '! node-02 host-unfit',
    '! node-02 host-unfit',
    '! node-02 port-taken',
    '! node-02 port-taken',
    '! node-02 host-unfit',
    '! node-03 engine-unreachable',
    '! node-03 host-unfit',
    '! node-03 host-unfit',
    '! node-01, node-02 host-unfit',
  ]);
});

describe('Docker and the swarm', () => {
  const inSwarm = (changes: Partial<Engine['swarm']>, on = 1): Fact<Engine> => {
    const inside = engineInside(THREE[on] as Host);
    return present({ ...inside, swarm: { ...inside.swarm, ...changes } });
  };
  const nodes = (changes: Partial<SwarmNode> = {}): Fact<readonly SwarmNode[]> =>
    present(THREE.map((host, i) => nodeOf(host, i === 1 ? changes : {})));
  const whole = { 1: { engine: inSwarm({}, 0) }, 2: { engine: inSwarm({}) }, 3: { engine: inSwarm({}, 2) } };

  test('of a deployed cluster are fit', () => {
    expect(shown(plan(whole, clusterOf(), nodes()))).toEqual([FIT(1), FIT(2), FIT(3)]);
  });

  const cases: readonly [
    string,
    Readonly<Record<number, Told>>,
    Fact<readonly SwarmNode[]>,
    { code: string; host: string; what: RegExp; remedy: RegExp },
  ][] = [
    [
      'a drained node',
      whole,
      nodes({ availability: 'drain' }),
      {
        code: 'node-not-ready',
        host: 'node-02',
        what: /its node is drained/,
        remedy: /on node-01: docker node update --availability active idnode02/,
      },
    ],
    [
      'a paused node',
      whole,
      nodes({ availability: 'pause' }),
      {
        code: 'node-not-ready',
        host: 'node-02',
        what: /its node is paused/,
        remedy: /docker node update --availability active idnode02/,
      },
    ],
    [
      'a worker under another address',
      { ...whole, 2: { engine: inSwarm({ address: '192.168.56.12' }) } },
      nodes(),
      {
        code: 'host-unfit',
        host: 'node-02',
        what: /registered under 192\.168\.56\.12, not under 10\.77\.0\.12/,
        remedy: /docker swarm leave on node-02, then docker node rm idnode02 on node-01.*--advertise-addr/,
      },
    ],
    [
      'the first manager under another address',
      { ...whole, 1: { engine: inSwarm({ address: '192.168.56.11' }, 0) } },
      nodes(),
      {
        code: 'host-unfit',
        host: 'node-01',
        what: /registered under 192\.168\.56\.11/,
        remedy: /docker swarm init --force-new-cluster --advertise-addr 10\.77\.0\.11/,
      },
    ],
    [
      'a locked swarm',
      {
        ...whole,
        1: { engine: inSwarm({ state: 'locked', nodeId: '', isManager: false, error: 'Swarm is encrypted' }, 0) },
        2: { engine: inSwarm({ state: 'pending' }) },
      },
      unknown('locked'),
      { code: 'node-not-ready', host: 'node-01', what: /its swarm is locked/, remedy: /docker swarm unlock/ },
    ],
    [
      'live-restore',
      { 2: { engine: present(engineOutside({ liveRestore: true })) } },
      absent,
      { code: 'host-unfit', host: 'node-02', what: /live-restore/, remedy: /daemon\.json/ },
    ],
    [
      'rules that are missing',
      { 2: { setup: { rules: RULES.slice(0, 4) } } },
      absent,
      { code: 'host-unfit', host: 'node-02', what: /firewall rules are missing/, remedy: /systemctl restart docker/ },
    ],
    [
      'a setup that is not known',
      { 2: { setup: unknown('could not read how Docker is set up: exit 1') } },
      absent,
      { code: 'fact-unknown', host: 'node-02', what: /how Docker is set up/, remedy: /run again/ },
    ],
    [
      'docker that is not on the PATH',
      { 2: { engine: unknown(NO_DOCKER), setup: { docker: '', found: ['/snap/bin/docker'] } } },
      absent,
      { code: 'engine-unreachable', host: 'node-02', what: /not on the PATH/, remedy: /ln -s \/snap\/bin\/docker/ },
    ],
  ];
  test.each(cases)('%s', (_, told, seen, failure) => {
    const made = plan(told, clusterOf(), seen);
    expect(made.failures).toEqual([
      expect.objectContaining({
        ...failure,
        what: expect.stringMatching(failure.what),
        remedy: expect.stringMatching(failure.remedy),
      }),
    ]);
    expect(made.warnings).toEqual([]);
  });

  test('advice warns and stops nothing', () => {
    const made = plan({
      2: {
        engine: present(engineOutside({ logDriver: 'none' })),
        setup: { kernel: { 'fs.inotify.max_user_instances': 64 } },
      },
    });
    expect([made.failures, made.warnings.map(({ code, host, what }) => [code, host, what.split(':')[0]])]).toEqual([
      [],
      [
        [
          'host-unfit',
          'node-02',
          'containers keep no logs on the host, so the cause of a failure cannot be found in them',
        ],
        ['host-unfit', 'node-02', 'fs.inotify.max_user_instances is 64'],
      ],
    ]);
    expect(shown(made)).toContain(FIT(2));
  });

  test('a node of another swarm is not reported here', () => {
    expect(
      plan(
        { 2: { engine: inSwarm({ nodeId: 'stranger', address: '192.168.56.12' }) } },
        clusterOf(),
        nodes({ availability: 'drain' }),
      ).failures,
    ).toEqual([]);
  });

  test('a host given by name may be registered under any address that the name means there', () => {
    const cluster = clusterOf({ hosts: THREE.map((host) => ({ ...host, address: `${host.name}.lan` })) });
    expect(plan(whole, cluster, nodes()).failures).toEqual([]);
  });
});

test('ports follow the roles and the cluster file', () => {
  const [one, two] = THREE as [Host, Host, Host];
  expect([...portsOn(clusterOf(), one)]).toEqual([
    [3306, 'database'],
    [8080, 'load balancer'],
  ]);
  expect([...portsOn(clusterOf(), two)]).toEqual([
    [20000, 'gateway'],
    [20001, 'internal'],
    [20010, 'api'],
    [20011, 'api-grpc'],
    [13084, 'metrics'],
  ]);
  expect([...portsOn(clusterOf({ database: EXTERNAL }), one)]).toEqual([[8080, 'load balancer']]);
});
