// All tests: first those that need no lab, while the labs are set up, then the lab tests on real hosts. Reports each step, and ends with the totals.
// `--lab [PATTERN...]` runs only the lab tests, in the matching files.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { check } from './check.mjs';

const root = resolve(import.meta.dirname, '..');
const LAB_DEADLINE_MS = 120 * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'kuscia-swarm-test-'));
// Separate labs, so that a developer's own lab is left alone; the images are shared. Two, because tests mostly wait.
const standardLab = '/var/lib/kuscia-swarm-lab';
const home = process.env.LAB_HOME ?? `${standardLab}-test`;
const labs = [home, `${home}-2`].map((LAB_HOME) => ({
  LAB_HOME,
  LAB_CACHE: process.env.LAB_CACHE ?? `${process.env.LAB_HOME ?? standardLab}/cache`,
}));
/** The files that take longest, which are started first; those that mostly wait (wrong, lock, standin) next to others that do not. */
const LONG = [
  'changes',
  'shapes',
  'wrong',
  'deployment/images',
  'deployment/lock',
  'faults/first',
  'standin',
  'secrets',
  'interrupted',
  'trouble',
  'rights',
  'faults/second',
  'github/lock',
  'self-hosted',
  'transport',
];
/** Maximum length of a failure as repeated at the end; all of it is printed further up, where its file ended. */
const TOLD_AGAIN = 1200;
const [onlyLab, patterns] = process.argv[2] === '--lab' ? [true, process.argv.slice(3)] : [false, []];
const results = { unit: join(folder, 'unit.json') };
/** Lines of the crash matrix that say how much of it was tried; they are in the middle of hours of output. */
const tallies = [];

try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function main() {
  const unfit = unfitForLab();
  if (unfit !== undefined) {
    console.error(`test: the lab tests cannot run here: ${unfit}.`);
    return false;
  }
  const files = labFiles();
  const used = labs.slice(0, files.length);
  const [failed, laid] = await Promise.all([onlyLab ? [] : checked(), lay(used)]);
  const labCode = await labTests(files, used, laid);
  return summary(failed, labCode);
}

async function checked() {
  console.log('test: checks that need no lab (types, lint, unit tests, generated files, dist, lock file)');
  return check(results.unit);
}

/** Sets up the labs, one after the other, because the first one builds what both need. Returns the exit code of each. */
async function lay(used) {
  const codes = [];
  for (const lab of used) codes.push(await shown('node', ['lab/cli.ts', 'up', '3'], lab));
  return codes;
}

/** Each file uses the next free lab. Labs are set up before, so that their output is visible, and removed afterwards, whatever the results. */
async function labTests(files, used, laid) {
  console.log(`test: ${files.length} files of lab tests, on real hosts on this machine, in two labs side by side`);
  if (files.length === 0) return 1;
  const waiting = [...files];
  const codes = [...laid];
  if (codes.every((code) => code === 0)) {
    await Promise.all(
      used.map(async (lab) => {
        for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
          codes.push(await tested(file, lab));
      }),
    );
  }
  for (const lab of used) codes.push(await shown('node', ['lab/cli.ts', 'down'], lab));
  return codes.find((code) => code !== 0) ?? 0;
}

/** Runs one file of lab tests; its output is shown when it has ended, so that the output of two files does not mix. */
function tested(file, lab) {
  results[file] = join(folder, `${Object.keys(results).length}.json`);
  return shown(
    'jest',
    ['--selectProjects=lab', '--runInBand', '--json', `--outputFile=${results[file]}`, '--runTestsByPath', file],
    lab,
    'pipe',
  );
}

/** The selected files of lab tests, the long ones first. */
function labFiles() {
  const all = readdirSync(join(root, '__tests__/lab'), { recursive: true })
    .map((name) => `__tests__/lab/${name}`)
    .filter((name) => name.endsWith('.test.ts'));
  const rank = (name) => [...LONG, ''].findIndex((long) => long === '' || name.endsWith(`/${long}.test.ts`));
  return all
    .filter((name) => patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern).test(name)))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Why the lab cannot run here; undefined if it can. A skipped lab is a failure: its tests prove the deployment. */
function unfitForLab() {
  if (process.platform !== 'linux')
    return `they need Linux (namespaces, cgroups), this is ${process.platform}. Run them in a Linux machine or container, or npm run check for the rest`;
  if (process.getuid?.() !== 0)
    return 'they need root to create hosts from namespaces. Run sudo npm test, or npm run check for the rest';
  return undefined;
}

function shown(name, args, lab, output = 'inherit') {
  const env = {
    ...process.env,
    ...lab,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  };
  return new Promise((done) => {
    const child = spawn(name, args, { cwd: root, env, stdio: ['ignore', output, output], timeout: LAB_DEADLINE_MS });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => {
      console.error(String(error));
      done(1);
    });
    child.on('close', (code) => {
      const text = Buffer.concat(said);
      tallies.push(...(text.toString().match(/^crash matrix: .*$/gm) ?? []));
      process.stdout.write(text);
      done(code ?? 1);
    });
  });
}

/** The failures in a file of tests, repeated after hours of output: the name of each, and the beginning of its message. */
function failuresIn({ name, status, message, assertionResults }) {
  const begins = (text) =>
    stripVTControlCharacters(text)
      .replace(/^ +at .*(?:node_modules|node:).*\n?/gm, '')
      .slice(0, TOLD_AGAIN)
      .trimEnd();
  const failed = assertionResults.filter((each) => each.status === 'failed');
  if (failed.length === 0 && status === 'failed')
    return [`\ntest: ${relative(root, name)} could not run\n${begins(message)}`];
  return failed.map(
    ({ fullName, failureMessages }) =>
      `\ntest: failed: ${relative(root, name)}: ${fullName}\n${begins(failureMessages.join('\n'))}`,
  );
}

/** The totals of both runs as counted by jest. A file that could not run, a run without a result and a failed check are failures too. */
function summary(failed, labCode) {
  const counts = Object.entries(results)
    .filter(([project]) => project !== 'unit' || !onlyLab)
    .map(([project, file]) => ({
      project,
      ...(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { missing: true }),
    }));
  const checks = failed.filter((name) => name !== 'unit tests');
  for (const { project } of counts.filter(({ missing }) => missing))
    console.log(`test: the ${project} tests left no result`);
  for (const { testResults = [] } of counts)
    for (const file of testResults) for (const told of failuresIn(file)) console.log(told);
  if (checks.length > 0) console.log(`test: failed checks: ${checks.join(', ')}`);
  const passed = counts.reduce((sum, { numPassedTests = 0 }) => sum + numPassedTests, 0);
  const bad = counts.reduce(
    (sum, { missing, numFailedTests = 0, numRuntimeErrorTestSuites = 0 }) =>
      sum + numFailedTests + numRuntimeErrorTestSuites + (missing ? 1 : 0),
    checks.length,
  );
  for (const line of tallies) console.log(`test: ${line}`);
  console.log(`${passed} passed, ${bad} failed`);
  return failed.length === 0 && labCode === 0 && bad === 0 && passed > 0;
}
