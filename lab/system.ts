import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { homeVariable } from './processes.ts';
import { paths } from './places.ts';
import { capture, must } from './process.ts';

/** The commands a lab needs on the machine and the Debian package each comes with. */
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

/** Why the lab asks for root, in one sentence. */
export const whyRoot =
  'it makes network namespaces, mounts and cgroups (each host is a set of them) and runs a Docker Engine in each';

/** Throws one clear message when this is no Linux, or not root. */
export function requireRoot(): void {
  if (process.platform !== 'linux') throw new Error('the lab needs Linux: its hosts are made of Linux namespaces');
  if (process.getuid?.() !== 0) throw new Error(`the lab needs root: ${whyRoot}. Try again with sudo`);
}

/** Throws unless the lab's folder lies where an engine can keep its layers. */
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
        `${folder} lies on ${name}, on which no Docker Engine can keep its layers: set LAB_HOME to a folder on ext4, xfs or btrfs`,
      );
  }
}

/** Installs what the machine lacks, said beforehand; Debian and Ubuntu only. */
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

/** Installs Debian packages, said beforehand. Throws where there is no apt-get. */
export async function installPackages(names: readonly string[], say: (line: string) => void): Promise<void> {
  if (!existsSync('/usr/bin/apt-get'))
    throw new Error(`${names.join(', ')} must be there, and can be installed from here on Debian and Ubuntu only`);
  say(`installing Debian packages on this machine: ${names.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...names];
  // The lists may be old or missing: fetched only when that turns out.
  if ((await capture(install, { env, timeoutMs: 600_000 })).code === 0) return;
  await must(['apt-get', 'update'], { env, timeoutMs: 300_000 });
  await must(install, { env, timeoutMs: 600_000 });
}

/** The environment a place's processes get: nothing of this process but the mark by which they are found. */
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
