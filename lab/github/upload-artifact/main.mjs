import { appendFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();

const files = input('path')
  .split('\n')
  .flatMap(function under(path) {
    if (!existsSync(path)) return [];
    return statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => !name.startsWith('.'))
          .flatMap((name) => under(join(path, name)))
      : [path];
  });
if (files.length === 0) {
  const how = input('if-no-files-found') || 'warn';
  console.log(
    `::${how === 'error' ? 'error' : 'warning'}::No files were found with the provided path: ${input('path')}. No artifacts will be uploaded.`,
  );
  process.exit(how === 'error' ? 1 : 0);
}
// Only now: it takes longer to read than most jobs take.
const repository = existsSync('/opt/kuscia-swarm/package.json') ? '/opt/kuscia-swarm' : process.env.LAB_REPOSITORY;
const { DefaultArtifactClient } = await import(
  pathToFileURL(join(repository, 'node_modules/@actions/artifact/lib/artifact.js')).href
);
const client = new DefaultArtifactClient();
const root = statSync(input('path')).isDirectory() ? input('path') : join(files[0], '..');
const days = Number(input('retention-days'));
try {
  if (input('overwrite') === 'true') await client.deleteArtifact(input('name')).catch(() => undefined);
  const { id } = await client.uploadArtifact(input('name'), files, root, days > 0 ? { retentionDays: days } : {});
  appendFileSync(process.env.GITHUB_OUTPUT, `artifact-id=${id}\n`);
} catch (error) {
  console.log(`::error::${error.message}`);
  process.exit(1);
}
