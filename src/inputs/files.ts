import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { relative, sep } from 'node:path';

/** What bounds the reading of a file that somebody else may have put there. */
export interface Bounds {
  /** Largest size in bytes. */
  readonly most: number;
  /** Folder in which the file must lie when every link is followed; without it, it may lie anywhere. */
  readonly within?: string;
}

/** Where files are read from. Throws when one cannot be read; an UnfitFile where it is none that the bounds allow. */
export interface Files {
  read(path: string, bounds?: Bounds): string;
}

/** A file that is there but is not read, and why: in words that follow its name. Nothing of it was shown. */
export class UnfitFile extends Error {}

/** The files of this machine. */
export const files: Files = {
  read: (path, bounds) => (bounds ? readBounded(path, bounds) : readFileSync(path, 'utf8')),
};

function readBounded(path: string, { most, within }: Bounds): string {
  const real = realpathSync(path);
  if (within !== undefined && !isIn(realpathSync(within), real))
    throw new UnfitFile('lies outside the workspace, or is a link to what does');
  // What is no file is not waited for: a pipe would never end, and a device might begin something.
  const handle = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(handle).isFile()) throw new UnfitFile('is not a regular file');
    return textIn(handle, most);
  } finally {
    closeSync(handle);
  }
}

/** By what is read, not by what the system says of it: files of the kernel say 0. */
function textIn(handle: number, most: number): string {
  const bytes = Buffer.alloc(most + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    read = readSync(handle, bytes, length, bytes.length - length, null);
  if (length > most) throw new UnfitFile(`is larger than ${most / 1024} KiB`);
  return bytes.toString('utf8', 0, length);
}

function isIn(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}
