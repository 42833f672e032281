import { readFileSync } from 'node:fs';
import { initOf } from '../../../lab/processes.ts';
import { exec } from '../../../lab/lab.ts';

/** Something in a file system of a host. */
export interface Entry {
  readonly host: string;
  readonly path: string;
  /** Its path on the machine that the host runs on. */
  readonly outside: string;
  /** As printed by find: f, d, l, s, p. */
  readonly type: string;
  /** `600 deploy:deploy`. */
  readonly access: string;
  /** When its content and anything else about it was changed. No inode: an overlay gives other numbers each time. */
  readonly stamp: string;
}

/**
 * All file systems of the host that can be written: the root, those in memory, Docker's data, and what containers have in memory.
 * The kernel's own, the repository and the runner's folder, which are no part of the host, are others.
 */
const LIST = `list() { find "$@" -xdev \\( -fstype nsfs -prune \\) -o -printf '%p\\t%y\\t%m %u:%g\\t%s\\t%T@ %C@\\0'; }
list / /run /tmp /dev /dev/shm /dev/mqueue /var/lib/docker
for id in $(docker ps -q); do list "/proc/$(docker inspect --format '{{.State.Pid}}' "$id")/root/dev/shm"; done`;

/** Everything on a host that a file can be left in. */
export async function entriesOf(host: string): Promise<Entry[]> {
  const ended = await exec(host, ['bash', '-c', LIST]);
  const found = ended.stdout
    .split('\0')
    .slice(0, -1)
    .map((line) => line.split('\t'));
  if (found.length < 1000) throw new Error(`${host}: its files cannot be listed: ${ended.code} ${ended.stderr}`);
  const root = `/proc/${initOf(host) ?? 'none'}/root`;
  return found.map(([path = '', type = '', access = '', stamp = '']) => ({
    host,
    path,
    outside: root + path,
    type,
    access,
    stamp,
  }));
}

/** Files that are new or changed since then. */
export function since(before: readonly Entry[], now: readonly Entry[]): Entry[] {
  const stamps = new Map(before.map(({ host, path, stamp }) => [`${host}:${path}`, stamp]));
  return now.filter(({ host, path, stamp }) => stamps.get(`${host}:${path}`) !== stamp);
}

/** The present content of a file on a host; undefined if it no longer exists. */
export function contentOf({ outside }: Entry): Buffer | undefined {
  try {
    return readFileSync(outside);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
