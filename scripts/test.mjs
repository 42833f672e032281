// All tests: first what needs no lab, then the lab tests on real hosts. Says what it does, and ends with the totals.
// `--lab [PATTERN...]` runs only the lab tests, of those files.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { check } from './check.mjs';

const root = resolve(import.meta.dirname, '..');
const LAB_DEADLINE_MS = 60 * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'kuscia-swarm-test-'));
// A lab of their own, so that whatever runs in a person's lab stays; the images are shared.
const standardLab = '/var/lib/kuscia-swarm-lab';
const lab = { LAB_HOME: process.env.LAB_HOME ?? `${standardLab}-test`, LAB_CACHE: process.env.LAB_CACHE ?? `${process.env.LAB_HOME ?? standardLab}/cache` };
const [onlyLab, patterns] = process.argv[2] === '--lab' ? [true, process.argv.slice(3)] : [false, []];
const results = { unit: join(folder, 'unit.json'), lab: join(folder, 'lab.json') };

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
  const failed = onlyLab ? [] : await checked();
  const labCode = await labTests();
  return summary(failed, labCode);
}

async function checked() {
  console.log('test: checks that need no lab (types, lint, unit tests, generated files, dist, lock file)');
  return check(results.unit);
}

/** The lab is laid before the tests, so that what it installs and builds is seen, and removed after them, whatever they said. */
async function labTests() {
  console.log('test: the lab tests, on real hosts on this machine');
  const files = patterns.length > 0 ? ['--testPathPatterns', ...patterns] : [];
  const jest = ['--selectProjects=lab', '--runInBand', '--json', `--outputFile=${results.lab}`, ...files];
  const code = (await shown('node', ['lab/cli.ts', 'up', '3'])) || (await shown('jest', jest));
  return (await shown('node', ['lab/cli.ts', 'down'])) || code;
}

/** Why the lab cannot run here; undefined when it can. A lab that is left out is a failure: its tests prove the deployment. */
function unfitForLab() {
  if (process.platform !== 'linux') return `they need Linux (namespaces, cgroups), this is ${process.platform}. Run them in a Linux machine or container, or npm run check for the rest`;
  if (process.getuid?.() !== 0) return 'they need root, to make hosts out of namespaces. Run sudo npm test, or npm run check for the rest';
  return undefined;
}

function shown(name, args) {
  const env = { ...process.env, ...lab, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' };
  return new Promise((done) => {
    const child = spawn(name, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], timeout: LAB_DEADLINE_MS });
    child.on('error', (error) => {
      console.error(String(error));
      done(1);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

/** The totals of both runs as jest counted them. A file that could not run, a run without result and a failed check are failures too. */
function summary(failed, labCode) {
  const counts = Object.entries(results).filter(([project]) => project === 'lab' || !onlyLab).map(([project, file]) => ({ project, ...(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { missing: true }) }));
  const checks = failed.filter((name) => name !== 'unit tests');
  for (const { project, missing, numRuntimeErrorTestSuites: broken = 0 } of counts) {
    if (missing) console.log(`test: the ${project} tests left no result`);
    if (broken > 0) console.log(`test: ${broken} files of the ${project} tests could not run`);
  }
  if (checks.length > 0) console.log(`test: failed checks: ${checks.join(', ')}`);
  const passed = counts.reduce((sum, { numPassedTests = 0 }) => sum + numPassedTests, 0);
  const bad = counts.reduce((sum, { missing, numFailedTests = 0, numRuntimeErrorTestSuites = 0 }) => sum + numFailedTests + numRuntimeErrorTestSuites + (missing ? 1 : 0), checks.length);
  console.log(`${passed} passed, ${bad} failed`);
  return failed.length === 0 && labCode === 0 && bad === 0 && passed > 0;
}
