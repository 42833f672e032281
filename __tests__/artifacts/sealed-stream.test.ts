import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from '../support/random.ts';
import { open, proofOf, seal } from '../../src/artifacts/seal.ts';
import { openSealedFile, sealedFile } from '../../src/artifacts/sealed-stream.ts';
import { changing, script } from '../../src/engine/command.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';
import { LocalConnection } from '../../src/transport/local.ts';

const identity = await generateX25519Identity();
const key = new Secret('seal key', identity);
const other = new Secret('seal key', await generateX25519Identity());

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sealed-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

/** The bytes in pieces of that size. */
const pieces = (bytes: Uint8Array, size = 40_000): AsyncIterable<Uint8Array> =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)),
  );

/** The names of the failures of opening, or nothing if it was opened; a failed attempt must leave nothing behind. */
async function opening(by = key): Promise<string[]> {
  const codes = await openSealedFile(at('sealed'), at('opened'), by).then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code }) => code),
  );
  if (codes.length > 0) expect(readdirSync(folder)).toEqual(['sealed']);
  return codes;
}

describe('a sealed stream', () => {
  test('is opened by its key, whatever its content and its chunks', async () => {
    const around = (size: number) => fc.integer({ min: size - 40, max: size + 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 100 }), around(64 * 1024), around(128 * 1024)),
        fc.integer({ min: 1_000, max: 100_000 }),
        fc.string({ unit: 'binary', maxLength: 50 }),
        async (length, size, label) => {
          const content = randomBytes(length);
          await sealedFile(at('sealed'), key, label)(pieces(content, size));
          expect(statSync(at('sealed')).mode & 0o777).toBe(0o600);
          expect(await openSealedFile(at('sealed'), at('opened'), key)).toBe(label);
          expect(readFileSync(at('opened')).equals(content)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
    expect(readdirSync(folder).sort()).toEqual(['opened', 'sealed']);
  });

  test('is an age file of a label, the content and its proof', async () => {
    await sealedFile(at('sealed'), key, 'of alice')(pieces(Buffer.from('content')));
    const inside = Buffer.from(await open(readFileSync(at('sealed')), key, 'sealed'));
    expect(inside.subarray(0, -32).toString()).toBe('{"format":1,"label":"of alice"}\ncontent');
  });

  test('is refused by another key', async () => {
    await sealedFile(at('sealed'), key, '')(pieces(Buffer.from('content')));
    expect(await opening(other)).toEqual(['artifact-key-wrong']);
  });

  test('that was truncated or changed anywhere is refused', async () => {
    await sealedFile(at('sealed'), key, 'label')(pieces(randomBytes(150_000)));
    const whole = readFileSync(at('sealed'));
    const damages = fc.oneof(
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      // Where age begins a new chunk.
      fc.constantFrom(1, 2).map((chunks) => whole.subarray(0, whole.length - (150_000 % 65_536) - 16 - chunks)),
      fc.nat(whole.length - 1).map((where) => whole.map((byte, i) => (i === where ? byte ^ 1 : byte))),
      fc.uint8Array({ minLength: 1, maxLength: 50 }).map((more) => Buffer.concat([whole, more])),
    );
    await fc.assert(
      fc.asyncProperty(damages, async (damaged) => {
        writeFileSync(at('sealed'), damaged);
        expect(['artifact-damaged', 'artifact-key-wrong']).toContain((await opening()).join());
      }),
      { numRuns: 80 },
    );
  });

  /** Sealed with knowledge of only the recipient. */
  async function forged(inside: string | Uint8Array): Promise<void> {
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(identity));
    writeFileSync(at('sealed'), await encrypter.encrypt(inside));
  }
  const first = '{"format":1,"label":""}\n';

  test('sealed by someone without the key is refused', async () => {
    await sealedFile(at('sealed'), key, '')(pieces(Buffer.from('content')));
    const genuine = Buffer.from(await open(readFileSync(at('sealed')), key, 'sealed'));
    const proof = genuine.subarray(-32);
    for (const inside of [
      first,
      `${first}short`,
      Buffer.concat([Buffer.from(`${first}contens`), proof]),
      Buffer.concat([Buffer.from(`{"format":1,"label":"x"}\ncontent`), proof]),
      Buffer.concat([Buffer.from(first), proof]),
      Buffer.concat([Buffer.from(`${first}content`), randomBytes(32)]),
      // The proof of an artifact with the same text is not valid here.
      Buffer.concat([Buffer.from(`${first}content`), Buffer.from(proofOf(`${first}content`, key), 'hex')]),
    ]) {
      await forged(inside);
      expect(await opening()).toEqual(['artifact-forged']);
    }
    await forged(genuine);
    expect(await opening()).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['no line', 'x'.repeat(200_000)],
    ['no JSON', '{\ncontent'],
    ['another format', '{"format":2,"label":""}\ncontent'],
    ['no label', '{"format":1}\ncontent'],
    ['a key too many', '{"format":1,"label":"","more":1}\ncontent'],
  ])('with %s inside is damaged', async (_, inside) => {
    writeFileSync(at('sealed'), await seal(Buffer.from(inside), key));
    expect(await opening()).toEqual(['artifact-damaged']);
  });

  test('that is not a sealed file is reported as damaged, without an endless search for a header', async () => {
    for (const bytes of [
      '',
      'nonsense',
      'age-encryption.org/v1\n',
      `age-encryption.org/v1\n${'-> x\n'.repeat(50_000)}`,
    ]) {
      writeFileSync(at('sealed'), bytes);
      expect(await opening()).toEqual(['artifact-damaged']);
    }
  });

  test('leaves nothing if the input breaks off, or a folder does not exist', async () => {
    const broken = async function* (): AsyncIterable<Uint8Array> {
      yield* pieces(randomBytes(200_000));
      throw new Error('the command did not end well');
    };
    await expect(sealedFile(at('sealed'), key, '')(broken())).rejects.toThrow('did not end well');
    await expect(sealedFile(at('no/folder'), key, '')(pieces(Buffer.from('x')))).rejects.toThrow('ENOENT');
    await expect(openSealedFile(at('sealed'), at('opened'), key)).rejects.toThrow('ENOENT');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a command whose output is sealed', () => {
  const here = new LocalConnection('here');
  const run = (text: string) =>
    here.run(changing('write', script(text), { stdout: { keep: sealedFile(at('sealed'), key, 'dump') } }));

  test('reports the digest of its output, which is what is opened', async () => {
    const ended = await run('head -c 3000000 /dev/urandom');
    expect(await openSealedFile(at('sealed'), at('opened'), key)).toBe('dump');
    const sha256 = createHash('sha256')
      .update(readFileSync(at('opened')))
      .digest('hex');
    expect(ended).toMatchObject({ ended: 'exited', code: 0, kept: { bytes: 3_000_000, sha256 } });
  });

  test('leaves nothing when it fails', async () => {
    expect(await run('head -c 3000000 /dev/urandom; exit 1')).toMatchObject({ ended: 'exited', code: 1 });
    expect(readdirSync(folder)).toEqual([]);
  });
});
