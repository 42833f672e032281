import { resolve } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { show } from '../cluster/problem.ts';
import { readCluster } from '../cluster/read.ts';
import { MAX_TEXT_LENGTH } from '../cluster/source.ts';
import { failuresOf, type Failure } from '../engine/errors.ts';
import { DisallowedFile, type Files } from './files.ts';
import { given, missingInput, invalidInput, type Environment } from './given.ts';

/** No character has more than four bytes. */
const MAX_BYTES = 4 * MAX_TEXT_LENGTH;

/** Reads the cluster from the input; adds what is wrong to `failures`. */
export function readClusterInput(env: Environment, files: Files, failures: Failure[]): Cluster | undefined {
  const value = given(env, 'cluster');
  if (value === undefined) {
    failures.push(missingInput('cluster', 'it describes what to deploy'));
    return undefined;
  }
  try {
    return readCluster(clusterText(value, env, files), value.includes('\n') ? 'cluster' : value);
  } catch (thrown) {
    failures.push(...(thrown instanceof DisallowedFile ? [notAllowed(value, thrown)] : unreadable(value, thrown)));
    return undefined;
  }
}

/**
 * The text of the cluster file. In a GitHub job it may come from a pull request, so it must be a file in the workspace.
 * Throws if it cannot be read.
 */
export function clusterText(value: string, env: Environment, files: Files): string {
  if (value.includes('\n')) return env['INPUT_CLUSTER'] ?? '';
  const workspace = env['GITHUB_WORKSPACE'];
  return files.read(resolve(workspace ?? '.', value), { maxBytes: MAX_BYTES, ...(workspace && { within: workspace }) });
}

const notAllowed = (path: string, { message }: DisallowedFile): Failure => ({
  code: 'cluster-file-unfit',
  what: `the cluster file ${show(path)} ${message}; it was not read`,
  remedy: 'Set the input cluster to a regular file in the checked-out repository, not to a link that leads out of it.',
});

function unreadable(path: string, thrown: unknown): readonly Failure[] {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === undefined) return failuresOf(thrown);
  return [
    invalidInput(
      'cluster',
      `names a file that cannot be read: ${show(path)} (${code}). The path is relative to the workspace; check ` +
        `out the repository first`,
    ),
  ];
}
