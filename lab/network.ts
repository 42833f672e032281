import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gateway, hardwareAddress, hosts, paths, portOf, registry, runner } from './places.ts';
import type { Place } from './places.ts';
import { capture, must } from './process.ts';

/** Mount points below a folder, deepest first. */
export function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .sort((one, other) => other.length - one.length);
}

/** Creates the switch and the runner's network if they do not exist; nothing is attached to the machine's own network. */
export async function ensureNetwork(): Promise<void> {
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(paths.hostsFile, hostsFile(runner));
  writeFileSync(paths.resolvConf, resolvConf);
  if (await makeNamespace(paths.switch)) {
    await inSwitch([
      'ip link set lo up',
      'ip link add br0 type bridge stp_state 0 forward_delay 0',
      `ip address add ${gateway.address}/24 dev br0`,
      'ip link set br0 up',
      // Packets to the outside are answered "unreachable" immediately, because silence would cost the sender its time-out.
      'echo 1 >/proc/sys/net/ipv4/ip_forward',
      'ip route add unreachable default',
    ]);
  }
  if (await makeNamespace(paths.runner)) {
    await inNetwork(paths.runner, [
      'ip link set lo up',
      `ip link add eth0 address ${hardwareAddress(runner)} type veth peer name ${portOf(runner)} netns ${paths.switch}`,
      `ip address add ${runner.address}/24 dev eth0`,
      'ip link set eth0 up',
      `ip route add default via ${gateway.address}`,
    ]);
    await inSwitch([`ip link set ${portOf(runner)} master br0 up`]);
  }
}

/** Removes the switch and the runner's network; hosts that are still plugged in lose their ports. */
export async function removeNetwork(): Promise<void> {
  for (const point of mountsBelow(paths.state)) await must(['umount', '--lazy', point]);
  for (const file of [paths.runner, paths.switch]) rmSync(file, { force: true });
}

/** Whether the switch and the runner's network exist. */
export function networkIsUp(): boolean {
  return mountsBelow(paths.switch).length > 0 && mountsBelow(paths.runner).length > 0;
}

/** Pulls a host's cable, or plugs it in again; it stays pulled across a power cycle. */
export async function setCable(place: Place, plugged: boolean): Promise<void> {
  const mark = `${paths.place(place.name)}/cut`;
  if (plugged) rmSync(mark, { force: true });
  else writeFileSync(mark, '');
  const port = portOf(place);
  const there = await capture(['nsenter', `--net=${paths.switch}`, 'ip', 'link', 'show', port]);
  if (there.code === 0) await inSwitch([`ip link set ${port} ${plugged ? 'up' : 'down'}`]);
}

/** Whether a host's cable is pulled. */
export function isCut({ name }: Place): boolean {
  return existsSync(`${paths.place(name)}/cut`);
}

/** The /etc/hosts of a place: all places of the lab, and itself. */
export function hostsFile(place: Place): string {
  const all = [...hosts, registry, runner];
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${all.map(({ name, address }) => `${address} ${name}\n`).join('')}${all.includes(place) ? '' : `${place.address} ${place.name}\n`}`;
}

/** Nothing answers there: names outside the lab fail immediately. */
export const resolvConf = `nameserver ${gateway.address}\noptions timeout:1 attempts:1\n`;

async function makeNamespace(file: string): Promise<boolean> {
  if (mountsBelow(file).length > 0) return false;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  await must(['unshare', `--net=${file}`, 'true']);
  return true;
}

async function inNetwork(file: string, commands: readonly string[]): Promise<void> {
  await must(['nsenter', `--net=${file}`, 'sh', '-ec', commands.join('\n')]);
}

function inSwitch(commands: readonly string[]): Promise<void> {
  return inNetwork(paths.switch, commands);
}
