import type { Cluster, Host } from '../cluster/cluster.ts';
import { tryPaths, type PathTry } from '../docker/probe.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import type { Fact } from '../engine/fact.ts';

/** What the probes found, by the host they tried from. */
export type Paths = ReadonlyMap<string, Fact<readonly PathTry[]>>;

/** Tries the data path from each of these hosts to every other. */
export async function askPaths(ask: Ask, cluster: Cluster, from: readonly Host[]): Promise<Paths> {
  const tries = from.map(async (host) => {
    const peers = cluster.hosts.filter((other) => other !== host);
    return [host.name, await ask.ask(host.name, tryPaths(cluster, peers))] as const;
  });
  return new Map(await Promise.all(tries));
}

/** One direction between two hosts. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly connected: boolean;
  /** What was seen, in words. */
  readonly seen: string;
  /** What that mostly comes of, where it comes of one thing. */
  readonly cause?: string;
}

const CURL_EXITS: Readonly<Record<number, string>> = {
  0: 'answered',
  6: 'its name is not known on the network',
  7: 'no route, or refused',
  28: 'no answer in 4 s to a request larger than one packet',
};

const CURL_CAUSES: Readonly<Record<number, string>> = {
  6: 'the hosts do not tell each other of their containers: 7946 (tcp and udp) does not pass between them',
  28: 'packets of the overlay network are lost between the hosts: 4789/udp does not pass, or not in full size',
};

/** Every direction from a host that tried to another, in the order of the cluster file. */
export function allPaths(cluster: Cluster, paths: Paths): Path[] {
  const tried = cluster.hosts.filter(({ name }) => paths.has(name));
  return tried.flatMap((from) =>
    cluster.hosts
      .filter((to) => to !== from)
      .map((to): Path => {
        const fact = paths.get(from.name) ?? { is: 'unknown', why: 'not tried' };
        if (fact.is !== 'present') return { from: from.name, to: to.name, connected: false, seen: fact.is === 'unknown' ? fact.why : 'not tried' };
        const exit = fact.value.find((one) => one.to === to.name)?.exit;
        return { from: from.name, to: to.name, connected: exit === 0, seen: exit === undefined ? 'no result' : (CURL_EXITS[exit] ?? `curl exit ${exit}`), ...causeOf(exit) };
      }),
  );
}

const causeOf = (exit: number | undefined): Pick<Path, 'cause'> => {
  const cause = exit === undefined ? undefined : CURL_CAUSES[exit];
  return cause === undefined ? {} : { cause };
};

/** One failure for each pair of hosts that is cut in either direction. */
export function cutPairs(cluster: Cluster, paths: readonly Path[]): Failure[] {
  const cut = paths.filter((path) => !path.connected);
  const isSecond = (path: Path): boolean => cut.some((other) => other.from === path.to && other.to === path.from && cut.indexOf(other) < cut.indexOf(path));
  return cut
    .filter((path) => !isSecond(path))
    .map((path) => {
      const both = cut.some((other) => other.from === path.to && other.to === path.from);
      return {
        code: 'data-path-cut' as const,
        host: path.from,
        what: `${path.from} cannot reach ${path.to} over ${cluster.network.name}${both ? ', nor back' : ''}`,
        evidence: `probe on ${path.from} to probe on ${path.to}: ${path.seen}`,
        ...(path.cause !== undefined && { cause: path.cause }),
        remedy: `Open 4789/udp (VXLAN) and 7946/tcp and udp between ${path.from} and ${path.to} in both directions, and see that the network between them carries packets of 1500 bytes; then run again. If they are open, restart the Docker Engine on the host whose log says "error creating vxlan interface".`,
      };
    });
}
