import { existsSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './process.ts';

/** Removes a cgroup and all below it in every hierarchy of the machine (v1 or v2); its processes must have ended, or be ending. */
export async function removeCgroups(name: string): Promise<void> {
  await until(
    `removing the cgroups of ${name}`,
    () => {
      for (const folder of cgroups(name)) removeTree(folder);
      return cgroups(name).length === 0 ? true : undefined;
    },
    10_000,
    () => `Left: ${cgroups(name).join(', ')}`,
    20,
  );
}

/** Where a cgroup of that name is, in each hierarchy. */
export function cgroups(name: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => join(line.split(' ')[4] ?? '', name))
    .filter((folder) => existsSync(folder));
}

function removeTree(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // Busy while its last process is ending, or already removed: the caller checks again.
  }
}
