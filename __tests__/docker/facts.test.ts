import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import type { Host } from '../../src/cluster/cluster.ts';
import { container, containers, publishedPorts, restartedPorts, type Container } from '../../src/docker/containers.ts';
import { engine, image, serverVersion, swarmNodes } from '../../src/docker/facts.ts';
import { networks } from '../../src/docker/networks.ts';
import { PROBE_VERSION, tryPaths } from '../../src/docker/probe.ts';
import { absent, answer, mapFact, present, valueOf, type Query } from '../../src/engine/fact.ts';
import { shellLine } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { clusterOf, THREE, TWO } from '../support/deployment.ts';
import { containerOf, inspectedAs } from '../support/facts.ts';
import { factOf, type Moment } from '../support/tape.ts';

const id = (length: number) => expect.stringMatching(new RegExp(`^[a-z0-9]{${length}}$`));
const sha = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
const inactive = {
  state: 'inactive',
  nodeId: '',
  address: '',
  isManager: false,
  clusterId: undefined,
  managers: [],
  managerIds: [],
  error: '',
};
const active = { state: 'active', nodeId: id(25), managers: ['10.77.0.11:2377'], managerIds: [id(25)], error: '' };
const host = {
  version: '20.10.24+dfsg1',
  rootDir: '/var/lib/docker',
  cpus: expect.any(Number),
  memory: expect.any(Number),
  liveRestore: false,
  firewall: '',
  addressPools: [],
  logDriver: expect.any(String),
};
const two = clusterOf({ hosts: TWO });

describe('real hosts', () => {
  const cases: readonly [string, Moment, string, Query<unknown>, unknown][] = [
    [
      'an engine in no swarm',
      'empty',
      'node-01',
      engine,
      present({ ...host, securityOptions: ['name=seccomp,profile=default'], swarm: inactive }),
    ],
    [
      'the engine of a manager',
      'settled',
      'node-01',
      engine,
      present({
        ...host,
        securityOptions: expect.anything(),
        swarm: { ...active, address: '10.77.0.11', isManager: true, clusterId: id(25) },
      }),
    ],
    [
      'the engine of a worker',
      'settled',
      'node-02',
      engine,
      present({
        ...host,
        securityOptions: expect.anything(),
        swarm: { ...active, address: '10.77.0.12', isManager: false, clusterId: undefined },
      }),
    ],
    [
      'an engine that is down',
      'odd',
      'node-01',
      engine,
      {
        is: 'unknown',
        why: "could not read the engine's state: exit 1: failed to open the raw stream connection: dial unix /run/no-engine.sock: connect: no such file or directory",
      },
    ],
    [
      'the nodes',
      'settled',
      'node-01',
      swarmNodes,
      present(
        ['01', '02'].map((n) => ({
          id: id(25),
          hostname: `node-${n}`,
          role: n === '01' ? 'manager' : 'worker',
          state: 'ready',
          availability: 'active',
          address: `10.77.0.1${n.slice(1)}`,
          labels: {},
        })),
      ),
    ],
    [
      'nodes queried on a worker',
      'odd',
      'node-02',
      swarmNodes,
      { is: 'unknown', why: expect.stringContaining('This node is not a swarm manager.') },
    ],
    [
      'the networks of a fresh host',
      'empty',
      'node-02',
      networks,
      present(
        expect.arrayContaining([
          {
            id: id(64),
            name: 'bridge',
            driver: 'bridge',
            scope: 'local',
            attachable: false,
            subnets: ['172.17.0.0/16'],
            masquerade: true,
            encrypted: false,
            mtu: 1500,
          },
          {
            id: id(64),
            name: 'none',
            driver: 'null',
            scope: 'local',
            attachable: false,
            subnets: [],
            masquerade: false,
            encrypted: false,
          },
        ]),
      ),
    ],
    [
      'the overlay as the manager sees it',
      'settled',
      'node-01',
      networks,
      present(
        expect.arrayContaining([
          {
            id: id(25),
            name: 'kuscia-exchange-cluster',
            driver: 'overlay',
            scope: 'swarm',
            attachable: true,
            subnets: ['10.200.0.0/24'],
            masquerade: false,
            encrypted: false,
          },
        ]),
      ),
    ],
    [
      'the overlay as a worker with a probe sees it',
      'settled',
      'node-02',
      networks,
      present(
        expect.arrayContaining([
          expect.objectContaining({ name: 'kuscia-exchange-cluster', driver: 'overlay', subnets: ['10.200.0.0/24'] }),
        ]),
      ),
    ],
    ['no container at all', 'empty', 'node-01', containers, present([])],
    ['a container that does not exist', 'empty', 'node-01', container('alice-mysql'), absent],
    ["a name that is only part of a container's", 'odd', 'node-01', container('alice'), absent],
    [
      'a replica',
      'settled',
      'node-02',
      container('root-kuscia-autonomy-alice'),
      present({
        id: id(64),
        name: 'root-kuscia-autonomy-alice',
        image: 'secretflow/kuscia:1.1.0b0',
        imageId: sha,
        state: 'running',
        error: '',
        exitCode: 0,
        createdAt: expect.any(Number),
        startedAt: expect.any(Number),
        restarts: 0,
        hostname: 'root-kuscia-autonomy-alice-node-02',
        memory: 2 * 1024 ** 3,
        restartPolicy: 'always',
        ports: { '1080/tcp': 20000, '80/tcp': 20001, '8082/tcp': 20010, '8083/tcp': 20011, '9091/tcp': 13084 },
        hostAddresses: {},
        mounts: expect.objectContaining({
          '/home/kuscia/etc/conf/kuscia.yaml': '/root/kuscia-swarm/alice/kuscia.yaml',
        }),
        addresses: { 'kuscia-exchange-cluster': expect.stringMatching(/^10\.200\.0\.\d+$/) },
        networkMode: 'kuscia-exchange-cluster',
      }),
    ],
    [
      'a database with its volume',
      'settled',
      'node-01',
      container('alice-mysql'),
      present(
        expect.objectContaining({
          mounts: {
            '/var/lib/mysql': 'alice-mysql',
            '/run/secrets/database-password': '/root/kuscia-swarm/alice/database-password',
            '/run/secrets/database-root-password': '/root/kuscia-swarm/alice/database-root-password',
          },
          ports: { '3306/tcp': 3306 },
          hostAddresses: { '3306/tcp': '10.77.0.11' },
          restartPolicy: 'always',
        }),
      ),
    ],
    [
      'a container whose port was taken',
      'odd',
      'node-01',
      container('left-behind'),
      present(
        expect.objectContaining({
          state: 'created',
          startedAt: 0,
          exitCode: 128,
          error: expect.stringContaining('Bind for 0.0.0.0:8080 failed: port is already allocated'),
        }),
      ),
    ],
    [
      'a container that exited',
      'odd',
      'node-01',
      container('ended'),
      present(expect.objectContaining({ state: 'exited', exitCode: 3, hostname: 'h', restartPolicy: 'no' })),
    ],
    [
      'a container that restarts',
      'odd',
      'node-01',
      container('again'),
      present(expect.objectContaining({ state: 'restarting', restarts: expect.any(Number), exitCode: 4 })),
    ],
    ['an image', 'empty', 'node-01', image('mysql:8.0'), present(sha)],
    ['an image by its long name', 'empty', 'node-01', image('docker.io/library/mysql:8.0'), present(sha)],
    ['an image that does not exist', 'empty', 'node-01', image('mysql:5.7'), absent],
    ['an image whose name only begins so', 'empty', 'node-01', image('mysql:8.'), absent],
    [
      'the data path before there is a probe',
      'empty',
      'node-01',
      tryPaths(two, TWO[0] as Host, TWO.slice(1)),
      {
        is: 'unknown',
        why: 'could not try the data path from the probe: exit 1: Error: No such container: alice-probe',
      },
    ],
    [
      'the data path',
      'settled',
      'node-01',
      tryPaths(two, TWO[0] as Host, TWO.slice(1)),
      present({
        version: PROBE_VERSION,
        missing: [],
        proxies: [],
        unresolved: [],
        tries: [{ to: 'node-02', ended: 'connected', exit: 0 }],
      }),
    ],
  ];
  test.each(cases)('%s', (_, moment, on, question, fact) => {
    expect(factOf(moment, on, question)).toEqual(fact);
  });

  test('published ports by the container that publishes them', () => {
    expect(mapFact(factOf('empty', 'node-01', containers), publishedPorts)).toEqual(present(new Map()));
    expect(mapFact(factOf('settled', 'node-02', containers), publishedPorts)).toEqual(
      present(new Map([20000, 20001, 20010, 20011, 13084].map((port) => [port, 'root-kuscia-autonomy-alice']))),
    );
    const many = mapFact(factOf('odd', 'node-01', containers), publishedPorts);
    expect(
      many.is === 'present' && [21001, 21002, 21003, 21009, 8080, 3306].map((port) => many.value.get(port)),
    ).toEqual(['many', 'many', 'many', 'many', 'alice-nginx-lb', 'alice-mysql']);
  });
});

test('ports of containers that docker starts by itself, of those that do not run', () => {
  const one = (name: string, state: string, restartPolicy: string, port: number): Container =>
    containerOf(name, { state, restartPolicy, ports: { '80/tcp': port } });
  const all = [
    one('created', 'created', 'always', 1),
    one('exited', 'exited', 'unless-stopped', 2),
    one('runs', 'running', 'always', 3),
    one('stays', 'exited', 'no', 4),
  ];
  expect(restartedPorts(all)).toEqual(
    new Map([
      [1, 'created'],
      [2, 'exited'],
    ]),
  );
  expect(publishedPorts(all)).toEqual(new Map([[3, 'runs']]));
});

test.each([
  ['8080', 8080],
  ['', 0],
  ['8000-8010', 0],
  [undefined, 0],
])('a port given to docker as %j is %i', (HostPort, port) => {
  const raw = JSON.parse(inspectedAs(containerOf('a'))) as { HostConfig: Record<string, unknown> };
  raw.HostConfig['PortBindings'] = { '80/tcp': [{ HostPort }], '81/tcp': null, '82/tcp': [] };
  expect(answer(container('a'), { ended: 'exited', code: 0, stdout: JSON.stringify(raw), stderr: '' })).toMatchObject(
    present({ ports: { '80/tcp': port, '81/tcp': 0, '82/tcp': 0 } }),
  );
});

describe('all containers', () => {
  const list = {
    ended: 'exited',
    code: 0,
    stderr: '',
    stdout: '[{"Names":["/b/linked","/a"]},{"Names":["/b"]}]',
  } as const;
  const inspected = (name: string): Outcome => ({ ...list, stdout: inspectedAs(containerOf(name)) });
  const gone: Outcome = { ...list, code: 1, status: 404, stdout: '', stderr: 'No such container: b' };

  test('are inspected one by one, each by its own name', () => {
    expect(containers.details?.(list).map(shellLine)).toEqual(
      ['a', 'b'].map((name) => shellLine(container(name).command)),
    );
    const all = answer(containers, list, [inspected('a'), inspected('b')]);
    expect(valueOf(all)?.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('are known without one that disappeared meanwhile, and unknown if one of them is', () => {
    expect(valueOf(answer(containers, list, [inspected('a'), gone]))?.map(({ name }) => name)).toEqual(['a']);
    expect(answer(containers, list, [inspected('a'), { ...gone, status: 500, stderr: 'no' }])).toEqual({
      is: 'unknown',
      why: 'could not inspect the container b: status 500: no',
    });
    expect(answer(containers, list, [inspected('a')])).toMatchObject({ is: 'unknown' });
    const lost: Outcome = { ended: 'lost', reason: 'reset', stdout: '', stderr: '' };
    expect(answer(containers, list, [lost, lost])).toMatchObject({ is: 'unknown', lost: true });
  });

  test('are known without one that is being removed and has no name any longer', () => {
    const removing = { ...list, stdout: '[{"Names":null},{"Names":[]},{"Names":["/a"]}]' };
    expect(valueOf(answer(containers, removing, [inspected('a')]))?.map(({ name }) => name)).toEqual(['a']);
  });

  test('are absent only by the word of the engine', () => {
    const said = (stderr: string) => answer(container('a'), { ...list, code: 1, status: 404, stdout: '', stderr });
    expect(said('No such container: a')).toEqual(absent);
    for (const other of ['page not found', '', 'cannot say whether there is no such container'])
      expect(said(other)).toMatchObject({ is: 'unknown' });
    const image = { ...list, code: 1, status: 404, stdout: '', stderr: 'page not found' } as const;
    expect(answer(serverVersion('mysql:8.0'), image)).toMatchObject({ is: 'unknown' });
    expect(answer(serverVersion('mysql:8.0'), { ...image, stderr: 'No such image: mysql:8.0' })).toEqual(absent);
  });

  test('are not taken for one whose id begins with the name', () => {
    expect(answer(container('a'), inspected('ab'))).toEqual(absent);
  });

  test('are kept without the settings of their owners', () => {
    const { request } = container('a').command;
    const kept = JSON.stringify(request?.kept(JSON.parse(inspectedAs(containerOf('a')))));
    expect(kept).toContain('"Name":"/a"');
    expect(kept).not.toContain('SECRET');
  });
});

describe('nonsense', () => {
  const questions: readonly [string, Query<unknown>][] = [
    ['engine', engine],
    ['nodes', swarmNodes],
    ['networks', networks],
    ['containers', containers],
    ['container', container('a')],
    ['image', image('a:1')],
  ];
  const exited = (code: number, stdout: string, stderr = '') => ({ ended: 'exited', code, stdout, stderr }) as const;

  test.each(questions)('of %s is unknown, never absent, when the command fails', (_, question) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 255 }),
        fc.string(),
        (code, text) => answer(question, exited(code, text, text)).is === 'unknown',
      ),
      { numRuns: 50 },
    );
  });

  test.each(questions.slice(0, 5))('of %s is never read as something', (_, question) => {
    for (const text of ['This account is closed.', '<html>', '{"a":', 'null'])
      expect([text, answer(question, exited(0, `${text}\n`)).is]).toEqual([text, 'unknown']);
  });
});

describe('an image', () => {
  const one = (RepoTags: readonly string[] | null, RepoDigests: readonly string[] | null = []) => ({
    Id: 'sha256:1',
    RepoTags,
    RepoDigests,
  });
  const listed = JSON.stringify([
    one(['other:1']),
    one(['nginx:latest'], null),
    one(['me/a:1']),
    one(['registry.lab:5000/a:1'], ['registry.lab:5000/a@sha256:abc']),
    one(['<none>:<none>'], ['<none>@<none>']),
    one(null, null),
  ]);
  test.each([
    ['nginx', true],
    ['nginx:latest', true],
    ['docker.io/nginx', true],
    ['docker.io/library/nginx', true],
    ['index.docker.io/me/a:1', true],
    ['me/a', false],
    ['a:1', false],
    ['registry.lab:5000/a:1', true],
    ['registry.lab:5000/a', false],
    ['registry.lab:5000/a@sha256:abc', true],
    ['registry.lab:5000/a:9@sha256:abc', true],
    ['registry.lab:5000/a@sha256:abd', false],
  ])('%s exists: %s', (name, there) => {
    expect(answer(image(name), { ended: 'exited', code: 0, stdout: listed, stderr: '' })).toEqual(
      there ? present('sha256:1') : absent,
    );
  });
});

describe('what a probe reports', () => {
  const named = clusterOf({ hosts: THREE.map((host, i) => (i === 1 ? { ...host, address: 'two.example' } : host)) });
  const question = tryPaths(named, named.hosts[0] as Host, named.hosts.slice(1));
  const said = (stdout: string, code = 0) => answer(question, { ended: 'exited', code, stdout, stderr: '' });
  const NOTHING = { version: 0, missing: [], proxies: [], unresolved: [], tries: [] };
  const of = (peer: number, ...sizes: readonly (readonly [number, number, 'own' | 'other'])[]): string =>
    sizes.map(([size, exit, whose]) => `try alice-probe-node-0${peer} ${size} ${exit} ${whose}\n`).join('');
  const SIZES = [1450, 1400, 1350, 1300, 1250, 1200, 1100, 1000, 576];
  const single = (passes: number) =>
    SIZES.map((size) => [size, size > passes ? 28 : 0, size > passes ? 'other' : 'own'] as const);

  test.each([
    ['nothing', '', NOTHING],
    [
      'foreign lines',
      'noise\nversion x\nmissing rm\nproxy SECRET\nunresolved other.example\ntry bob-probe-node-02 3000 0 own\ntry alice-probe-node-02 x 0 own\n',
      NOTHING,
    ],
    [
      'what it is',
      'version 2\nproxy HTTP_PROXY\nunresolved two.example\n',
      { ...NOTHING, version: 2, proxies: ['HTTP_PROXY'], unresolved: ['two.example'] },
    ],
    ['what its image lacks', 'missing bash\nmissing curl\n', { ...NOTHING, missing: ['bash', 'curl'] }],
  ])('%s', (_, stdout, value) => {
    expect(said(stdout)).toEqual(present(value));
  });

  test.each([
    ['its own answer', [[3000, 0, 'own']], { ended: 'connected', exit: 0 }],
    ['the answer of another program, as of a proxy', [[3000, 0, 'other']], { ended: 'stranger', exit: 0 }],
    ['no name', [[3000, 6, 'other']], { ended: 'unresolved', exit: 6 }],
    ['a refusal', [[3000, 7, 'other']], { ended: 'refused', exit: 7 }],
    ['a broken answer', [[3000, 56, 'other']], { ended: 'failed', exit: 56 }],
    ['silence', [[3000, 28, 'other'], ...single(0)], { ended: 'silent', exit: 28 }],
    [
      'silence, and then an answer of whatever size',
      [[3000, 28, 'other'], ...single(1450)],
      { ended: 'unsteady', exit: 28 },
    ],
    [
      'large packets lost',
      [[3000, 28, 'other'], ...single(1350)],
      { ended: 'narrow', exit: 28, passes: 1350, lost: 1400 },
    ],
    [
      'but the largest lost',
      [[3000, 28, 'other'], ...single(1400)],
      { ended: 'narrow', exit: 28, passes: 1400, lost: 1450 },
    ],
    [
      'answers of a stranger to small requests alone',
      [
        [3000, 28, 'other'],
        [576, 0, 'other'],
      ],
      { ended: 'silent', exit: 28 },
    ],
  ] as const)('%s', (_, lines, found) => {
    expect(said(of(2, ...lines))).toEqual(present({ ...NOTHING, tries: [{ to: 'node-02', ...found }] }));
  });

  test.each([126, 127])('that its image has not even a shell, by %s', (code) => {
    expect(said('', code)).toEqual(present({ ...NOTHING, missing: ['sh'] }));
  });
});
