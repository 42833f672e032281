import { describe, expect, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from '../support/random.ts';
import { open, seal, sealKeyFault } from '../../src/artifacts/seal.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';

const identity = await generateX25519Identity();
const key = new Secret('seal key', identity);
const recipient = await identityToRecipient(identity);
const other = new Secret('seal key', await generateX25519Identity());

/** The names of the failures, or nothing when it was opened. */
const opening = (bytes: Uint8Array, by: Secret): Promise<string[]> =>
  open(bytes, by, 'snapshot.age').then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code }) => code),
  );

describe('a seal key', () => {
  const cases: readonly [string, string, RegExp | undefined][] = [
    ['an identity', identity, undefined],
    ['what age-keygen writes', `# created: 2026-11-24T00:00:00Z\n# public key: age1x\n${identity}\n`, undefined],
    ['a passphrase', 'correct horse battery staple', undefined],
    ['a short passphrase', 'hunter22', /too short: a passphrase needs at least 16 characters/],
    ['a truncated identity', identity.slice(0, 40), /part of it may be missing/],
    ['two identities', `${identity}\n${identity}`, /more than one/],
    ['the public half', recipient, /the public key/],
    ['several lines', 'correct horse\nbattery staple', /has several lines/],
  ];
  test.each(cases)('%s', (_, text, fault) => {
    const found = sealKeyFault(text);
    if (fault === undefined) return expect(found).toBeUndefined();
    expect(found).toMatch(fault);
    expect(found).not.toContain(text);
  });
});

describe('sealed data', () => {
  test('is opened by the same key, whatever the content', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (content) => {
        const sealed = await seal(content, key);
        expect(Buffer.from(sealed).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
        expect(Buffer.from(await open(sealed, key, 'x'))).toEqual(Buffer.from(content));
      }),
      { numRuns: 15 },
    );
  });

  test('is not opened by another identity', async () => {
    expect(await opening(await seal(Buffer.from('content'), key), other)).toEqual(['artifact-key-wrong']);
  });

  test('is not opened if truncated or changed anywhere, and the error says so', async () => {
    const sealed = await seal(Buffer.from('a content of some length'), key);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: sealed.length - 1 }), async (at) => {
        expect(['artifact-damaged', 'artifact-key-wrong']).toEqual(
          expect.arrayContaining(await opening(sealed.slice(0, at), key)),
        );
        const changed = Uint8Array.from(sealed, (byte, i) => (i === at ? byte ^ 1 : byte));
        const codes = await opening(changed, key);
        expect(codes).toHaveLength(1);
        expect(['artifact-damaged', 'artifact-key-wrong']).toContain(codes[0]);
      }),
      { numRuns: 60 },
    );
  });

  test('that is not a sealed file is reported as damaged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) =>
        expect(await opening(bytes, key)).toEqual(['artifact-damaged']),
      ),
      { numRuns: 50 },
    );
  });
});
