import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { relative, sep } from 'node:path';

/** Limits for reading an untrusted file. */
export interface Bounds {
  /** Largest size in bytes. */
  readonly maxBytes: number;
  /** Directory that must contain the file after resolving links. If absent, the file may be anywhere. */
  readonly within?: string;
}

/** Access to files. Throws if a file cannot be read, and an UnfitFile if the bounds do not allow it. */
export interface Files {
  read(path: string, bounds?: Bounds): string;
}

/** A file that exists but may not be read, with the reason worded to follow its name. */
export class DisallowedFile extends Error {}

/** The local file system. */
export const files: Files = {
  read: (path, bounds) => (bounds ? readBounded(path, bounds) : readFileSync(path, 'utf8')),
};

function readBounded(path: string, { maxBytes, within }: Bounds): string {
  const real = realpathSync(path);
  if (within !== undefined && !isIn(realpathSync(within), real))
    throw new DisallowedFile('is outside the workspace, or is a link that leads out of it');
  // Non-blocking: a pipe would never end, and opening a device may have side effects.
  const handle = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(handle).isFile()) throw new DisallowedFile('is not a regular file');
    return textIn(handle, maxBytes);
  } finally {
    closeSync(handle);
  }
}

/** Measures the size by reading, because kernel files report a size of 0. */
function textIn(handle: number, maxBytes: number): string {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    read = readSync(handle, bytes, length, bytes.length - length, null);
  if (length > maxBytes) throw new DisallowedFile(`is larger than ${maxBytes / 1024} KiB`);
  return bytes.toString('utf8', 0, length);
}

function isIn(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`);
}
