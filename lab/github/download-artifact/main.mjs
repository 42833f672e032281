import { existsSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { pathToFileURL } from 'node:url';

const repository = existsSync('/opt/kuscia-swarm/package.json') ? '/opt/kuscia-swarm' : process.env.LAB_REPOSITORY;
const { DefaultArtifactClient } = await import(
  pathToFileURL(join(repository, 'node_modules/@actions/artifact/lib/artifact.js')).href
);
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();

const client = new DefaultArtifactClient();
const path = input('path') || process.env.GITHUB_WORKSPACE;
try {
  if (input('name') !== '') {
    const { artifact } = await client.getArtifact(input('name'));
    await client.downloadArtifact(artifact.id, { path });
  } else {
    const { artifacts } = await client.listArtifacts({ latest: true });
    const chosen = artifacts.filter(({ name }) => input('pattern') === '' || matchesGlob(name, input('pattern')));
    console.log(`${chosen.length} of ${artifacts.length} artifacts`);
    for (const { id, name } of chosen)
      await client.downloadArtifact(id, { path: input('merge-multiple') === 'true' ? path : join(path, name) });
  }
} catch (error) {
  console.log(`::error::${error.message}`);
  process.exit(1);
}
