import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRunner } from '../enter.ts';
import { requireUp, status } from '../lab.ts';
import { paths, runner } from '../places.ts';
import { homeVariable, initOf } from '../processes.ts';
import { ensureAct } from './act.ts';
import { ports, startInRunner } from './program.ts';
import { layOutCaller, layOutRepositories, type EndedJobs } from './repositories.ts';

/** A run of a caller's workflow. */
export interface WorkflowRun {
  /** The caller's repository: its name, its files, and which of them is the workflow. */
  readonly repository: string;
  readonly files: Readonly<Record<string, string>>;
  readonly workflow: string;
  readonly event?: 'workflow_dispatch' | 'schedule' | 'pull_request';
  readonly inputs?: Readonly<Record<string, string>>;
  readonly payload?: unknown;
  readonly secrets: Readonly<Record<string, string>>;
  readonly run?: number;
  readonly attempt?: number;
  /** Jobs of deploy.yml that succeeded in an earlier attempt, by name with their outputs: a re-run of failed jobs does not run them again. */
  readonly ended?: EndedJobs;
  /** Where GitHub's API is, as the runner place reaches it. */
  readonly api?: string;
  readonly token?: string;
  readonly timeoutMs?: number;
  /** Sends SIGINT to the run when this returns true for the log so far. */
  readonly interruptWhen?: (log: string) => boolean;
  /** Called with the log so far whenever it has grown, to do something during the run. */
  readonly onLog?: (log: string) => void;
}

/** A job, or a leg of its matrix, as it ended. */
export interface JobEnd {
  readonly job: string;
  readonly result: string;
}

/** The result of a run. */
export interface WorkflowEnd {
  readonly code: number | null;
  readonly log: string;
  readonly jobs: readonly JobEnd[];
}

/** Where act's artifact server keeps what runs upload. */
export const artifactsFolder = `${paths.github}/artifacts`;

/** Every file under act's folder of artifacts, with its bytes. */
export function storedArtifacts(): { readonly path: string; readonly bytes: Buffer }[] {
  if (!existsSync(artifactsFolder)) return [];
  return readdirSync(artifactsFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path) }));
}

/** Deletes the uploads of earlier runs. */
export const forgetArtifacts = (): void => rmSync(artifactsFolder, { recursive: true, force: true });

/** Runs a caller's workflow by act in the lab's runner place; jobs with the label of a host run in that host. Artifacts of earlier runs are kept. */
export async function runWorkflow(wanted: WorkflowRun): Promise<WorkflowEnd> {
  requireUp();
  const act = await ensureAct();
  // act's artifact server fails to list the artifacts of a run that has none.
  mkdirSync(join(artifactsFolder, String(wanted.run ?? 1)), { recursive: true });
  const folder = mkdtempSync(join(paths.github, 'run-'));
  const proxy = await startInRunner('artifact-proxy.mjs', [runner.address, String(ports.proxy), String(ports.server)]);
  try {
    await layOutCaller(join(folder, 'caller'), wanted.repository, wanted.files);
    const repositories = await layOutRepositories(folder, wanted.ended);
    const argv = [act, ...actArguments(wanted, folder), ...repositories];
    return await followed(spawn(...started(argv, join(folder, 'caller'), environment(folder))), wanted);
  } finally {
    proxy.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function actArguments(
  {
    event = 'workflow_dispatch',
    workflow,
    inputs = {},
    payload,
    secrets,
    run = 1,
    attempt = 1,
    api,
    token,
  }: WorkflowRun,
  folder: string,
): string[] {
  const secret = join(folder, 'secrets');
  const lines = Object.entries({ ...secrets, ...(token !== undefined && { GITHUB_TOKEN: token }) }).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  );
  writeFileSync(secret, `${lines.join('\n')}\n`, { mode: 0o600 });
  const eventFile = join(folder, 'event.json');
  writeFileSync(
    eventFile,
    JSON.stringify({ ...(payload as object | undefined), ...(event === 'workflow_dispatch' && { inputs }) }),
  );
  const labels = ['ubuntu-latest', 'self-hosted', ...status().hosts.map(({ name }) => name)];
  return [
    event,
    '--json',
    '--workflows',
    workflow,
    '--eventpath',
    eventFile,
    '--secret-file',
    secret,
    '--action-offline-mode',
    '--no-cache-server',
    '--action-cache-path',
    join(folder, 'actions'),
    // The runner's own masks would hide the output from the tests.
    '--insecure-secrets',
    ...labels.flatMap((label) => ['--platform', `${label}=-self-hosted`]),
    ...[
      '--artifact-server-path',
      artifactsFolder,
      '--artifact-server-addr',
      runner.address,
      '--artifact-server-port',
      String(ports.server),
    ],
    ...['--env', `GITHUB_RUN_ID=${run}`, '--env', `GITHUB_RUN_ATTEMPT=${attempt}`],
    ...(api === undefined ? [] : ['--env', `GITHUB_API_URL=${api}`]),
  ];
}

function environment(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  const inPlace = fileURLToPath(new URL('in-place.sh', import.meta.url));
  const own = `${join(paths.repository, 'node_modules/node/bin')}${delimiter}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  for (const each of [bin, join(folder, 'home'), join(folder, 'hosts')]) mkdirSync(each, { recursive: true });
  for (const program of ['bash', 'node']) {
    copyFileSync(inPlace, join(bin, program));
    chmodSync(join(bin, program), 0o755);
  }
  for (const { name } of status().hosts) writeFileSync(join(folder, 'hosts', name), String(initOf(name) ?? ''));
  return {
    PATH: own,
    LAB_JOB_PATH: `${bin}${delimiter}${own}`,
    LAB_RUNNER_PATH: own,
    LAB_GITHUB: folder,
    LAB_REPOSITORY: paths.repository,
    [homeVariable]: paths.home,
    HOME: join(folder, 'home'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    LANG: 'C.UTF-8',
    ACTIONS_RUNTIME_URL: `http://${runner.address}:${ports.proxy}/`,
  };
}

const started = (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Parameters<typeof spawn> => {
  // The machine's own bash enters the runner place; the jobs get another PATH.
  const [program = '', ...args] = inRunner(['sh', '-c', 'PATH=$LAB_JOB_PATH exec "$@"', 'sh', ...argv]);
  return [program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }];
};

/** How much of act's log is shown if no job ended, in characters. */
const END_SHOWN = 2000;

/** Reads act's log to its end. Throws if no job ended although nobody interrupted it. */
function followed(
  child: ChildProcess,
  { timeoutMs = 600_000, interruptWhen, onLog }: WorkflowRun,
): Promise<WorkflowEnd> {
  let log = '';
  let interrupted = false;
  const deadline = setTimeout(() => signal(child, 'SIGKILL'), timeoutMs);
  const hear = (chunk: Buffer): void => {
    log += chunk.toString();
    onLog?.(log);
    if (interrupted || interruptWhen?.(log) !== true) return;
    interrupted = true;
    signal(child, 'SIGINT');
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      const jobs = jobsIn(log);
      if (jobs.length > 0 || interrupted) resolve({ code, log, jobs });
      else reject(new Error(`act completed no job (exit ${code}):\n${readable(log).slice(-END_SHOWN)}`));
    });
  });
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name);
  } catch {
    // It has already ended.
  }
}

/** The jobs and their results from act's log; each leg of a matrix separately. */
function jobsIn(log: string): JobEnd[] {
  const ends = new Map<string, string>();
  for (const line of log.split('\n')) {
    const entry = entryIn(line);
    if (entry?.jobResult !== undefined && entry.job !== undefined) ends.set(entry.job, entry.jobResult);
  }
  return [...ends].map(([job, result]) => ({ job, result }));
}

interface Entry {
  readonly job?: string;
  readonly jobResult?: string;
  readonly msg?: string;
}

function entryIn(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}

/** The log as a reader sees it: job and message. */
export const readable = (log: string): string =>
  log
    .split('\n')
    .map((line) => {
      const entry = entryIn(line);
      return entry ? `[${entry.job ?? ''}] ${(entry.msg ?? '').trimEnd()}` : line;
    })
    .join('\n');
