// Builds dist/ from the sources: two CommonJS files for Node 24 and the licences of the packages in them, the same bytes on every machine.
// `package.mjs FOLDER` builds into that folder instead.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ncc from '@vercel/ncc';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** Each bundle, its entry, and replacements for packages that it never calls. The code that calls GitHub's API has its own bundle, so that deployments do not load octokit. */
const BUNDLES = {
  // @actions/core includes an HTTP client for OIDC tokens, which this bundle never requests; with it, the bundle would be a quarter larger to read at each start.
  'index.cjs': { entry: 'main.js', externals: { undici: 'node:http' } },
  'github.cjs': { entry: 'github/main.js', externals: {} },
};
const LICENCES = 'licenses.txt';

/** Builds the bundles into `folder`, which is emptied first. Throws an Error with the step that failed and its output. */
export async function build(folder) {
  const lib = join(root, 'lib', `build-${process.pid}`);
  try {
    // Types are checked separately.
    run('tsc', ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', lib]);
    refuseForeignImports(lib);
    // An ES module bundle would crash in ssh2, which reads __dirname; ncc takes the format from the nearest package.json.
    writeFileSync(join(lib, 'package.json'), '{}\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const licences = [];
    for (const [name, { entry, externals }] of Object.entries(BUNDLES))
      licences.push(await bundle(lib, entry, externals, join(folder, name)));
    writeFileSync(join(folder, LICENCES), [...new Set(licences.flat())].sort().join(''));
    refuseLeftovers(folder, lib);
  } finally {
    rmSync(lib, { recursive: true, force: true });
  }
}

/** Writes one bundle. Returns the licences of its packages, one text each. */
async function bundle(lib, entry, externals, file) {
  const { code, assets } = await ncc(join(lib, entry), { externals, license: LICENCES, cache: false, quiet: true });
  // Builds can run in parallel, each in its own folder; the folder's name must not get into the bundle, which is the same each time.
  writeFileSync(file, code.replaceAll(`./${relative(root, lib)}/`, './lib/'));
  // Pageant's helper is for Windows only.
  const left = Object.keys(assets).filter((name) => !new RegExp(`^(${LICENCES}|(util/)?pagent\\.exe)$`).test(name));
  if (left.length > 0) throw new Error(`${entry} must become a single file, but ncc also wrote ${left.join(', ')}`);
  return packagesIn(assets[LICENCES].source.toString());
}

/** The text of each package; ncc writes them one after the other: name, licence, text. */
function packagesIn(licences) {
  const heads = [...licences.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+)\n\S.*\n/gm)].filter(([, name]) =>
    existsSync(join(root, 'node_modules', name, 'package.json')),
  );
  if (heads[0]?.index !== 0) throw new Error('the licences do not begin with a package');
  return heads.map(({ index }, i) => `${licences.slice(index, heads[i + 1]?.index).trimEnd()}\n\n`);
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(join(bin, program), args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (status !== 0) throw new Error(`${program} failed (${error?.message ?? `exit ${status}`})\n${stdout}${stderr}`);
}

/** The output of tsc must import other files as .js: the bundle has no .ts files. Nor may it use the packages that were left out. */
function refuseForeignImports(lib) {
  for (const file of readdirSync(lib, { recursive: true }).filter((name) => name.endsWith('.js'))) {
    const wrong = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]*\.ts)['"]/.exec(readFileSync(join(lib, file), 'utf8'));
    if (wrong) throw new Error(`${file} imports ${wrong[1]}: rewriteRelativeImportExtensions did not rewrite it`);
    const http = /\bgetIDToken\b|['"](?:undici|@actions\/http-client)\b/.exec(readFileSync(join(lib, file), 'utf8'));
    if (http) throw new Error(`${file} uses ${http[0]}: index.cjs has no HTTP client`);
  }
}

/** Throws unless the folder has only the bundles and the licences, without native code and without a path of this machine. */
function refuseLeftovers(folder, lib) {
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  const wanted = [...Object.keys(BUNDLES), LICENCES].sort();
  if (files.join() !== wanted.join())
    throw new Error(`the folder must contain ${wanted.join(', ')}, but contains ${files.join(', ')}`);
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const name of [relative(root, lib), root])
      if (text.includes(name)) throw new Error(`${file} contains ${name}, a path of this machine`);
  }
  if (readFileSync(join(folder, 'index.cjs'), 'utf8').includes('@octokit/'))
    throw new Error('index.cjs contains octokit, which belongs in github.cjs');
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist'));
  const read = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined);
  const known = Object.fromEntries(Object.keys(BUNDLES).map((name) => [name, read(name)]));
  try {
    await build(folder);
    for (const name of Object.keys(BUNDLES)) {
      const size = Math.round(statSync(join(folder, name)).size / 1024);
      console.log(
        `${relative(process.cwd(), folder) || folder}/${name}: ${size} KiB, ${read(name) === known[name] ? 'unchanged' : 'written'}`,
      );
    }
  } catch (error) {
    console.error(`package: ${error.message}`);
    process.exitCode = 1;
  }
}
