import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { exec, paths, run, type Ended } from '../../../lab/lab.ts';
import type { Matrix } from '../../../src/cluster/matrix.ts';

const NODE = 'node_modules/node/bin/node';

/** The database password of every deployment here: distinct enough to be searched for in whatever is printed. */
export const DATABASE_PASSWORD = 'Ut9-database.Password+31';

/** The log and outputs of the action, run as by GitHub's runner. */
export interface ActionRun {
  readonly code: number | null;
  /** Both streams. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Output `changed`; -1 if there is none. */
  readonly changed: number;
  readonly matrix: Matrix | undefined;
  /** Every file that the run left where it ran, including its home and its temporary folder: by path, with its content. Empty for a run on a host. */
  readonly left: ReadonlyMap<string, Buffer>;
}

/** How an action is run: its inputs beside the usual ones, and where (in the runner place unless a host is named). */
export interface ActionOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  /** Variables beside those that GitHub's runner sets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly on?: string;
  readonly timeoutMs?: number;
  /** Id of the workflow run that it belongs to; by default all share one. */
  readonly run?: string;
  /** Ends the run with that signal after so many seconds. */
  readonly interrupt?: { readonly signal: 'INT' | 'TERM' | 'KILL'; readonly after: number };
  /** Cancels the run as soon as there is that file. */
  readonly cancelOnce?: string;
}

/** Runs the root action's bundle with GitHub's environment: inputs by INPUT_*, outputs and summary by file. `cluster` is the text or the path of a cluster file. */
export async function action(cluster: string, options: ActionOptions = {}): Promise<ActionRun> {
  const folder = mkdtempSync(join(tmpdir(), 'action-'));
  const files = { GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary', GITHUB_ENV: 'env', GITHUB_STATE: 'state' };
  try {
    const inputs = {
      mode: 'apply',
      cluster: cluster.includes('\n') ? cluster : checkedOut(cluster, folder),
      'ssh-key': readFileSync(paths.sshKey, 'utf8'),
      'known-hosts': readFileSync(paths.knownHosts, 'utf8'),
      'database-password': DATABASE_PASSWORD,
      ...options.inputs,
    };
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_REPOSITORY: 'acme/ops',
      GITHUB_RUN_ID: options.run ?? '1',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_WORKFLOW: 'deploy',
      GITHUB_ACTOR: 'ada',
      GITHUB_WORKSPACE: folder,
      RUNNER_TEMP: folder,
      ...options.env,
      ...inputEnvironment(inputs),
    };
    for (const name of Object.values(files)) writeFileSync(join(folder, name), '');
    const named = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, join(folder, file)]));
    const ended =
      options.on === undefined
        ? await inRunnerPlace({ ...env, ...named }, options)
        : await onHost(options.on, env, options);
    const read = (file: string): string =>
      options.on === undefined ? readFileSync(join(folder, file), 'utf8') : (sections(ended.stdout).get(file) ?? '');
    const outputs = readOutputs(read('output'));
    const matrix = outputs['verify'] ? (JSON.parse(outputs['verify']) as Matrix) : undefined;
    return {
      code: ended.code,
      log: ended.stdout + ended.stderr,
      outputs,
      summary: read('summary'),
      changed: Number(outputs['changed'] ?? -1),
      matrix,
      left: filesIn(folder),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The file as a job has it: in its workspace, named from there. */
function checkedOut(file: string, workspace: string): string {
  cpSync(file, join(workspace, basename(file)), { verbatimSymlinks: true });
  return basename(file);
}

const filesIn = (folder: string): Map<string, Buffer> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );

const inputEnvironment = (inputs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase().replaceAll(' ', '_')}`, value]),
  );

/** What starts the run where something is to end it. */
const ending = ({ interrupt, cancelOnce }: ActionOptions): readonly string[] => [
  ...(interrupt ? ['timeout', '-s', interrupt.signal, String(interrupt.after)] : []),
  ...(cancelOnce === undefined
    ? []
    : ['bash', '-c', '"${@:2}" & until [ -e "$1" ]; do sleep 0.1; done; kill -s TERM $!; wait $!', 'bash', cancelOnce]),
];

const inRunnerPlace = (env: Record<string, string>, options: ActionOptions): Promise<Ended> =>
  run([...ending(options), join(paths.repository, NODE), join(paths.repository, 'dist/index.cjs')], {
    env: { PATH: process.env['PATH'], HOME: env['GITHUB_WORKSPACE'], TMPDIR: env['GITHUB_WORKSPACE'], ...env },
    timeoutMs: options.timeoutMs ?? 400_000,
  });

/** On a host the files are its own, so they are printed after the log. */
function onHost(host: string, env: Record<string, string>, { timeoutMs = 400_000 }: ActionOptions): Promise<Ended> {
  const script = `d=$(mktemp -d); touch $d/output $d/summary; cd "$d"; GITHUB_OUTPUT=$d/output GITHUB_STEP_SUMMARY=$d/summary "$@"; code=$?
for f in output summary; do printf '\\n@@%s\\n' $f; cat $d/$f; done; rm -r $d; exit $code`;
  const argv = [
    'bash',
    '-c',
    script,
    'bash',
    join(paths.repositoryInHost, NODE),
    join(paths.repositoryInHost, 'dist/index.cjs'),
  ];
  return exec(host, argv, { env, timeoutMs });
}

const sections = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n@@')
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );

/** GITHUB_OUTPUT as @actions/core writes it: name<<delimiter, lines, delimiter. */
function readOutputs(text: string): Record<string, string> {
  const blocks = text.matchAll(/^(\S+)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...blocks].map(([, name = '', , value = '']) => [name, value]));
}

/** The log as GitHub shows it: the runner swallows the lines that announce a mask. */
export const unmasked = (log: string): string => log.replace(/^::add-mask::.*$/gm, '');
