import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { ExternalDatabase } from '../../src/cluster/cluster.ts';
import type { Command } from '../../src/engine/command.ts';
import { answer } from '../../src/engine/fact.ts';
import { Secret, printedForms } from '../../src/engine/secret.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { logInOnce } from '../../src/mysql/client.ts';
import { databaseState, type DatabaseState } from '../../src/mysql/facts.ts';
import { clusterOf, EXTERNAL, PASSWORD } from '../support/deployment.ts';
import { mysqlServer, type Manner } from '../support/mysql-server.ts';

const password = new Secret('database password', PASSWORD);
const folder = mkdtempSync(join(tmpdir(), 'mysql-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A CA, a certificate by it, and one that a stranger made himself. */
execFileSync(
  'sh',
  [
    '-c',
    [
      'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem',
      'openssl req -newkey rsa:2048 -nodes -subj /CN=MySQL_Server_8.0.40_Auto_Generated_Server_Certificate -keyout own.key -out own.csr',
      'openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out own.pem',
      'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout other.key -out other.pem',
    ].join(' && '),
  ],
  { cwd: folder, stdio: 'ignore' },
);
const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
const certified = (name: string): NonNullable<Manner['tls']> => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const CA = pem('ca.pem').trim();

/** The command as it runs in the probe, on this machine. */
const within = (command: Command): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    expect([command.program, ...command.args].slice(0, 5)).toEqual([
      'docker',
      'exec',
      '--interactive',
      'alice-probe',
      'timeout',
    ]);
    // Not this account's own settings: bash reads them where its standard input is a socket, as a child's of Node is.
    const child = spawn('timeout', command.args.slice(4), { env: { PATH: process.env['PATH'], HOME: folder } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ended: 'exited', code: code ?? -1, stdout, stderr }));
    child.stdin.end((command.stdin as Secret).reveal());
  });

const statements = databaseState(clusterOf({ database: EXTERNAL }), password).command.args.slice(14);
const [VERSION = '', WIDE = '', DATABASE = ''] = statements;
const EXECUTE = statements.at(-1) ?? '';
const gateway = Buffer.from(
  JSON.stringify({ metadata: { name: 'replica', namespace: 'alice' }, status: { publicKey: 'k'.repeat(600) } }),
).toString('base64');
const ROWS = {
  [VERSION]: [['version', '8.0.40']],
  [WIDE]: [['wide', 'x'.repeat(4000)]],
  [DATABASE]: [['database', 'kine_alice']],
  [EXECUTE]: [
    ['gateway', gateway],
    ['gateway', null],
  ],
};
const ACCEPTED: DatabaseState = {
  login: 'accepted',
  version: '8.0.40',
  exists: true,
  gateways: [{ domain: 'alice', name: 'replica', publicKey: 'k'.repeat(600) }],
};

async function asked(manner: Partial<Manner>, ca?: string, command?: (database: ExternalDatabase) => Command) {
  const server = await mysqlServer({
    password: PASSWORD,
    rows: { ...ROWS, [EXECUTE]: [['gateway', gateway]] },
    ...manner,
  });
  try {
    const database = { ...EXTERNAL, address: '127.0.0.1', port: server.port, ...(ca !== undefined && { ca }) };
    const question = databaseState(clusterOf({ database }), password);
    const outcome = await within(command?.(database) ?? question.command);
    const seen = Buffer.concat(server.seen).toString('latin1');
    return {
      fact: answer(question, outcome),
      outcome,
      logins: server.logins,
      readable: printedForms(password).some((form) => seen.includes(form)),
    };
  } finally {
    await server.close();
  }
}

describe('the client in the probe', () => {
  test.each<[string, Partial<Manner>, string]>([
    ['that greets with its method', {}, 'caching_sha2_password'],
    ['with the older method', { greets: 'mysql_native_password' }, 'mysql_native_password'],
    ['that requests the other method', { wants: 'mysql_native_password' }, 'mysql_native_password'],
    [
      'that greets with one it does not know',
      { greets: 'sha256_password', wants: 'caching_sha2_password' },
      'caching_sha2_password',
    ],
  ])('answers the challenge of a server %s', async (_, manner, method) => {
    expect(await asked(manner)).toMatchObject({
      fact: { is: 'present', value: ACCEPTED },
      logins: [`kuscia by ${method}`],
      readable: false,
    });
  });

  // A rogue server sees everything that is sent: it must not see anything that it could log in with, or read.
  test.each<[string, Partial<Manner>]>([
    ['mysql_clear_password', { wants: 'mysql_clear_password' }],
    ['mysql_clear_password', { greets: 'mysql_clear_password' }],
    ['dialog', { wants: 'dialog' }],
    ['sha256_password', { wants: 'sha256_password' }],
    ['client_ed25519', { wants: 'client_ed25519' }],
    ['mysql_old_password', { wants: 'mysql_old_password' }],
    ['caching_sha2_password', { forgotten: true }],
    ['caching_sha2_password', { greets: 'mysql_native_password', wants: 'caching_sha2_password', forgotten: true }],
  ])('withholds the login of a server that wants %s', async (method, manner) => {
    expect(await asked(manner)).toMatchObject({
      fact: { is: 'present', value: { login: 'withheld', method } },
      logins: [],
      readable: false,
    });
  });

  test('sends what is otherwise withheld when asked to, as Kuscia does, which shows that this server can read it', async () => {
    const once = await asked({ forgotten: true }, undefined, (database) => logInOnce(clusterOf(), database, password));
    expect(once).toMatchObject({
      outcome: { code: 0, stderr: '' },
      logins: ['kuscia by caching_sha2_password'],
      readable: true,
    });
    for (const wants of ['mysql_clear_password', 'dialog', 'sha256_password'])
      expect(await asked({ wants }, undefined, (database) => logInOnce(clusterOf(), database, password))).toMatchObject(
        { logins: [], readable: false },
      );
  });

  test("reports a refusal in the words of the server's own client", async () => {
    const { fact, readable } = await asked({ password: 'another' });
    expect([fact, readable]).toEqual([
      { is: 'present', value: { login: 'refused', said: `ERROR 1045 (28000): Access denied for user 'kuscia'@'%'` } },
      false,
    ]);
    expect(
      (await asked({ refusesPlain: [3159, 'Connections using insecure transport are prohibited'] })).fact,
    ).toMatchObject({ value: { login: 'wants TLS', said: expect.stringContaining('ERROR 3159') } });
  });

  test('reports a server that refuses only logins without TLS, and does not reveal the password there either', async () => {
    for (const wants of ['mysql_native_password', 'caching_sha2_password']) {
      const { fact, readable } = await asked({ tls: certified('other'), wants, refusesPlain: [1045, 'Access denied'] });
      expect([fact, readable]).toEqual([
        { is: 'present', value: { login: 'wants TLS', said: expect.stringContaining('ERROR 1045') } },
        false,
      ]);
    }
    const clear = await asked({
      tls: certified('other'),
      wants: 'mysql_clear_password',
      refusesPlain: [1045, 'Access denied'],
    });
    expect([clear.fact, clear.readable]).toEqual([
      { is: 'present', value: { login: 'refused', said: expect.stringContaining('ERROR 1045') } },
      false,
    ]);
    const wrong = await asked({ tls: certified('other'), password: 'another' });
    expect([wrong.fact, wrong.readable]).toEqual([
      { is: 'present', value: { login: 'refused', said: expect.stringContaining('ERROR 1045') } },
      false,
    ]);
  });

  test('reports nothing if nothing answers', async () => {
    const database = { ...EXTERNAL, address: '127.0.0.1', port: 9 };
    const question = databaseState(clusterOf({ database }), password);
    expect(answer(question, await within(question.command))).toMatchObject({
      is: 'unknown',
      why: expect.stringContaining('exit 7'),
    });
  });
});

describe('with a CA', () => {
  test.each<[string, Partial<Manner>]>([
    ['by a challenge', {}],
    ['with the older method', { wants: 'mysql_native_password' }],
  ])(
    "a server that proves its identity is queried with TLS %s, and Kuscia's own login is tried as well",
    async (_, manner) => {
      const { fact, logins } = await asked({ tls: certified('own'), ...manner }, CA);
      const method = manner.wants ?? 'caching_sha2_password';
      expect([fact, logins]).toEqual([
        { is: 'present', value: ACCEPTED },
        [`kuscia by ${method} with TLS`, `kuscia by ${method}`],
      ]);
    },
  );

  test('a server without a cached login gets the password only within TLS', async () => {
    const { fact, logins } = await asked({ tls: certified('own'), forgotten: true }, CA);
    expect([fact, logins]).toEqual([{ is: 'present', value: ACCEPTED }, ['kuscia by caching_sha2_password with TLS']]);
  });

  test('a server that requires TLS is reported as such, because Kuscia could not log in', async () => {
    expect((await asked({ tls: certified('own'), refusesPlain: [3159, 'insecure'] }, CA)).fact).toMatchObject({
      value: { login: 'wants TLS' },
    });
    expect((await asked({ tls: certified('own'), refusesPlain: [1045, 'Access denied'] }, CA)).fact).toMatchObject({
      value: { login: 'wants TLS' },
    });
  });

  test.each<[string, Partial<Manner>, string | RegExp]>([
    ['has a self-made certificate', { tls: certified('other'), forgotten: true }, /verify error:num=18/],
    ['has none', {}, 'it does not offer TLS'],
    ['has none and asks for the password', { wants: 'mysql_clear_password' }, 'it does not offer TLS'],
  ])('a server that %s receives nothing at all', async (_, manner, said) => {
    const { fact, logins, readable } = await asked(manner, CA);
    expect(fact).toMatchObject({
      is: 'present',
      value: { login: 'untrusted', said: typeof said === 'string' ? said : expect.stringMatching(said) },
    });
    expect([logins, readable]).toEqual([[], false]);
  });
});
