import { lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { failuresOf, DeploymentError, deploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';
import { fileName, labelIn, pack, unpack, type SealedArtifact, type Kind, type Origin } from './sealed-artifact.ts';
import { wholeFile } from './whole-file.ts';

/** Far more than jobs hand over: what is larger was put there by somebody else. */
const LARGEST = 16 * 2 ** 20;
const MOST = 2_000;

/**
 * The newest of each kind and host that is wanted and lies sealed under the folder, at any depth, opened; nothing where
 * there is no folder. Throws one DeploymentError for all that cannot be opened.
 */
export async function readArtifacts(
  folder: string,
  key: Secret,
  expected: Origin,
  wanted: (kind: Kind, host: string) => boolean,
): Promise<SealedArtifact[]> {
  const files = await filesIn(folder);
  if (files.length > MOST) throw unfit(folder, `holds ${files.length} files, more than ${MOST}`);
  const paths = newestOfEach(files, wanted);
  const opened = await Promise.allSettled(
    paths.map(async (path) => unpack({ name: basename(path), bytes: await bytesOf(path) }, key, expected)),
  );
  const failures = opened.flatMap((result) => (result.status === 'rejected' ? failuresOf(result.reason) : []));
  if (failures.length > 0) throw new DeploymentError(failures);
  return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Of each kind and host that is wanted the file that was made last. */
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
  if (!found.isFile()) throw unfit(path, 'is no regular file');
  if (found.size > LARGEST) throw unfit(path, `has ${found.size} bytes, more than ${LARGEST}`);
  return readFile(path);
}

const unfit = (path: string, how: string): DeploymentError =>
  deploymentError({
    code: 'artifact-damaged',
    what: `${basename(path)} ${how}`,
    remedy: 'Find out who put it there, remove it from the run, and run the whole workflow again.',
  });

/** Puts its sealed file into the folder, readable by nobody else, whole or not at all. Gives its path. */
export async function writeArtifact(folder: string, handover: SealedArtifact, key: Secret): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, fileName(handover));
  await wholeFile(path)(await pack(handover, key));
  return path;
}
