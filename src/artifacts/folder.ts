import { lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { failuresOf, DeploymentError, deploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import { fileName, labelIn, pack, unpack, type SealedArtifact, type Kind, type Origin } from './sealed-artifact.ts';
import { wholeFile } from './whole-file.ts';

/** Limits far above what jobs produce; anything larger was put there by something else. */
const LARGEST = 16 * 2 ** 20;
const MOST = 2_000;

/**
 * Opens the newest sealed artifact of each wanted kind and host anywhere in the directory; returns none if the
 * directory does not exist. Throws one DeploymentError for all that cannot be opened.
 */
export async function readArtifacts(
  folder: string,
  key: Secret,
  expected: Origin,
  wanted: (kind: Kind, host: string) => boolean,
): Promise<SealedArtifact[]> {
  const files = await filesIn(folder);
  if (files.length > MOST) throw unfit(folder, `contains ${files.length} files; at most ${MOST} are allowed`);
  const paths = newestOfEach(files, wanted);
  const opened = await Promise.allSettled(
    paths.map(async (path) => unpack({ name: basename(path), bytes: await bytesOf(path) }, key, expected)),
  );
  const failures = opened.flatMap((result) => (result.status === 'rejected' ? failuresOf(result.reason) : []));
  if (failures.length > 0) throw new DeploymentError(failures);
  return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The newest file of each wanted kind and host. */
function newestOfEach(paths: readonly string[], wanted: (kind: Kind, host: string) => boolean): string[] {
  const newest = new Map<string, { readonly path: string; readonly made: number }>();
  for (const path of paths) {
    const label = labelIn(basename(path));
    if (label === undefined || !wanted(label.kind, label.host)) continue;
    const key = `${label.kind} ${label.host}`;
    if (label.made >= (newest.get(key)?.made ?? 0)) newest.set(key, { path, made: label.made });
  }
  return [...newest.values()].map(({ path }) => path);
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { recursive: true })).map((path) => join(folder, path));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const found = await lstat(path);
  if (!found.isFile()) throw unfit(path, 'is not a regular file');
  if (found.size > LARGEST) throw unfit(path, `has ${found.size} bytes; at most ${LARGEST} are allowed`);
  return readFile(path);
}

const unfit = (path: string, how: string): DeploymentError =>
  deploymentError({
    code: 'artifact-damaged',
    what: `${basename(path)} ${how}`,
    remedy: 'Find out who created it, remove it from the run, then run the whole workflow again.',
  });

/** Writes the sealed file atomically with mode 0600. Returns its path. */
export async function writeArtifact(folder: string, handover: SealedArtifact, key: Secret): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, fileName(handover));
  await wholeFile(path)(await pack(handover, key));
  return path;
}
