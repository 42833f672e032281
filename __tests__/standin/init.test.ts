import { mkdtempSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readKey } from '../../lab/images/kuscia/src/config.ts';
import { generateKey, init } from '../../lab/images/kuscia/src/init.ts';
import { yamlScalar } from '../../lab/images/kuscia/src/yaml-out.ts';
import { observed } from './fixtures.ts';

interface Case {
  args: string[];
  code: number;
  stdout: string;
  stdoutBytes: number;
  stderr: string;
}
const cases = JSON.parse(observed('init.json')) as Case[];
const folder = mkdtempSync(join(tmpdir(), 'init-'));
const pkcs8 = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;
writeFileSync(join(folder, 'key.pem'), pkcs8);

describe('kuscia init', () => {
  test.each(cases)('prints what was observed, byte for byte: $args', ({ args, code, stdout, stdoutBytes, stderr }) => {
    const here = args.map((arg) => (arg === 'key.pem' ? join(folder, arg) : arg));
    const printed = init(here);
    expect({ ...printed, stdout: printed.stdout.replace(/(domainKeyData: ).*/, '$1<base64>') }).toEqual({
      code,
      stdout,
      stderr,
    });
    // The length of a key varies by a few bytes, and base64 goes by fours.
    expect(Math.abs(Buffer.byteLength(printed.stdout) - stdoutBytes)).toBeLessThanOrEqual(code === 0 ? 16 : 0);
  });

  test('puts the error on stdout, where it lands in the redirected file', () => {
    expect(init(['--mode', 'autonomy', '--domain', 'Alice_1'])).toMatchObject({
      code: 1,
      stderr: '',
      stdout: expect.stringContaining('invalid domain') as unknown as string,
    });
  });

  test('makes a key of its own that start accepts', () => {
    const keyData = (parse(init(['--mode', 'autonomy', '--domain', 'alice']).stdout) as { domainKeyData: string })
      .domainKeyData;
    expect(Buffer.from(keyData, 'base64').toString()).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(readKey(keyData)?.asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  test('passes the datastore endpoint through unchecked', () => {
    const { stdout } = init(
      [
        '--mode',
        'autonomy',
        '--domain',
        'alice',
        '--runtime',
        'runp',
        '--datastore-endpoint',
        'mysql://root:password@tcp(10.77.0.1:3306)/kine',
      ],
      generateKey,
    );
    expect(stdout).toMatch(/\ndatastoreEndpoint: mysql:\/\/root:password@tcp\(10\.77\.0\.1:3306\)\/kine\n\n$/);
  });
});

test.each([
  ['', '""'],
  ['alice', 'alice'],
  ['1234', '"1234"'],
  ['true', '"true"'],
  ['no', '"no"'],
  ['1e3', '"1e3"'],
  ['mysql://u:p@tcp(h:1)/d', 'mysql://u:p@tcp(h:1)/d'],
  ['a: b', "'a: b'"],
  ['p #x', "'p #x'"],
  ["it's: x", "'it''s: x'"],
])('quotes %j in YAML as %s', (value, text) => {
  expect(yamlScalar(value)).toBe(text);
  expect(parse(`k: ${text}`)).toEqual({ k: value });
});
