import type { Cluster, Host } from '../cluster/cluster.ts';
import { probeName, tryPaths, type Ended, type PathTry, type ProbeReport } from '../docker/probe.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { unfitProbe } from './probe.ts';

/** What each probe reports, by the host it runs on. */
export type Paths = ReadonlyMap<string, Fact<ProbeReport>>;

/** Tries the data path from each of these hosts to every other. */
export async function askPaths(ask: Ask, cluster: Cluster, from: readonly Host[]): Promise<Paths> {
  const tries = from.map(async (host) => {
    const peers = cluster.hosts.filter((other) => other !== host);
    return [host.name, await ask.ask(host.name, tryPaths(cluster, host, peers))] as const;
  });
  return new Map(await Promise.all(tries));
}

/** One direction between two hosts. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly connected: boolean;
  /** What was observed, in words. */
  readonly seen: string;
  /** The usual cause of it, if there is a single one. */
  readonly cause?: string;
  /**
   * Set where small packets pass and large ones are lost: the size in bytes of the largest IP packet of a container
   * that passes.
   */
  readonly passes?: number;
  /**
   * Set where it decides what to do: `untried`, no result from the probe; `unresolved`, the other probe's name is not
   * known; `stranger`, something other than the expected probe answers.
   */
  readonly because?: 'untried' | 'unresolved' | 'stranger';
}

const OBSERVATIONS: Readonly<Record<Ended, string>> = {
  connected: 'answered',
  unresolved: 'its name does not resolve on the network',
  refused: 'no route, or refused',
  silent: 'no answer in 4 s, whatever the packet size',
  narrow: 'large packets are lost',
  unsteady: 'no answer in 4 s, but one soon after',
  stranger: 'something else answers in its place',
  failed: 'request failed',
};

const CAUSES: Partial<Record<Ended, string>> = {
  unresolved: 'the hosts cannot exchange the names of their containers: 7946 (tcp and udp) is blocked between them',
  silent: 'packets of the overlay network are lost between the hosts: 4789/udp is blocked',
  narrow:
    'something between the hosts (a VPN, a tunnel, a cloud network) has a smaller MTU than the hosts, and silently ' +
    'drops larger packets',
  stranger:
    'the other probe was started by an earlier version of kuscia-swarm, or another container has its name or ' +
    'address',
};

/** Every direction from a host that tried to each other host, in the order of the cluster file. */
export function allPaths(cluster: Cluster, paths: Paths): Path[] {
  const tried = cluster.hosts.filter(({ name }) => paths.has(name));
  return tried.flatMap((from) =>
    cluster.hosts
      .filter((to) => to !== from)
      .map((to): Path => {
        const ends = { from: from.name, to: to.name };
        const fact = paths.get(from.name) ?? { is: 'unknown', why: 'not tried' };
        const untried = { ...ends, connected: false, because: 'untried' } as const;
        if (fact.is !== 'present') return { ...untried, seen: whyNot(fact, 'not tried') };
        const found = fact.value.tries.find((one) => one.to === to.name);
        return found ? { ...ends, ...pathOf(found) } : { ...untried, seen: 'no result' };
      }),
  );
}

function pathOf({ ended, exit, passes, lost }: PathTry): Omit<Path, 'from' | 'to'> {
  const seen =
    ended === 'narrow'
      ? `packets of ${passes ?? 0} bytes pass, packets of ${lost ?? 0} bytes do not`
      : ended === 'failed'
        ? `${OBSERVATIONS.failed} (curl exit ${exit})`
        : OBSERVATIONS[ended];
  const cause = CAUSES[ended];
  return {
    connected: ended === 'connected',
    seen,
    ...(cause !== undefined && { cause }),
    ...(ended === 'narrow' && { passes: passes ?? 0 }),
    ...((ended === 'stranger' || ended === 'unresolved') && { because: ended }),
  };
}

/** One failure for each pair of hosts whose path is blocked or has too small an MTU, in either direction. */
export function pairFailuresOf(cluster: Cluster, paths: readonly Path[]): Failure[] {
  const broken = paths.filter((path) => !path.connected);
  const reverseOf = (path: Path): Path | undefined =>
    broken.find((other) => other.from === path.to && other.to === path.from);
  return broken.flatMap((path): Failure[] => {
    const reverse = reverseOf(path);
    if (reverse && broken.indexOf(reverse) < broken.indexOf(path)) return [];
    const [worse, other] = reverse && rank(reverse) > rank(path) ? [reverse, path] : [path, reverse];
    if (worse.because === 'untried') return [untriedPair(cluster, worse)];
    return [
      worse.passes === undefined
        ? blockedPair(cluster, worse, other !== undefined && other.because !== 'untried')
        : narrowPair(cluster, worse, Math.min(worse.passes, other?.passes ?? worse.passes)),
    ];
  });
}

/**
 * Which direction of a pair is reported: the higher one. If one is blocked, a reduced MTU in the other is the lesser
 * news. A probe that does not run gives no result, and others do not know its name.
 */
function rank({ passes, because }: Path): number {
  if (passes !== undefined) return 0;
  return because === 'unresolved' ? 1 : because === 'untried' ? 2 : 3;
}

/** A pair that no probe tried: nothing is known of the path itself. */
const untriedPair = (cluster: Cluster, { from, to, seen }: Path): Failure => ({
  code: 'data-path-cut',
  host: from,
  what: `the data path from ${from} to ${to} over ${cluster.network.name} could not be tested`,
  evidence: `probe on ${from}: ${seen}`,
  remedy:
    `Run the deployment again (mode: apply): it starts the probe on ${from} if it does not run. If it runs, check ` +
    `the load of ${from} (uptime, docker stats ${probeName(cluster)}) and the log of its Docker Engine.`,
});

function blockedPair(cluster: Cluster, path: Path, both: boolean): Failure {
  const { from, to } = path;
  const { name } = cluster.network;
  const apply =
    `Run the deployment again (mode: apply): it recreates such probes. If that does not help, look on ${to} for ` +
    `another container named ${to} on ${name}.`;
  const open =
    `Open 4789/udp (VXLAN) and 7946/tcp and udp between ${from} and ${to} in both directions, then run again. If ` +
    'they are already open, restart the Docker Engine on the host whose log says "error creating vxlan interface".';
  return {
    code: 'data-path-cut',
    host: from,
    what: `${both ? `${from} and ${to} cannot reach each other` : `${from} cannot reach ${to}`} over ${name}`,
    evidence: `probe on ${from} to probe on ${to}: ${path.seen}`,
    ...(path.cause !== undefined && { cause: path.cause }),
    remedy: path.because === 'stranger' ? apply : open,
  };
}

/** Bytes added to a packet between hosts: Ethernet 14, VXLAN 8, UDP 8, IP 20. */
const VXLAN_BYTES = 50;

const narrowPair = (cluster: Cluster, { from, to, seen, cause }: Path, passes: number): Failure => ({
  code: 'data-path-narrow',
  host: from,
  what: `packets over ${passes} bytes are lost between ${from} and ${to} on ${cluster.network.name}`,
  evidence: `probe on ${from} to probe on ${to}: ${seen}`,
  ...(cause !== undefined && { cause }),
  remedy:
    `Make the network between ${from} and ${to} carry packets of ${(cluster.network.mtu ?? 1450) + VXLAN_BYTES} ` +
    `bytes. If that is not possible, set network.mtu: ${passes} in the cluster file and run again; an existing ` +
    'network is recreated only with repair: true.',
  definite: true,
});

/** What the probes themselves lack: programs, or names that only their hosts can resolve. Waiting fixes neither. */
export function probeFailures(cluster: Cluster, paths: Paths): Failure[] {
  return cluster.hosts.flatMap((host): Failure[] => {
    const report = valueOf(paths.get(host.name) ?? { is: 'absent' });
    if (report === undefined) return [];
    return report.missing.length > 0
      ? [unfitProbe(cluster, host, `its image lacks ${report.missing.join(', ')}`)]
      : report.unresolved.map((name) => unresolved(host, name));
  });
}

/** The failure of a name that no container on the host can resolve. */
export const unresolved = (host: Host, name: string): Failure => ({
  code: 'name-unresolved',
  host: host.name,
  what: `the name ${name} does not resolve in a container on ${host.name}`,
  evidence: `two lookups failed in the probe on ${host.name}`,
  cause: 'containers use the DNS servers of their host and never read its /etc/hosts',
  remedy:
    `Replace ${name} with its IPv4 address in the cluster file, or add the name to the DNS servers that ` +
    `${host.name} uses (its /etc/resolv.conf). Then run again.`,
  definite: true,
});
