import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { homeVariable } from './processes.ts';
import { paths } from './places.ts';
import { capture, must } from './process.ts';

/** The commands a lab needs on the machine, with their Debian packages. */
const tools: Readonly<Record<string, string>> = {
  flock: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  ip: 'iproute2',
  mmdebstrap: 'mmdebstrap',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  tar: 'tar',
};

/** Why the lab needs root, in one sentence. */
export const whyRoot =
  'it creates network namespaces, mounts and cgroups (each host is a set of them) and runs a Docker Engine in each';

/** Throws one clear message if this is not Linux, or not root. */
export function requireRoot(): void {
  if (process.platform !== 'linux') throw new Error('the lab needs Linux: its hosts are made of Linux namespaces');
  if (process.getuid?.() !== 0) throw new Error(`the lab needs root: ${whyRoot}. Try again with sudo`);
}

/** Throws unless an engine can keep its layers on the file system of the lab's folder. */
export function requireRealFileSystem(): void {
  const names: Readonly<Record<number, string>> = {
    0x01021994: 'tmpfs',
    0x794c7630: 'overlay',
    0x6969: 'nfs',
    0x858458f6: 'ramfs',
  };
  for (const folder of [paths.home, paths.cache]) {
    mkdirSync(folder, { recursive: true });
    const name = names[statfsSync(folder).type];
    if (name !== undefined)
      throw new Error(
        `${folder} is on ${name}, where a Docker Engine cannot keep its layers: set LAB_HOME to a folder on ext4, xfs or btrfs`,
      );
  }
}

/** Installs the missing commands, announced beforehand; Debian and Ubuntu only. */
export async function ensureTools(say: (line: string) => void): Promise<void> {
  const missing = [
    ...new Set(
      Object.entries(tools)
        .filter(([tool]) => !onPath(tool))
        .map(([, name]) => name),
    ),
  ];
  if (missing.length > 0) await installPackages(missing, say);
}

/** Installs Debian packages, announced beforehand. Throws if there is no apt-get. */
export async function installPackages(names: readonly string[], say: (line: string) => void): Promise<void> {
  if (!existsSync('/usr/bin/apt-get'))
    throw new Error(`${names.join(', ')} must be installed; this can be done automatically only on Debian and Ubuntu`);
  say(`installing Debian packages on this machine: ${names.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...names];
  // The package lists may be old or missing: they are updated only if the installation fails.
  if ((await capture(install, { env, timeoutMs: 600_000 })).code === 0) return;
  await must(['apt-get', 'update'], { env, timeoutMs: 300_000 });
  await must(install, { env, timeoutMs: 600_000 });
}

/** The environment of a place's processes: nothing from this process except the mark by which they are found. */
export function bareEnvironment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    [homeVariable]: paths.home,
    ...extra,
  };
}

function onPath(tool: string): boolean {
  return ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => {
    try {
      accessSync(`${folder}/${tool}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
