import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { ensureImages } from './build.ts';
import { removeCgroups } from './cgroups.ts';
import { hostEnvironment, inHost, inRunner } from './enter.ts';
import { boot, discard, ensureRegistry, hostsReady, isBare, layOut, powerOff } from './host.ts';
import { ensureSshKey, identityOf, writeKnownHosts } from './identity.ts';
import { locked } from './lock.ts';
import { ensureNetwork, isCut, networkIsUp, removeNetwork, setCable } from './network.ts';
import { hostNamed, hosts, labName, mostHosts, paths, registry } from './places.ts';
import type { Place } from './places.ts';
import { capture, must } from './process.ts';
import type { CaptureOptions, Ended } from './process.ts';
import { initOf, insideRunner, killAll, killPlaces, runnerProcesses } from './processes.ts';
import { ensureRoot, hostRoot } from './rootfs.ts';
import { ensureTools, requireRealFileSystem, requireRoot } from './system.ts';

export { hosts, mostHosts, paths, registry, registryHost, runner } from './places.ts';
export type { Place } from './places.ts';
export type { Ended } from './process.ts';

/** How the lab reports what it is doing, line by line; silent by default. */
export type Say = (line: string) => void;
const silent: Say = () => undefined;

/** The state of one host. */
export interface HostStatus extends Place {
  power: 'on' | 'off';
  cable: 'plugged' | 'cut';
  images: boolean;
}

/** Makes node-01 to node-`count` run and answer; running hosts are left as they are. `bare` creates new hosts without images. */
export async function up(count: number, options: { bare?: boolean; say?: Say } = {}): Promise<void> {
  const { bare = false, say = silent } = options;
  if (!Number.isInteger(count) || count < 1 || count > mostHosts)
    throw new Error(`a lab has 1 to ${mostHosts} hosts, not ${count}`);
  requireRoot();
  refuseInsideRunner('up');
  requireRealFileSystem();
  await ensureTools(say);
  await locked(paths.lock, async () => {
    const changed = await ensureBasics(say);
    const wanted = hosts.slice(0, count);
    const starting = wanted.filter(({ name }) => initOf(name) === undefined);
    await powerOff(starting);
    await layOutAll(
      starting.filter((host) => !existing().includes(host)),
      () => bare,
      say,
    );
    for (const host of starting) boot(host);
    writeKnownHosts(existing());
    if (starting.length > 0) say(`starting ${starting.map(({ name }) => name).join(', ')}`);
    const former = wanted.filter((host) => !starting.includes(host));
    await rebootSilent(former, say);
    await hostsReady(wanted);
    if (changed && former.length > 0)
      say(`the images changed: ${former.map(({ name }) => name).join(', ')} keep the old ones until they are reset`);
  });
}

/** Builds and pushes the images whose sources changed; hosts get them when they are created or reset. Returns whether anything changed. */
export async function images(options: { say?: Say } = {}): Promise<boolean> {
  const { say = silent } = options;
  requireRoot();
  refuseInsideRunner('images');
  requireRealFileSystem();
  await ensureTools(say);
  return locked(paths.lock, () => ensureBasics(say));
}

/** Removes the whole lab, whatever state it is in; the cache, which takes minutes to build, is kept unless `cache` is set. */
export async function down(options: { cache?: boolean; say?: Say } = {}): Promise<void> {
  const { cache = false, say = silent } = options;
  requireRoot();
  refuseInsideRunner('down');
  mkdirSync(paths.home, { recursive: true });
  await locked(paths.lock, async () => {
    await killPlaces(() => true);
    await killAll(runnerProcesses);
    await removeNetwork();
    await removeCgroups(labName);
    await must(['rm', '-rf', '--one-file-system', paths.state]);
    if (cache) await must(['rm', '-rf', '--one-file-system', paths.cache]);
    say(`the lab was removed${cache ? ', with its cache' : `; its cache is kept in ${paths.cache}`}`);
  });
}

/** Makes hosts fresh again, all at once, in seconds: without containers, swarm, networks, volumes or files from before; images, keys and addresses stay. `bare` makes them bare or not, whatever they were. */
export async function reset(
  names?: readonly string[],
  options: { bare?: boolean; newKeys?: boolean; say?: Say } = {},
): Promise<void> {
  requireRoot();
  await locked(paths.lock, async () => {
    const chosen = names === undefined || names.length === 0 ? existing() : names.map(existingHost);
    await killAll(runnerProcesses);
    await powerOff(chosen);
    const trash = chosen.map(discard);
    if (options.newKeys === true) for (const host of chosen) rmSync(identityOf(host), { recursive: true, force: true });
    await layOutAll(chosen, (host) => options.bare ?? isBare(host), options.say ?? silent);
    for (const host of chosen) boot(host);
    writeKnownHosts(existing());
    await Promise.all([hostsReady(chosen), must(['rm', '-rf', '--one-file-system', ...trash])]);
  });
}

/** The state of every host of the lab, and whether the lab is up at all. */
export function status(): { up: boolean; hosts: HostStatus[] } {
  requireRoot();
  return {
    up: networkIsUp(),
    hosts: existing().map((host) => ({
      ...host,
      power: initOf(host.name) === undefined ? 'off' : 'on',
      cable: isCut(host) ? 'cut' : 'plugged',
      images: !isBare(host),
    })),
  };
}

/** Pulls a host's network cable. */
export async function cut(name: string): Promise<void> {
  requireRoot();
  await setCable(existingHost(name), false);
}

/** Plugs a host's network cable in again. */
export async function mend(name: string): Promise<void> {
  requireRoot();
  await setCable(existingHost(name), true);
}

/** Cuts a host's power, like a failed power supply: nothing is shut down, files stay as they are. */
export async function kill(name: string): Promise<void> {
  requireRoot();
  await powerOff([existingHost(name)]);
}

/** Switches a host on again and waits until it answers. Does nothing if it is running. */
export async function start(name: string): Promise<void> {
  requireRoot();
  const host = existingHost(name);
  if (initOf(name) === undefined) boot(host);
  await hostsReady([host]);
}

/** Runs a command in the runner place, from which the hosts are reached by name, with the caller's files and environment (or `env` instead). */
export async function run(argv: readonly string[], options: CaptureOptions = {}): Promise<Ended> {
  requireUp();
  return capture(inRunner(argv), options);
}

/** Runs a command as root inside a host, without its sshd; this repository is at `paths.repositoryInHost`. */
export async function exec(name: string, argv: readonly string[], options: CaptureOptions = {}): Promise<Ended> {
  requireUp();
  return capture(inHost(hostNamed(name).name, argv), { ...options, env: hostEnvironment(options.env) });
}

/** Stops a host's sshd, so that nobody can log in over SSH, or starts it again. */
export async function sshd(name: string, how: 'stop' | 'start'): Promise<void> {
  const program =
    how === 'stop'
      ? 'kill "$(cat /run/sshd.pid)" && while pidof sshd >/dev/null; do sleep 0.1; done'
      : '/usr/sbin/sshd -E /var/log/sshd.log';
  await must(inHost(hostNamed(name).name, ['sh', '-c', program]), { timeoutMs: 10_000, env: hostEnvironment() });
}

/** The ssh command line to a host, for use in the runner place. */
export function sshTo(name: string, command: readonly string[] = [], user = 'root'): string[] {
  const options = [
    '-i',
    paths.sshKey,
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    `UserKnownHostsFile=${paths.knownHosts}`,
    '-o',
    'StrictHostKeyChecking=yes',
    '-F',
    'none',
  ];
  return ['ssh', ...options, `${user}@${hostNamed(name).address}`, ...command];
}

/** Throws if the lab is not up, or if this is not root, because only root can see it. */
export function requireUp(): void {
  requireRoot();
  if (!networkIsUp()) throw new Error('the lab is not up: start one with three hosts: npm run lab -- up 3');
}

/** Restarts hosts that run but do not answer within 20 s, for example after their sshd or engine was stopped by hand. */
async function rebootSilent(running: readonly Place[], say: Say): Promise<void> {
  for (const host of running) {
    const answers = await hostsReady([host], 20_000).then(
      () => true,
      () => false,
    );
    if (answers) continue;
    say(`${host.name} runs but does not answer: restarting it`);
    await powerOff([host]);
    boot(host);
  }
}

/** Sets up the network, the registry and the images. */
async function ensureBasics(say: Say): Promise<boolean> {
  await locked(paths.cacheLock, () => ensureRoot(hostRoot, say));
  await ensureNetwork();
  await ensureSshKey();
  await ensureRegistry(registry);
  return locked(paths.cacheLock, () => ensureImages(say));
}

async function layOutAll(places: readonly Place[], bare: (place: Place) => boolean, say: Say): Promise<void> {
  // Another lab may share the cache and be about to replace the images that are linked here.
  await locked(paths.cacheLock, async () => {
    await ensureRoot(hostRoot, say);
    await Promise.all(places.map((place) => layOut(place, bare(place))));
  });
}

function existing(): Place[] {
  const folder = `${paths.state}/places`;
  const names = new Set(existsSync(folder) ? readdirSync(folder) : []);
  return hosts.filter(({ name }) => names.has(name));
}

function existingHost(name: string): Place {
  const host = hostNamed(name);
  if (!existing().includes(host))
    throw new Error(
      `the lab has no host ${name}; its hosts: ${
        existing()
          .map((each) => each.name)
          .join(', ') || 'none'
      }`,
    );
  return host;
}

function refuseInsideRunner(command: string): void {
  if (insideRunner()) throw new Error(`"${command}" cannot be run from inside the lab's runner place`);
}
