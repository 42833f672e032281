import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { must } from '../process.ts';
import { paths } from '../places.ts';

/** The name of this repository in the workflows under test. */
export const OURS = 'OWNER/kuscia-swarm';
/** The tag by which they pin it. */
export const REF = 'v1';

/** Third-party actions that are replaced by stand-ins, as pinned in the workflows. */
const STAND_INS: Readonly<Record<string, string>> = {
  'actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f': 'upload-artifact',
  'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c': 'download-artifact',
};

/** The parts of this repository that a workflow of another one uses. */
const USED = ['action.yml', 'actions', '.github/workflows', 'dist'];

/** The outputs of jobs that are not run again, by the job's name. */
export type EndedJobs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A workflow in which these jobs only return their earlier outputs. act cannot re-run single jobs. */
function withEnded(text: string, ended: EndedJobs): string {
  const workflow = parse(text) as { jobs: Record<string, { readonly needs?: unknown }> };
  for (const [name, outputs] of Object.entries(ended)) {
    const { needs } = workflow.jobs[name] ?? {};
    if (!(name in workflow.jobs)) throw new Error(`the workflow has no job ${name}`);
    workflow.jobs[name] = {
      ...(needs !== undefined && { needs }),
      'runs-on': 'ubuntu-latest',
      outputs,
      steps: [{ run: 'true' }],
    } as { needs?: unknown };
  }
  return stringify(workflow, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Adapts act's copy to the features that act lacks: `$/` is written out, a job gets its runner labels, by which it is put on its host, and every branch is the only one. */
export const forAct = (text: string): string =>
  text
    .replaceAll(/^ +ref: \$\{\{ github\.event\.repository\.default_branch \}\}\n/gm, '')
    .replaceAll(/(uses: )\$\/(\S+)/g, `$1${OURS}/$2@${REF}`)
    .replaceAll(/^( +)runs-on: \$\{\{ (.+) \}\}$/gm, '$&\n$1env:\n$1  LAB_LABELS: ${{ toJSON($2) }}');

/** Creates the repositories that act uses, and returns act's arguments for them. */
export async function layOutRepositories(folder: string, ended: EndedJobs = {}): Promise<string[]> {
  const ours = join(folder, 'kuscia-swarm');
  const listed = await must([
    'git',
    '-C',
    paths.repository,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    ...USED,
  ]);
  const files = listed.split('\0').filter((file) => file !== '' && !file.endsWith('.md'));
  for (const file of files) {
    mkdirSync(dirname(join(ours, file)), { recursive: true });
    cpSync(join(paths.repository, file), join(ours, file));
    if (/\.ya?ml$/.test(file)) writeFileSync(join(ours, file), forAct(readFileSync(join(ours, file), 'utf8')));
  }
  const deploy = join(ours, '.github/workflows/deploy.yml');
  if (Object.keys(ended).length > 0) writeFileSync(deploy, withEnded(readFileSync(deploy, 'utf8'), ended));
  const standIns = Object.entries(STAND_INS).map(([pinned, name]) => {
    cpSync(fileURLToPath(new URL(name, import.meta.url)), join(folder, name), { recursive: true });
    return `--local-repository=${pinned}=${join(folder, name)}`;
  });
  return [`--local-repository=${OURS}@${REF}=${ours}`, ...standIns];
}

/** Creates the repository of a caller, with these files in one commit. */
export async function layOutCaller(
  folder: string,
  repository: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const git = (...args: string[]): Promise<string> =>
    must([
      'git',
      '-c',
      'user.name=lab',
      '-c',
      'user.email=lab@example.org',
      '-c',
      'init.defaultBranch=main',
      '-C',
      folder,
      ...args,
    ]);
  await git('init', '--quiet');
  await git('remote', 'add', 'origin', `https://github.com/${repository}.git`);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Describe the cluster');
}
