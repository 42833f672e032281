import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { inGoWords, readEndpoint } from '../../lab/images/kuscia/src/database.ts';
import { init } from '../../lab/images/kuscia/src/init.ts';
import { k3sArguments, linkKubeconfig } from '../../lab/images/kuscia/src/k3s.ts';
import { createLog, logLine } from '../../lab/images/kuscia/src/log.ts';
import { moduleFails, startedLines } from '../../lab/images/kuscia/src/modules.ts';
import type { Place } from '../../lab/images/kuscia/src/place.ts';
import { start } from '../../lab/images/kuscia/src/start.ts';
import { observed, somePlace } from './fixtures.ts';

const good = init([
  '--mode',
  'autonomy',
  '--domain',
  'alice',
  '--runtime',
  'runp',
  '--datastore-endpoint',
  'mysql://root:password@tcp(127.0.0.1:1)/kine',
]).stdout;

/** Starts with a configuration; returns the output, without times, and the exit code. */
async function tryStart(
  text: string | undefined,
  more: Partial<Place> = {},
): Promise<{ code: number; printed: string }> {
  const place = somePlace(more);
  const file = `${place.home}/etc/conf/kuscia.yaml`;
  if (text !== undefined) writeFileSync(file, text);
  let printed = '';
  const code = await start(
    file,
    place,
    createLog((line) => void (printed += line)),
  );
  return {
    code,
    printed: printed
      .replaceAll(file, 'FILE')
      .replaceAll(place.home, '/home/kuscia')
      .replace(/^\d{4}-\S+ \S+ /gm, ''),
  };
}

const head =
  'Kuscia config file watcher start, config file: FILE.\nKuscia hot reload is enabled, config file path: FILE\n';

describe('a configuration that cannot be used', () => {
  const cases: [string, string | undefined, string][] = [
    ['a missing file', undefined, 'Load kuscia common config failed. open FILE: no such file or directory\n'],
    [
      'bad YAML',
      good.replace('domainID: alice', 'domainID: alice: x'),
      'Load kuscia common config failed. yaml: line 2: mapping values are not allowed in this context\n',
    ],
    [
      'a key given twice',
      `${good.trimEnd()}\nlogLevel: DEBUG\n`,
      'Load kuscia common config failed. yaml: unmarshal errors:\n  line 31: mapping key "logLevel" already defined at line 4\n',
    ],
    [
      'an unknown protocol',
      good.replace('runtime:', 'protocol: abc\nruntime:'),
      'Load kuscia common config failed. Kuscia configuration: protocol: abc is unsupported, supported: NOTLS/TLS/MTLS\n',
    ],
  ];
  test.each(cases)('ends at once with 1: %s', async (_, text, message) => {
    expect(await tryStart(text)).toEqual({ code: 1, printed: head + message });
  });

  test('ends at once without eth0', async () => {
    expect(await tryStart(good, { address: '' })).toEqual({ code: 1, printed: `${head}host IP unknown\n` });
  });

  test('ends at once with an invalid key', async () => {
    const { code, printed } = await tryStart(good.replace(/domainKeyData: .*/, 'domainKeyData: bm9uZQ=='));
    expect(code).toBe(1);
    expect(printed.split('\n').slice(2)).toEqual([
      'ERROR tls/crypt.go:337 load key data failed: invalid private key, should be PEM block format, try key file',
      'ERROR modules/runtime.go:72 load key failed: key: false, file: /home/kuscia/var/certs/ca.key',
      "FATAL modules/runtime.go:195 can't parse key",
      '',
    ]);
  });

  test('is read with CR LF as well', async () => {
    expect(
      (await tryStart(good.replaceAll('\n', '\r\n').replace('logLevel: INFO', 'protocol: abc'))).printed,
    ).toContain('protocol: abc is unsupported');
  });
});

describe('a database that cannot be used', () => {
  const options = { host: '10.77.0.2', port: 3306 };
  const error = (fields: object): Error => Object.assign(new Error('?'), fields);
  test.each([
    [
      { code: 'ECONNREFUSED', address: '10.77.0.2', port: 3307 },
      'dial tcp 10.77.0.2:3307: connect: connection refused',
    ],
    [{ code: 'EHOSTUNREACH', address: '10.77.0.9', port: 3306 }, 'dial tcp 10.77.0.9:3306: connect: no route to host'],
    [{ code: 'ETIMEDOUT' }, 'context deadline exceeded'],
    [
      {
        code: 'ER_ACCESS_DENIED_ERROR',
        errno: 1045,
        sqlMessage: "Access denied for user 'kuscia'@'10.77.0.13' (using password: YES)",
      },
      "Error 1045: Access denied for user 'kuscia'@'10.77.0.13' (using password: YES)",
    ],
    [
      { code: 'ER_BAD_DB_ERROR', errno: 1049, sqlMessage: "Unknown database 'kine'" },
      "Error 1049: Unknown database 'kine'",
    ],
  ])('is named in the words of the Go driver: %j', (fields, words) => {
    expect(inGoWords(error(fields), options)).toBe(words);
  });

  test('is refused by name if the scheme is wrong or missing', () => {
    expect(readEndpoint('mysqlx://a:b@tcp(h:1)/d')).toEqual({
      ok: false,
      message: "Kuscia 'datastoreEndpoint' config: Driver Name is 'mysqlx' Not supported",
    });
    expect(readEndpoint('a:b@tcp(h:1)/d')).toMatchObject({
      ok: false,
      message: expect.stringMatching(
        /^configured 'datastoreEndpoint' is invalid, expected format: mysql:/,
      ) as unknown as string,
    });
    expect(readEndpoint('mysql://root:p@ss:w)rd@tcp(10.0.0.1:3306)/kine')).toMatchObject({
      ok: true,
      options: { password: 'p@ss:w)rd', host: '10.0.0.1', database: 'kine' },
    });
  });

  test.each([
    ['log-missing-database.txt', false, 0],
    ['log-refused.txt', true, 1],
  ])('ends with the observed lines, and with 0 or 1 by accident: %s', async (name, slow, code) => {
    const lines = observed(name)
      .split('\n')
      .map((line) => line.replace(/^\d{4}-\S+ \S+ /, ''));
    const at = lines.findIndex((line) => line.includes('k3s is finished with err='));
    const reason = lines[at]?.split('finished with err=')[1] ?? '';
    let printed = '';
    expect(
      await moduleFails(
        createLog((line) => void (printed += line)),
        'alice',
        'k3s',
        reason,
        slow,
        () => Promise.resolve(),
      ),
    ).toBe(code);
    // Which module is notified first differs from run to run.
    const sorted = (all: string[]): string[] =>
      all.filter((line) => line && (slow ? !line.includes('coredns') : true)).sort();
    expect(sorted(printed.split('\n').map((line) => line.replace(/^\d{4}-\S+ \S+ /, '')))).toEqual(
      sorted(lines.slice(at)),
    );
  });
});

test('log lines carry local time and no zone', () => {
  expect(
    logLine(new Date(2026, 10, 23, 22, 54, 22, 260), 'INFO', 'start/manager.go:220', 'Kuscia started success'),
  ).toBe('2026-11-23 22:54:22.260 INFO start/manager.go:220 Kuscia started success');
});

test('a start that succeeds ends with the observed lines', () => {
  let printed = '';
  startedLines(createLog((line) => void (printed += line)));
  const bare = (text: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .slice(-4)
      .map((line) => line.replace(/^\d{4}-\S+ \S+ /, ''));
  expect(bare(printed)).toEqual(bare(observed('log-start.txt')));
});

test('the first lines of a start are the observed ones', async () => {
  const closed = createServer();
  const { printed } = await tryStart(good);
  closed.close();
  const wanted = observed('log-start.txt')
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\S+ \S+ /, '').replace(/capeff=.*/, 'capeff='));
  const got = printed.replace(/capeff=.*/, 'capeff=').split('\n');
  const steps = wanted.slice(
    2,
    wanted.findIndex((line) => line.includes('Datastore endpoint is effective')),
  );
  expect(steps.length).toBeGreaterThan(15);
  for (const step of steps) expect(got).toContain(step);
});

test('the k3s child gets the database with its password, and the token, as arguments', () => {
  const shown = k3sArguments('/home/kuscia', 'alice', 'mysql://root:password@tcp(h:3306)/kine').join(' ');
  expect(shown).toMatch(
    /^server .*--datastore-endpoint=mysql:\/\/root:password@tcp\(h:3306\)\/kine --token=[0-9a-f]{32}$/,
  );
});

test('the link by which a bare kubectl finds the kubeconfig is made by k3s', () => {
  const folder = mkdtempSync(`${tmpdir()}/k3s-`);
  for (let starts = 0; starts < 2; starts++)
    linkKubeconfig(somePlace({ home: '/home/kuscia-x', inContainer: true }), folder);
  expect(readlinkSync(`${folder}/k3s.yaml`)).toBe('/home/kuscia-x/etc/kubeconfig');
});

test('the log of Kuscia is in var/logs as well, for its owner only', async () => {
  const place = somePlace();
  writeFileSync(`${place.home}/etc/conf/kuscia.yaml`, good);
  await start(
    `${place.home}/etc/conf/kuscia.yaml`,
    place,
    createLog(() => undefined),
  );
  expect(readFileSync(`${place.home}/var/logs/kuscia.log`, 'utf8')).toContain('k3s check datastore endpoint failed');
}, 15_000);
