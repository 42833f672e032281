import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Archive } from '../cluster/archives.ts';
import { show } from '../cluster/problem.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { readArchive } from './archive.ts';
import { given, invalidInput, type Environment } from './given.ts';

/** The archives in the given directory, and what is wrong with them. */
export interface ImagesRead {
  /** Undefined if no directory was given. */
  readonly archives?: readonly Archive[];
  readonly failures: readonly Failure[];
}

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/;

/**
 * Reads every archive in the directory once, and reports all problems at once. Throws a DeploymentError if cancelled.
 */
export async function readImages(env: Environment, signal: AbortSignal): Promise<ImagesRead> {
  const given = givenFolder(env);
  if (given === undefined) return { failures: [] };
  const cancelled = new Promise<never>((_, reject) => {
    const cancel = (): void =>
      reject(
        deploymentError({
          code: 'cancelled',
          what: 'cancelled while reading the image archives',
          remedy: 'Run again.',
        }),
      );
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
  return Promise.race([readFolder(given), cancelled]);
}

interface Folder {
  /** As given by the user. */
  readonly name: string;
  readonly path: string;
}

function givenFolder(env: Environment): Folder | undefined {
  const name = given(env, 'images');
  return name === undefined ? undefined : { name, path: resolve(env['GITHUB_WORKSPACE'] ?? '.', name) };
}

async function readFolder({ name, path }: Folder): Promise<ImagesRead> {
  let files: readonly string[];
  try {
    files = (await readdir(path)).filter((file) => ARCHIVE.test(file)).sort();
  } catch (thrown) {
    return {
      failures: [
        invalidInput(
          'images',
          `names a directory that cannot be read: ${show(name)} ` +
            `(${(thrown as NodeJS.ErrnoException).code ?? 'unknown reason'})`,
        ),
      ],
    };
  }
  if (files.length === 0)
    return {
      failures: [
        invalidInput('images', `names a directory without image archives (*.tar, *.tar.gz, *.tgz): ${show(name)}`),
      ],
    };
  const read = await Promise.all(files.map((file) => readArchive(join(path, file))));
  const archives = read.filter((each): each is Archive => typeof each === 'object');
  const faults = read.flatMap((each, i) =>
    typeof each === 'string' ? [`contains ${show(files[i] ?? '')}, ${each}`] : [],
  );
  return {
    archives,
    failures: [...faults, ...nameConflicts(archives)].map((fault) => ({
      ...invalidInput('images', fault),
      remedy: 'Save the archive again (docker save -o FILE.tar NAME:TAG), or remove it from the directory.',
    })),
  };
}

/** Reports names that stand for different images in two archives. */
function nameConflicts(archives: readonly Archive[]): string[] {
  const all = archives.flatMap(({ file, images }) => images.map((image) => ({ ...image, file: basename(file) })));
  return all.flatMap(({ name, ids, file }, i) => {
    const first = all.slice(0, i).find((other) => other.name === name);
    return first && !first.ids.some((id) => ids.includes(id))
      ? [
          `contains two different images named ${name}: ${first.ids[0]} in ${show(first.file)} and ${ids[0]} in ` +
            `${show(file)}`,
        ]
      : [];
  });
}
