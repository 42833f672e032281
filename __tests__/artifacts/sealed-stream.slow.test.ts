import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { generateX25519Identity } from 'age-encryption';

/** Seals 256 MiB and opens them again, in a separate process, because memory is measured per process; reports the additional memory. */
const TEXT = `
  const [src, path, into, identity] = process.argv.slice(1);
  const { sealedFile, openSealedFile } = await import(src + '/artifacts/sealed-stream.ts');
  const { Secret } = await import(src + '/engine/secret.ts');
  const key = new Secret('seal key', identity);
  async function* zeros(chunks) { for (let i = 0; i < chunks; i += 1) yield Buffer.alloc(131072); }
  const largest = async (chunks) => {
    await sealedFile(path, key, '')(zeros(chunks));
    await openSealedFile(path, into, key);
    return process.resourceUsage().maxRSS;
  };
  const before = await largest(16);
  console.log(await largest(2048) - before);
`;

test('256 MiB are sealed and opened with little memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-'));
  const [src, sealed, opened] = [
    join(import.meta.dirname, '../../src'),
    join(folder, 'sealed'),
    join(folder, 'opened'),
  ];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      TEXT,
      src,
      sealed,
      opened,
      await generateX25519Identity(),
    ],
    { encoding: 'utf8' },
  );
  expect([stderr, statSync(opened).size]).toEqual(['', 256 * 2 ** 20]);
  expect(Number(stdout)).toBeLessThan(128 * 1024);
  rmSync(folder, { recursive: true });
}, 120_000);
