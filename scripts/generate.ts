// Writes every generated file: `node scripts/generate.ts`. With --check it writes nothing, lists the stale files and exits with 1 if there are any.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { GENERATED } from './generate/files.ts';

const root = new URL('..', import.meta.url);
const check = process.argv.includes('--check');

const stale = GENERATED.flatMap((generated) => {
  const { path } = generated;
  const file = new URL(path, root);
  const now = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const wanted = generated.text(now);
  if (wanted === now) return [];
  if (!check) {
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, wanted);
  }
  return [path];
});

for (const path of stale)
  console.log(check ? `generate: ${path} is stale; run npm run generate` : `generate: wrote ${path}`);
if (check && stale.length > 0) process.exitCode = 1;
if (stale.length === 0) console.log(`generate: ${GENERATED.length} files are up to date`);
