import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { shellLine } from '../../src/engine/command.ts';
import { answer, present, type Fact } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { loginFile, runDatabase } from '../../src/mysql/commands.ts';
import { databaseState } from '../../src/mysql/facts.ts';
import { greeting, hostReaches } from '../../src/mysql/greeting.ts';
import { closeRoot, provide, rootAccess } from '../../src/mysql/root.ts';
import { clusterOf, EXTERNAL, MANAGED, PASSWORD, TWO } from '../support/deployment.ts';
import { KEY } from '../support/key.ts';
import { factOf } from '../support/tape.ts';

const password = new Secret('database password', PASSWORD);
const cluster = clusterOf({ hosts: TWO });
const external = { ...cluster, database: EXTERNAL };
const exited = (code: number, stdout: string, stderr = ''): Outcome => ({ ended: 'exited', code, stdout, stderr });

describe('commands', () => {
  const options = '--max-connections=1000 --skip-name-resolve --optimizer-switch=derived_merge=off';
  const files = { user: '/root/a/./password', root: '/root/a/root-password' };
  const started = (user: string, port: number): string =>
    `docker run --detach --name=alice-mysql --restart=always --publish=10.77.0.11:${port}:3306 --volume=alice-mysql:/var/lib/mysql --volume=/root/a/password:/run/secrets/database-password:ro --volume=/root/a/root-password:/run/secrets/database-root-password:ro --env=MYSQL_ROOT_PASSWORD_FILE=/run/secrets/database-root-password --env=MYSQL_ROOT_HOST=localhost --env=MYSQL_DATABASE=kine --env=MYSQL_USER=${user} --env=MYSQL_PASSWORD_FILE=/run/secrets/database-password mysql:8.0 ${options}`;
  test.each([
    [MANAGED, started('kuscia', 3306)],
    [{ ...MANAGED, user: 'k', port: 3307 }, started('k', 3307)],
  ])('run the server', (database, line) => {
    expect(shellLine(runDatabase(database, files, '10.77.0.11'))).toBe(line);
  });

  test('take the login from standard input only', () => {
    const create = provide({ ...MANAGED, name: 'kine_a', user: 'k' }, 'own', password);
    expect(create.args.slice(2, 7)).toEqual(['sh', 'alice-mysql', '/run/secrets/database-password', 'sh', '-c']);
    expect(create.args.slice(-2)).toEqual(['/run/secrets/database-root-password', 'own']);
    expect((create.stdin as Secret).reveal()).toBe(
      `${PASSWORD}\nCREATE DATABASE IF NOT EXISTS \`kine_a\`; CREATE USER IF NOT EXISTS 'k'@'%' IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON \`kine\\_a\`.* TO 'k'@'%';\n`,
    );
    expect(JSON.stringify([create, loginFile('root', password)])).not.toContain(PASSWORD);
  });

  test("take root's login from the host itself", () => {
    for (const command of [closeRoot(MANAGED, 'given', 'a/password'), rootAccess(MANAGED, 'a/password').command]) {
      expect([command.stdin, command.args.slice(2, 8)]).toEqual([
        undefined,
        ['sh', 'a/password', 'sh', '-c', expect.stringContaining('was not created for the database'), 'sh'],
      ]);
    }
  });
});

describe('the query of the database', () => {
  test('runs in its container, or from the probe', () => {
    const [inside, outside] = [cluster, external].map((each) => databaseState(each, password).command);
    const ask = expect.stringContaining('timeout 12 mysql --defaults-extra-file=/dev/stdin "$@"');
    expect(inside?.args.slice(2, 13)).toEqual([
      'sh',
      'alice-mysql',
      '/run/secrets/database-password',
      'sh',
      '-c',
      ask,
      'sh',
      '--protocol=tcp',
      '--connect-timeout=5',
      '--batch',
      '--unbuffered',
    ]);
    expect(inside?.args.at(-1)).toBe('--host=127.0.0.1');
    expect((inside?.stdin as Secret).reveal()).toContain(`password="${PASSWORD}"`);
    expect(outside?.args.slice(0, 6)).toEqual(['exec', '--interactive', 'alice-probe', 'timeout', '12', 'bash']);
    expect(outside?.args.slice(8, 14)).toEqual(['bash', 'challenge', '10.77.0.14', '3307', '', 'kuscia']);
    expect((outside?.stdin as Secret).reveal()).toBe(`${PASSWORD}\n`);
    for (const command of [inside, outside]) {
      expect(command).toMatchObject({ reads: true });
      expect(command?.args.join(' ')).not.toContain(PASSWORD);
    }
  });

  test('only uses SELECT', () => {
    const sql = databaseState(external, password).command.args.slice(14).join('; ');
    expect(
      databaseState({ ...cluster, database: { ...MANAGED, name: EXTERNAL.name } }, password).command.args,
    ).toContain(`--execute=${sql}`);
    expect(sql.split('; ').map((statement) => statement.split(' ')[0])).toEqual([
      'SELECT',
      'SELECT',
      'SELECT',
      'SET',
      'SET',
      'PREPARE',
      'EXECUTE',
    ]);
    expect(sql).toContain(`SCHEMA_NAME = 'kine_alice'`);
    expect(sql).toContain('FROM kine_alice.kine');
    expect(sql).not.toMatch(/INSERT|UPDATE |DELETE |DROP|CREATE/);
  });

  const row = (value: object): string => `gateway\t${Buffer.from(JSON.stringify(value)).toString('base64')}\n`;
  const cases: readonly [string, Outcome, Fact<unknown> | { is: string; why: unknown }][] = [
    [
      'an empty server',
      exited(0, 'version\t8.0.40\ntable\tabsent\n'),
      present({ login: 'accepted', version: '8.0.40', exists: false, gateways: [] }),
    ],
    [
      'an empty database',
      exited(0, 'version\t8.0.40\ndatabase\tkine\ntable\tabsent\n'),
      present({ login: 'accepted', version: '8.0.40', exists: true, gateways: [] }),
    ],
    [
      'gateways, new and old',
      exited(
        0,
        `version\t8.0.40\ndatabase\tkine\n${row({ metadata: { name: 'a', namespace: 'alice' }, status: { publicKey: 'k' } })}${row({ metadata: { name: 'b', namespace: 'bob' } })}`,
      ),
      present({
        login: 'accepted',
        version: '8.0.40',
        exists: true,
        gateways: [
          { domain: 'alice', name: 'a', publicKey: 'k' },
          { domain: 'bob', name: 'b', publicKey: '' },
        ],
      }),
    ],
    [
      'a refused user',
      exited(1, '', "ERROR 1045 (28000): Access denied for user 'root'\n"),
      present({ login: 'refused', said: "ERROR 1045 (28000): Access denied for user 'root'" }),
    ],
    [
      'a refused host, after a warning',
      exited(1, '', "mysql: [Warning] x\nERROR 1130 (HY000): Host '10.0.0.1' is not allowed\n"),
      present({ login: 'refused', said: "ERROR 1130 (HY000): Host '10.0.0.1' is not allowed" }),
    ],
    [
      'a refused database',
      exited(1, '', "ERROR 1044 (42000): Access denied to database 'kine'\n"),
      present({ login: 'refused', said: "ERROR 1044 (42000): Access denied to database 'kine'" }),
    ],
    [
      'a server that requires TLS',
      exited(1, '', 'ERROR 3159 (HY000): Connections using insecure transport are prohibited\n'),
      present({ login: 'wants TLS', said: 'ERROR 3159 (HY000): Connections using insecure transport are prohibited' }),
    ],
    [
      'a user that is let in with TLS alone',
      exited(1, 'tls\taccepted\n', "ERROR 1045 (28000): Access denied for user 'k'\n"),
      present({ login: 'wants TLS', said: "ERROR 1045 (28000): Access denied for user 'k'" }),
    ],
    ['a server whose large answers are lost', exited(124, 'version\t8.0.40\n'), present({ login: 'cut short' })],
    [
      'a server that is slow after its large answers',
      exited(124, `version\t8.0.40\nwide\t${'x'.repeat(4000)}\n`),
      { is: 'unknown', why: expect.stringContaining('exit 124') },
    ],
    [
      'a server that does not answer in time',
      exited(124, ''),
      { is: 'unknown', why: 'could not query the database: exit 124' },
    ],
    [
      'a server that does not answer',
      exited(1, '', "ERROR 2002 (HY000): Can't connect\n"),
      { is: 'unknown', why: "could not query the database: exit 1: ERROR 2002 (HY000): Can't connect" },
    ],
    [
      'too many connections',
      exited(1, '', 'ERROR 1040 (HY000): Too many connections\n'),
      { is: 'unknown', why: 'could not query the database: exit 1: ERROR 1040 (HY000): Too many connections' },
    ],
    ['silence', exited(0, ''), { is: 'unknown', why: 'the database did not report its version' }],
    [
      'a row that is not a gateway',
      exited(0, 'version\t8\ngateway\t!!!\n'),
      { is: 'unknown', why: expect.stringContaining('its answer was not understood') },
    ],
    [
      'a truncated answer',
      { ended: 'lost', reason: 'reset', stdout: 'version\t8.0.40\n', stderr: '' },
      { is: 'unknown', why: 'could not query the database: connection lost: reset', lost: true },
    ],
  ];
  test.each(cases)('reads %s', (_, outcome, fact) => {
    expect(answer(databaseState(cluster, password), outcome)).toEqual(fact);
  });

  test('is read on real servers', () => {
    const settled = factOf('settled', 'node-01', databaseState(cluster, password));
    expect(settled).toEqual(
      present({
        login: 'accepted',
        version: expect.stringMatching(/^8\.0\.\d+/),
        exists: true,
        gateways: ['01', '02'].map((n) => ({
          domain: 'alice',
          name: `root-kuscia-autonomy-alice-node-${n}`,
          publicKey: KEY.shown,
        })),
      }),
    );
    expect(factOf('empty', 'node-01', databaseState(cluster, password))).toEqual({
      is: 'unknown',
      why: 'could not query the database: exit 1: Error: No such container: alice-mysql',
    });
    expect(factOf('odd', 'node-01', databaseState(cluster, password))).toMatchObject(
      present({ login: 'refused', said: expect.stringContaining('ERROR 1045') }),
    );
    expect(factOf('odd', 'node-01', databaseState(external, password))).toMatchObject({
      is: 'unknown',
      why: expect.stringContaining('exit 7'),
    });
  });

  test('always results in a fact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.string(), fc.string(), (code, stdout, stderr) => {
        const fact = answer(databaseState(cluster, password), exited(code, stdout, stderr));
        return fact.is !== 'absent' && (fact.is === 'unknown' || code === 0 || fact.value.login === 'refused');
      }),
    );
  });
});

describe('the query about root', () => {
  const question = rootAccess(MANAGED, 'kuscia-swarm/alice/database-password');
  const rows = (login: string, ...accounts: readonly string[]): string =>
    ['version\t8.0.40', ...accounts.map((each) => `account\t${each}`), `login\t${login}`, ''].join('\n');
  test.each<[string, Outcome, Fact<unknown> | { is: string; why: unknown }]>([
    [
      'one created by an earlier version',
      exited(0, rows('given', 'root\t%', 'root\tlocalhost')),
      present({ login: 'given', version: '8.0.40', isOpen: true, knowsUser: false, usedFrom: [] }),
    ],
    [
      'one beside a separate user',
      exited(0, rows('given', 'kuscia\t%', 'root\t%')),
      present({ login: 'given', version: '8.0.40', isOpen: true, knowsUser: true, usedFrom: [] }),
    ],
    [
      'one that is closed',
      exited(0, rows('own', 'kuscia\t%', 'root\tlocalhost')),
      present({ login: 'own', version: '8.0.40', isOpen: false, knowsUser: true, usedFrom: [] }),
    ],
    [
      'one with an account for another host',
      exited(0, rows('own', 'root\t10.0.0.%', 'root\tlocalhost')),
      present({ login: 'own', version: '8.0.40', isOpen: true, knowsUser: false, usedFrom: [] }),
    ],
    [
      'one with other sessions logged in',
      exited(0, `session\t10.0.0.9\n${rows('own', 'root\t%')}`),
      present({ login: 'own', version: '8.0.40', isOpen: true, knowsUser: false, usedFrom: ['10.0.0.9'] }),
    ],
    [
      'one that is let in by neither password',
      exited(1, '', "ERROR 1045 (28000): Access denied for user 'root'@'localhost'\n"),
      present({ login: 'refused' }),
    ],
    ['one without its own file', exited(0, 'login\tnone\n'), present({ login: 'refused' })],
    [
      'a server that does not answer',
      exited(1, '', "ERROR 2002 (HY000): Can't connect\n"),
      { is: 'unknown', why: expect.stringContaining('ERROR 2002') },
    ],
    [
      'no container',
      exited(1, '', 'Error: No such container: alice-mysql\n'),
      { is: 'unknown', why: expect.stringContaining('No such container') },
    ],
    [
      'a truncated answer',
      exited(0, 'login\town\n'),
      { is: 'unknown', why: expect.stringContaining('login or version missing') },
    ],
    ['silence', exited(0, ''), { is: 'unknown', why: expect.stringContaining('login or version missing') }],
  ])('reads %s', (_, outcome, fact) => {
    expect(answer(question, outcome)).toEqual(fact);
  });

  test('only uses SELECT', () => {
    expect(question.command.reads).toBe(true);
    expect(
      question.command.args
        .at(-1)
        ?.split('; ')
        .map((statement) => statement.split(' ')[0]),
    ).toEqual(['SELECT', 'SELECT', 'SELECT']);
  });
});

describe('the greeting of a server', () => {
  const question = greeting(cluster, '10.77.0.11', 3306);

  test('is awaited inside the probe, with values as arguments, and with a login of no existing user', () => {
    const { args } = question.command;
    expect([args.slice(0, 4), args.slice(5, 6), args.slice(7)]).toEqual([
      ['exec', 'alice-probe', 'bash', '-c'],
      ['bash'],
      ['10.77.0.11', '3306'],
    ]);
    expect(args[4]).toContain('timeout 4 bash -c');
    expect(args[6]).toContain([...Buffer.from('kuscia-swarm-probe')].map((byte) => `\\x${byte.toString(16)}`).join(''));
  });

  const of = (size: number, ...lines: readonly string[]): string => lines.map((line) => `${size} ${line}\n`).join('');
  const UP = ['resolved', 'connected', 'greeting 10 14389'];
  const lost = (size: number): string => of(size, ...UP, 'ended 124');
  const passes = (size: number): string => of(size, ...UP, 'reply 255 1045', 'ended 0');

  test.each<[string, Outcome, Fact<unknown> | { is: string; why: unknown }]>([
    ['a server', exited(0, passes(3000)), present('greeted')],
    [
      'a server that requires another login method',
      exited(0, of(3000, ...UP, 'reply 254 24941', 'ended 0')),
      present('greeted'),
    ],
    ['a server that ends at such a login', exited(0, of(3000, ...UP, 'ended 8')), present('greeted')],
    ['a server that requires TLS', exited(0, of(3000, ...UP, 'reply 255 3159', 'ended 0')), present('wants TLS')],
    [
      'a server with too many connections',
      exited(0, of(3000, 'resolved', 'connected', 'greeting 255 1040', 'ended 0')),
      present({ turnedAway: 1040 }),
    ],
    [
      'another program',
      exited(0, of(3000, 'resolved', 'connected', 'greeting 79 18502', 'ended 0')),
      present('another program'),
    ],
    ['a port that closes', exited(0, of(3000, 'resolved', 'connected', 'ended 8')), present('another program')],
    ['a port that says nothing', exited(0, of(3000, 'resolved', 'ended 124')), present('silent')],
    [
      'a server that takes the connection and says nothing in time',
      exited(0, of(3000, 'resolved', 'connected', 'ended 124')),
      present('late'),
    ],
    [
      'a server that greets and then says nothing to whatever login',
      exited(0, [3000, 1400, 1300, 1200, 0].map(lost).join('')),
      present('late'),
    ],
    [
      'a closed port',
      exited(
        0,
        `3000 resolved\nbash: connect: Connection refused\nbash: line 3: /dev/tcp/h/1: Connection refused\n3000 ended 7\n`,
      ),
      present('refused'),
    ],
    [
      'a host that does not exist',
      exited(0, '3000 resolved\nbash: connect: No route to host\n3000 ended 7\n'),
      present('no route'),
    ],
    ['a container without a network', exited(0, of(3000, 'ended 5')), present('no route')],
    ['a name that no container can resolve', exited(0, of(3000, 'ended 6')), present('unresolved')],
    ['a name of which nothing is heard', exited(0, of(3000, 'ended 124')), present('unresolved')],
    [
      'a way on which large packets are lost',
      exited(0, [lost(3000), lost(1400), passes(1300), passes(1200), passes(0)].join('')),
      present({ narrow: 1300, lost: 1400 }),
    ],
    [
      'a way on which the largest are lost',
      exited(0, [lost(3000), passes(1400), passes(1300), passes(1200), passes(0)].join('')),
      present({ narrow: 1400, lost: 1500 }),
    ],
    [
      'a way on which all but small ones are lost',
      exited(0, [lost(3000), lost(1400), lost(1300), lost(1200), passes(0)].join('')),
      present({ narrow: 0, lost: 1200 }),
    ],
    ['nothing', exited(0, ''), { is: 'unknown', why: expect.stringContaining('could not reach the database') }],
    [
      'no bash',
      exited(127, '', 'sh: bash: not found\n'),
      { is: 'unknown', why: expect.stringContaining('bash: not found') },
    ],
  ])('is read from %s', (_, outcome, fact) => {
    expect(answer(question, outcome)).toEqual(fact);
  });

  test('is read on real servers', () => {
    expect([
      factOf('settled', 'node-02', greeting(cluster, '10.77.0.11', 3306)),
      factOf('odd', 'node-02', greeting(cluster, '10.77.0.11', 9)),
      factOf('odd', 'node-02', greeting(cluster, '10.77.0.11', 22)),
    ]).toEqual([present('greeted'), present('refused'), present('another program')]);
  });

  test.each([
    [0, true],
    [1, false],
    [124, false],
  ])('a host that exits with %i has a connection: %s', (code, reached) => {
    const fromHost = hostReaches('db.example', 3306);
    expect(shellLine(fromHost.command)).toBe(`timeout 4 bash -c ': 3<>"/dev/tcp/$0/$1"' db.example 3306`);
    expect(answer(fromHost, exited(code, ''))).toEqual(present(reached));
  });
});
