import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

/** Something with a name and an address on the lab's switch. */
export interface Place {
  readonly name: string;
  readonly address: string;
}

const subnet = '10.77.0';
const standardHome = '/var/lib/kuscia-swarm-lab';
const home = process.env['LAB_HOME'] ?? standardHome;
const cache = process.env['LAB_CACHE'] ?? `${home}/cache`;
const state = `${home}/state`;

/** The maximum number of hosts in a lab. */
export const mostHosts = 16;

/** All hosts a lab can have, node-01 to node-16; `hosts.slice(0, 3)` are those of `up 3`. */
export const hosts: readonly Place[] = Array.from({ length: mostHosts }, (_, index) => ({
  name: `node-${String(index + 1).padStart(2, '0')}`,
  address: `${subnet}.${11 + index}`,
}));

/** The switch's own address: the hosts' default route, which leads nowhere. */
export const gateway: Place = { name: 'gateway', address: `${subnet}.1` };
/** The private registry, on port 5000; also the hosts' mirror of the default one. */
export const registry: Place = { name: 'registry.lab', address: `${subnet}.2` };
/** Where workflows run: the machine's own files on the lab's network. */
export const runner: Place = { name: 'runner', address: `${subnet}.3` };
/** Builds the images; up only while images are built. */
export const builder: Place = { name: 'builder', address: `${subnet}.4` };
/** Pulls all images once, to be copied to each host. */
export const collector: Place = { name: 'collector', address: `${subnet}.5` };

/** Downloads a real image from outside: the only place on the machine's own network, up only while it downloads. */
export const outside: Place = { name: 'outside', address: `${subnet}.6` };

/** Host and port under which images are pushed and pulled. */
export const registryHost = `${registry.name}:5000`;

/** Folders and files of this lab; LAB_HOME and LAB_CACHE move them. */
export const paths = {
  home,
  cache,
  state,
  lock: `${home}/lock`,
  cacheLock: `${cache}/lock`,
  /** Network namespaces, held by a mount on a file. */
  switch: `${state}/switch.net`,
  runner: `${state}/runner.net`,
  /** The private key that root and deploy accept on every host. */
  sshKey: `${state}/ssh-key`,
  /** Host keys of every host, by name and by address. */
  knownHosts: `${state}/known_hosts`,
  hostsFile: `${state}/hosts`,
  resolvConf: `${state}/resolv.conf`,
  /** Where workflows run; every host has it under the same path, for the jobs that run there. */
  github: `${state}/github`,
  place: (name: string): string => `${state}/places/${name}`,
  /** This repository; every host has it, read-only, at `repositoryInHost`. */
  repository: fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''),
  repositoryInHost: '/opt/kuscia-swarm',
} as const;

/** Name of this lab's cgroup; a lab with its own home has its own name. */
export const labName =
  home === standardHome
    ? 'kuscia-swarm-lab'
    : `kuscia-swarm-lab-${createHash('sha256').update(home).digest('hex').slice(0, 6)}`;

/** The host of that name; throws if a lab cannot have it. */
export function hostNamed(name: string): Place {
  const host = hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`"${name}" is not a host of the lab (node-01 to node-${mostHosts})`);
  return host;
}

/** The hardware address of a place: always the same, so that a reset leaves no stale neighbour behind. */
export function hardwareAddress({ address }: Place): string {
  return ['02', '00', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}

/** The name of a place's port on the switch. */
export function portOf({ name }: Place): string {
  return `p-${name}`.slice(0, 15);
}
