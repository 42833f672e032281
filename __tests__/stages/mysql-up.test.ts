import { describe, expect, test } from '@jest/globals';
import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import { pullImage, startContainer } from '../../src/docker/commands.ts';
import { lastLogLines, type Container } from '../../src/docker/containers.ts';
import { serverVersion } from '../../src/docker/facts.ts';
import { discard, putBack, rehearse, setAside } from '../../src/docker/replacement.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { asInput, writeFile } from '../../src/host/commands.ts';
import { machine } from '../../src/host/facts.ts';
import { logInOnce } from '../../src/mysql/client.ts';
import { runDatabase } from '../../src/mysql/commands.ts';
import { databaseState, type DatabaseState, type StoredGateway } from '../../src/mysql/facts.ts';
import type { Greeting } from '../../src/mysql/greeting.ts';
import { inUseText } from '../../src/mysql/in-use.ts';
import { keepRootPassword, makeRootPassword, provide, type RootAccess } from '../../src/mysql/root.ts';
import { databasePlace } from '../../src/stages/database.ts';
import { reachFailure } from '../../src/stages/database-reach.ts';
import { planDatabase } from '../../src/stages/mysql-up.ts';
import { clusterOf, deploymentOf, EXTERNAL, MANAGED, PASSWORD, THREE } from '../support/deployment.ts';
import { carryOut, ends, images, containersAre, ok, type Carried } from '../support/fake.ts';
import { containerOf, fileOf, imageId, NOW, standingOf } from '../support/facts.ts';
import { shown, stepOf } from '../support/plans.ts';

type Accepted = Extract<DatabaseState, { login: 'accepted' }>;
const accepted = (changes: Partial<Accepted> = {}): Fact<DatabaseState> =>
  present({ login: 'accepted', version: '8.0.40', exists: true, gateways: [], ...changes });
const gateway = (domain: string): StoredGateway => ({
  domain,
  name: `root-kuscia-autonomy-${domain}-h`,
  publicKey: 'a',
});
const database = (changes: Partial<Container> = {}): Container =>
  containerOf('alice-mysql', {
    image: 'mysql:8.0',
    ports: { '3306/tcp': 3306 },
    hostAddresses: { '3306/tcp': '10.77.0.11' },
    mounts: {
      '/var/lib/mysql': 'alice-mysql',
      '/run/secrets/database-password': FILES.user,
      '/run/secrets/database-root-password': FILES.root,
    },
    ...changes,
  });
const FILES = {
  user: '/root/kuscia-swarm/alice/database-password',
  root: '/root/kuscia-swarm/alice/database-root-password',
};
const FILE = FILES.user;
const PLACED = { address: '10.77.0.11', own: ['10.77.0.11', '172.17.0.1'] };

/** Root's login: with its own password, or as created by earlier versions. */
const rootBy = (login: 'own' | 'given', changes: object = {}): Fact<RootAccess> =>
  present({ login, version: '8.0.40', isOpen: login === 'given', knowsUser: true, usedFrom: [], ...changes });
/** A container as created by earlier versions, and the facts about its server. */
const EARLIER: Told = {
  container: present(
    database({
      hostAddresses: {},
      mounts: { '/var/lib/mysql': 'alice-mysql', '/run/secrets/database-password': FILES.user },
    }),
  ),
  rootPassword: absent,
  state: present({ login: 'refused', said: 'ERROR 1045' }),
  root: rootBy('given', { knowsUser: false }),
};

/** A database that is as the cluster file says and reached from both replicas, except for the given facts. */
type Asked = Parameters<typeof planDatabase>[1];
type Told = Partial<Omit<Asked, 'container'> & { readonly container: Fact<Container>; readonly former: Container }>;
const factsOf = ({ container = present(database()), former, ...told }: Told = {}): Asked => ({
  container: standingOf(container, former),
  newVersion: absent,
  clock: present(NOW),
  image: present(imageId('a')),
  passwordFiles: present(FILES),
  password: fileOf(sha256(PASSWORD)),
  rootPassword: fileOf('r'),
  listen: present(PLACED),
  inUse: present('configured'),
  root: rootBy('own'),
  state: accepted(),
  reached: THREE.slice(1).map((host) => ({ host, fact: present('greeted') })),
  ...told,
});
const plan = (told: Told = {}, changes: Partial<Cluster> = {}, upgradesDatabase = false) =>
  planDatabase(deploymentOf(changes, { upgradesDatabase }), factsOf(told));

const RUNS = '= node-01 database alice-mysql (running, at 10.77.0.11:3306, volume alice-mysql)';
const STATE = '= node-01 database kine at 10.77.0.11:3306 (8.0.40, login as kuscia)';
const REACHED = [2, 3].map((n) => `= node-0${n} reaches the database from a container (10.77.0.11:3306)`);
const MOVED = `~ node-01 replace database alice-mysql: its tag now refers to another image (mysql:8.0 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)})`;
const LATER = '? node-01 version, login and owner of the database; reached from every replica (after it was started)';
const SCHEMA = '? node-01 database schema kine (if the server has none)';
const USER = '? node-01 user kuscia of database kine, with rights on that database only (if the server has none)';

describe('a managed database', () => {
  const cases: readonly [string, Told, readonly string[]][] = [
    [
      'is started if it does not exist',
      { container: absent, image: absent, state: unknown('no such container') },
      ['+ node-01 database alice-mysql at 10.77.0.11:3306, volume alice-mysql (absent)', LATER, SCHEMA, USER],
    ],
    ['is satisfied as described', {}, [RUNS, STATE, ...REACHED]],
    [
      'is started again after it stopped',
      { container: present(database({ state: 'exited', error: 'oom' })) },
      ['~ node-01 start database alice-mysql {exited (0): oom}', LATER],
    ],
    [
      'is recreated after a failed start',
      { container: present(database({ state: 'created', error: 'port is already allocated' })) },
      ['~ node-01 replace database alice-mysql {left behind by a failed start: port is already allocated}', LATER],
    ],
    [
      'whose tag now refers to another image of the same version is replaced in a separate step, with both digests',
      { image: present(imageId('b')), newVersion: present('8.0.40') },
      [MOVED, LATER],
    ],
    [
      'whose tag means a newer version now is replaced only once confirmed',
      { image: present(imageId('b')), newVersion: present('8.0.41') },
      [MOVED, '! node-01 database-upgrade-unconfirmed'],
    ],
    [
      'whose tag means an unknown version is replaced only once confirmed',
      { image: present(imageId('b')), newVersion: unknown('exit 1') },
      [MOVED, '! node-01 database-upgrade-unconfirmed'],
    ],
    [
      'that was set aside by an interrupted run is put back',
      { container: absent, former: database(), state: unknown('no such container') },
      ['~ node-01 put back database alice-mysql {an interrupted run has set it aside}', LATER, SCHEMA, USER],
    ],
    [
      'whose replacement was interrupted is replaced nevertheless',
      { container: absent, former: database({ ports: { '3306/tcp': 3307 } }), state: unknown('no such container') },
      [
        '~ node-01 replace database alice-mysql {port 3307 -> 3306; an interrupted run has set the current one aside}',
        LATER,
        SCHEMA,
        USER,
      ],
    ],
    [
      'whose replacement works: the former one is removed',
      { former: database({ state: 'exited' }) },
      ['- node-01 remove alice-mysql.former {its replacement works}', RUNS, LATER],
    ],
    [
      'that is started with another password file is checked afterwards',
      {
        container: present(database({ state: 'exited' })),
        password: fileOf(sha256('by hand')),
        state: unknown('exit 1'),
      },
      [
        '~ node-01 start database alice-mysql {exited (0)}',
        LATER,
        SCHEMA,
        USER,
        '? node-01 file with the database password (once the server accepts it)',
      ],
    ],
    [
      'whose replacement is starting is waited for',
      {
        container: present(database({ createdAt: NOW - 5_000 })),
        former: database({ state: 'exited' }),
        state: unknown('exit 1'),
      },
      [RUNS, ...REACHED, '. node-01 database answers: database-unreachable'],
    ],
    [
      'whose replacement has failed is replaced by another',
      {
        container: present(database({ state: 'exited', exitCode: 1 })),
        former: database({ state: 'exited' }),
        state: unknown('exit 1'),
      },
      [
        '~ node-01 replace database alice-mysql {its replacement does not work (exited (1)); alice-mysql.former is kept}',
        LATER,
        SCHEMA,
        USER,
      ],
    ],
    [
      'is recreated for another port',
      { container: present(database({ ports: { '3306/tcp': 3307 } })) },
      ['~ node-01 replace database alice-mysql (port 3307 -> 3306)', LATER],
    ],
    [
      'is recreated if it publishes no port',
      { container: present(database({ ports: {} })) },
      ['~ node-01 replace database alice-mysql (port none -> 3306)', LATER],
    ],
    [
      'is recreated for another volume',
      { container: present(database({ mounts: { '/var/lib/mysql': 'other' } })) },
      ['~ node-01 replace database alice-mysql (volume other -> alice-mysql)', LATER],
    ],
    [
      'gets back the restart policy that it lacks, and is not restarted',
      { container: present(database({ restartPolicy: 'no' })) },
      ['~ node-01 restore the restart policy of database alice-mysql {no -> always}', LATER],
    ],
    [
      'is waited for while it restarts',
      { container: present(database({ state: 'restarting' })), state: unknown('exit 1') },
      [RUNS.replace('running', 'restarting'), ...REACHED, '. node-01 database answers: database-unreachable'],
    ],
    [
      'is waited for until it answers',
      { state: unknown('could not query the database: exit 1: ERROR 2002') },
      [RUNS, ...REACHED, '. node-01 database answers: database-unreachable'],
    ],
    [
      'gets the schema it lacks',
      { state: accepted({ exists: false }) },
      ['+ node-01 database schema kine (absent on the server)', RUNS],
    ],
    ['of ours alone is fine', { state: accepted({ gateways: [gateway('alice')] }) }, [RUNS, STATE, ...REACHED]],
    [
      'of another domain is refused',
      { state: accepted({ gateways: [gateway('bob'), gateway('alice')] }) },
      [RUNS, '! node-01 database-owned'],
    ],
    [
      'that refuses the password is reported',
      { state: present({ login: 'refused', said: 'ERROR 1045 (28000): Access denied' }) },
      ['! node-01 database-login-refused'],
    ],
    ['that is too old is refused', { state: accepted({ version: '8.0.22' }) }, [RUNS, '! node-01 database-unfit']],
    [
      'of MariaDB too old is refused',
      { state: accepted({ version: '5.5.5-10.4.33-MariaDB' }) },
      [RUNS, '! node-01 database-unfit'],
    ],
    [
      'of MariaDB is fine',
      { state: accepted({ version: '5.5.5-10.11.6-MariaDB' }) },
      [RUNS, STATE.replace('8.0.40', '5.5.5-10.11.6-MariaDB'), ...REACHED],
    ],
    [
      'must be reached from each replica',
      {
        reached: [
          { host: THREE[1] as Host, fact: present('greeted') },
          { host: THREE[2] as Host, fact: present('refused') },
        ],
      },
      [RUNS, STATE, REACHED[0] ?? '', '. node-03 reaches the database from a container: database-unreachable'],
    ],
    [
      'that no host could try to reach is waited for',
      { reached: [{ host: THREE[1] as Host, fact: unknown('no probe') }] },
      [RUNS, STATE, '. node-02 reaches the database from a container: fact-unknown'],
    ],
    [
      'whose name does not resolve in a container is refused immediately',
      { reached: [{ host: THREE[1] as Host, fact: present('unresolved') }] },
      [RUNS, STATE, '! node-02 name-unresolved'],
    ],
    [
      'whose path has too small an MTU is refused at once',
      { reached: [{ host: THREE[1] as Host, fact: present({ narrow: 1300, lost: 1400 }) }] },
      [RUNS, STATE, '! node-02 database-path-narrow'],
    ],
    [
      'that requires TLS of a container is refused at once',
      { reached: [{ host: THREE[1] as Host, fact: present('wants TLS') }] },
      [RUNS, STATE, '! node-02 database-wants-tls'],
    ],
    [
      'that requires TLS of the login is refused',
      { state: present({ login: 'wants TLS', said: 'ERROR 3159' }) },
      [RUNS, '! node-01 database-wants-tls'],
    ],
    [
      'whose large answers are lost is refused',
      { state: present({ login: 'cut short' }) },
      [RUNS, '! node-01 database-path-narrow'],
    ],
    [
      'whose password file was changed gets it again once the password is known to be right',
      { password: fileOf(sha256('by hand')) },
      [`~ node-01 file with the database password (its content differs from the input)`, RUNS, STATE],
    ],
    [
      'whose password file is missing gets it again',
      { password: absent },
      ['+ node-01 file with the database password (absent)', RUNS, STATE],
    ],
    [
      'whose password file others can read gets it again',
      { password: fileOf(sha256(PASSWORD), { mode: '644' }) },
      ['~ node-01 file with the database password (mode 644 -> 600)', RUNS, STATE],
    ],
    [
      'keeps its password file if it refuses the password',
      { password: fileOf(sha256('by hand')), state: present({ login: 'refused', said: 'ERROR 1045' }) },
      ['! node-01 database-login-refused'],
    ],
    ['whose password file is unknown stops the run', { password: unknown('a folder') }, ['! node-01 fact-unknown']],
    [
      'that answers too late is waited for',
      { reached: [{ host: THREE[1] as Host, fact: present('late') }] },
      [RUNS, STATE, '. node-02 reaches the database from a container: database-unreachable'],
    ],
    ['whose container is unknown stops the run', { container: unknown('exit 1') }, ['! node-01 fact-unknown']],
    ['whose image is unknown is not recreated', { image: unknown('exit 1') }, ['! node-01 fact-unknown']],
    [
      'whose password file has no known path stops the run',
      { container: absent, passwordFiles: unknown('exit 1') },
      ['! node-01 fact-unknown'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(plan(told))).toEqual(lines);
  });

  const PROVISION = 'user kuscia of database kine, with rights on that database only (absent on the server)';
  test.each<[string, Told, readonly string[]]>([
    [
      'created by an earlier version gets its user, and then a container at its own address',
      EARLIER,
      [
        `+ node-01 ${PROVISION} [alice-mysql]`,
        '~ node-01 replace database alice-mysql (published at every address -> 10.77.0.11) [alice-mysql]',
        LATER,
      ],
    ],
    [
      'created by an earlier version with a user of its own gets that container',
      { ...EARLIER, state: accepted(), root: rootBy('given') },
      ['~ node-01 replace database alice-mysql (published at every address -> 10.77.0.11)', LATER],
    ],
    [
      'whose user does not exist gets it',
      { state: present({ login: 'refused', said: 'ERROR 1045' }), root: rootBy('own', { knowsUser: false }) },
      [`+ node-01 ${PROVISION} [alice-mysql]`, RUNS, LATER],
    ],
    [
      'whose user has another password is refused before anything is stopped',
      { ...EARLIER, root: rootBy('given') },
      ['! node-01 database-login-refused'],
    ],
    [
      'whose root accepts only the password of the file is refused before anything is stopped',
      { ...EARLIER, password: fileOf(sha256('another')) },
      ['! node-01 database-login-refused'],
    ],
    [
      'whose root can log in with neither password is refused before anything is stopped',
      { ...EARLIER, root: present({ login: 'refused' }) },
      ['! node-01 database-login-refused'],
    ],
    [
      'that is published at another address is recreated',
      { container: present(database({ hostAddresses: { '3306/tcp': '10.0.0.1' } })) },
      ['~ node-01 replace database alice-mysql (published at 10.0.0.1 -> 10.77.0.11)', LATER],
    ],
    [
      "that has no file with root's own password is recreated",
      { container: present(database({ mounts: { '/var/lib/mysql': 'alice-mysql' } })) },
      [
        "~ node-01 replace database alice-mysql (file with root's own password none -> /root/kuscia-swarm/alice/database-root-password)",
        LATER,
      ],
    ],
    [
      "whose file with root's password is gone gets it from its container",
      { rootPassword: absent },
      ['+ node-01 file with the database root password, from its container (absent)', RUNS, STATE],
    ],
    [
      "whose file with root's password others may read gets a new one",
      { rootPassword: fileOf('r', { mode: '644' }) },
      ['~ node-01 file with the database root password, from its container (mode 644 -> 600)', RUNS, STATE],
    ],
    [
      'whose address is on no interface of its host is refused',
      { listen: present({ address: '203.0.113.5', own: ['10.0.0.5'] }) },
      ['! node-01 address-elsewhere'],
    ],
    [
      'whose address its host resolves to the loopback is refused',
      { listen: present({ address: '127.0.1.1', own: ['10.0.0.5'] }) },
      ['! node-01 address-elsewhere'],
    ],
    [
      'whose address does not resolve is refused',
      { listen: present({ address: '', own: ['10.0.0.5'] }) },
      ['! node-01 address-elsewhere'],
    ],
    ['whose addresses are unknown stops the run', { listen: unknown('exit 1') }, ['! node-01 fact-unknown']],
    [
      'whose root access is unknown is waited for',
      { root: unknown('exit 1') },
      [RUNS, STATE, ...REACHED, '. node-01 who can log in as root of the database: fact-unknown'],
    ],
    [
      'whose root has another password is reported',
      { root: present({ login: 'refused' }) },
      [RUNS, STATE, ...REACHED, 'w node-01 database-root'],
    ],
    [
      'that lacks the schema gets none from a root that cannot log in',
      { state: accepted({ exists: false }), root: present({ login: 'refused' }) },
      [RUNS, '! node-01 database-root'],
    ],
  ])('%s', (_, told, lines) => {
    expect(shown(plan(told))).toEqual(lines);
  });

  test("names the host's addresses, and the key for them, if the address is not its own", () => {
    expect(
      plan({ listen: present({ address: '203.0.113.5', own: ['10.0.0.5', '172.17.0.1'] }) }).failures[0],
    ).toMatchObject({
      evidence: '10.77.0.11 resolves to 203.0.113.5 there; addresses of its interfaces: 10.0.0.5, 172.17.0.1',
      remedy: expect.stringContaining('database.listen'),
    });
  });

  test('of an earlier version that is also upgraded is judged by the version that its root reports', () => {
    const told = { ...EARLIER, image: present(imageId('b')), newVersion: present('8.0.40') };
    expect(shown(plan(told)).filter((line) => line.includes('upgrade'))).toEqual([]);
    expect(shown(plan({ ...told, newVersion: present('8.0.41') })).filter((line) => line.includes('upgrade'))).toEqual([
      '! node-01 database-upgrade-unconfirmed',
    ]);
  });

  test('is replaced by a newer version once confirmed, and the plan warns that this cannot be undone', () => {
    expect(shown(plan({ image: present(imageId('b')), newVersion: present('8.0.41') }, {}, true))).toEqual([
      MOVED,
      LATER,
      'w node-01 database-upgrade-unconfirmed',
    ]);
  });

  test('is reported as too slow, not as a closed port', () => {
    const failure = plan({ reached: [{ host: THREE[1] as Host, fact: present('late') }] }).awaited[0]?.failure;
    expect(failure).toMatchObject({
      what: 'the database at 10.77.0.11:3306 answers a container on node-02 too slowly',
      cause: expect.stringContaining('is slow'),
      remedy: expect.stringContaining('skip-name-resolve'),
    });
    expect(failure?.remedy).not.toContain('Open 3306');
  });

  const seen: readonly [string, Greeting, Fact<boolean>, object][] = [
    [
      'silence',
      'silent',
      present(false),
      {
        evidence: 'no answer in 4 s',
        cause: expect.stringContaining('dropped on the way'),
        remedy: expect.stringContaining('Open 3306/tcp from node-02 to 10.77.0.11'),
      },
    ],
    [
      'silence to containers alone',
      'silent',
      present(true),
      {
        evidence: 'no answer in 4 s',
        cause: expect.stringContaining('node-02 itself can connect'),
        remedy: expect.stringContaining('net.ipv4.ip_forward must be 1'),
      },
    ],
    [
      'silence if the host could not be queried',
      'silent',
      unknown('x'),
      { remedy: expect.stringContaining('Open 3306/tcp') },
    ],
    [
      'a closed port',
      'refused',
      present(false),
      { evidence: 'connection refused', remedy: expect.stringContaining('bind-address') },
    ],
    ['a port closed to containers alone', 'refused', present(true), { remedy: expect.stringContaining('ip_forward') }],
    [
      'no route',
      'no route',
      present(false),
      { cause: expect.stringContaining('has no route to 10.77.0.11'), remedy: expect.stringContaining('ip route get') },
    ],
    [
      'another program',
      'another program',
      absent,
      { evidence: 'the answer is not from a MySQL server', remedy: expect.stringContaining('ss -ltnp') },
    ],
    [
      'too many connections',
      { turnedAway: 1040 },
      absent,
      { evidence: 'the server answers with error 1040', remedy: expect.stringContaining('max_connections') },
    ],
    [
      'a blocked host',
      { turnedAway: 1129 },
      absent,
      { cause: expect.stringContaining('blocked node-02'), remedy: expect.stringContaining('flush-hosts') },
    ],
    ['a host that may not come in', { turnedAway: 1130 }, absent, { remedy: expect.stringContaining('CREATE USER') }],
    [
      'large packets lost',
      { narrow: 1300, lost: 1400 },
      absent,
      {
        code: 'database-path-narrow',
        what: 'packets over 1300 bytes are lost between containers on node-02 and the database',
        evidence: 'packets of 1300 bytes arrive, packets of 1400 bytes do not',
        definite: true,
      },
    ],
    [
      'but small packets lost',
      { narrow: 0, lost: 1200 },
      absent,
      { code: 'database-path-narrow', evidence: 'small packets arrive, packets of 1200 bytes do not' },
    ],
  ];
  test.each(seen)('is reported as %s with its remedy, without other hosts', (_, how, fromHost, told) => {
    const failure = reachFailure(clusterOf(), '10.77.0.11', { host: THREE[1] as Host, fact: present(how), fromHost });
    expect(failure).toMatchObject({ code: 'database-unreachable', host: 'node-02', ...told });
    expect(failure.cause).toBeDefined();
    if (!failure.remedy.includes('3306/tcp')) expect(failure.remedy).not.toContain('Open');
  });

  test('says which domain owns the database, and that a volume keeps its first password', () => {
    expect(plan({ state: accepted({ gateways: [gateway('bob')] }) }).failures[0]).toMatchObject({
      what: 'the database kine belongs to domain bob, not to alice',
      evidence: 'root-kuscia-autonomy-bob-h',
    });
    expect(plan({ state: present({ login: 'refused', said: 'ERROR 1045' }) }).failures[0]?.remedy).toBe(
      'Correct the input database-password. The right password is the one that volume alice-mysql was initialised with, or the one set in the database since: a new input does not change it there.',
    );
  });
});

describe('a database that is to be removed', () => {
  const absentPlan = (told: Told = {}, changes: Partial<Cluster> = {}) =>
    planDatabase(deploymentOf(changes), factsOf(told), 'absent');
  const REMOVE = '- node-01 remove alice-mysql (no longer wanted)';
  const FORMER = '- node-01 remove alice-mysql.former (no longer wanted)';
  const former = database({ name: 'alice-mysql.former', state: 'exited' });
  const cases: readonly [string, Told, Partial<Cluster>, readonly string[]][] = [
    ['is removed if it runs', {}, {}, [REMOVE]],
    ['is removed along with the container that was set aside', { former }, {}, [FORMER, REMOVE]],
    ['has only the container that was set aside left', { container: absent, former }, {}, [FORMER]],
    ['is removed whatever the server says', { state: unknown('x'), listen: unknown('x') }, {}, [REMOVE]],
    [
      'is absent, with what is kept',
      { container: absent },
      {},
      ['= node-01 no database alice-mysql (volume alice-mysql and the password files are kept)'],
    ],
    [
      'is not absent if that is unknown',
      { container: unknown('exit 1'), rootPassword: unknown('exit 2') },
      {},
      ['! node-01 fact-unknown', '! node-01 fact-unknown'],
    ],
    ['is left alone if it is not ours', {}, { database: EXTERNAL }, []],
  ];
  test.each(cases)('%s', (_, told, changes, lines) => {
    expect(shown(absentPlan(told, changes))).toEqual(lines);
  });

  test("is stopped gracefully, and root's password is copied out of it first if its file is missing", async () => {
    const [keep, stop] = [
      keepRootPassword(MANAGED, FILES.root),
      discard('alice-mysql', { seconds: 60, holdsData: true }),
    ];
    for (const [rootPassword, wanted] of [
      [fileOf('r'), [stop]],
      [absent, [keep, stop]],
    ] as const) {
      const step = stepOf(absentPlan({ rootPassword }), 'remove');
      const { fleet } = await carryOut(step, [ok('node-01', keep), ok('node-01', stop)]);
      expect(fleet.lines()).toEqual(wanted.map(shellLine));
    }
  });
});

describe('an external database', () => {
  const external = (told: Told = {}) => plan({ container: absent, ...told }, { database: EXTERNAL });
  const answers = '= node-02 database kine_alice at 10.77.0.14:3307 (8.0.40, login as kuscia)';
  const LOGIN = 'node-02 login as kuscia at 10.77.0.14:3307';
  const UNTIL_THEN = '? node-02 version, login and owner of the database; reached from every replica (after the login)';
  const cases: readonly [string, Told, readonly string[]][] = [
    [
      'is satisfied as described',
      {},
      [answers, ...REACHED.map((line) => line.replace('10.77.0.11:3306', '10.77.0.14:3307'))],
    ],
    [
      'is queried even if the image and home are unknown',
      { image: unknown('exit 1'), passwordFiles: unknown('exit 1') },
      [answers, ...REACHED.map((line) => line.replace('10.77.0.11:3306', '10.77.0.14:3307'))],
    ],
    [
      'that is not in use yet is logged in to first, and not queried until then',
      { inUse: absent, state: unknown('not asked') },
      [`+ ${LOGIN} (this deployment does not use it yet)`, UNTIL_THEN],
    ],
    [
      'that has forgotten the login gets it again',
      { state: present({ login: 'withheld', method: 'caching_sha2_password' }) },
      [`~ ${LOGIN} {the server no longer remembers it}`, UNTIL_THEN],
    ],
    [
      'that asks for the password itself is refused',
      { state: present({ login: 'withheld', method: 'mysql_clear_password' }) },
      ['! node-02 database-login-withheld'],
    ],
    [
      'that cannot be verified is refused',
      { state: present({ login: 'untrusted', said: 'it does not offer TLS' }) },
      ['! node-02 database-untrusted'],
    ],
    [
      'stops the run if it is unknown whether it is in use',
      { inUse: unknown('exit 66'), state: unknown('not asked') },
      ['! node-02 fact-unknown'],
    ],
    ['must have the schema', { state: accepted({ exists: false }) }, ['! node-02 database-unfit']],
    [
      'is waited for',
      { state: unknown('exit 1') },
      [
        ...REACHED.map((line) => line.replace('10.77.0.11:3306', '10.77.0.14:3307')),
        '. node-02 database answers: database-unreachable',
      ],
    ],
    ['may refuse', { state: present({ login: 'refused', said: 'ERROR 1130' }) }, ['! node-02 database-login-refused']],
    [
      'reports everything that is unfit at once',
      { state: accepted({ version: '5.7.44', exists: false, gateways: [gateway('bob')] }) },
      ['! node-02 database-unfit', '! node-02 database-unfit', '! node-02 database-owned'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(external(told))).toEqual(lines);
  });

  const CA = '-----BEGIN CERTIFICATE-----';
  test.each<[string, string | undefined]>([
    ['without a CA it is logged in to as Kuscia does', undefined],
    ['by its CA it proves itself whenever it is asked', CA],
  ])('the first use is recorded; %s', async (_, ca) => {
    const database = { ...EXTERNAL, ...(ca !== undefined && { ca }) };
    const told = planDatabase(
      deploymentOf({ database }),
      factsOf({ container: absent, inUse: absent, state: unknown('not asked') }),
    );
    const step = stepOf(told, 'node-02 login as kuscia at 10.77.0.14:3307');
    const written = writeFile('x', 'kuscia-swarm/alice/database-in-use', '0600', inUseText(database));
    const login = logInOnce(clusterOf(), database, new Secret('database password', PASSWORD));
    // Whatever comes of the login, the questions after it say so.
    const { ran } = await carryOut(step, [
      ok('node-02', written),
      ...(ca === undefined ? [ends('node-02', login, { ended: 'exited', code: 1 })] : []),
    ]);
    expect(ran).toEqual([
      { host: 'node-02', line: shellLine(written), stdin: asInput(inUseText(database)) },
      ...(ca === undefined ? [{ host: 'node-02', line: shellLine(login), stdin: `${PASSWORD}\n` }] : []),
    ]);
  });

  test('is queried from the first replica; a managed one from its own host', () => {
    expect(
      [databasePlace(clusterOf({ database: EXTERNAL })), databasePlace(clusterOf())].map(({ queryHost, address }) => [
        queryHost.name,
        address,
      ]),
    ).toEqual([
      ['node-02', '10.77.0.14'],
      ['node-01', '10.77.0.11'],
    ]);
  });
});

describe('carrying out', () => {
  const password = new Secret('database password', PASSWORD);
  const write = ok('node-01', writeFile('write the database password', FILE, '0600', password));
  const listed = images('node-01', { 'mysql:8.0': imageId('a') });
  const makeRoot = ok('node-01', makeRootPassword(FILES.root));
  const run = ok('node-01', runDatabase(MANAGED, FILES, '10.77.0.11'));
  const kinds = (lines: readonly string[]): string[] =>
    lines.filter((line) => !line.includes('/images/json')).map((line) => line.split(' ').slice(0, 2).join(' '));

  test('writes the password before the server starts', async () => {
    const { fleet } = await carryOut(stepOf(plan({ container: absent }), 'database'), [
      images('node-01'),
      ok('node-01', pullImage('mysql:8.0')),
      write,
      makeRoot,
      run,
    ]);
    expect(kinds(fleet.lines())).toEqual(['docker pull', 'sh -c', 'sh -c', 'docker run']);
    expect(fleet.ran.find(({ stdin }) => stdin !== undefined)).toMatchObject({ stdin: asInput(PASSWORD) });
  });

  const STOPPING = { seconds: 60, holdsData: true } as const;
  const tried = (port?: string): Command =>
    rehearse('alice-mysql', { image: 'mysql:8.0', ports: port === undefined ? [] : [port], options: [] });
  const another = { container: present(database({ ports: { '3306/tcp': 3307 } })) };

  test('rehearses the new one, stops the current one gracefully, never kills it, and removes it when the new one works', async () => {
    const { fleet } = await carryOut(stepOf(plan(another), 'replace'), [
      listed,
      ok('node-01', tried('10.77.0.11:3306:3306')),
      ok('node-01', setAside('alice-mysql', STOPPING)),
      write,
      makeRoot,
      run,
      ok('node-01', discard('alice-mysql.former', STOPPING)),
    ]);
    const lines = fleet.lines().filter((line) => !line.includes('/images/json'));
    expect(lines).toEqual(
      [
        tried('10.77.0.11:3306:3306'),
        setAside('alice-mysql', STOPPING),
        writeFile('w', FILE, '0600', ''),
        makeRootPassword(FILES.root),
        runDatabase(MANAGED, FILES, '10.77.0.11'),
        discard('alice-mysql.former', STOPPING),
      ].map(shellLine),
    );
    expect(
      lines.filter((line) =>
        /--force|docker kill|--volumes/.test(
          line.replace('docker rm --force "$name"', '').replace('docker rm --force "$name"', ''),
        ),
      ),
    ).toEqual([]);
  });

  test("copies root's password out of the current one before that is stopped, if its file is missing", async () => {
    const { fleet } = await carryOut(stepOf(plan({ ...another, rootPassword: absent }), 'replace'), [
      listed,
      ok('node-01', keepRootPassword(MANAGED, FILES.root)),
      ok('node-01', tried('10.77.0.11:3306:3306')),
      ok('node-01', setAside('alice-mysql', STOPPING)),
      write,
      makeRoot,
      run,
      ok('node-01', discard('alice-mysql.former', STOPPING)),
    ]);
    const lines = fleet.lines();
    expect(lines.indexOf(shellLine(keepRootPassword(MANAGED, FILES.root)))).toBeLessThan(
      lines.indexOf(shellLine(setAside('alice-mysql', STOPPING))),
    );
    expect(lines).toContain(shellLine(keepRootPassword(MANAGED, FILES.root)));
  });

  test('stops nothing if the new one cannot be started', async () => {
    const seen: { carried?: Carried } = {};
    const refused = ends('node-01', tried('10.77.0.11:3306:3306'), {
      ended: 'exited',
      code: 125,
      stderr: 'bind: address already in use\n',
    });
    const asked = [
      ok('node-01', machine.command, 'user=root\nhome=/root\nhostname=node-01\nclock=1\n'),
      ...containersAre('node-01', []),
    ];
    const thrown = await carryOut(stepOf(plan(another), 'replace'), [listed, refused, ...asked], seen).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      { code: 'replacement-impossible', host: 'node-01', evidence: 'exit 125: bind: address already in use' },
    ]);
    expect(seen.carried?.fleet.lines().filter((line) => /docker (stop|rename|update)/.test(line))).toEqual([]);
  });

  test('refuses an image that turns out to be an older server before it stops anything', async () => {
    const seen: { carried?: Carried } = {};
    const version = ok(
      'node-01',
      serverVersion('mysql:8.0').command,
      '{"Config":{"Env":["MYSQL_VERSION=8.0.39-1.el9"]}}',
    );
    const thrown = await carryOut(
      stepOf(plan({ image: present(imageId('b')), newVersion: present('8.0.41') }, {}, true), 'replace'),
      [listed, version],
      seen,
    ).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([{ code: 'database-unfit', evidence: '8.0.40 -> 8.0.39' }]);
    expect(seen.carried?.fleet.lines().filter((line) => /docker (stop|rename|update|run)/.test(line))).toEqual([]);
  });

  test('puts the former one back if the new one does not start', async () => {
    const failed = ends('node-01', runDatabase(MANAGED, FILES, '10.77.0.11'), {
      ended: 'exited',
      code: 125,
      stderr: 'no such image\n',
    });
    const answers = ok('node-01', databaseState(clusterOf(), password).command, 'version\t8.0.40\ndatabase\tkine\n');
    const thrown = await carryOut(stepOf(plan(another), 'replace'), [
      listed,
      ok('node-01', tried('10.77.0.11:3306:3306')),
      ok('node-01', setAside('alice-mysql', STOPPING)),
      write,
      makeRoot,
      failed,
      ok('node-01', lastLogLines('alice-mysql').command),
      ok('node-01', putBack('alice-mysql', STOPPING, true)),
      answers,
    ]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      {
        code: 'command-failed',
        what: 'could not start the database: exit 125; undone: the former database alice-mysql runs again and works',
      },
    ]);
  });

  test('rewrites the password file', async () => {
    const { fleet } = await carryOut(stepOf(plan({ password: absent }), 'file with the database password'), [write]);
    expect(fleet.ran).toMatchObject([{ stdin: asInput(PASSWORD) }]);
  });

  test('starts, and creates the schema with the password on standard input', async () => {
    const start = await carryOut(stepOf(plan({ container: present(database({ state: 'exited' })) }), 'start'), [
      ok('node-01', startContainer('alice-mysql', 'exited')),
    ]);
    expect(start.fleet.lines()).toEqual([shellLine(startContainer('alice-mysql', 'exited'))]);
    const create = await carryOut(stepOf(plan({ state: accepted({ exists: false }) }), 'schema'), [
      ok('node-01', provide(MANAGED, 'own', password)),
    ]);
    expect(create.ran[0]?.stdin).toContain(
      "CREATE DATABASE IF NOT EXISTS `kine`; CREATE USER IF NOT EXISTS 'kuscia'@'%' IDENTIFIED BY",
    );
  });

  test('creates the user as the root that an earlier version set up', async () => {
    const made = await carryOut(stepOf(plan(EARLIER), 'user kuscia'), [
      ok('node-01', provide(MANAGED, 'given', password)),
    ]);
    expect(made.ran.map(({ line }) => line)).toEqual([shellLine(provide(MANAGED, 'given', password))]);
  });

  test("keeps root's password on the host", async () => {
    const { ran } = await carryOut(stepOf(plan({ rootPassword: absent }), 'database root password'), [
      ok('node-01', keepRootPassword(MANAGED, FILES.root)),
    ]);
    expect(ran).toEqual([{ host: 'node-01', line: shellLine(keepRootPassword(MANAGED, FILES.root)) }]);
  });
});
