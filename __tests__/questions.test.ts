import { describe, expect, test } from '@jest/globals';
import { folders } from '../src/cluster/folders.ts';
import fc from './support/random.ts';
import type { ManagedDatabase } from '../src/cluster/cluster.ts';
import { logsOf } from '../src/diagnosis/logs.ts';
import { container, containers, lastLogLines } from '../src/docker/containers.ts';
import { engine, image, imageIdentity, serverVersion, swarmNodes, tokenInUse } from '../src/docker/facts.ts';
import { networks } from '../src/docker/networks.ts';
import { tryPaths } from '../src/docker/probe.ts';
import { answer, failedTo, present, type Query } from '../src/engine/fact.ts';
import type { Outcome } from '../src/engine/outcome.ts';
import { Secret } from '../src/engine/secret.ts';
import { disk, machine, placed, terminal } from '../src/host/facts.ts';
import { file, openFile } from '../src/host/files.ts';
import { othersOn } from '../src/host/ownership.ts';
import { firewallRules, setup } from '../src/host/setup.ts';
import { dataSourceUser } from '../src/kuscia/data-source.ts';
import { answerWithin, directAnswer, lastErrorLines, loadBalancerAnswers, requestsFor } from '../src/kuscia/facts.ts';
import { registry } from '../src/kuscia/registry.ts';
import { databaseState } from '../src/mysql/facts.ts';
import { greeting, hostReaches } from '../src/mysql/greeting.ts';
import { databaseInUse } from '../src/mysql/in-use.ts';
import { rootAccess } from '../src/mysql/root.ts';
import { loadedConfiguration } from '../src/nginx/commands.ts';
import { clusterOf, EXTERNAL, PASSWORD, TWO } from './support/deployment.ts';
import { detailsOf, outcomeOf, type Moment } from './support/tape.ts';

/** Whether a value is of the kind that a fact promises. */
type Kind = (value: unknown) => boolean;
const text: Kind = (value) => typeof value === 'string';
const number: Kind = (value) => Number.isFinite(value);
const flag: Kind = (value) => typeof value === 'boolean';
const list =
  (kind: Kind): Kind =>
  (value) =>
    Array.isArray(value) && value.every(kind);
const maybe =
  (kind: Kind): Kind =>
  (value) =>
    value === undefined || kind(value);
const table =
  (kind: Kind): Kind =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(kind);
const record =
  (kinds: Readonly<Record<string, Kind>>): Kind =>
  (value) =>
    table(() => true)(value) &&
    Object.keys(value as object).every((key) => key in kinds) &&
    Object.entries(kinds).every(([key, kind]) => kind((value as Record<string, unknown>)[key]));
const secret: Kind = (value) => value instanceof Secret;
const either =
  (...kinds: readonly Kind[]): Kind =>
  (value) =>
    kinds.some((kind) => kind(value));

const cluster = clusterOf({ hosts: TWO });
const [one, two] = TWO as [(typeof TWO)[0], (typeof TWO)[0]];
const replica = 'root-kuscia-autonomy-alice';
const answered = record({ status: number, domain: text, instance: text, exit: number });
const swarm = record({
  state: text,
  nodeId: text,
  address: text,
  isManager: flag,
  clusterId: maybe(text),
  managers: list(text),
  managerIds: list(text),
  error: text,
});
const described = record({
  id: text,
  name: text,
  image: text,
  imageId: text,
  state: text,
  error: text,
  exitCode: number,
  createdAt: number,
  startedAt: number,
  restarts: number,
  hostname: text,
  memory: number,
  restartPolicy: text,
  ports: table(number),
  hostAddresses: table(text),
  mounts: table(text),
  addresses: table(text),
  networkMode: text,
});
const setUp = record({
  path: text,
  docker: text,
  found: list(text),
  socket: text,
  elsewhere: list(record({ by: text, at: text })),
  proxies: list(record({ file: text, engine: text, keys: list(text), noProxy: text })),
  options: list(record({ where: text, name: text, value: text })),
  kernel: table(number),
  noTerminal: text,
  rules: maybe(list(text)),
  onLink: list(text),
});
const onDisk = { mode: text, sha256: text, changedAt: number };

const logs = logsOf(cluster, one, 60, 'f00d');

/** Every query to hosts, the shape of its fact, and where a real answer is: on a tape, or given here. */
const QUESTIONS: readonly [string, Query<unknown>, Kind, readonly [Moment, string] | string][] = [
  [
    'the engine',
    engine,
    record({
      version: text,
      cpus: number,
      memory: number,
      rootDir: text,
      securityOptions: list(text),
      liveRestore: flag,
      firewall: text,
      addressPools: list(record({ base: text, size: number })),
      logDriver: text,
      swarm,
    }),
    ['settled', 'node-01'],
  ],
  [
    'the nodes',
    swarmNodes,
    list(
      record({
        id: text,
        hostname: text,
        role: text,
        state: text,
        availability: text,
        address: text,
        labels: table(text),
      }),
    ),
    ['settled', 'node-01'],
  ],
  ['a token', tokenInUse('worker', new Secret('token', 'SWMTKN')), flag, 'same\n'],
  [
    'the networks',
    networks,
    list(
      record({
        id: text,
        name: text,
        driver: text,
        scope: text,
        attachable: flag,
        subnets: list(text),
        mtu: maybe(number),
        masquerade: flag,
        encrypted: flag,
      }),
    ),
    ['settled', 'node-01'],
  ],
  [
    'the owner of a folder',
    othersOn('kuscia-swarm/alice'),
    list(record({ path: text, is: text, why: text })),
    ['settled', 'node-01'],
  ],
  ['an image', image('mysql:8.0'), text, ['settled', 'node-01']],
  ["Docker's firewall rules", firewallRules, maybe(list(text)), 'rules=read\nrule=nat :DOCKER - [0:0]\n'],
  [
    'an image by its content',
    imageIdentity('mysql:8.0'),
    record({ id: text, digests: list(text) }),
    '[{"Id":"sha256:1","RepoTags":["mysql:8.0"],"RepoDigests":["mysql@sha256:2"]}]',
  ],
  ['the containers', containers, list(described), ['settled', 'node-01']],
  ['a container', container(replica), described, ['settled', 'node-02']],
  ['the end of a log', lastLogLines(replica), list(text), 'hello\nbye\n'],
  [
    'the data path',
    tryPaths(cluster, one, [two]),
    record({
      version: number,
      missing: list(text),
      proxies: list(text),
      unresolved: list(text),
      tries: list(record({ to: text, ended: text, exit: number, passes: maybe(number), lost: maybe(number) })),
    }),
    ['settled', 'node-01'],
  ],
  [
    'the database',
    databaseState(cluster, new Secret('database password', PASSWORD)),
    either(
      record({ login: text, said: maybe(text) }),
      record({
        login: text,
        version: text,
        exists: flag,
        gateways: list(record({ domain: text, name: text, publicKey: text })),
      }),
    ),
    ['settled', 'node-01'],
  ],
  [
    'an external database',
    databaseState({ ...cluster, database: EXTERNAL }, new Secret('database password', PASSWORD)),
    either(
      record({ login: text, method: maybe(text), said: maybe(text) }),
      record({
        login: text,
        version: text,
        exists: flag,
        gateways: list(record({ domain: text, name: text, publicKey: text })),
      }),
    ),
    'method\tclient_ed25519\n',
  ],
  ['whether a database is in use', databaseInUse(EXTERNAL, folders(cluster)), text, 'configured\n'],
  [
    'the greeting of a database',
    greeting(cluster, one.address, 3306),
    either(text, record({ turnedAway: number }), record({ narrow: number, lost: number })),
    ['settled', 'node-02'],
  ],
  ['whether a host itself reaches the database', hostReaches(one.address, 3306), flag, ''],
  [
    'gateways and nodes',
    registry('alice'),
    record({
      gateways: list(
        record({ name: text, address: text, version: text, publicKey: text, uptime: number, heartbeat: number }),
      ),
      nodes: list(record({ name: text, ready: flag })),
      tasks: list(record({ job: text, task: text, replica: text, phase: text })),
    }),
    ['settled', 'node-01'],
  ],
  ['a gateway', directAnswer(cluster, two), answered, ['settled', 'node-02']],
  [
    'a gateway, from within its container',
    answerWithin(cluster, replica),
    answered,
    '{"domain":"alice","instance":"a"} 401 0\n',
  ],
  [
    'the version of a database image',
    serverVersion('mysql:8.0'),
    text,
    '{"Config":{"Env":["MYSQL_VERSION=8.0.40-1.el9"]}}',
  ],
  [
    'the load balancer',
    loadBalancerAnswers(cluster, one, requestsFor(cluster)),
    list(answered),
    ['settled', 'node-01'],
  ],
  ['the last words of a replica', lastErrorLines('dying'), text, ['odd', 'node-01']],
  ['the configuration of nginx', loadedConfiguration('alice-nginx-lb'), text, ['settled', 'node-01']],
  [
    'the machine',
    machine,
    record({
      user: text,
      home: text,
      hostname: text,
      machineId: text,
      arch: text,
      kernel: text,
      memory: number,
      ptraceScope: maybe(number),
      clock: number,
      listening: list(number),
      routes: list(text),
      missingPrograms: list(text),
    }),
    ['settled', 'node-01'],
  ],
  ['how Docker is set up', setup, setUp, ['settled', 'node-01']],
  ['the addresses of a host', placed(one.address), record({ address: text, own: list(text) }), ['settled', 'node-01']],
  [
    'the root of a database',
    rootAccess(cluster.database as ManagedDatabase, folders(cluster).databasePassword),
    either(
      record({ login: text }),
      record({ login: text, version: text, isOpen: flag, knowsUser: flag, usedFrom: list(text) }),
    ),
    ['settled', 'node-01'],
  ],
  ["the user of a replica's database", dataSourceUser('kuscia-swarm/alice/kuscia.yaml'), text, ['settled', 'node-01']],
  ['the disk', disk('/var/lib/docker'), record({ free: number, size: number }), ['settled', 'node-01']],
  ['a terminal', terminal, flag, 'both\r\n'],
  ['a file', file('kuscia-swarm/alice/kuscia.yaml'), record(onDisk), ['settled', 'node-01']],
  [
    'a file and its content',
    openFile('kuscia-swarm/alice/kuscia.yaml', 'configuration'),
    record({ ...onDisk, content: secret }),
    ['settled', 'node-01'],
  ],
  [
    'the logs',
    {
      command: logs.command,
      read: (outcome) => (outcome.code === 0 ? present(logs.read(outcome)) : failedTo('read the logs', outcome)),
    },
    list(
      record({
        host: text,
        name: text,
        speaker: maybe(text),
        container: maybe(text),
        subject: maybe(text),
        lines: list(text),
        whole: list(text),
      }),
    ),
    `\nf00d logs alice-mysql\nsaid\n`,
  ],
];

const genuineOf = (question: Query<unknown>, where: readonly [Moment, string] | string): string =>
  typeof where === 'string' ? where : outcomeOf(where[0], where[1], question).stdout;

/** Pieces that hosts really print, in the wrong place. */
const scraps = fc.constantFrom(
  'null',
  '[]',
  '{}',
  '""',
  '0',
  '-1',
  '1e999',
  '"x"',
  'true',
  '\n',
  '\t',
  ' ',
  '=',
  ':',
  '/',
  '\0',
  '\ufffd',
  '::error::x',
  '\x1b[2J',
  'absent',
  '{"__proto__":{"x":1}}',
  '"__proto__":1,',
  'listen=',
  'route=',
  'memory=x\n',
  'clock=\n',
  'gateway\tbm8=\n',
  'ERROR 1045 x',
  '9'.repeat(400),
);

/** The text with one place of its JSON replaced; the text itself if none of its lines is JSON. */
function misplaced(genuine: string, at: number, put: unknown): string {
  const pieces = genuine.split(/(\n)/);
  const json = pieces.flatMap((piece, i) => (/^\s*[[{]/.test(piece) ? [i] : []));
  const chosen = json[at % json.length];
  if (chosen === undefined) return genuine;
  const [, body = '', rest = ''] = /^(.*[\]}])(.*)$/s.exec(pieces[chosen] ?? '') ?? [];
  const places: (() => void)[] = [];
  const root = { it: JSON.parse(body) as unknown };
  const walk = (value: object): void => {
    for (const [key, each] of Object.entries(value) as [string, unknown][]) {
      places.push(() => ((value as Record<string, unknown>)[key] = put));
      if (typeof each === 'object' && each !== null) walk(each);
    }
  };
  walk(root);
  places[at % places.length]?.();
  return pieces.map((piece, i) => (i === chosen ? JSON.stringify(root.it) + rest : piece)).join('');
}

describe('whatever a host answers, the fact about', () => {
  const said = (genuine: string) =>
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(scraps, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.jsonValue({ maxDepth: 3 }).map((value) => `${JSON.stringify(value)}\n`),
      fc
        .array(fc.record({ at: fc.nat(5_000), drop: fc.nat(6), put: fc.oneof(scraps, fc.constant('')) }), {
          minLength: 1,
          maxLength: 4,
        })
        .map((mutations) =>
          mutations.reduce(
            (whole, { at, drop, put }) =>
              whole.slice(0, at % (whole.length + 1)) + put + whole.slice((at % (whole.length + 1)) + drop),
            genuine,
          ),
        ),
      fc
        .tuple(fc.nat(), fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom({}, [], null, '', -1, 'x')))
        .map(([at, put]) => misplaced(genuine, at, put)),
    );

  test.each(QUESTIONS)('%s is present as promised, absent or unknown', (_, question, kind, where) => {
    const genuine = genuineOf(question, where);
    const outcome = (stdout: string, stderr: string, code: number): Outcome => ({
      ended: 'exited',
      code,
      stdout,
      stderr,
    });
    const details = typeof where === 'string' ? [] : detailsOf(where[0], where[1], question);
    const real = answer(question, outcome(genuine, '', 0), details);
    expect([real.is, real.is === 'present' && kind(real.value)]).toEqual(['present', true]);
    const counted = { present: 0, absent: 0, unknown: 0 };
    fc.assert(
      fc.property(
        said(genuine),
        fc.oneof(fc.constant(''), scraps, fc.string({ maxLength: 10 })),
        fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }) }),
        (stdout, stderr, code) => {
          const fact = answer(question, outcome(stdout, stderr, code), details);
          counted[fact.is] += 1;
          if (fact.is === 'present') expect([stdout, fact.value, kind(fact.value)]).toEqual([stdout, fact.value, true]);
          if (fact.is === 'unknown') expect(typeof fact.why === 'string' && fact.why !== '').toBe(true);
        },
      ),
      { numRuns: 500 },
    );
    expect(counted.present + counted.absent + counted.unknown).toBeGreaterThanOrEqual(500);
    expect(counted.unknown).toBeGreaterThan(20);
  });

  test.each(QUESTIONS.filter(([, , , where]) => typeof where !== 'string'))(
    '%s is parsed, however deep or long the answer is',
    (_, question) => {
      for (const stdout of [
        `${'['.repeat(1_000_000)}\n`,
        `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}\n`,
        'x'.repeat(4_000_000),
        '\n'.repeat(1_000_000),
        'a=b '.repeat(1_000_000),
        '9'.repeat(1_000_000),
      ]) {
        expect(['present', 'absent', 'unknown']).toContain(
          answer(question, { ended: 'exited', code: 0, stdout, stderr: '' }).is,
        );
      }
    },
  );

  test.each(QUESTIONS)('%s is unknown if the command did not end by itself', (_, question) => {
    for (const ended of [
      { ended: 'killed', signal: 'KILL' },
      { ended: 'timed-out', afterMs: 1 },
      { ended: 'lost', reason: 'cut' },
    ] as const)
      expect(answer(question, { ...ended, stdout: 'same\n', stderr: '' }).is).toBe('unknown');
  });
});
