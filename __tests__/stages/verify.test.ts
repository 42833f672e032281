import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import { CHECKS, type CheckName, type Matrix } from '../../src/cluster/matrix.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { absent, present, unknown, valueOf, type Fact } from '../../src/engine/fact.ts';
import { asker } from '../../src/engine/asker.ts';
import type { Failure } from '../../src/engine/errors.ts';
import type { Plan } from '../../src/engine/plan.ts';
import type { Proof } from '../../src/engine/proof.ts';
import { Snapshots, type HostSnapshot } from '../../src/engine/snapshots.ts';
import type { Container } from '../../src/docker/containers.ts';
import { deploymentStages } from '../../src/stages/index.ts';
import { requestsFor } from '../../src/kuscia/facts.ts';
import type { Gateway, Registry } from '../../src/kuscia/registry.ts';
import { fingerprint } from '../../src/kuscia/configuration.ts';
import { loadBalancerFiles } from '../../src/nginx/configuration.ts';
import { matrixOf, planVerify } from '../../src/stages/verify.ts';
import { verdict } from '../../src/report/matrix.ts';
import { deploymentOf, THREE, TWO } from '../support/deployment.ts';
import {
  answerOf,
  containerOf,
  engineInside,
  engineOutside,
  enginesOf,
  fileOf,
  gatewayOf,
  machineOf,
  nameOf,
  nodeOf,
  NOW,
  probeOf,
  registryOf,
  replicaOf,
} from '../support/facts.ts';
import { KEY, OTHER_KEY } from '../support/key.ts';
import { FakeFleet } from '../support/fake.ts';
import { shown } from '../support/plans.ts';
import { tape } from '../support/tape.ts';

type Facts = Parameters<typeof matrixOf>[1];
type OnHost = Facts['replicas'][number];
type VerifyContainers = Facts['containers'];
const deployment = deploymentOf();
const { cluster } = deployment;
const { configuration, digest } = loadBalancerFiles(deployment);
const HOSTS = THREE.slice(1);
const [two, three] = HOSTS as [Host, Host];

/** A cluster with nothing wrong, except for the given facts, and those of its replicas by number. */
function factsOf(told: Partial<Facts> = {}, replicas: Readonly<Record<number, Partial<OnHost>>> = {}): Facts {
  return {
    engines: enginesOf(THREE, (host) => present(engineInside(host))),
    nodes: present(THREE.map((host) => nodeOf(host))),
    paths: THREE.flatMap((from) =>
      THREE.filter((to) => to !== from).map((to) => ({
        from: from.name,
        to: to.name,
        connected: true,
        seen: 'answered',
      })),
    ),
    probes: new Map(),
    answers: present(Array.from({ length: requestsFor(cluster) }, (_, i) => answerOf(cluster, HOSTS[i % 2] as Host))),
    replicas: HOSTS.map((host, i): OnHost => ({
      host,
      machine: present(machineOf(host)),
      container: present(replicaOf(cluster, host)),
      file: fileOf(sha256('the configuration')),
      answer: present(answerOf(cluster, host)),
      registry: present(registryOf(cluster, HOSTS)),
      ...replicas[i + 2],
    })),
    database: {
      container: present(containerOf('alice-mysql')),
      inUse: absent,
      state: present({ login: 'accepted', version: '8.0.40', exists: true, gateways: [] }),
      root: present({ login: 'own', version: '8.0.40', isOpen: false, knowsUser: true, usedFrom: [] }),
      reached: HOSTS.map((host) => ({ host, fact: present('greeted') })),
    },
    loadBalancer: {
      container: present(containerOf('alice-nginx-lb')),
      configuration: fileOf(sha256(configuration), { mode: '644' }),
      secrets: new Map(),
      loaded: present(digest),
    },
    containers: new Map(
      THREE.map((host, i) => [
        host.name,
        [
          probeOf(cluster),
          ...(HOSTS.includes(host) ? [valueOf(replicas[i + 1]?.container ?? absent) ?? replicaOf(cluster, host)] : []),
        ],
      ]),
    ),
    machines: new Map(THREE.map((host, i) => [host.name, replicas[i + 1]?.machine ?? present(machineOf(host))])),
    from: THREE[0] as Host,
    ms: 1_234,
    ...told,
  };
}

function verify(...told: Parameters<typeof factsOf>): { matrix: Matrix; plan: Plan } {
  const facts = factsOf(...told);
  const matrix = matrixOf(deployment, facts);
  return { matrix, plan: planVerify(deployment, facts) };
}

/** An engine that was restarted while its swarm is locked. */
const LOCKED = engineOutside({
  swarm: {
    ...engineOutside().swarm,
    state: 'locked',
    error: 'Swarm is encrypted and needs to be unlocked before it can be used.',
  },
});

/** The red cells: `node-02 key: abc differs`. */
const red = ({ rows }: Matrix): string[] =>
  rows.flatMap(({ host, cells }) =>
    Object.entries(cells)
      .filter(([, { ok }]) => !ok)
      .map(([name, { text }]) => `${host} ${name}: ${text}`),
  );

/** What both replicas say, with a change to the gateway of one. */
const saying = (host: Host, changes: Partial<Gateway>): Fact<Registry> =>
  present(
    registryOf(cluster, HOSTS, {
      gateways: HOSTS.map((each) => gatewayOf(cluster, each, each === host ? changes : {})),
    }),
  );
const both = (registry: Fact<Registry>): Record<number, Partial<OnHost>> => ({ 2: { registry }, 3: { registry } });
/** Two replicas of one address; the probe of the first host at an address. */
const ONE_ADDRESS: Parameters<typeof factsOf> = [
  {},
  {
    2: { registry: saying(three, { address: '10.200.0.12' }) },
    3: {
      registry: saying(three, { address: '10.200.0.12' }),
      container: present(replicaOf(cluster, three, { addresses: { [cluster.network.name]: '10.200.0.12' } })),
    },
  },
];
const probeAt = (address: string): VerifyContainers =>
  new Map(
    [...factsOf().containers].map(([name, all]) => [
      name,
      name === 'node-01' ? [probeOf(cluster, { addresses: { [cluster.network.name]: address } })] : all,
    ]),
  );
const finger = (key: string): string => fingerprint(key).slice(0, 8);

test('a cluster as described is healthy, every check with its value', () => {
  const { matrix, plan } = verify();
  const row = (host: Host, count: number) => ({
    replica: nameOf(cluster, host),
    host: host.name,
    cells: {
      direct: { ok: true, text: 'ok' },
      throughLb: { ok: true, text: `${count} of 9` },
      heartbeat: { ok: true, text: '5 s ago' },
      overlay: { ok: true, text: host === two ? '10.200.0.12' : '10.200.0.13' },
      key: { ok: true, text: finger(KEY.shown) },
      node: { ok: true, text: 'Ready' },
      version: { ok: true, text: '1.1.0b0' },
    },
  });
  expect(matrix).toEqual({
    domain: 'alice',
    healthy: true,
    url: 'http://10.77.0.11:8080',
    rows: [row(two, 5), row(three, 4)],
    nodes: { ready: 3, total: 3 },
    pairs: { connected: 6, total: 6 },
    database: 'works',
    ms: 1_234,
  });
  expect(shown(plan)).toEqual(HOSTS.map((host) => `= ${host.name} ${nameOf(cluster, host)} (all checks ok)`));
  expect(plan.empty).toBe(true);
});

describe('red is', () => {
  const outsider = { ...registryOf(cluster, HOSTS), gateways: registryOf(cluster, HOSTS).gateways.slice(1) };
  const stale = gatewayOf(cluster, two, {
    name: 'root-kuscia-autonomy-alice-gone',
    publicKey: OTHER_KEY.shown,
    heartbeat: NOW - 120_000,
    version: 'v0.9',
  });
  const cases: readonly [string, Parameters<typeof factsOf>, readonly string[]][] = [
    [
      'a replica that does not answer',
      [{}, { 2: { answer: present({ status: 0, domain: '', instance: '', exit: 28 }) } }],
      ['node-02 direct: no answer in time'],
    ],
    ['one that could not be queried', [{}, { 2: { answer: unknown('exit 1') } }], ['node-02 direct: not queried']],
    [
      'one whose port another replica answers',
      [{}, { 2: { answer: present(answerOf(cluster, three)) } }],
      ['node-02 direct: 401 from root-kuscia-autonomy-alice-node-03'],
    ],
    [
      'one whose port another program answers',
      [{}, { 2: { answer: present({ status: 200, domain: '', instance: '', exit: 0 }) } }],
      ['node-02 direct: 200, but not from a Kuscia gateway'],
    ],
    [
      'one that lets requests in',
      [{}, { 2: { answer: present(answerOf(cluster, two, { status: 200 })) } }],
      ['node-02 direct: 200 from domain alice'],
    ],
    [
      'one that is never seen through the load balancer',
      [{ answers: present(Array.from({ length: 9 }, () => answerOf(cluster, two))) }],
      ['node-03 throughLb: 0 of 9'],
    ],
    [
      'a load balancer that does not answer',
      [{ answers: present(Array.from({ length: 9 }, () => ({ status: 502, domain: '', instance: '', exit: 0 }))) }],
      ['node-02 throughLb: 0 of 9', 'node-03 throughLb: 0 of 9'],
    ],
    [
      'a load balancer that could not be queried',
      [{ answers: unknown('exit 1') }],
      ['node-02 throughLb: not queried', 'node-03 throughLb: not queried'],
    ],
    ['an old heartbeat', [{}, both(saying(two, { heartbeat: NOW - 45_000 }))], ['node-02 heartbeat: 45 s ago']],
    [
      'an address outside the overlay',
      [{}, both(saying(two, { address: '172.17.0.4' }))],
      ['node-02 overlay: 172.17.0.4 outside'],
    ],
    [
      "another address than its container's",
      [{}, both(saying(two, { address: '10.200.0.99' }))],
      ['node-02 overlay: 10.200.0.99, container 10.200.0.12'],
    ],
    [
      'an address of a container that is not on the overlay',
      [{}, { 2: { container: present(replicaOf(cluster, two, { addresses: {} })) } }],
      ['node-02 overlay: 10.200.0.12, container absent'],
    ],
    ['one address twice', ONE_ADDRESS, ['node-02 overlay: 10.200.0.12 twice', 'node-03 overlay: 10.200.0.12 twice']],
    [
      'an address that a probe also has',
      [{ containers: probeAt('10.200.0.12') }],
      ['node-02 overlay: 10.200.0.12 twice'],
    ],
    [
      'another key',
      [{}, both(saying(three, { publicKey: OTHER_KEY.shown }))],
      [`node-02 key: ${finger(KEY.shown)} differs`, `node-03 key: ${finger(OTHER_KEY.shown)} differs`],
    ],
    [
      'no key',
      [{}, both(saying(three, { publicKey: '' }))],
      [`node-02 key: ${finger(KEY.shown)} differs`, 'node-03 key: absent'],
    ],
    [
      'another version',
      [{}, both(saying(three, { version: 'v1.0.0b0' }))],
      ['node-02 version: 1.1.0b0 differs', 'node-03 version: 1.0.0b0 differs'],
    ],
    [
      'no version',
      [{}, both(saying(three, { version: '' }))],
      ['node-02 version: 1.1.0b0 differs', 'node-03 version: absent'],
    ],
    [
      'a node that is NotReady',
      [
        {},
        both(
          present(
            registryOf(cluster, HOSTS, {
              nodes: HOSTS.map((host) => ({ name: nameOf(cluster, host), ready: host === two })),
            }),
          ),
        ),
      ],
      ['node-03 node: NotReady'],
    ],
    [
      'a replica that never registered',
      [{}, both(present(outsider))],
      ['node-02 heartbeat: absent', 'node-02 overlay: absent', 'node-02 key: absent', 'node-02 version: absent'],
    ],
    [
      'a domain that registered nothing',
      [{}, both(present({ gateways: [], nodes: [], tasks: [] }))],
      ['node-02', 'node-03'].flatMap((host) =>
        ['heartbeat', 'overlay', 'key', 'node', 'version'].map((name) => `${host} ${name}: absent`),
      ),
    ],
    [
      'a replica whose own API is silent, though the other reports it',
      [{}, { 2: { registry: unknown('exit 1') } }],
      ['node-02 node: API silent'],
    ],
    [
      'nothing, for the stale object of a replica that is gone',
      [{}, both(present(registryOf(cluster, HOSTS, { gateways: [...registryOf(cluster, HOSTS).gateways, stale] })))],
      [],
    ],
    [
      'everything, if nobody reports the registry',
      [{}, both(unknown('exit 1'))],
      ['node-02', 'node-03'].flatMap((host) =>
        ['heartbeat: not known', 'overlay: not known', 'key: not known', 'node: API silent', 'version: not known'].map(
          (check) => `${host} ${check}`,
        ),
      ),
    ],
  ];
  test.each(cases)('%s', (_, told, wanted) => {
    const { matrix, plan } = verify(...told);
    expect(red(matrix)).toEqual(wanted);
    expect(matrix.healthy).toBe(wanted.length === 0);
    expect(plan.awaited.map(({ host, failure: { code } }) => `${host} ${code}`)).toEqual(
      wanted.map((line) => `${line.split(' ')[0] ?? ''} cluster-unhealthy`),
    );
    expect(plan.empty).toBe(wanted.length === 0);
    shown(plan);
  });

  test('a replica whose host cannot be read is named after its host', () => {
    const { matrix, plan } = verify(
      { containers: new Map([...factsOf().containers].filter(([name]) => name !== 'node-02')) },
      { 2: { machine: unknown('no shell'), container: unknown('x'), registry: unknown('y') } },
    );
    expect(matrix.rows[0]?.replica).toBe(nameOf(cluster, two));
    expect(red(matrix)).toEqual(['node-02 overlay: not known', 'node-02 node: not known']);
    shown(plan);
    expect(
      verify(
        { nodes: unknown('no leader') },
        { 2: { machine: unknown('no shell'), container: unknown('x'), registry: unknown('y') } },
      ).matrix.rows[0]?.replica,
    ).toBe('replica on node-02');
  });

  test('has a cause or evidence, and a remedy of its own that points to something', () => {
    const told = cases.flatMap(([name, facts]) =>
      verify(...facts).plan.awaited.map(({ failure }) => ({ name, ...failure })),
    );
    const untold = told.filter(({ remedy }) => !/docker|mode: apply|Fix|curl|Check that|Find out what/.test(remedy));
    expect(untold).toEqual([]);
    expect(new Set(told.map(({ remedy }) => remedy)).size).toBeGreaterThan(15);
  });

  test('names the ports that a node that is down needs, and how a host that is not a node becomes one', () => {
    const remedies = (nodes: Facts['nodes']) => verify({ nodes }).plan.awaited.map(({ failure }) => failure.remedy);
    expect(remedies(present(THREE.map((host) => nodeOf(host, host === three ? { state: 'down' } : {}))))).toEqual([
      expect.stringContaining('2377/tcp'),
    ]);
    expect(remedies(present([nodeOf(THREE[0] as Host), nodeOf(two)]))).toEqual([
      expect.stringContaining('mode: apply'),
    ]);
  });

  const others: readonly [string, Partial<Facts>, readonly string[]][] = [
    [
      'a node that is down',
      { nodes: present(THREE.map((host) => nodeOf(host, host === three ? { state: 'down' } : {}))) },
      ['. node-03 as described: node-not-ready'],
    ],
    [
      'a host that is not a node',
      { nodes: present([nodeOf(THREE[0] as Host), nodeOf(two)]) },
      ['. node-03 as described: node-not-ready'],
    ],
    ['nodes that are not known', { nodes: unknown('no leader') }, ['. node-01 as described: node-not-ready']],
    [
      'an unknown engine',
      { engines: enginesOf(THREE, (host) => (host === two ? unknown('down') : present(engineInside(host)))) },
      ['. node-02 as described: engine-unreachable'],
    ],
    [
      'a swarm that is locked',
      {
        engines: enginesOf(THREE, (host) => present(host === THREE[0] ? LOCKED : engineInside(host))),
        nodes: unknown('Swarm is encrypted'),
      },
      ['. node-01 as described: node-not-ready'],
    ],
    [
      'a pair that is cut',
      {
        paths: factsOf().paths.map((path) =>
          path.from === 'node-02' && path.to === 'node-03' ? { ...path, connected: false, seen: 'no answer' } : path,
        ),
      },
      ['. node-02 as described: data-path-cut'],
    ],
  ];
  test.each(others)('%s', (_, told, lines) => {
    const { matrix, plan } = verify(told);
    expect(shown(plan)).toEqual(lines);
    expect(matrix.healthy).toBe(false);
  });

  test('a cluster about which nothing is known, in every check', () => {
    const nothing = HOSTS.map((host): OnHost => ({
      host,
      machine: unknown('a'),
      container: unknown('b'),
      file: unknown('g'),
      answer: unknown('c'),
      registry: unknown('d'),
    }));
    const { matrix, plan } = verify({
      engines: new Map(),
      nodes: unknown('e'),
      answers: unknown('f'),
      replicas: nothing,
      paths: factsOf().paths.map((path) => ({ ...path, connected: false })),
    });
    const names: CheckName[] = ['direct', 'throughLb', 'heartbeat', 'overlay', 'key', 'node', 'version'];
    expect(matrix.rows.flatMap(({ cells }) => names.filter((name) => cells[name].ok))).toEqual([]);
    expect(matrix).toMatchObject({ healthy: false, nodes: { ready: 0, total: 3 }, pairs: { connected: 0, total: 6 } });
    expect(plan.awaited).toHaveLength(14 + 1 + 3);
    shown(plan);
  });
});

describe('a host that does not answer', () => {
  const gone: Fact<never> = {
    is: 'unknown',
    why: 'could not read: connection lost: Timed out while waiting for handshake',
    lost: true,
  };
  /** The facts while one host does not answer. */
  function without(host: Host, told: Partial<Facts> = {}, replica: Partial<OnHost> = {}): ReturnType<typeof verify> {
    const known = factsOf();
    const isOf = (path: { readonly from: string; readonly to: string }): boolean =>
      path.from === host.name || path.to === host.name;
    const silent: Partial<OnHost> = { machine: gone, container: gone, file: gone, registry: gone, ...replica };
    return verify(
      {
        engines: enginesOf(THREE, (each) => (each === host ? gone : present(engineInside(each)))),
        nodes: present(THREE.map((each) => nodeOf(each, each === host ? { state: 'down' } : {}))),
        paths: known.paths.map((path) => (isOf(path) ? { ...path, connected: false, seen: 'no answer in 4 s' } : path)),
        machines: new Map(THREE.map((each) => [each.name, each === host ? gone : present(machineOf(each))])),
        containers: new Map([...known.containers].map(([name, all]) => [name, name === host.name ? [] : all])),
        ...told,
      },
      host === two ? { 2: silent } : host === three ? { 3: silent } : {},
    );
  }
  const stale = {
    ...registryOf(cluster, HOSTS),
    gateways: HOSTS.map((each) => gatewayOf(cluster, each, each === three ? { heartbeat: NOW - 191_000 } : {})),
  };
  const power: Parameters<typeof without> = [
    three,
    { answers: present(Array.from({ length: 9 }, () => answerOf(cluster, two))) },
    { answer: present({ status: 0, domain: '', instance: '', exit: 28 }) },
  ];

  test('does not hide the others: its own row says what was not reached, and nothing else is reported as broken', () => {
    const { matrix, plan } = without(...power);
    expect(red(matrix)).toEqual([
      'node-03 direct: no answer in time',
      'node-03 throughLb: 0 of 9',
      'node-03 overlay: not reached',
      'node-03 node: not reached',
    ]);
    expect(matrix.rows[1]?.cells.node).toEqual({ ok: false, text: 'not reached', unknown: true });
    expect(matrix).toMatchObject({
      healthy: false,
      silent: ['node-03'],
      database: 'works',
      nodes: { ready: 2, total: 3 },
      pairs: { connected: 2, total: 6, unknown: 4 },
    });
    expect(plan.awaited.map(({ failure: { code, host, cause } }) => [code, host, cause])).toEqual(
      Array(4).fill(['cluster-unhealthy', 'node-03', 'node-03 does not answer']),
    );
    expect(verdict(matrix)).toBe(
      'alice is not healthy: 1 of 2 replicas pass every check, 1 of 2 serves through http://10.77.0.11:8080, the database answers, 2 of 3 nodes Ready, 2 of 6 pairs connected (4 not known); node-03 does not answer (1.2 s)',
    );
    shown(plan);
  });

  test('is judged by what the others report about it', () => {
    const { matrix } = without(three, {
      ...power[1],
      replicas: factsOf({}, { 2: { registry: present(stale) }, 3: { machine: gone, container: gone, registry: gone } })
        .replicas,
    });
    expect(matrix.rows[1]?.cells.heartbeat).toEqual({ ok: false, text: '191 s ago' });
    expect(matrix.rows[1]?.cells.direct.ok).toBe(true);
  });

  test('is not healthy, even if everything that can be queried is fine', () => {
    expect(without(three).matrix).toMatchObject({ healthy: false, silent: ['node-03'] });
  });

  test('that runs the database and the load balancer has both judged by those that use them', () => {
    const [first] = THREE as [Host];
    const lost = { ...factsOf().database, container: gone, state: gone };
    const balancer = { container: gone, configuration: gone, secrets: new Map(), loaded: gone };
    const { matrix, plan } = without(first, { nodes: gone, database: lost, loadBalancer: balancer, from: two });
    expect(red(matrix)).toEqual([]);
    expect([matrix.database, matrix.nodes, plan.awaited]).toEqual(['works', { ready: 0, total: 3, unknown: 3 }, []]);
    const dark = without(first, {
      nodes: gone,
      loadBalancer: balancer,
      answers: gone,
      database: { ...lost, reached: HOSTS.map((host) => ({ host, fact: unknown('exit 1: refused') })) },
    });
    expect(dark.matrix.database).toBe('unknown');
    expect(dark.plan.awaited.map(({ failure: { code, cause } }) => `${code} ${cause ?? ''}`)).toEqual(
      Array(2).fill('cluster-unhealthy the load balancer is on node-01, which does not answer'),
    );
    expect(verdict(dark.matrix)).toMatch(
      /whether one serves through \S+ is not known, but 2 of 2 answer at their own addresses, whether the database answers is not known, .*; node-01 does not answer/,
    );
  });
});

test('an engine that does not answer is one failure, and what it hides is not known', () => {
  const dead = unknown('Cannot connect to the Docker daemon');
  const { matrix, plan } = verify({
    engines: enginesOf(THREE, (host) => (host === THREE[0] ? dead : present(engineInside(host)))),
    nodes: dead,
    answers: dead,
    containers: new Map([...factsOf().containers].map(([name, all]) => [name, name === 'node-01' ? [] : all])),
    loadBalancer: { container: dead, configuration: fileOf(sha256(configuration)), secrets: new Map(), loaded: dead },
    database: {
      container: dead,
      inUse: absent,
      state: dead,
      root: dead,
      reached: HOSTS.map((host) => ({ host, fact: unknown('exit 1: refused') })),
    },
  });
  expect(matrix).toMatchObject({ healthy: false, database: 'unknown', nodes: { unknown: 3 } });
  expect(plan.awaited.map(({ failure: { code, host, cause } }) => [code, host, cause])).toEqual([
    ['engine-unreachable', 'node-01', undefined],
    ...HOSTS.map(({ name }) => [
      'cluster-unhealthy',
      name,
      'the load balancer is on node-01, whose Docker Engine does not answer',
    ]),
  ]);
});

describe('a check that could not be made is no evidence against the replica', () => {
  test.each([
    ['of the replica itself', {}, { 2: { answer: unknown('exit 1') } }, 'direct', 'not queried'],
    ['of the load balancer', { answers: unknown('timed out after 20 s') }, {}, 'throughLb', 'not queried'],
    [
      'of the load balancer, which few requests reached',
      { answers: present([answerOf(cluster, three), answerOf(cluster, three)]) },
      {},
      'throughLb',
      '0 of 2 requests',
    ],
  ] as const)('%s', (_, told, replicas, name, text) => {
    const { matrix, plan } = verify(told, replicas);
    expect(matrix.rows[0]?.cells[name]).toEqual({ ok: false, text, unknown: true });
    expect(plan.awaited[0]?.failure.what).toBe(
      `root-kuscia-autonomy-alice-node-02: ${CHECKS[name]} is not known (${text})`,
    );
    expect(plan.awaited.filter(({ failure }) => failure.cause?.includes('at its own address'))).toEqual([]);
  });
});

describe('a failed check has the observed cause, and a remedy for it', () => {
  const failures = (...told: Parameters<typeof factsOf>): Failure[] =>
    verify(...told).plan.awaited.map(({ failure }) => failure);
  const one = (told: Parameters<typeof factsOf>, name: CheckName, host = 'node-02'): Failure | undefined =>
    failures(...told).find((failure) => failure.host === host && failure.what.includes(`: ${CHECKS[name]} is `));
  const twin = containerOf('twin', {
    hostname: nameOf(cluster, two),
    addresses: { [cluster.network.name]: '10.200.0.99' },
  });
  const everywhere = (host: Host, extra: Container): VerifyContainers =>
    new Map([...factsOf().containers].map(([name, all]) => [name, name === host.name ? [...all, extra] : all]));
  const exited = {
    2: {
      container: present(replicaOf(cluster, two, { state: 'exited', exitCode: 255 })),
      registry: unknown('exit 1'),
      answer: present({ status: 0, domain: '', instance: '', exit: 28 }),
    },
  };

  const cases: readonly [
    string,
    CheckName,
    Parameters<typeof factsOf>,
    Partial<Record<'cause' | 'evidence' | 'remedy', RegExp>>,
  ][] = [
    [
      'a replica that has stopped',
      'direct',
      [{}, exited],
      { cause: /is not running: its container is exited \(255\)/, remedy: /mode: apply\): it starts the replica/ },
    ],
    [
      'a replica that has stopped, at its API',
      'node',
      [{}, exited],
      { cause: /is not running/, remedy: /it starts the replica/ },
    ],
    [
      'a replica that does not exist',
      'direct',
      [{}, { 2: { container: absent, answer: present({ status: 0, domain: '', instance: '', exit: 28 }) } }],
      { cause: /its container is absent/, remedy: /mode: apply/ },
    ],
    [
      'another program',
      'direct',
      [{}, { 2: { answer: present({ status: 200, domain: '', instance: '', exit: 0 }) } }],
      { cause: /not a Kuscia gateway/, remedy: /ss -ltnp/ },
    ],
    [
      'another replica',
      'direct',
      [{}, { 2: { answer: present(answerOf(cluster, three)) } }],
      { cause: /another replica answers/, remedy: /address of node-02/ },
    ],
    [
      'silence',
      'direct',
      [{}, { 2: { answer: present({ status: 0, domain: '', instance: '', exit: 28 }) } }],
      { remedy: /node-01 can reach 10\.77\.0\.12:20000.*docker logs root-kuscia-autonomy-alice on node-02/ },
    ],
    [
      'a probe that is gone',
      'direct',
      [{ containers: new Map() }, { 2: { answer: unknown('exit 1: No such container: alice-probe') } }],
      { cause: /No such container/, remedy: /starts the probe on node-01/ },
    ],
    [
      'a replica that nginx does not reach',
      'throughLb',
      [{ answers: present(Array.from({ length: 9 }, () => answerOf(cluster, two))) }],
      {
        evidence: /seen in 9 requests: 401 from root-kuscia-autonomy-alice-node-02/,
        remedy: /node-01 can reach node-03 on 20000\/tcp.*docker logs alice-nginx-lb/,
      },
    ],
    ['an old heartbeat', 'heartbeat', [{}, both(saying(two, { heartbeat: NOW - 45_000 }))], { remedy: /every 15 s/ }],
    [
      'a second machine of one name',
      'overlay',
      [{ containers: everywhere(three, twin) }, both(saying(two, { address: '10.200.0.99' }))],
      {
        cause: /another machine or container runs a replica under the same name/,
        evidence: /container twin on node-03 is also root-kuscia-autonomy-alice-node-02, at 10\.200\.0\.99/,
        remedy: /docker rm -f.*hostnamectl/,
      },
    ],
    [
      'a second machine with the same name, although the first wrote last',
      'overlay',
      [{ containers: everywhere(three, twin) }],
      { cause: /keep overwriting/, evidence: /container twin on node-03/ },
    ],
    [
      'a second machine of one name, on a host whose name is a word of the matrix',
      'overlay',
      [{ containers: new Map([...factsOf().containers, ['outside', [twin]]]) }],
      { cause: /under the same name/, evidence: /container twin on outside/, remedy: /hostnamectl/ },
    ],
    [
      'a second machine that is not in the cluster file',
      'overlay',
      [{}, both(saying(two, { address: '10.200.0.99' }))],
      {
        cause: /under the same name/,
        evidence: /no container on the hosts of the cluster file/,
        remedy: /hostnamectl/,
      },
    ],
    [
      'an entry of an earlier start',
      'overlay',
      [
        {},
        {
          ...both(saying(two, { address: '10.200.0.99' })),
          2: {
            registry: saying(two, { address: '10.200.0.99' }),
            container: present(replicaOf(cluster, two, { startedAt: NOW - 1_000 })),
          },
        },
      ],
      { cause: /from an earlier start/, remedy: /within 20 s/ },
    ],
    [
      'an address outside',
      'overlay',
      [{}, both(saying(two, { address: '172.17.0.4' }))],
      { cause: /not in 10\.200\.0\.0\/24/, remedy: /docker network disconnect/ },
    ],
    [
      'an address that another replica has',
      'overlay',
      ONE_ADDRESS,
      {
        cause: /another container has the same address/,
        evidence: /container root-kuscia-autonomy-alice on node-03 has 10\.200\.0\.12/,
        remedy: /docker restart root-kuscia-autonomy-alice on node-02/,
      },
    ],
    [
      'an address that a probe has',
      'overlay',
      [{ containers: probeAt('10.200.0.12') }],
      {
        cause: /another container has the same address/,
        evidence: /container alice-probe on node-01 has 10\.200\.0\.12/,
        remedy: /mode: apply\): it recreates the probe/,
      },
    ],
    [
      'a container off the network',
      'overlay',
      [{}, { 2: { container: present(replicaOf(cluster, two, { addresses: {} })) } }],
      { cause: /not attached to kuscia-exchange-cluster/, remedy: /mode: apply/ },
    ],
    [
      'another key',
      'key',
      [{}, both(saying(three, { publicKey: OTHER_KEY.shown }))],
      {
        cause: /different domain keys/,
        evidence: /kuscia\.yaml on node-02: sha256 [0-9a-f]{12}, changed 2026-11-23T10:00/,
        remedy: /which key the partners know.*docker rm -f.*does not choose/,
      },
    ],
    [
      'another version',
      'version',
      [{}, both(saying(three, { version: 'v1.0.0b0' }))],
      { cause: /an upgrade stopped half way/, evidence: /image on node-02: a{12}/, remedy: /mode: apply.*digest/ },
    ],
    [
      'a node that is NotReady',
      'node',
      [
        {},
        both(
          present(
            registryOf(cluster, HOSTS, {
              nodes: HOSTS.map((host) => ({ name: nameOf(cluster, host), ready: host === three })),
            }),
          ),
        ),
      ],
      { remedy: /not reported for 50 s/ },
    ],
    [
      'an API that is silent',
      'node',
      [{}, { 2: { registry: unknown('exit 1: refused') } }],
      { evidence: /exit 1: refused/, remedy: /once it reaches the database/ },
    ],
  ];
  test.each(cases)('%s (%s)', (_, name, told, wanted) => {
    const failure = one(told, name) ?? one(told, name, 'node-03');
    for (const [part, words] of Object.entries(wanted)) expect(failure?.[part as 'cause']).toMatch(words);
    expect(failure?.cause === undefined).toBe(wanted.cause === undefined);
  });
});

describe('what explains failed checks is named before them', () => {
  const facts = factsOf();
  const silent = { 2: { registry: unknown('exit 1') }, 3: { registry: unknown('exit 1') } } as const;
  const database = (told: Partial<Facts['database']>): Partial<Facts> => ({ database: { ...facts.database, ...told } });
  const loadBalancer = (told: Partial<Facts['loadBalancer']>): Partial<Facts> => ({
    loadBalancer: { ...facts.loadBalancer, ...told },
  });
  const none = {
    answers: present(Array.from({ length: 9 }, () => ({ status: 502, domain: '', instance: '', exit: 0 }))),
  };
  const unreachable = { reached: HOSTS.map((host) => ({ host, fact: unknown('exit 1: Connection refused') })) };

  const cases: readonly [string, Parameters<typeof factsOf>, Partial<Failure>, string][] = [
    [
      'a database that was stopped',
      [
        database({
          container: present(containerOf('alice-mysql', { state: 'exited' })),
          state: unknown('exit 1: not running'),
          ...unreachable,
        }),
        silent,
      ],
      {
        code: 'database-unreachable',
        host: 'node-01',
        evidence: 'docker inspect alice-mysql: exited (0)',
        cause: 'the database was stopped, or exited by itself',
      },
      'the database is not running',
    ],
    [
      'a database that does not answer',
      [database({ state: unknown('exit 1: ERROR 2002'), ...unreachable }), silent],
      { code: 'database-unreachable', host: 'node-01', evidence: 'exit 1: ERROR 2002' },
      'does not answer',
    ],
    [
      'a database without the domain',
      [database({ state: present({ login: 'accepted', version: '8.0.40', exists: false, gateways: [] }) }), silent],
      { code: 'database-unfit', host: 'node-01' },
      'has no database kine',
    ],
    [
      'a password that is refused',
      [database({ state: present({ login: 'refused', said: 'ERROR 1045' }) }), silent],
      { code: 'database-login-refused', evidence: 'ERROR 1045' },
      'refuses the login',
    ],
    [
      'a load balancer that was stopped',
      [
        {
          ...loadBalancer({
            container: present(containerOf('alice-nginx-lb', { state: 'exited' })),
            loaded: unknown(''),
          }),
          ...none,
        },
      ],
      { code: 'load-balancer-unhealthy', host: 'node-01', evidence: 'docker inspect alice-nginx-lb: exited (0)' },
      'is not running',
    ],
    [
      'a configuration that someone changed',
      [{ ...loadBalancer({ configuration: fileOf('by hand') }), ...none }],
      {
        code: 'load-balancer-configuration',
        host: 'node-01',
        evidence: 'kuscia-swarm/alice/nginx/nginx.conf: not as the cluster file describes it',
      },
      'files of the load balancer',
    ],
    [
      'a configuration that was not loaded',
      [{ ...loadBalancer({ loaded: present('former') }), ...none }],
      { code: 'load-balancer-configuration', evidence: `loaded former, wanted ${digest.slice(0, 12)}` },
      'is not running with the configuration',
    ],
  ];
  test.each(cases)('%s', (_, told, first, words) => {
    const { matrix, plan } = verify(...told);
    const [cause, ...others] = plan.awaited.map(({ failure }) => failure);
    expect(cause).toMatchObject(first);
    expect(matrix.healthy).toBe(false);
    expect(others.length).toBeGreaterThan(1);
    for (const failure of others)
      expect(failure).toMatchObject({ code: 'cluster-unhealthy', cause: expect.stringContaining(words) });
    shown(plan);
  });

  test('a database that one host does not reach, for the replica of that host alone', () => {
    const { plan } = verify(
      database({
        reached: [
          { host: two, fact: present('greeted') },
          { host: three, fact: present('late') },
        ],
      }),
      silent,
    );
    const [first, ...others] = plan.awaited.map(({ failure }) => failure);
    expect(first).toMatchObject({
      code: 'database-unreachable',
      host: 'node-03',
      cause: expect.stringContaining('is slow'),
    });
    expect(others.filter(({ cause }) => cause?.includes('too slowly')).map(({ host }) => host)).toEqual(
      Array(5).fill('node-03'),
    );
  });

  test('nothing about a database if no probe can try it', () => {
    const { plan } = verify({ ...database(unreachable), containers: new Map() });
    expect(plan.awaited).toEqual([]);
  });

  test('changed files though all replicas answer: not healthy', () => {
    const { matrix, plan } = verify(loadBalancer({ configuration: fileOf('by hand') }));
    expect([red(matrix), matrix.healthy, plan.awaited.map(({ failure }) => failure.code)]).toEqual([
      [],
      false,
      ['load-balancer-configuration'],
    ]);
  });
});

describe('on real hosts', () => {
  const taped = deploymentOf({ hosts: TWO });
  // A host that does not reach the load balancer's asks it from its own probe, like any peer.
  const asPeer = tape('settled')
    .filter(({ host, line }) => host === 'node-01' && line.includes(':8080/'))
    .map((take) => ({ ...take, host: 'node-02' }));
  const looked = async (
    names: readonly string[],
    elsewhere: ReadonlyMap<string, HostSnapshot> = new Map(),
  ): Promise<{ views: Snapshots; proof: Proof | undefined; trips: number; plan: Plan | undefined }> => {
    const fleet = new FakeFleet([...tape('settled'), ...asPeer]);
    const views = new Snapshots(names, elsewhere);
    const ask = asker(fleet, () => undefined, views);
    const stages = deploymentStages(taped);
    const alone = elsewhere.size > 0 || names.length === TWO.length;
    const plans = await Promise.all(stages.slice(alone ? -1 : 0).map((stage) => stage.plan(ask)));
    const plan = plans.at(-1);
    return { views, proof: plan?.proof, trips: fleet.trips, plan };
  };

  test('one round trip to each is enough', async () => {
    const { proof, trips } = await looked(TWO.map(({ name }) => name));
    expect([proof?.healthy, trips]).toEqual([true, TWO.length]);
  });

  test('a host that only its own job reaches has already answered every query there', async () => {
    const views = new Map(
      await Promise.all(TWO.map(async ({ name }) => [name, (await looked([name])).views.of(name)] as const)),
    );
    for (const { name } of TWO) {
      const { proof, plan } = await looked([name], views);
      expect([name, proof?.healthy, plan?.awaited]).toEqual([name, true, []]);
    }
  });
});
