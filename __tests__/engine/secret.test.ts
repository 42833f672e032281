import { format, inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { quote } from '../../src/engine/quote.ts';
import { printedForms, Secret } from '../../src/engine/secret.ts';

const value = 'pä"ss\'w\\rd 4711+/=';

describe('a Secret', () => {
  const secret = new Secret('database password', value);

  test('returns its value only from reveal', () => {
    expect(secret.reveal()).toBe(value);
    expect(secret.name).toBe('database password');
  });

  const printings: readonly [string, () => string][] = [
    ['String()', () => String(secret)],
    ['a template', () => `x ${secret.toString()} ${secret as unknown as string}`],
    ['concatenation', () => 'x ' + (secret as unknown as string)],
    ['JSON', () => JSON.stringify({ deep: [secret] })],
    ['JSON with indent', () => JSON.stringify(secret, null, 2)],
    ['inspect', () => inspect(secret)],
    [
      'inspect with all details',
      () => inspect({ secret }, { showHidden: true, depth: 9, customInspect: false, getters: true }),
    ],
    ['format %s %o %j', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['its keys', () => Object.entries(secret).join()],
    ['an error', () => new Error(`failed: ${String(secret)}`, { cause: secret }).stack ?? ''],
    ['a clone', () => inspect(structuredClone({ secret: { ...secret } }))],
  ];
  test.each(printings)('is not shown by %s', (_, print) => {
    const printed = print();
    for (const form of printedForms(secret)) expect(printed).not.toContain(form);
  });

  test('shows its name when inspected', () => {
    expect(inspect({ secret })).toBe('{ secret: Secret(database password) }');
    expect(JSON.stringify({ secret })).toBe('{"secret":"***"}');
    expect(`${String(secret)}`).toBe('***');
  });
});

describe('printedForms', () => {
  const text = fc
    .string({ unit: 'binary', minLength: 4, maxLength: 40 })
    .map((each) => each.toWellFormed().replaceAll('\0', '0'));
  const contained = (secret: string, printed: string): boolean =>
    printedForms(new Secret('s', secret)).some((form) => printed.includes(form));
  const wrappings: readonly [string, (secret: string) => string][] = [
    ['plain', (secret) => `before ${secret} after`],
    ['as base64', (secret) => Buffer.from(secret).toString('base64')],
    ['as base64url', (secret) => Buffer.from(secret).toString('base64url')],
    ['in a URL', (secret) => `mysql://root:${encodeURIComponent(secret)}@host`],
    ['in JSON', (secret) => JSON.stringify({ password: secret })],
    ['in a shell word', (secret) => `docker login --password ${quote(secret)}`],
    ['in YAML', (secret) => `password: '${secret.replaceAll("'", "''")}'`],
  ];
  test.each(wrappings)('contain the secret %s', (_, wrap) => {
    fc.assert(
      fc.property(text, (secret) => contained(secret, wrap(secret))),
      { numRuns: 300 },
    );
  });

  test('contain base64 of the secret at any position in the encoded text', () => {
    const longer = fc.string({ unit: 'binary-ascii', minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(longer, fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (secret, before, after) =>
        contained(secret, Buffer.from(before + secret + after).toString('base64')),
      ),
      { numRuns: 500 },
    );
  });

  test('contain each long line of a key, as a log prints it line by line', () => {
    const key = '-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7bq0\n  q1w2e3r4t5z6u7i8o9p0\nAB==\n-----END KEY-----\n';
    const forms = printedForms(new Secret('key', key));
    expect(forms).toEqual(expect.arrayContaining(['MIIEowIBAAKCAQEA7bq0', 'q1w2e3r4t5z6u7i8o9p0']));
    expect(forms).not.toContain('AB==');
  });

  test('are sorted longest first, without duplicates and without any too short to mask', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 30 }).map((each) => each.toWellFormed()),
        (secret) => {
          const lengths = printedForms(new Secret('s', secret)).map((form) => form.length);
          expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
          expect(Math.min(4, ...lengths)).toBe(4);
          expect(new Set(printedForms(new Secret('s', secret))).size).toBe(lengths.length);
        },
      ),
    );
    expect(printedForms(new Secret('short', 'abc'))).toEqual(['616263', 'YWJj']);
  });
});
