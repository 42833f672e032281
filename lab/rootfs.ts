import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { paths } from './places.ts';
import { must } from './process.ts';
import { reread } from './reread.ts';
import { distributionSources, sourceLine } from './sources.ts';
import type { Source } from './sources.ts';

/** A root file system that mmdebstrap builds from the distribution's own packages. */
export interface RootKind {
  name: 'host' | 'base';
  format: 'directory' | 'tar';
  packages: readonly string[];
}

const everywhere = [
  'bash',
  'ca-certificates',
  'curl',
  'iproute2',
  'netcat-openbsd',
  'procps',
  'tini',
  'tzdata',
  'util-linux',
];

/** Packages in addition to those that a host needs: rivals in the benchmark require Python. */
const extra = (process.env['LAB_PACKAGES'] ?? '').split(',').filter((name) => name !== '');

/** The root of hosts, the registry and the builder. It has no Node: a host is bare. */
export const hostRoot: RootKind = {
  name: 'host',
  format: 'directory',
  packages: [
    ...everywhere,
    'age',
    'containerd',
    'docker-registry',
    'docker.io',
    'iptables',
    'iputils-ping',
    'kmod',
    'less',
    'openssh-server',
    'strace',
    'sudo',
    'tcsh',
    ...extra,
  ],
};

/** The one layer below all images of the lab, so that it is pulled once. */
export const baseRoot: RootKind = {
  name: 'base',
  format: 'tar',
  packages: [...everywhere, 'mariadb-client', 'mariadb-server-core', 'nginx', 'openssl'],
};

/** A hash of the recipe of a root: if it changes, the root is rebuilt. */
export function rootId(kind: RootKind): string {
  const recipe = [kind.packages.join(), codename(), process.arch, readFileSync(finisher(kind), 'utf8')];
  return createHash('sha256').update(recipe.join('\0')).digest('hex').slice(0, 12);
}

/** The path of a root in the cache. */
export function rootPath(kind: RootKind): string {
  return `${paths.cache}/root-${kind.name}-${rootId(kind)}${kind.format === 'tar' ? '.tar' : ''}`;
}

/** Builds a root unless it is in the cache, and returns its path; takes half a minute once. */
export async function ensureRoot(kind: RootKind, say: (line: string) => void): Promise<string> {
  const path = rootPath(kind);
  if (existsSync(path)) return path;
  mkdirSync(paths.cache, { recursive: true });
  for (const former of readdirSync(paths.cache).filter((name) => name.startsWith(`making-${kind.name}-`))) {
    rmSync(join(paths.cache, former), { recursive: true, force: true });
  }
  say(
    `building the ${kind.name} root file system from ${kind.packages.length} ${distribution()} packages and their dependencies (once, about half a minute)`,
  );
  const making = `${paths.cache}/making-${kind.name}-${basename(path)}`;
  const list = `${paths.cache}/making-${kind.name}-sources.list`;
  writeFileSync(
    list,
    machineSources(`${paths.cache}/keyring-`)
      .map((source) => `${sourceLine(source)}\n`)
      .join(''),
  );
  await must(
    [
      'mmdebstrap',
      '--mode=root',
      '--variant=minbase',
      `--format=${kind.format}`,
      `--include=${kind.packages.join()}`,
      ...(await machineAptOptions()),
      '--aptopt=Apt::Install-Recommends "false"',
      ...['doc', 'man', 'info', 'locale', 'lintian'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
      `--customize-hook=${finisher(kind)}`,
      codename(),
      making,
      list,
    ],
    { timeoutMs: 900_000, env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' } },
  );
  rmSync(list);
  renameSync(making, path);
  if (kind.format === 'directory') await reread(path);
  return path;
}

function finisher({ name }: RootKind): string {
  return fileURLToPath(new URL(`roots/${name}.sh`, import.meta.url));
}

function osRelease(key: string): string {
  return new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
}

function distribution(): string {
  return osRelease('PRETTY_NAME') || 'Debian';
}

function codename(): string {
  const name = osRelease('VERSION_CODENAME');
  if (name === '')
    throw new Error('/etc/os-release has no VERSION_CODENAME: the lab cannot determine which packages to use');
  return name;
}

function machineSources(keyringPrefix: string): Source[] {
  const folder = '/etc/apt/sources.list.d';
  const names = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : []),
  ];
  const files = Object.fromEntries(
    names.filter((name) => existsSync(name)).map((name) => [name, readFileSync(name, 'utf8')]),
  );
  const sources = distributionSources(files, codename());
  if (sources.length === 0)
    throw new Error(
      `no apt source of ${codename()} itself in /etc/apt/sources.list or ${folder}: the lab needs one for its packages`,
    );
  return sources.map((source, index) => {
    if (source.signedBy?.includes('BEGIN PGP') !== true) return source;
    const keyring = `${keyringPrefix}${index}.asc`;
    writeFileSync(
      keyring,
      source.signedBy
        .split('\n')
        .map((line) => line.trim().replace(/^\.$/, ''))
        .join('\n'),
    );
    return { ...source, signedBy: keyring };
  });
}

/** The machine's apt options for its archives, such as proxies. */
async function machineAptOptions(): Promise<string[]> {
  const lines = (await must(['apt-config', 'dump'])).split('\n');
  return lines
    .filter((line) => /^Acquire::(http|https|Check|Retries)\b.*"[^"]+";$/.test(line))
    .map((line) => `--aptopt=${line.replace(/;$/, '')}`);
}
