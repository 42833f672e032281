import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Archive } from '../cluster/archives.ts';
import { show } from '../cluster/problem.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { readArchive } from './archive.ts';
import { given, wrong, type Environment } from './given.ts';

/** The archives of the folder that was given, and what is wrong with it. */
export interface ImagesRead {
  /** Undefined where no folder was given. */
  readonly archives?: readonly Archive[];
  readonly failures: readonly Failure[];
}

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/;

/**
 * Reads what every archive of the folder holds, each once, and finds all that is wrong at once. Throws a
 * DeploymentError when it is cancelled.
 */
export async function readImages(env: Environment, signal: AbortSignal): Promise<ImagesRead> {
  const given = folderGiven(env);
  if (given === undefined) return { failures: [] };
  const cancelled = new Promise<never>((_, reject) => {
    const refuse = (): void =>
      reject(
        deploymentError({
          code: 'cancelled',
          what: 'cancelled while the image archives were read',
          remedy: 'Run again.',
        }),
      );
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
  return Promise.race([readFolder(given), cancelled]);
}

interface Folder {
  /** As it was given. */
  readonly name: string;
  readonly path: string;
}

function folderGiven(env: Environment): Folder | undefined {
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
        wrong(
          'images',
          `names a folder that cannot be read: ${show(name)} ` +
            `(${(thrown as NodeJS.ErrnoException).code ?? 'unknown reason'})`,
        ),
      ],
    };
  }
  if (files.length === 0)
    return { failures: [wrong('images', `names a folder without an archive (*.tar, *.tar.gz, *.tgz): ${show(name)}`)] };
  const read = await Promise.all(files.map((file) => readArchive(join(path, file))));
  const archives = read.filter((each): each is Archive => typeof each === 'object');
  const faults = read.flatMap((each, i) =>
    typeof each === 'string' ? [`holds ${show(files[i] ?? '')}, ${each}`] : [],
  );
  return {
    archives,
    failures: [...faults, ...contradictions(archives)].map((fault) => ({
      ...wrong('images', fault),
      remedy: 'Write the archive anew (docker save -o FILE.tar NAME:TAG), or take it out of the folder.',
    })),
  };
}

/** The names under which two archives hold different images. */
function contradictions(archives: readonly Archive[]): string[] {
  const all = archives.flatMap(({ file, images }) => images.map((image) => ({ ...image, file: basename(file) })));
  return all.flatMap(({ name, ids, file }, i) => {
    const first = all.slice(0, i).find((other) => other.name === name);
    return first && !first.ids.some((id) => ids.includes(id))
      ? [`holds ${name} twice, as ${first.ids[0]} in ${show(first.file)} and as ${ids[0]} in ${show(file)}`]
      : [];
  });
}
