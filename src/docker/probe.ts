import type { Cluster, Host } from '../cluster/cluster.ts';
import { reading, type Command } from '../engine/command.ts';
import { failedTo, present, type Question } from '../engine/fact.ts';
import { runContainer } from './commands.ts';

/**
 * The probe: a small nginx container on every host that stays attached to the overlay network. Through it the data path between
 * each pair of hosts can be tried at any time without changing anything, and a worker sees the network at all (moby#36197).
 */
export const probeName = (cluster: Cluster): string => `${cluster.domain}-probe`;

/** Name under which the other hosts' probes find this one on the overlay network. */
export const probeAlias = (cluster: Cluster, host: Host): string => `${cluster.domain}-probe-${host.name}`;

/** Starts the host's probe. */
export const runProbe = (cluster: Cluster, host: Host): Command =>
  runContainer('start the probe', [
    `--name=${probeName(cluster)}`,
    '--restart=always',
    `--network=${cluster.network.name}`,
    `--network-alias=${probeAlias(cluster, host)}`,
    '--memory=64m',
    cluster.network.probeImage,
  ]);

/** Asks something within the host's probe. */
export const inProbe = (cluster: Cluster, purpose: string, argv: readonly [string, ...string[]]): Command =>
  reading(purpose, ['docker', 'exec', probeName(cluster), ...argv], { inside: { shell: ['docker', 'exec', '--interactive', probeName(cluster), 'sh', '-s'], argv } });

/** How one try from a probe to another ended. */
export interface PathTry {
  readonly to: string;
  /** curl's exit code: 0 answered, 6 name not resolved, 7 refused or no route, 28 no answer in time. */
  readonly exit: number;
}

/** Size of the request header that is sent: more than two packets at the overlay's MTU of 1450. */
const PAYLOAD_BYTES = 3000;

/**
 * Tries the data path from this host's probe to others. The request's header is larger than the MTU and nginx answers only when it has all of
 * it, so an answer proves that full-size packets pass.
 */
export function tryPaths(cluster: Cluster, peers: readonly Host[]): Question<readonly PathTry[]> {
  const text = [
    `pad=$(head -c ${PAYLOAD_BYTES} /dev/zero | tr '\\0' x)`,
    'for peer in "$@"; do',
    '( curl -s -o /dev/null -m 4 -H "X-Payload: $pad" "http://$peer/"; echo "$peer $?" ) &',
    'done; wait',
  ].join('\n');
  const aliases = new Map(peers.map((peer) => [probeAlias(cluster, peer), peer.name]));
  return {
    command: inProbe(cluster, 'try the data path from the probe', ['bash', '-c', text, 'bash', ...aliases.keys()]),
    read(outcome) {
      if (outcome.code !== 0) return failedTo('try the data path from the probe', outcome);
      const lines = outcome.stdout.split('\n').map((line) => line.split(' '));
      return present(lines.flatMap(([alias = '', exit = '']) => (aliases.has(alias) && /^\d{1,3}$/.test(exit) ? [{ to: aliases.get(alias) ?? '', exit: Number(exit) }] : [])));
    },
  };
}
