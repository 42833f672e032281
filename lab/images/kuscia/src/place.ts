import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** Where the stand-in runs: the container's paths, its host name, its address, its version and pace. */
export interface Place {
  readonly home: string;
  readonly hostname: string;
  /** IPv4 of eth0; empty when there is none. */
  readonly address: string;
  readonly version: string;
  /** 1 is the real start-up time, 0 none. */
  readonly pace: number;
  readonly machineId: string;
  readonly bootId: string;
  /** Whether the files outside of `home` are the container's own, and so may be changed. */
  readonly inContainer: boolean;
}

const firstLine = (path: string, fallback: string): string =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n')[0]?.trim() || fallback : fallback;

/** The image's version with its leading v, as Kuscia reports it. */
export function readVersion(home: string): string {
  return `v${firstLine(`${home}/VERSION`, '0.0.0')}`;
}

/** Looks around; `KUSCIA_STANDIN_HOME` moves /home/kuscia for trials outside a container. */
export function findPlace(): Place {
  const home = process.env.KUSCIA_STANDIN_HOME ?? '/home/kuscia';
  const paceFiles = [`${home}/var/storage/data/.standin-pace`, `${home}/PACE`];
  const pace = Number(firstLine(paceFiles.find(existsSync) ?? '', '0.1'));
  return {
    home,
    hostname: process.env.KUSCIA_STANDIN_HOSTNAME ?? hostname(),
    address: networkInterfaces().eth0?.find(({ family }) => family === 'IPv4')?.address ?? '',
    version: readVersion(home),
    pace: Number.isFinite(pace) && pace >= 0 ? pace : 0.1,
    inContainer: existsSync('/.dockerenv'),
    machineId: machineId(`${home}/var/images/cache/.machine-id`),
    bootId: `${Math.floor(Date.now() / 1000)}-${Date.now()}${String(process.hrtime.bigint() % 1000000n).padStart(6, '0')}`,
  };
}

// The lab's hosts share one machine, so what Kuscia reads (product_uuid, machine-id) cannot tell them apart;
// a bind-mounted folder can, and like a machine's id it outlives the container.
function machineId(path: string): string {
  const known = firstLine(path, '');
  if (known) return known;
  const id = randomUUID();
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${id}\n`);
  } catch {
    return firstLine('/proc/sys/kernel/random/boot_id', id);
  }
  return id;
}

/** The machine's figures that a node object shows. */
export function machine(home: string): {
  cpu: string;
  memoryKi: number;
  storageKi: number;
  freeKi: number;
  kernel: string;
  image: string;
} {
  const disk = statfsSync(existsSync(home) ? home : '/');
  const os = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const read = (key: string): string => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(os)?.[1] ?? '';
  return {
    cpu: String(cpus().length),
    memoryKi: Math.floor(totalmem() / 1024),
    storageKi: Math.floor((disk.blocks * disk.bsize) / 1024),
    freeKi: Math.floor((disk.bavail * disk.bsize) / 1024),
    kernel: release(),
    image: `linux/${read('ID')}:${read('VERSION_ID')} (${read('ID')}, guest)`,
  };
}

/** The kernel parameters Kuscia looks at, in its order: name, file, what it recommends, whether the value does. */
export function kernelParameters(): { name: string; file: string; value: number; recommended: number; ok: boolean }[] {
  const wanted: readonly [string, string, number, (value: number, limit: number) => boolean][] = [
    ['tcp_max_syn_backlog', '/proc/sys/net/ipv4/tcp_max_syn_backlog', 2048, (value, limit) => value >= limit],
    ['somaxconn', '/proc/sys/net/core/somaxconn', 2048, (value, limit) => value >= limit],
    ['tcp_retries2', '/proc/sys/net/ipv4/tcp_retries2', 5, (value, limit) => value <= limit],
    ['tcp_slow_start_after_idle', '/proc/sys/net/ipv4/tcp_slow_start_after_idle', 0, (value, limit) => value === limit],
    ['tcp_tw_reuse', '/proc/sys/net/ipv4/tcp_tw_reuse', 1, (value, limit) => value >= limit],
    ['file-max', '/proc/sys/fs/file-max', 102400, (value, limit) => value >= limit],
  ];
  return wanted.map(([name, file, recommended, test]) => {
    const value = Number(firstLine(file, '0'));
    return { name, file, value, recommended, ok: test(value, recommended) };
  });
}
