import { resolve } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { show } from '../cluster/problem.ts';
import { readCluster } from '../cluster/read.ts';
import { MAX_TEXT_LENGTH } from '../cluster/source.ts';
import { failuresOf, type Failure } from '../engine/errors.ts';
import { UnfitFile, type Files } from './files.ts';
import { given, missing, wrong, type Environment } from './given.ts';

/** No character takes more bytes. */
const MOST_BYTES = 4 * MAX_TEXT_LENGTH;

/** The cluster that the input describes; what is wrong with it goes to `failures`. */
export function oneCluster(env: Environment, files: Files, failures: Failure[]): Cluster | undefined {
  const value = given(env, 'cluster');
  if (value === undefined) {
    failures.push(missing('cluster', 'it describes what is to be deployed'));
    return undefined;
  }
  try {
    return readCluster(clusterText(value, env, files), value.includes('\n') ? 'cluster' : value);
  } catch (thrown) {
    failures.push(...(thrown instanceof UnfitFile ? [unfit(value, thrown)] : unread(value, thrown)));
    return undefined;
  }
}

/**
 * The text of the cluster file. In a job of GitHub a pull request may have put it there, so it must be a file of the
 * workspace. Throws when it cannot be read.
 */
export function clusterText(value: string, env: Environment, files: Files): string {
  if (value.includes('\n')) return env['INPUT_CLUSTER'] ?? '';
  const workspace = env['GITHUB_WORKSPACE'];
  return files.read(resolve(workspace ?? '.', value), { most: MOST_BYTES, ...(workspace && { within: workspace }) });
}

const unfit = (path: string, { message }: UnfitFile): Failure => ({
  code: 'cluster-file-unfit',
  what: `the cluster file ${show(path)} ${message}; it was not read`,
  remedy: 'Name a plain file of the checked-out repository in the input cluster, with no link on the way out of it.',
});

function unread(path: string, thrown: unknown): readonly Failure[] {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === undefined) return failuresOf(thrown);
  return [
    wrong(
      'cluster',
      `names a file that cannot be read: ${show(path)} (${code}); it is relative to the workspace, so the ` +
        'repository must be checked out first',
    ),
  ];
}
