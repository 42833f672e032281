import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { removeCgroups } from './cgroups.ts';
import { seedEngine } from './golden.ts';
import { ensureIdentity, identityOf } from './identity.ts';
import { hostsFile, isCut, resolvConf } from './network.ts';
import { gateway, hardwareAddress, labName, paths, portOf, registryHost } from './places.ts';
import type { Place } from './places.ts';
import { capture, must, until } from './process.ts';
import { initOf, killPlaces, placeVariable } from './processes.ts';
import { hostRoot, rootPath } from './rootfs.ts';
import { inRunner } from './enter.ts';
import { bareEnvironment } from './system.ts';

/** The kind of a place: a host runs sshd and an engine, the registry only itself; `outside` is a host on the machine's own network. */
export type Role = 'host' | 'registry' | 'outside';

/** A folder of the machine that a place keeps its data in, and where it sees it. */
export interface Data {
  folder: string;
  at: string;
}

/** Sets up a new place, or one that was reset: an empty upper layer and its identity. */
export async function layOut(place: Place, bare: boolean): Promise<void> {
  const folder = paths.place(place.name);
  await ensureIdentity(place);
  mkdirSync(`${folder}/docker`, { recursive: true });
  // An upper layer belongs to its own root, even if a newer root exists.
  writeFileSync(`${folder}/rootfs`, rootPath(hostRoot));
  rmSync(`${folder}/bare`, { force: true });
  if (bare) writeFileSync(`${folder}/bare`, '');
  else await seedEngine(`${folder}/docker`);
}

/** Discards all changes of a host; they are moved to the returned folder, which can be deleted later. */
export function discard({ name }: Place): string {
  const folder = paths.place(name);
  const trash = `${paths.state}/trash/${name}-${Date.now()}`;
  mkdirSync(trash, { recursive: true });
  for (const part of ['upper', 'work', 'docker', 'seed', 'cut']) {
    if (existsSync(`${folder}/${part}`)) renameSync(`${folder}/${part}`, `${trash}/${part}`);
  }
  return trash;
}

/** Whether a host was created without images. */
export function isBare({ name }: Place): boolean {
  return existsSync(`${paths.place(name)}/bare`);
}

/** Switches a place on; it is ready only later, see `hostsReady`. */
export function boot(
  place: Place,
  role: Role = 'host',
  data: Data = { folder: `${paths.place(place.name)}/docker`, at: '/var/lib/docker' },
): void {
  const folder = paths.place(place.name);
  mkdirSync(data.folder, { recursive: true });
  writeSeed(place, role);
  const log = openSync(`${folder}/boot.log`, 'w');
  const environment = bareEnvironment({
    [placeVariable]: place.name,
    PLACE: place.name,
    ADDRESS: place.address,
    MAC: hardwareAddress(place),
    PORT: portOf(place),
    GATEWAY: gateway.address,
    SWITCH: role === 'outside' ? '' : paths.switch,
    STATE: folder,
    ROOTFS: existsSync(`${folder}/rootfs`) ? readFileSync(`${folder}/rootfs`, 'utf8') : rootPath(hostRoot),
    DATA: data.folder,
    DATA_AT: data.at,
    REPOSITORY: paths.repository,
    REPOSITORY_AT: paths.repositoryInHost,
    SHARED: paths.github,
    CGROUP: labName,
    INIT: '/usr/local/sbin/lab-init',
  });
  mkdirSync(paths.github, { recursive: true });
  const program = fileURLToPath(new URL('host/boot.sh', import.meta.url));
  const child = spawn(
    'unshare',
    [...(role === 'outside' ? [] : ['--net']), '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', program],
    { cwd: '/', env: environment, detached: true, stdio: ['ignore', log, log] },
  );
  child.unref();
  closeSync(log);
}

/** Cuts the power of places: everything in them ends immediately, and their cgroups are removed. */
export async function powerOff(places: readonly Place[]): Promise<void> {
  const names = new Set(places.map(({ name }) => name));
  await killPlaces((place) => names.has(place));
  await Promise.all([...names].map((name) => removeCgroups(`${labName}/${name}`)));
}

/** Waits until the engine of each host answers and its sshd greets, at most `timeoutMs`. Throws with the hosts that are not ready, and their last log lines. */
export async function hostsReady(places: readonly Place[], timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  await enginesReady(places, timeoutMs);
  // A host whose cable is cut cannot be reached: only its engine can be waited for.
  const reachable = places.filter((place) => !isCut(place));
  const greeting = reachable.map(
    ({ address, name }) =>
      `until exec 3<>/dev/tcp/${address}/22 && read -r -t 5 line <&3 && [[ $line == SSH-2.0* ]]; do sleep 0.1; done 2>/dev/null; echo ${name}`,
  );
  const greeted = await capture(inRunner(['bash', '--norc', '-c', greeting.join('\n')]), {
    timeoutMs: Math.max(1_000, deadline - Date.now()),
  });
  const silent = reachable.filter(({ name }) => !greeted.stdout.split('\n').includes(name));
  if (silent.length > 0)
    throw new Error(
      `no sshd answers within ${timeoutMs / 1000} s on ${silent.map(({ name }) => name).join(', ')} ${greeted.stderr}`,
    );
}

/** Waits until the engine of each place answers. */
export async function enginesReady(places: readonly Place[], timeoutMs = 60_000): Promise<void> {
  const begun = Date.now();
  await Promise.all(
    places.map((place) =>
      until(
        `${place.name}: waiting for its Docker Engine`,
        async () => {
          const init = initOf(place.name);
          // Just started, the place may not be in /proc yet.
          if (init === undefined && Date.now() > begun + 5_000)
            throw new Error(`${place.name} ended while it started. ${lastWords(place)}`);
          return init !== undefined && (await engineAnswers(init)) ? true : undefined;
        },
        timeoutMs,
        () => lastWords(place),
        100,
      ),
    ),
  );
}

/** The last lines of a host's own logs, for a host that did not start. */
export function lastWords({ name }: Place): string {
  const folder = paths.place(name);
  return [`${folder}/boot.log`, `${folder}/upper/var/log/dockerd.log`]
    .filter((file) => existsSync(file))
    .map((file) => `${file}:\n${readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n')}`)
    .join('\n');
}

function engineAnswers(init: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      { socketPath: `/proc/${init}/root/run/docker.sock`, path: '/_ping', timeout: 5_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('error', () => {
      resolve(false);
    });
    asked.on('timeout', () => {
      asked.destroy();
    });
    asked.end();
  });
}

function writeSeed(place: Place, role: Role): void {
  const seed = `${paths.place(place.name)}/seed`;
  const file = (path: string, content: string): void => {
    writeFileSync(`${seed}/${path}`, content);
  };
  const script = (from: string, to: string): void => {
    copyFileSync(fileURLToPath(new URL(`host/${from}`, import.meta.url)), `${seed}/usr/local/sbin/${to}`);
    chmodSync(`${seed}/usr/local/sbin/${to}`, 0o755);
  };
  for (const folder of ['etc/ssh', 'etc/docker/registry', 'usr/local/sbin'])
    mkdirSync(`${seed}/${folder}`, { recursive: true });
  file('etc/hostname', `${place.name}\n`);
  file('etc/hosts', hostsFile(place));
  file('etc/resolv.conf', role === 'outside' ? readFileSync('/etc/resolv.conf', 'utf8') : resolvConf);
  script(role === 'registry' ? 'registry.sh' : 'init.sh', 'lab-init');
  if (role === 'registry') {
    file(
      'etc/docker/registry/lab.yml',
      'version: 0.1\nlog: { level: warn }\nstorage:\n  filesystem: { rootdirectory: /var/lib/registry }\n  delete: { enabled: true }\nhttp: { addr: ":5000" }\n',
    );
    return;
  }
  script('engine.sh', 'engine');
  file('etc/docker/daemon.json', `${JSON.stringify(engineConfiguration(place, role), null, 2)}\n`);
  copyFileSync(`${paths.sshKey}.pub`, `${seed}/etc/ssh/lab-key.pub`);
  const identity = identityOf(place);
  copyFileSync(`${identity}/machine-id`, `${seed}/etc/machine-id`);
  for (const name of readdirSync(`${identity}/ssh`)) {
    copyFileSync(`${identity}/ssh/${name}`, `${seed}/etc/ssh/${name}`);
    chmodSync(`${seed}/etc/ssh/${name}`, name.endsWith('.pub') ? 0o644 : 0o600);
  }
}

function engineConfiguration({ name }: Place, role: Role): object {
  return {
    'storage-driver': 'overlay2',
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': `/${labName}/${name}/containers`,
    ...(role === 'outside'
      ? // On the machine's own network it may only download.
        { bridge: 'none', iptables: false, 'ip-forward': false }
      : // Plain names (mysql:8.0) are resolved by the lab's registry; no other can be reached.
        { 'registry-mirrors': [`http://${registryHost}`], 'insecure-registries': [registryHost] }),
  };
}

/** Starts the registry unless it is running, and waits for it. */
export async function ensureRegistry(place: Place): Promise<void> {
  if (initOf(place.name) === undefined) {
    await powerOff([place]);
    mkdirSync(paths.place(place.name), { recursive: true });
    boot(place, 'registry', { folder: `${paths.cache}/registry`, at: '/var/lib/registry' });
  }
  const answered = `exec 3<>/dev/tcp/${place.address}/5000 && printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* ]]`;
  await must(inRunner(['bash', '--norc', '-c', `until (${answered}) 2>/dev/null; do sleep 0.1; done`]), {
    timeoutMs: 20_000,
  }).catch((error: unknown) => {
    throw new Error(`the registry does not answer: ${String(error)} ${lastWords(place)}`);
  });
}
