// Makes dist/ from the sources: two CommonJS files for Node 24 and the licences of what is in them, the same bytes on every machine.
// `package.mjs FOLDER` builds into that folder instead.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ncc from '@vercel/ncc';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** Each bundle, the source it begins with, and what stands in it for packages that it never calls. What speaks to GitHub has one of its own, so that octokit burdens no deployment. */
const BUNDLES = {
  // @actions/core brings an HTTP client for OIDC tokens. The bundle asks for none, and would read a quarter more of itself at each start.
  'index.cjs': { entry: 'main.js', externals: { undici: 'node:http' } },
  'github.cjs': { entry: 'github/main.js', externals: {} },
};
const LICENCES = 'licenses.txt';

/** Builds the bundles into `folder`, which is emptied first. Throws an Error that says which step failed and what it printed. */
export async function build(folder) {
  const lib = join(root, 'lib', `build-${process.pid}`);
  try {
    // Types are another check.
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

/** Writes one bundle. Gives the licences of what is in it, one text a package. */
async function bundle(lib, entry, externals, file) {
  const { code, assets } = await ncc(join(lib, entry), { externals, license: LICENCES, cache: false, quiet: true });
  // Builds may run side by side, each in a folder of its own; its name may not reach the bundle, which is the same each time.
  writeFileSync(file, code.replaceAll(`./${relative(root, lib)}/`, './lib/'));
  // Pageant's helper is for Windows only.
  const left = Object.keys(assets).filter((name) => !new RegExp(`^(${LICENCES}|(util/)?pagent\\.exe)$`).test(name));
  if (left.length > 0) throw new Error(`${entry} should become one file, but there are also ${left.join(', ')}`);
  return packagesIn(assets[LICENCES].source.toString());
}

/** The text of each package, where ncc writes them one after the other: name, licence, text. */
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

/** What tsc wrote must import its neighbours as .js: .ts would be a file that the bundle does not have. Nor may it ask for what was left out. */
function refuseForeignImports(lib) {
  for (const file of readdirSync(lib, { recursive: true }).filter((name) => name.endsWith('.js'))) {
    const wrong = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]*\.ts)['"]/.exec(readFileSync(join(lib, file), 'utf8'));
    if (wrong) throw new Error(`${file} imports ${wrong[1]}: rewriteRelativeImportExtensions did not reach it`);
    const http = /\bgetIDToken\b|['"](?:undici|@actions\/http-client)\b/.exec(readFileSync(join(lib, file), 'utf8'));
    if (http) throw new Error(`${file} names ${http[0]}: index.cjs has no HTTP client`);
  }
}

/** There is nothing but the bundles and the licences, without native code and without a name of this machine. */
function refuseLeftovers(folder, lib) {
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  const wanted = [...Object.keys(BUNDLES), LICENCES].sort();
  if (files.join() !== wanted.join())
    throw new Error(`there should be ${wanted.join(', ')}, but there is ${files.join(', ')}`);
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const name of [relative(root, lib), root])
      if (text.includes(name)) throw new Error(`${file} names ${name}, which is a path of this machine`);
  }
  if (readFileSync(join(folder, 'index.cjs'), 'utf8').includes('@octokit/'))
    throw new Error('index.cjs holds octokit, which belongs to github.cjs');
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
