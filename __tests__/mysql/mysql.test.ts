import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { shellLine } from '../../src/engine/command.ts';
import { answer, present, type Fact } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { createDatabase, loginFile, runDatabase } from '../../src/mysql/commands.ts';
import { databaseState, greeting } from '../../src/mysql/facts.ts';
import { clusterOf, EXTERNAL, MANAGED, PASSWORD, TWO } from '../support/deployment.ts';
import { KEY } from '../support/key.ts';
import { factOf } from '../support/tape.ts';

const password = new Secret('database password', PASSWORD);
const cluster = clusterOf({ hosts: TWO });
const external = { ...cluster, database: EXTERNAL };
const exited = (code: number, stdout: string, stderr = ''): Outcome => ({ ended: 'exited', code, stdout, stderr });

describe('commands', () => {
  const options = '--max-connections=1000 --skip-name-resolve --optimizer-switch=derived_merge=off';
  test.each([
    [MANAGED, `docker run --detach --name=alice-mysql --restart=always --publish=3306:3306 --volume=alice-mysql:/var/lib/mysql --volume=/root/a/password:/run/secrets/database-password:ro --env=MYSQL_ROOT_PASSWORD_FILE=/run/secrets/database-password --env=MYSQL_DATABASE=kine mysql:8.0 ${options}`],
    [{ ...MANAGED, user: 'kuscia', port: 3307 }, `docker run --detach --name=alice-mysql --restart=always --publish=3307:3306 --volume=alice-mysql:/var/lib/mysql --volume=/root/a/password:/run/secrets/database-password:ro --env=MYSQL_ROOT_PASSWORD_FILE=/run/secrets/database-password --env=MYSQL_DATABASE=kine --env=MYSQL_USER=kuscia --env=MYSQL_PASSWORD_FILE=/run/secrets/database-password mysql:8.0 ${options}`],
  ])('run the server', (database, line) => {
    expect(shellLine(runDatabase(database, '/root/a/./password'))).toBe(line);
  });

  test('log in by standard input only', () => {
    const create = createDatabase({ ...MANAGED, user: 'kuscia' }, password);
    expect(shellLine(create)).toBe("docker exec --interactive alice-mysql mysql --defaults-extra-file=/dev/stdin --protocol=tcp --host=127.0.0.1 '--execute=CREATE DATABASE IF NOT EXISTS kine'");
    expect((create.stdin as Secret).reveal()).toBe(`[client]\nuser="kuscia"\npassword="${PASSWORD}"\n`);
    expect(JSON.stringify([create, loginFile('root', password)])).not.toContain(PASSWORD);
  });
});

describe('the question to the database', () => {
  test('is asked in its container, or from one on the overlay', () => {
    const [inside, outside] = [cluster, external].map((each) => databaseState(each, password).command);
    expect(inside?.args.slice(0, 8)).toEqual(['exec', '--interactive', 'alice-mysql', 'mysql', '--defaults-extra-file=/dev/stdin', '--protocol=tcp', '--connect-timeout=5', '--batch']);
    expect(inside?.args.at(-1)).toBe('--host=127.0.0.1');
    expect(outside?.args.slice(0, 6)).toEqual(['run', '--rm', '--interactive', '--network=kuscia-exchange-cluster', 'mysql:8.0', 'mysql']);
    expect(outside?.args.slice(-2)).toEqual(['--host=10.77.0.14', '--port=3307']);
    for (const command of [inside, outside]) {
      expect(command).toMatchObject({ reads: true });
      expect((command?.stdin as Secret).reveal()).toContain(`password="${PASSWORD}"`);
      expect(command?.args.join(' ')).not.toContain(PASSWORD);
    }
  });

  test('only selects', () => {
    const sql = databaseState(external, password).command.args.find((arg) => arg.startsWith('--execute=')) ?? '';
    expect(sql.slice('--execute='.length).split('; ').map((statement) => statement.split(' ')[0])).toEqual(['SELECT', 'SELECT', 'SET', 'SET', 'PREPARE', 'EXECUTE']);
    expect(sql).toContain(`SCHEMA_NAME = 'kine_alice'`);
    expect(sql).toContain('FROM kine_alice.kine');
    expect(sql).not.toMatch(/INSERT|UPDATE |DELETE |DROP|CREATE/);
  });

  const row = (value: object): string => `gateway\t${Buffer.from(JSON.stringify(value)).toString('base64')}\n`;
  const cases: readonly [string, Outcome, Fact<unknown> | { is: string; why: unknown }][] = [
    ['an empty server', exited(0, 'version\t8.0.40\ntable\tabsent\n'), present({ login: 'accepted', version: '8.0.40', exists: false, gateways: [] })],
    ['an empty database', exited(0, 'version\t8.0.40\ndatabase\tkine\ntable\tabsent\n'), present({ login: 'accepted', version: '8.0.40', exists: true, gateways: [] })],
    ['gateways, new and old', exited(0, `version\t8.0.40\ndatabase\tkine\n${row({ metadata: { name: 'a', namespace: 'alice' }, status: { publicKey: 'k' } })}${row({ metadata: { name: 'b', namespace: 'bob' } })}`), present({ login: 'accepted', version: '8.0.40', exists: true, gateways: [{ domain: 'alice', name: 'a', publicKey: 'k' }, { domain: 'bob', name: 'b', publicKey: '' }] })],
    ['a refused user', exited(1, '', "ERROR 1045 (28000): Access denied for user 'root'\n"), present({ login: 'refused', said: "ERROR 1045 (28000): Access denied for user 'root'" })],
    ['a refused host, after a warning', exited(1, '', "mysql: [Warning] x\nERROR 1130 (HY000): Host '10.0.0.1' is not allowed\n"), present({ login: 'refused', said: "ERROR 1130 (HY000): Host '10.0.0.1' is not allowed" })],
    ['a refused database', exited(1, '', "ERROR 1044 (42000): Access denied to database 'kine'\n"), present({ login: 'refused', said: "ERROR 1044 (42000): Access denied to database 'kine'" })],
    ['a server that does not answer', exited(1, '', "ERROR 2002 (HY000): Can't connect\n"), { is: 'unknown', why: "could not ask the database: exit 1: ERROR 2002 (HY000): Can't connect" }],
    ['too many connections', exited(1, '', 'ERROR 1040 (HY000): Too many connections\n'), { is: 'unknown', why: 'could not ask the database: exit 1: ERROR 1040 (HY000): Too many connections' }],
    ['silence', exited(0, ''), { is: 'unknown', why: 'the database gave no version' }],
    ['a row that is no gateway', exited(0, 'version\t8\ngateway\t!!!\n'), { is: 'unknown', why: expect.stringContaining('its answer was not understood') }],
    ['half an answer', { ended: 'lost', reason: 'reset', stdout: 'version\t8.0.40\n', stderr: '' }, { is: 'unknown', why: 'could not ask the database: connection lost: reset', lost: true }],
  ];
  test.each(cases)('reads %s', (_, outcome, fact) => {
    expect(answer(databaseState(cluster, password), outcome)).toEqual(fact);
  });

  test('is read on real servers', () => {
    const settled = factOf('settled', 'node-01', databaseState(cluster, password));
    expect(settled).toEqual(present({ login: 'accepted', version: expect.stringMatching(/^8\.0\.\d+/), exists: true, gateways: ['01', '02'].map((n) => ({ domain: 'alice', name: `root-kuscia-autonomy-alice-node-${n}`, publicKey: KEY.shown })) }));
    expect(factOf('empty', 'node-01', databaseState(cluster, password))).toEqual({ is: 'unknown', why: 'could not ask the database: exit 1: Error: No such container: alice-mysql' });
    expect(factOf('odd', 'node-01', databaseState(cluster, password))).toMatchObject(present({ login: 'refused', said: expect.stringContaining('ERROR 1045') }));
    expect(factOf('odd', 'node-01', databaseState(external, password))).toMatchObject({ is: 'unknown', why: expect.stringContaining('ERROR 2002') });
  });

  test('never fails to end in a fact', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 255 }), fc.string(), fc.string(), (code, stdout, stderr) => {
      const fact = answer(databaseState(cluster, password), exited(code, stdout, stderr));
      return fact.is !== 'absent' && (fact.is === 'unknown' || code === 0 || fact.value.login === 'refused');
    }));
  });
});

describe('the greeting of a server', () => {
  test('is awaited from within the probe, with values as arguments', () => {
    const { command } = greeting(cluster, '10.77.0.11', 3306);
    expect(shellLine(command)).toBe(`docker exec alice-probe timeout 4 bash -c 'exec 3<>"/dev/tcp/$1/$2" && echo connected && head -c 5 <&3 | od -An -tu1' bash 10.77.0.11 3306`);
  });

  test.each([
    ['a server', exited(0, 'connected\n  74   0   0   0  10\n'), present('greeted')],
    ['a server that turns the host away', exited(0, 'connected\n  69   0   0   0 255\n'), { is: 'unknown', why: 'the database turns the host away (too many connections, or the host is blocked)' }],
    ['another program', exited(0, 'connected\n  83  83  72  45  50\n'), { is: 'unknown', why: 'what answers there is no MySQL server' }],
    ['a port that says nothing', exited(124, ''), { is: 'unknown', why: 'could not reach the database at h:1 from a container: no answer in 4 s' }],
    ['a server that takes the connection and says nothing in time', exited(124, 'connected\n'), present('late')],
    ['a port that closes', exited(0, 'connected\n\n'), { is: 'unknown', why: 'what answers there is no MySQL server' }],
  ])('is read of %s', (_, outcome, fact) => {
    expect(answer(greeting(cluster, 'h', 1), outcome)).toEqual(fact);
  });

  test('is read on real servers', () => {
    expect([factOf('settled', 'node-02', greeting(cluster, '10.77.0.11', 3306)), factOf('odd', 'node-02', greeting(cluster, '10.77.0.11', 9)), factOf('odd', 'node-02', greeting(cluster, '10.77.0.11', 22))]).toEqual([
      present('greeted'), { is: 'unknown', why: expect.stringContaining('Connection refused') }, { is: 'unknown', why: 'what answers there is no MySQL server' },
    ]);
  });
});
