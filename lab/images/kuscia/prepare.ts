import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

interface Bundler {
  (
    entry: string,
    options: Record<string, unknown>,
  ): Promise<{ code: string; assets: Record<string, { source: string | Buffer }> }>;
}

/** Fills the build context of the stand-in's image: the Dockerfile, its root file system with the program as one file, and Node. */
export async function prepare(contextDir: string): Promise<void> {
  mkdirSync(contextDir, { recursive: true });
  cpSync(`${here}Dockerfile`, `${contextDir}/Dockerfile`);
  cpSync(`${here}rootfs`, `${contextDir}/rootfs`, { recursive: true });
  const home = `${contextDir}/rootfs/home/kuscia`;
  cpSync(`${here}STAND-IN.md`, `${home}/STAND-IN.md`);
  for (const left of ['src', 'FIDELITY.md', 'STAND-IN.md'])
    rmSync(`${contextDir}/${left}`, { recursive: true, force: true });
  for (const folder of ['etc/conf', 'var/storage/data', 'var/k3s']) mkdirSync(`${home}/${folder}`, { recursive: true });
  for (const [name, code] of await bundle()) writeFileSync(`${home}/libexec/${name}`, code);
  cpSync(`${modules}/node/bin/node`, `${home}/libexec/kuscia`);
  for (const file of [
    'bin/kuscia',
    'bin/kubectl',
    'libexec/kuscia',
    ...readdirSync(`${home}/scripts/deploy`).map((name) => `scripts/deploy/${name}`),
  ])
    chmodSync(`${home}/${file}`, 0o755);
}

/** The program as CommonJS files that need nothing but Node, by name: stand-in.cjs, and what it reads only when it has to. */
async function bundle(): Promise<[name: string, code: string][]> {
  // Beside node_modules, so that the packages are found; ncc itself knows no TypeScript of this age.
  const stage = `${modules}/.cache/kuscia-stand-in-${process.pid}`;
  mkdirSync(stage, { recursive: true });
  try {
    for (const name of readdirSync(`${here}src`).filter((file) => file.endsWith('.ts'))) {
      const source = stripTypeScriptTypes(readFileSync(`${here}src/${name}`, 'utf8'));
      writeFileSync(
        `${stage}/${name.replace(/ts$/, 'mjs')}`,
        source.replace(/((?:from |import\()'\.\/[\w-]+)\.ts'/g, "$1.mjs'"),
      );
    }
    const ncc = createRequire(import.meta.url)('@vercel/ncc') as Bundler;
    const { code, assets } = await ncc(`${stage}/main.mjs`, { cache: false, quiet: true, minify: false, esm: false });
    const files: [string, string][] = [
      ['stand-in.cjs', code],
      ...Object.entries(assets).map(([name, { source }]): [string, string] => [name, source.toString()]),
    ];
    // The same sources give the same bytes.
    return files.map(([name, text]) => [name, text.replaceAll(`kuscia-stand-in-${process.pid}`, 'kuscia-stand-in')]);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
