import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { generateX25519Identity } from 'age-encryption';
import { open, seal } from '../../src/artifacts/seal.ts';
import { openSealedFile, sealedFile } from '../../src/artifacts/sealed-stream.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';

// Deriving a key from a passphrase takes seconds on purpose.
const passphrase = new Secret('seal key', 'correct horse battery staple');
const other = new Secret('seal key', 'correct horse battery stable');
const identity = new Secret('seal key', await generateX25519Identity());

/** The names of the failures, or nothing if it was opened. */
const codesOf = (opening: Promise<unknown>): Promise<string[]> =>
  opening.then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code }) => code),
  );

test('sealed data with a passphrase is opened only by that', async () => {
  const sealed = await seal(Buffer.from('content'), passphrase);
  expect(Buffer.from(await open(sealed, passphrase, 'x')).toString()).toBe('content');
  for (const wrong of [other, identity])
    expect(await codesOf(open(sealed, wrong, 'snapshot.age'))).toEqual(['artifact-key-wrong']);
}, 120_000);

test('a sealed stream with a passphrase is opened only by that', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-'));
  const [sealed, opened] = [join(folder, 'sealed'), join(folder, 'opened')];
  await sealedFile(sealed, passphrase, '')(Readable.from([Buffer.from('content')]));
  for (const wrong of [other, identity])
    expect(await codesOf(openSealedFile(sealed, opened, wrong))).toEqual(['artifact-key-wrong']);
  await openSealedFile(sealed, opened, passphrase);
  expect(readFileSync(opened, 'utf8')).toBe('content');
  rmSync(folder, { recursive: true });
}, 120_000);
