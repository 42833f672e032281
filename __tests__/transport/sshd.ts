import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { paths } from '../../lab/places.ts';
import { hostRoot, rootPath } from '../../lab/rootfs.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const run = promisify(execFile);

/** A real sshd on 127.0.0.1, with its own keys. */
export interface Sshd {
  readonly port: number;
  readonly folder: string;
  readonly pid: number;
  /** Lines for known_hosts, by key type; `name` is the text before the key. */
  line(type: HostKeyType, name?: string): Promise<string>;
  /** Ends the connections but not the server, as when the host goes down under a command. */
  killSessions(): Promise<void>;
  stop(): Promise<void>;
}

export type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa';

/** Makes a key pair; gives the path of the private one. */
export async function makeKey(folder: string, name: string, ...options: string[]): Promise<string> {
  const path = join(folder, name);
  await run('ssh-keygen', ['-q', '-N', '', '-t', 'ed25519', '-C', name, '-f', path, ...options]);
  return path;
}

/**
 * Runs sshd in a copy of the lab's host root, which has one, so that the machine need not; of the machine it sees
 * processes, devices, the network
 * and the folder for temporary files.
 */
const IN_HOST_ROOT = `mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
for d in dev proc sys; do mount --rbind "/$d" "$2/root/$d"; done
mount --bind "$3" "$2/root/tmp"
mount -t tmpfs tmpfs "$2/root/run"
mkdir "$2/root/run/sshd"
chroot "$2/root" sh -ec "$5"
exec chroot "$2/root" /usr/sbin/sshd -D -e -f "$4"`;

export interface SshdOptions {
  readonly types?: readonly HostKeyType[];
  /** Lines of sshd_config. */
  readonly extra?: readonly string[];
  /** Shell lines that are run in its root before it starts. */
  readonly prepare?: string;
}

/**
 * Starts sshd with these host keys; it lets anybody in with the key whose public half is given. The lab's host root
 * must be built.
 */
export async function startSshd(publicKey: string, options: SshdOptions = {}): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'));
  const scratch = await mkdtemp(join(paths.home, 'sshd-'));
  for (const part of ['upper', 'work', 'root']) await mkdir(join(scratch, part));
  const { types = ['ed25519', 'ecdsa'], extra = [], prepare } = options;
  for (const type of types) await makeKey(folder, `host_${type}`, '-t', type);
  await writeFile(join(folder, 'authorized'), publicKey, { mode: 0o644 });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${inside(join(folder, `host_${type}`))}`),
    `AuthorizedKeysFile ${inside(join(folder, 'authorized'))}`,
    'StrictModes no',
    ...(extra.some((line) => line.startsWith('UsePAM')) ? [] : ['UsePAM no']),
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'PidFile none',
    ...extra,
  ];
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'config'), `${config.join('\n')}\n`);
  const child = spawn(
    'unshare',
    [
      '--mount',
      'bash',
      '--norc',
      '-ec',
      IN_HOST_ROOT,
      'bash',
      rootPath(hostRoot),
      scratch,
      tmpdir(),
      inside(join(folder, 'config')),
      prepare ?? '',
    ],
    { stdio: 'ignore' },
  );
  await answers(port, child);
  const pid = child.pid ?? 0;
  return {
    port,
    folder,
    pid,
    line: async (type, name = `[127.0.0.1]:${port}`) =>
      `${name} ${(await readFile(join(folder, `host_${type}.pub`), 'utf8')).trim()}`,
    killSessions: async () => signalAll(await childrenOf(pid)),
    async stop() {
      signalAll([...(await childrenOf(pid)), pid]);
      if (child.exitCode === null && child.signalCode === null)
        await new Promise((resolve) => child.once('exit', resolve));
      await rm(folder, { recursive: true });
      await rm(scratch, { recursive: true });
    },
  };
}

/** The path of a temporary file as sshd sees it. */
const inside = (path: string): string => path.replace(tmpdir(), '/tmp');

/** A port that hands on to another one until it is cut; then it stays open and silent, as a pulled cable does. */
export interface Cable {
  readonly port: number;
  /** How many connections were made through it. */
  connections(): number;
  cut(): void;
  remove(): Promise<void>;
}

/** Lays a cable to a port of 127.0.0.1, or to nowhere: then it takes connections and says nothing. */
export async function layCable(to?: number): Promise<Cable> {
  const sockets: Socket[] = [];
  let made = 0;
  const server: Server = createServer((near) => {
    made += 1;
    near.on('error', () => near.destroy());
    sockets.push(near);
    if (to === undefined) return;
    const far = connect(to, '127.0.0.1').on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    sockets.push(far);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => made,
    cut: () => sockets.forEach((socket) => socket.unpipe().pause()),
    async remove() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port of 127.0.0.1 at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`sshd does not answer on port ${port} (exit code ${child.exitCode})`);
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

function signalAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has already ended.
    }
  }
}
