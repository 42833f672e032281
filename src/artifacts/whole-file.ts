import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that only its owner reads, whole or not at all: it gets its name, and with it the place of what had it
 * before, once all of it is on the disk. Where that fails, or the bytes throw, nothing of it is left.
 */
export const wholeFile =
  (path: string) =>
  async (bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> => {
    const half = `${path}.${randomBytes(6).toString('hex')}`;
    const file = await open(half, 'wx', 0o600);
    try {
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(half, path);
      await synced(dirname(path));
    } catch (thrown) {
      await rm(half, { force: true });
      throw thrown;
    }
  };

/** A name is on the disk when its folder is. */
async function synced(folder: string): Promise<void> {
  const opened = await open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
