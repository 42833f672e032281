// Makes dist/ from the sources: one CommonJS file for Node 24 and the licences of what is in it, the same bytes on every machine.
// `package.mjs FOLDER` builds into that folder instead.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** Builds the bundle into `folder`, which is emptied first. Throws an Error that says which step failed and what it printed. */
export function build(folder) {
  const lib = join(root, 'lib', `build-${process.pid}`);
  try {
    run('tsc', ['-p', 'tsconfig.build.json', '--outDir', lib]);
    refuseForeignImports(lib);
    // An ES module bundle would crash in ssh2, which reads __dirname; ncc takes the format from the nearest package.json.
    writeFileSync(join(lib, 'package.json'), '{}\n');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    run('ncc', ['build', join(lib, 'main.js'), '--out', folder, '--license', 'licenses.txt', '--no-cache', '--quiet']);
    // Builds may run side by side, each in a folder of its own; its name may not reach the bundle, which is the same each time.
    const bundle = readFileSync(join(folder, 'index.js'), 'utf8').replaceAll(`./${relative(root, lib)}/`, './lib/');
    writeFileSync(join(folder, 'index.cjs'), bundle);
    rmSync(join(folder, 'index.js'));
    // Pageant's helper, for Windows only.
    for (const name of ['pagent.exe', 'util']) rmSync(join(folder, name), { recursive: true, force: true });
    refuseLeftovers(folder, lib);
  } finally {
    rmSync(lib, { recursive: true, force: true });
  }
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(join(bin, program), args, { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
  if (status !== 0) throw new Error(`${program} failed (${error?.message ?? `exit ${status}`})\n${stdout}${stderr}`);
}

/** What tsc wrote must import its neighbours as .js: .ts would be a file that the bundle does not have. */
function refuseForeignImports(lib) {
  for (const file of readdirSync(lib, { recursive: true }).filter((name) => name.endsWith('.js'))) {
    const wrong = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]*\.ts)['"]/.exec(readFileSync(join(lib, file), 'utf8'));
    if (wrong) throw new Error(`${file} imports ${wrong[1]}: rewriteRelativeImportExtensions did not reach it`);
  }
}

/** The bundle is index.cjs and licenses.txt, without native code and without a name of this machine. */
function refuseLeftovers(folder, lib) {
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  if (files.join() !== 'index.cjs,licenses.txt') throw new Error(`the bundle should be index.cjs and licenses.txt, but is ${files.join(', ')}`);
  const text = readFileSync(join(folder, 'index.cjs'), 'utf8');
  for (const name of [relative(root, lib), root]) if (text.includes(name)) throw new Error(`the bundle names ${name}, which is a path of this machine`);
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist'));
  const known = existsSync(join(folder, 'index.cjs')) ? readFileSync(join(folder, 'index.cjs'), 'utf8') : undefined;
  try {
    build(folder);
    const size = Math.round(readFileSync(join(folder, 'index.cjs')).length / 1024);
    console.log(`${relative(process.cwd(), folder) || folder}/index.cjs: ${size} KiB, ${readFileSync(join(folder, 'index.cjs'), 'utf8') === known ? 'unchanged' : 'written'}`);
  } catch (error) {
    console.error(`package: ${error.message}`);
    process.exitCode = 1;
  }
}
