import { describe, expect, test } from '@jest/globals';
import { pullImage } from '../../src/docker/commands.ts';
import { image } from '../../src/docker/facts.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { shellLine } from '../../src/engine/command.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { asInput, writeFile } from '../../src/host/commands.ts';
import type { OpenedFile } from '../../src/host/files.ts';
import { makeConfiguration } from '../../src/kuscia/commands.ts';
import { dataSource, fingerprint, readConfiguration, wantedConfiguration } from '../../src/kuscia/configuration.ts';
import { databaseState, type DatabaseState, type StoredGateway } from '../../src/mysql/facts.ts';
import { planConfiguration } from '../../src/stages/kuscia-init.ts';
import { clusterOf, deploymentOf, PASSWORD, THREE } from '../support/deployment.ts';
import { carryOut, ends, images, ok, type Script } from '../support/fake.ts';
import { imageId } from '../support/facts.ts';
import { initialConfiguration, KEY, OTHER_KEY, type DomainKey } from '../support/key.ts';
import { shown, stepOf } from '../support/plans.ts';

const cluster = clusterOf();

/** The configuration as every host is to have it. */
const wanted = (key: DomainKey = KEY, changes: Partial<Cluster> = {}): string => {
  const of = deploymentOf(changes);
  const initial = readConfiguration(new Secret('c', initialConfiguration(key)), 'here');
  return wantedConfiguration(initial, of.cluster, dataSource(of, '10.77.0.11')).reveal();
};
const opened = (content: string, mode = '600'): Fact<OpenedFile> =>
  present({ mode, sha256: sha256(content), changedAt: 1, content: new Secret('Kuscia configuration', content) });
const gateway = (publicKey: string, domain = 'alice', name = 'root-kuscia-autonomy-alice-node-02'): StoredGateway => ({
  domain,
  name,
  publicKey,
});
const stored = (...gateways: readonly StoredGateway[]): Fact<DatabaseState> =>
  present({ login: 'accepted', version: '8.0.40', exists: true, gateways });

/** The facts on both replicas' hosts and in the database. */
const factsOf = (
  second: Fact<OpenedFile>,
  third: Fact<OpenedFile>,
  database: Fact<DatabaseState> = stored(),
  image: Fact<string> = present(imageId('a')),
) => ({ image, files: THREE.slice(1).map((host, i) => ({ host, file: i === 0 ? second : third })), database });
const plan = (...told: Parameters<typeof factsOf>) => planConfiguration(deploymentOf(), factsOf(...told));

const GOOD = opened(wanted());
const MAKE = [
  '+ node-02 Kuscia configuration of alice, with a new domain key (no host has one)',
  '? node-03 copy of the Kuscia configuration (after it was created)',
];
const IS = (n: number): string =>
  `= node-0${n} Kuscia configuration (sha256 ${sha256(wanted()).slice(0, 12)}, domain key ${fingerprint(KEY.shown)})`;
const RESTARTED = (n: number): string =>
  `? node-0${n} restart of the replica (if it still runs with the former configuration)`;

describe('the plan', () => {
  const replaced = (from: string, to: string): Fact<OpenedFile> => opened(wanted().replace(from, to));
  const cases: readonly [string, Parameters<typeof factsOf>, readonly string[]][] = [
    ['generates one if none exists', [absent, absent], MAKE],
    ['generates one while the database does not exist yet', [absent, absent, unknown('no such container')], MAKE],
    ['generates one beside other domains', [absent, absent, stored(gateway(OTHER_KEY.shown, 'bob'))], MAKE],
    ['is satisfied if all have it', [GOOD, GOOD], [IS(2), IS(3)]],
    [
      'is satisfied with its key in the database',
      [GOOD, GOOD, stored(gateway(KEY.shown), gateway('', 'alice', 'young'))],
      [IS(2), IS(3)],
    ],
    [
      'gives it to a host that has none',
      [GOOD, absent],
      ['+ node-03 copy of the Kuscia configuration (absent)', IS(2), RESTARTED(3)],
    ],
    [
      'gives it to the first host, too',
      [absent, GOOD],
      ['+ node-02 copy of the Kuscia configuration (absent)', IS(3), RESTARTED(2)],
    ],
    ['pulls the image with the configuration that it generates', [absent, absent, stored(), absent], MAKE],
    [
      'pulls the image if the configuration is from an earlier run',
      [GOOD, GOOD, stored(), absent],
      ['+ node-02 image secretflow/kuscia:1.1.0b0 (absent, and every replica must use this image)', IS(2), IS(3)],
    ],
    [
      'does not take an unknown image for absent',
      [GOOD, GOOD, stored(), unknown('exit 1')],
      [IS(2), IS(3), '! node-02 fact-unknown'],
    ],
    [
      'changes the protocol',
      [replaced('protocol: TLS', 'protocol: NOTLS'), GOOD],
      ['~ node-02 Kuscia configuration (protocol NOTLS -> TLS)', IS(3), RESTARTED(2)],
    ],
    [
      'changes the data source without showing it',
      [GOOD, replaced(PASSWORD, 'former-password')],
      ['~ node-03 Kuscia configuration (datastoreEndpoint)', IS(2), RESTARTED(3)],
    ],
    [
      'changes a configuration that is written differently',
      [GOOD, replaced('mode: autonomy', 'mode: "autonomy"')],
      ['~ node-03 Kuscia configuration (different bytes, same meaning)', IS(2), RESTARTED(3)],
    ],
    [
      'narrows the mode',
      [GOOD, opened(wanted(), '644')],
      ['~ node-03 Kuscia configuration, mode 0600 (mode 644)', IS(2), RESTARTED(3)],
    ],
    ['refuses two keys', [GOOD, opened(wanted(OTHER_KEY))], ['! all domain-key-conflict']],
    [
      'refuses another key in the database',
      [GOOD, GOOD, stored(gateway(OTHER_KEY.shown))],
      ['! all domain-key-conflict'],
    ],
    ['refuses to make a second key', [absent, absent, stored(gateway(KEY.shown))], ['! all domain-key-missing']],
    [
      'refuses a configuration that cannot be read',
      [opened('mode: autonomy\n  - broken'), GOOD],
      ['! node-02 configuration-invalid'],
    ],
    [
      'refuses a configuration of another mode',
      [opened(wanted().replace('autonomy', 'lite')), GOOD],
      ['! node-02 configuration-invalid'],
    ],
    [
      'refuses a configuration without a key',
      [opened(wanted().replace(KEY.secret, 'nonsense')), GOOD],
      ['! node-02 configuration-invalid'],
    ],
    [
      'refuses the configuration of another domain',
      [opened(wanted().replace('domainID: alice', 'domainID: bob')), GOOD],
      ['! node-02 configuration-invalid'],
    ],
    [
      'reports every host whose configuration is unknown',
      [unknown('permission denied'), unknown('exit 65: no regular file')],
      ['! node-02 fact-unknown', '! node-03 fact-unknown'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(plan(...told))).toEqual(lines);
  });

  test('names the holders of two keys, and never a key', () => {
    const [failure] = plan(GOOD, opened(wanted(OTHER_KEY))).failures;
    expect(failure?.evidence).toBe(
      `${fingerprint(KEY.shown)} in node-02:kuscia-swarm/alice/kuscia.yaml; ${fingerprint(OTHER_KEY.shown)} in node-03:kuscia-swarm/alice/kuscia.yaml`,
    );
    expect(plan(GOOD, GOOD, stored(gateway(OTHER_KEY.shown))).failures[0]?.evidence).toContain(
      `in the database ${fingerprint(OTHER_KEY.shown)} of root-kuscia-autonomy-alice-node-02`,
    );
  });

  test("takes the caller's configuration before any other, and requires it to have the same key as theirs", () => {
    const given = (key: DomainKey) =>
      deploymentOf(
        {},
        {
          secrets: {
            databasePassword: new Secret('p', PASSWORD),
            kusciaConfig: new Secret('c', initialConfiguration(key)),
          },
        },
      );
    expect(shown(planConfiguration(given(KEY), factsOf(absent, absent, stored(gateway(KEY.shown)))))).toEqual([
      '+ node-02 copy of the Kuscia configuration (absent)',
      '+ node-03 copy of the Kuscia configuration (absent)',
      RESTARTED(2),
      RESTARTED(3),
    ]);
    expect(shown(planConfiguration(given(OTHER_KEY), factsOf(GOOD, absent)))).toEqual(['! all domain-key-conflict']);
    expect(
      shown(
        planConfiguration(
          deploymentOf(
            {},
            { secrets: { databasePassword: new Secret('p', PASSWORD), kusciaConfig: new Secret('c', 'nonsense') } },
          ),
          factsOf(GOOD, GOOD),
        ),
      ),
    ).toEqual(['! all configuration-invalid']);
  });
});

describe('generating a configuration', () => {
  const step = stepOf(plan(absent, absent), 'with a new domain key');
  const question = databaseState(cluster, new Secret('p', PASSWORD));
  const asked = (stdout: string): Script => ok('node-01', question.command, stdout);
  const row = (key: string): string =>
    `gateway\t${Buffer.from(JSON.stringify({ metadata: { name: 'g', namespace: 'alice' }, status: { publicKey: key } })).toString('base64')}\n`;
  const listed = images('node-02', { [cluster.image]: imageId('a') });
  const write = (content: string): Script =>
    ok('node-02', writeFile('write it', 'kuscia-swarm/alice/kuscia.yaml', '0600', content));

  test('queries the database first, generates it without the password, and writes it with mode 0600', async () => {
    const { fleet, events } = await carryOut(step, [
      asked('version\t8.0.40\ndatabase\tkine\n'),
      listed,
      ok('node-02', makeConfiguration(cluster), initialConfiguration()),
      write(''),
    ]);
    expect(fleet.lines().map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      "sh -c 'found=$(docker",
      "sh -c 'd=$(mktemp",
      'docker run --rm',
      "sh -c 'umask",
    ]);
    expect(fleet.ran.at(-1)?.stdin).toBe(asInput(wanted()));
    expect(wanted()).toContain(`datastoreEndpoint: "mysql://kuscia:${PASSWORD}@tcp(10.77.0.11:3306)/kine"\n`);
    expect(events.flatMap((event) => (event.is === 'secret' ? [event.secret.reveal()] : []))).toEqual([KEY.secret]);
  });

  const refusals: readonly [string, Script, string][] = [
    [
      'is silent',
      ends('node-01', question.command, { ended: 'exited', code: 1, stderr: 'ERROR 2002' }),
      'database-unreachable',
    ],
    ['is lost', ends('node-01', question.command, { ended: 'lost', reason: 'reset' }), 'database-unreachable'],
    [
      'refuses the login',
      ends('node-01', question.command, {
        ended: 'exited',
        code: 1,
        stderr: "ERROR 1045 (28000): Access denied for user 'root'",
      }),
      'database-login-refused',
    ],
    ['has the domain by then', asked(`version\t8.0.40\ndatabase\tkine\n${row(OTHER_KEY.shown)}`), 'domain-key-missing'],
  ];
  test.each(refusals)('generates no key if the database %s', async (_, answer, code) => {
    const thrown = await carryOut(step, [answer]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([{ code }]);
  });

  test('writes only a valid configuration', async () => {
    const thrown = await carryOut(step, [
      asked('version\t8.0.40\n'),
      listed,
      ok('node-02', makeConfiguration(cluster), 'exec: kuscia: not found'),
    ]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([{ code: 'configuration-invalid', host: 'node-02' }]);
  });

  test('only the image is pulled if only the image is missing', async () => {
    const { fleet } = await carryOut(stepOf(plan(GOOD, GOOD, stored(), absent), 'image'), [
      images('node-02'),
      ok('node-02', pullImage(cluster.image)),
    ]);
    expect(fleet.lines()).toEqual([shellLine(image(cluster.image).command), shellLine(pullImage(cluster.image))]);
  });

  test('a copy has the same bytes', async () => {
    const { ran } = await carryOut(stepOf(plan(absent, GOOD), 'node-02'), [write('')]);
    expect(ran.map(({ stdin }) => stdin)).toEqual([asInput(wanted())]);
  });
});
