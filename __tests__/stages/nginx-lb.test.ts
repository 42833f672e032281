import { describe, expect, test } from '@jest/globals';
import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { startContainer } from '../../src/docker/commands.ts';
import type { Container } from '../../src/docker/containers.ts';
import { discard, rehearse, setAside } from '../../src/docker/replacement.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { asInput, writeFile } from '../../src/host/commands.ts';
import {
  checkConfiguration,
  installConfiguration,
  reloadConfiguration,
  runLoadBalancer,
} from '../../src/nginx/commands.ts';
import { loadBalancerFiles } from '../../src/nginx/configuration.ts';
import { requestsFor } from '../../src/kuscia/facts.ts';
import { planLoadBalancer } from '../../src/stages/nginx-lb.ts';
import { clusterOf, deploymentOf, PASSWORD, THREE } from '../support/deployment.ts';
import { carryOut, ends, images, ok, type Script } from '../support/fake.ts';
import { answerOf, containerOf, fileOf, imageId, nameOf, NOW, standingOf } from '../support/facts.ts';
import { shown, stepOf } from '../support/plans.ts';

type Asked = Parameters<typeof planLoadBalancer>[1];
/** The given facts; the container separately. */
type Facts = Omit<Asked, 'standing' | 'clock'> & { readonly container: Fact<Container>; readonly former?: Container };
const cluster = clusterOf();
const HOSTS = THREE.slice(1);
const { configuration, digest } = loadBalancerFiles(deploymentOf());
const FOLDER = '/root/kuscia-swarm/alice/nginx';

const lb = (changes: Partial<Container> = {}): Container =>
  containerOf('alice-nginx-lb', {
    image: 'nginx:1.26',
    ports: { '8080/tcp': 8080 },
    mounts: { '/etc/nginx/kuscia-swarm': FOLDER },
    ...changes,
  });
const answersOf = (...hosts: readonly Host[]) =>
  present(Array.from({ length: requestsFor(cluster) }, (_, i) => answerOf(cluster, hosts[i % hosts.length] as Host)));

/** A load balancer that forwards to both replicas, except for the given facts. */
const factsOf = ({ container = present(lb()), former, ...told }: Partial<Facts> = {}): Asked => ({
  home: present('/root'),
  clock: present(NOW),
  image: present(imageId('a')),
  standing: standingOf(container, former),
  configuration: fileOf(sha256(configuration), { mode: '644' }),
  secrets: new Map(),
  loaded: present(digest),
  answers: answersOf(...HOSTS),
  replicas: new Map(HOSTS.map((host) => [host.name, present(nameOf(cluster, host))])),
  ...told,
});
const plan = (told: Partial<Facts> = {}, changes: Partial<Cluster> = {}) =>
  planLoadBalancer(deploymentOf(changes), factsOf(told));

const FILES = `= node-01 nginx configuration (digest ${digest.slice(0, 12)})`;
const RUNS = '= node-01 load balancer alice-nginx-lb (running, port 8080)';
const LEADS = '= node-01 forwards to every replica (2 of 2 seen in 9 requests)';
const does = (change: string, what: string, why: string): string => `${change} node-01 ${what} (${why}) [nginx]`;
/** The same, for a reason of the moment. */
const now = (what: string, why: string): string => `~ node-01 ${what} {${why}} [nginx]`;
const silent = (n: number): string =>
  `. node-01 the load balancer does not forward to root-kuscia-autonomy-alice-node-0${n}: load-balancer-unhealthy`;
const nothing: Partial<Facts> = {
  container: absent,
  configuration: absent,
  loaded: unknown('no such container'),
  answers: unknown('no probe'),
};

describe('the plan', () => {
  const cases: readonly [string, Partial<Facts>, readonly string[]][] = [
    [
      'writes and starts if nothing exists',
      nothing,
      [does('+', 'nginx configuration', 'absent'), does('+', 'load balancer alice-nginx-lb on port 8080', 'absent')],
    ],
    ['is satisfied if it forwards to every replica', {}, [FILES, RUNS, LEADS]],
    [
      'replaces another configuration',
      { configuration: fileOf('other') },
      [does('~', 'nginx configuration', 'not as the cluster file describes it'), RUNS],
    ],
    [
      'reloads one that nginx has not loaded',
      { loaded: present('former') },
      [now('reload the nginx configuration', 'nginx still runs with an earlier one'), RUNS],
    ],
    [
      'reloads if nginx does not report what it has loaded',
      { loaded: unknown('exit 7') },
      [now('reload the nginx configuration', 'nginx still runs with an earlier one'), RUNS],
    ],
    [
      'starts a stopped one',
      { container: present(lb({ state: 'exited', error: 'x' })), loaded: unknown('') },
      ['~ node-01 start load balancer alice-nginx-lb {exited (0): x} [nginx]', FILES],
    ],
    [
      'waits for one that restarts by itself',
      { container: present(lb({ state: 'restarting' })), loaded: unknown(''), answers: answersOf(two()) },
      [FILES, RUNS.replace('running', 'restarting'), silent(3)],
    ],
    [
      'recreates what a failed start left behind',
      { container: present(lb({ state: 'created', error: 'port taken' })) },
      [now('replace load balancer alice-nginx-lb', 'left behind by a failed start: port taken'), FILES],
    ],
    [
      'recreates it for another image',
      { image: present(imageId('b')) },
      [
        does(
          '~',
          'replace load balancer alice-nginx-lb: its tag now refers to another image',
          `nginx:1.26 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)}`,
        ),
        FILES,
      ],
    ],
    [
      'recreates it for another port',
      { container: present(lb({ ports: { '8080/tcp': 80 } })) },
      [does('~', 'replace load balancer alice-nginx-lb', 'port 80 -> 8080'), FILES],
    ],
    [
      'recreates it for another folder',
      { container: present(lb({ mounts: {} })) },
      [does('~', 'replace load balancer alice-nginx-lb', `files none -> ${FOLDER}`), FILES],
    ],
    [
      'does not reload what it will recreate',
      { container: present(lb({ mounts: {} })), loaded: unknown('exit 7') },
      [does('~', 'replace load balancer alice-nginx-lb', `files none -> ${FOLDER}`), FILES],
    ],
    ['waits for a replica that it does not forward to', { answers: answersOf(two()) }, [FILES, RUNS, silent(3)]],
    ['waits for all while nobody answers', { answers: present([]) }, [FILES, RUNS, silent(2), silent(3)]],
    ['waits for all if it could not be queried', { answers: unknown('exit 1') }, [FILES, RUNS, silent(2), silent(3)]],
    [
      'takes no other 401 for a replica',
      { answers: present(HOSTS.map((host) => answerOf(cluster, host, { domain: 'bob' }))) },
      [FILES, RUNS, silent(2), silent(3)],
    ],
    [
      'stops at unknown facts, with each',
      { home: unknown('1'), image: unknown('2'), container: unknown('3'), configuration: unknown('4') },
      Array<string>(4).fill('! node-01 fact-unknown'),
    ],
    [
      'does not settle while the name of a replica is not known',
      {
        replicas: new Map([
          ['node-02', present(nameOf(cluster, two()))],
          ['node-03', unknown('no shell')],
        ]),
      },
      ['! node-03 fact-unknown'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(plan(told))).toEqual(lines);
  });

  describe('of an HTTPS load balancer', () => {
    const secrets = {
      databasePassword: new Secret('p', PASSWORD),
      loadBalancerCertificate: new Secret('c', 'CERTIFICATE'),
      loadBalancerKey: new Secret('k', 'BEGIN PRIVATE KEY'),
    };
    const https = deploymentOf({ loadBalancer: { ...cluster.loadBalancer, scheme: 'https' } }, { secrets });
    const wanted = loadBalancerFiles(https);
    const files = (changes: Readonly<Record<string, ReturnType<typeof fileOf>>> = {}): Facts['secrets'] =>
      new Map(
        Object.entries({
          'certificate.pem': fileOf(sha256('CERTIFICATE')),
          'certificate.key': fileOf(sha256('BEGIN PRIVATE KEY')),
          ...changes,
        }),
      );
    const lines = (changes: Readonly<Record<string, ReturnType<typeof fileOf>>>, told: Partial<Facts> = {}): string[] =>
      shown(
        planLoadBalancer(
          https,
          factsOf({
            configuration: fileOf(sha256(wanted.configuration)),
            loaded: present(wanted.digest),
            secrets: files(changes),
            ...told,
          }),
        ),
      );

    test.each([
      [
        'replaces nothing if certificate and key are the given ones',
        {},
        [`= node-01 nginx configuration (digest ${wanted.digest.slice(0, 12)})`, RUNS, LEADS],
      ],
      [
        'replaces a key that someone changed',
        { 'certificate.key': fileOf(sha256('by hand')) },
        [does('~', 'nginx configuration', 'certificate.key: its content differs from the input'), RUNS],
      ],
      [
        'replaces a certificate that is gone, and a key that others may read',
        { 'certificate.pem': absent, 'certificate.key': fileOf(sha256('BEGIN PRIVATE KEY'), { mode: '640' }) },
        [does('~', 'nginx configuration', 'certificate.pem: absent, certificate.key: mode 640 -> 600'), RUNS],
      ],
      ['stops if a key cannot be inspected', { 'certificate.key': unknown('a folder') }, ['! node-01 fact-unknown']],
    ] as const)('%s', (_, changes, expected) => {
      expect(lines(changes)).toEqual(expected);
    });
  });

  test('says what answered instead', () => {
    const odd = present([
      answerOf(cluster, two()),
      { status: 502, domain: '', instance: '', exit: 0 },
      { status: 0, domain: '', instance: '', exit: 28 },
      { status: 502, domain: '', instance: '', exit: 0 },
    ]);
    expect(plan({ answers: odd }).awaited[0]?.failure).toMatchObject({
      code: 'load-balancer-unhealthy',
      evidence:
        'seen in 4 requests: 401 from root-kuscia-autonomy-alice-node-02, 502, but not from a Kuscia gateway, no answer in time',
      remedy: expect.stringContaining('20000/tcp'),
    });
  });
});

function two(): Host {
  return THREE[1] as Host;
}

describe('the load balancer that is to be removed', () => {
  const GONE = '= node-01 no load balancer alice-nginx-lb (its configuration is kept)';
  const REMOVE = does('-', 'remove alice-nginx-lb', 'no longer wanted');
  const FORMER = does('-', 'remove alice-nginx-lb.former', 'no longer wanted');
  const former = lb({ name: 'alice-nginx-lb.former', state: 'exited' });
  const cases: readonly [string, Partial<Facts>, readonly string[]][] = [
    ['is removed if it runs', {}, [REMOVE]],
    ['is removed in whatever state', { container: present(lb({ state: 'created' })) }, [REMOVE]],
    ['is removed along with the container that was set aside', { former }, [FORMER, REMOVE]],
    ['has only the container that was set aside left', { container: absent, former }, [FORMER]],
    ['is removed whatever else is known', { home: unknown('x'), replicas: new Map([['b', unknown('x')]]) }, [REMOVE]],
    ['is gone', { container: absent, loaded: unknown('no such container') }, [GONE]],
    ['is not absent if that is not known', { container: unknown('exit 1') }, ['! node-01 fact-unknown']],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(planLoadBalancer(deploymentOf(), factsOf(told), 'absent'))).toEqual(lines);
  });
});

describe('carrying out', () => {
  const listed = images('node-01', { 'nginx:1.26': imageId('a') });
  const write = ok('node-01', writeFile('w', 'kuscia-swarm/alice/nginx.new/nginx.conf', '0644', configuration));
  const check = checkConfiguration('nginx:1.26', `${FOLDER}.new`);
  const install = ok('node-01', installConfiguration('kuscia-swarm/alice/nginx.new', 'kuscia-swarm/alice/nginx'));
  const reload = ok('node-01', reloadConfiguration('alice-nginx-lb', digest));
  const run = ok('node-01', runLoadBalancer(cluster.loadBalancer, FOLDER));
  const kinds = (lines: readonly string[]): string[] =>
    lines.map(
      (line) =>
        [
          '/images/json',
          'nginx -t',
          '-s reload',
          'last-good',
          'cat >"$new"',
          '.rehearsal',
          'docker rename',
          'docker run --detach',
          'for pause in',
          'docker rm',
        ].find((part) => line.includes(part)) ?? line,
    );

  test('checks the new configuration before it replaces the one in use, then reloads', async () => {
    const { fleet } = await carryOut(stepOf(plan({ configuration: fileOf('other') }), 'nginx configuration'), [
      listed,
      write,
      ok('node-01', check),
      install,
      reload,
    ]);
    expect(kinds(fleet.lines())).toEqual(['/images/json', 'cat >"$new"', 'nginx -t', 'last-good', '-s reload']);
    expect(fleet.ran[1]?.stdin).toBe(asInput(configuration));
  });

  test.each([
    ['nginx does not exist yet', absent],
    ['nginx is stopped', present(lb({ state: 'exited' }))],
    ['nginx will be recreated', present(lb({ mounts: {} }))],
  ])('reloads nothing if %s', async (_, container) => {
    const { fleet } = await carryOut(stepOf(plan({ ...nothing, container }), 'nginx configuration'), [
      listed,
      write,
      ok('node-01', check),
      install,
    ]);
    expect(kinds(fleet.lines())).toEqual(['/images/json', 'cat >"$new"', 'nginx -t', 'last-good']);
  });

  test.each([
    [
      ends('node-01', check, { ended: 'exited', code: 1, stderr: 'nginx: [emerg] no "ssl_certificate"\n' }),
      'load-balancer-configuration',
      'nginx: [emerg] no "ssl_certificate"',
    ],
    [ends('node-01', check, { ended: 'lost', reason: 'reset' }), 'connection-lost', ''],
  ])('installs nothing that nginx rejects', async (answer, code, evidence) => {
    const thrown = await carryOut(stepOf(plan(nothing), 'nginx configuration'), [listed, write, answer]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      { code, evidence, what: 'nginx rejects the new configuration; the one in use was kept' },
    ]);
  });

  test('writes certificate and key with mode 0600, never as arguments', async () => {
    const secrets = {
      databasePassword: new Secret('p', PASSWORD),
      loadBalancerCertificate: new Secret('c', 'CERTIFICATE'),
      loadBalancerKey: new Secret('k', 'BEGIN PRIVATE KEY'),
    };
    const https: Deployment = deploymentOf({ loadBalancer: { ...cluster.loadBalancer, scheme: 'https' } }, { secrets });
    const pem = (name: string): Script =>
      ok('node-01', writeFile('w', `kuscia-swarm/alice/nginx.new/${name}`, '0600', ''));
    const { ran } = await carryOut(stepOf(planLoadBalancer(https, factsOf(nothing)), 'nginx configuration'), [
      listed,
      write,
      pem('certificate.pem'),
      pem('certificate.key'),
      ok('node-01', check),
      install,
    ]);
    expect(ran.map(({ stdin }) => stdin)).toEqual([
      undefined,
      ...[loadBalancerFiles(https).configuration, 'CERTIFICATE', 'BEGIN PRIVATE KEY'].map(asInput),
      undefined,
      undefined,
    ]);
  });

  const STOPPING = { seconds: 30 };
  const tried = rehearse('alice-nginx-lb', { image: 'nginx:1.26', ports: [], options: [] });

  test('starts, replaces, restarts and reloads', async () => {
    const cases: readonly [Partial<Facts>, string, readonly Script[], readonly string[]][] = [
      [nothing, 'load balancer', [listed, run], ['/images/json', 'docker run --detach']],
      [
        { image: present(imageId('b')) },
        'replace',
        [
          listed,
          ok('node-01', tried),
          ok('node-01', checkConfiguration('nginx:1.26', FOLDER)),
          ok('node-01', setAside('alice-nginx-lb', STOPPING)),
          run,
          ok('node-01', discard('alice-nginx-lb.former', STOPPING)),
        ],
        ['/images/json', '.rehearsal', 'nginx -t', 'docker rename', 'docker run --detach', 'docker rm'],
      ],
      [
        { container: present(lb({ state: 'exited' })) },
        'start load balancer',
        [ok('node-01', startContainer('alice-nginx-lb', 'exited'))],
        ['for pause in'],
      ],
      [{ loaded: present('former') }, 'reload', [reload], ['-s reload']],
    ];
    for (const [told, words, scripts, wanted] of cases)
      expect(kinds((await carryOut(stepOf(plan(told), words), scripts)).fleet.lines())).toEqual(wanted);
  });
});
