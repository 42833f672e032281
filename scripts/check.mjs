// Everything that can be checked without a lab: types, lint, unit tests, generated files, workflows, dist, lock file, texts that must not be committed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { zizmorIsHere } from './audit.ts';

const root = resolve(import.meta.dirname, '..');
const AT_ONCE = 2;
/** Only for what hangs: how long something takes on a busy machine says nothing. */
const DEADLINE_MS = 900_000;

/** Texts that must not be committed, and why. Written so that this file does not contain them. */
const FORBIDDEN = [
  [
    /\b(?:test|it|describe)\.(?:only|skip|todo)\b|\bx(?:it|describe)\(/,
    'a test that does not run proves nothing',
    /^__tests__\//,
  ],
  [/^(?:<{7}|>{7}) /m, 'an unfinished merge'],
  [/\.\.\/shared\b/, 'the project reads nothing outside its folder'],
  [/registry\.npmjs\.org|deb\.debian\.org/, 'packages come from the sources that the machine is configured to use'],
  [new RegExp(`${root.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?=/|$)`, 'm'), 'a path of this machine'],
];

/** Runs a program from node_modules/.bin or PATH in the repository. Returns its exit code and output. */
export function program(name, args, env = {}) {
  return new Promise((done) => {
    const child = spawn(name, args, {
      cwd: root,
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, ...env },
      timeout: DEADLINE_MS,
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data));
    child.on('error', (error) => done({ code: 1, printed: String(error) }));
    child.on('close', (code, signal) =>
      done({
        code: code ?? 1,
        printed: signal ? `${printed}\nended by ${signal} (deadline ${DEADLINE_MS / 1000} s)` : printed,
      }),
    );
  });
}

/** Runs the tests of jest projects; their results go to `results` as JSON. */
const jest = (projects, results, ...args) =>
  program('jest', ['--selectProjects', ...projects, '--json', `--outputFile=${results}`, ...args], {
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  });

/** Holds the digest of the sources and dist that were last seen to belong together. */
const FRESH = join(root, 'node_modules/.cache/dist-is-fresh');
const INPUTS = [
  'src',
  'scripts/package.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

async function digestOfDist() {
  const listed = await program('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    'dist',
    ...INPUTS,
  ]);
  const hash = createHash('sha256');
  for (const name of listed.printed.split('\n').filter((each) => each !== '' && existsSync(join(root, each))))
    hash.update(`${name}\n`).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/** What was seen before is not built again; `npm test` always builds. */
async function distIsFreshOrWas() {
  const digest = await digestOfDist();
  if (existsSync(FRESH) && readFileSync(FRESH, 'utf8') === digest) return { code: 0, printed: '' };
  const result = await distIsFresh();
  if (result.code === 0) {
    mkdirSync(dirname(FRESH), { recursive: true });
    writeFileSync(FRESH, digest);
  }
  return result;
}

async function distIsFresh() {
  const folder = mkdtempSync(join(tmpdir(), 'kuscia-swarm-dist-'));
  try {
    const built = await program('node', ['scripts/package.mjs', folder]);
    if (built.code !== 0) return built;
    const stale = ['index.cjs', 'github.cjs', 'licenses.txt'].filter(
      (name) =>
        !existsSync(join(root, 'dist', name)) ||
        !readFileSync(join(root, 'dist', name)).equals(readFileSync(join(folder, name))),
    );
    return stale.length === 0
      ? { code: 0, printed: '' }
      : {
          code: 1,
          printed: `${stale.map((name) => `dist/${name}`).join(' and ')}: does not match the sources. Run: npm run package`,
        };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function forbiddenText() {
  const listed = await program('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  if (listed.code !== 0) return listed;
  const files = listed.printed
    .split('\0')
    .filter(
      (name) =>
        name !== '' && name !== 'package-lock.json' && !name.startsWith('dist/') && existsSync(join(root, name)),
    );
  const found = files.flatMap((name) => findings(name, readFileSync(join(root, name), 'utf8')));
  return { code: found.length === 0 ? 0 : 1, printed: found.join('\n') };
}

function findings(name, text) {
  return FORBIDDEN.filter(([, , where]) => where === undefined || where.test(name)).flatMap(([pattern, why]) => {
    const match = pattern.exec(text);
    return match ? [`${name}:${text.slice(0, match.index).split('\n').length}: ${match[0]} (${why})`] : [];
  });
}

const steps = (unitResults, { slow, audited }) => [
  // Most of these wait for processes and deadlines rather than compute.
  ['unit tests', () => jest(['unit', ...(slow ? ['slow'] : [])], unitResults, '--maxWorkers=4')],
  [
    'lint',
    () =>
      program('eslint', [
        '.',
        '--max-warnings',
        '0',
        '--cache',
        '--cache-strategy=content',
        '--cache-location=node_modules/.cache/eslint/',
      ]),
  ],
  [
    'format',
    () =>
      program('prettier', [
        '--check',
        '--cache',
        '--cache-strategy=content',
        '--cache-location=node_modules/.cache/prettier.json',
        '.',
      ]),
  ],
  ['dist is fresh', slow ? distIsFresh : distIsFreshOrWas],
  [
    'types',
    () =>
      program('tsc', [
        '-p',
        'tsconfig.json',
        '--noEmit',
        '--incremental',
        '--tsBuildInfoFile',
        'node_modules/.cache/types.json',
      ]),
  ],
  ['lock file', () => program('npm', ['ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'])],
  ['generated files', () => program('node', ['scripts/generate.ts', '--check'])],
  ['workflows', () => program('node', ['scripts/workflows.mjs'])],
  ...(audited ? [['audit', () => program('node', ['scripts/audit.ts'])]] : []),
  ['templates', () => program('node', ['scripts/templates.mjs', '--check'])],
  ['forbidden texts', forbiddenText],
];

/** Runs every check, two at a time, and prints one line each; slow tests and the audit can be skipped. Returns the names of the failed checks. */
export async function check(unitResults, { slow = true, audited = true } = {}) {
  const waiting = steps(unitResults, { slow, audited });
  const failed = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, run] = next;
      const started = Date.now();
      const { code, printed } = await run();
      console.log(
        `${code === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(15)}  ${((Date.now() - started) / 1000).toFixed(1)} s`,
      );
      if (code === 0) continue;
      failed.push(name);
      console.log(printed.trimEnd().replace(/^\n+/, '').replace(/^/gm, '    '));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failed;
}

if (process.argv[1] === import.meta.filename) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'kuscia-swarm-check-'));
  // Must work without the network; npm test downloads zizmor.
  const audited = zizmorIsHere();
  const failed = await check(join(folder, 'unit.json'), { slow: false, audited });
  console.log('skipped   slow tests; npm run test:unit and npm test run them');
  if (!audited) console.log('skipped   audit: zizmor is not installed; npm test installs it');
  rmSync(folder, { recursive: true });
  console.log(
    `check: ${failed.length === 0 ? 'all passed' : `${failed.join(', ')} failed`} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}
