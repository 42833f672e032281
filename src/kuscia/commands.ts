import type { Cluster } from '../cluster/cluster.ts';
import { folders } from '../cluster/folders.ts';
import { changing, cleaningUp, reading, script, type Command } from '../engine/command.ts';

/**
 * Prints a new configuration with a new domain key. No terminal, so that lines end in LF; no DSN, because it would be a
 * command line argument.
 */
export const makeConfiguration = (cluster: Cluster): Command =>
  changing(
    'generate the Kuscia configuration',
    [
      'docker',
      'run',
      '--rm',
      cluster.image,
      'kuscia',
      'init',
      '--mode',
      'autonomy',
      '--domain',
      cluster.domain,
      '--runtime',
      'runp',
      '--protocol',
      cluster.protocol,
    ],
    { confidential: true },
  );

/** Path of kuscia.sh in the image. */
const SCRIPT_IN_IMAGE = '/home/kuscia/scripts/deploy/kuscia.sh';

/** Extracts kuscia.sh from the deployed image, or another; fails if it is not a script. */
export function extractScript(cluster: Cluster, image = cluster.image): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$2")" || exit',
    // Docker's client makes a terminated shell wait, and a killed shell cleans nothing up.
    'new="$2.new.$$"; rm -f "$2".new.*',
    cleaningUp('rm -f "$new"'),
    'docker run --rm --network none "$1" cat "$3" >"$new" || exit',
    'head -n 1 "$new" | grep -q "^#!" || { echo "kuscia.sh in the image is not a script" >&2; exit 65; }',
    'chmod 0700 "$new" && mv "$new" "$2"',
  ].join('\n');
  return changing('extract kuscia.sh from the image', script(text, image, folders(cluster).script, SCRIPT_IN_IMAGE));
}

/** Prints the SHA-256 of kuscia.sh in the image. It runs the image, so it is not a query. */
export const hashScript = (cluster: Cluster): Command =>
  changing(
    'read kuscia.sh in the image',
    script('docker run --rm --network none "$1" cat "$2" | sha256sum', cluster.image, SCRIPT_IN_IMAGE),
    { timeoutMs: 60_000 },
  );

/** The digest in its output; undefined if the image has no kuscia.sh. */
export function scriptDigest(printed: string): string | undefined {
  const digest = /^([0-9a-f]{64}) /.exec(printed)?.[1];
  return digest === SHA256_OF_NOTHING ? undefined : digest;
}

/** SHA-256 of empty input, if the image has no such file. */
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Exits with 0 if a command gets a terminal. */
export const terminalCheck: Command = reading('get a terminal', script('[ -t 0 ] && [ -t 1 ]'), { terminal: true });

/**
 * Longest time of kuscia.sh start: 60 + 60 + 30 probes of a second, each with its own docker exec
 * (docs/kuscia.md#probes).
 */
const START_DEADLINE_MS = 300_000;

/**
 * Runs `kuscia.sh start` on a terminal, without which its probes fail (docs/kuscia.md#terminal), and in a clean
 * environment, because it would take ports, directories and limits from existing variables
 * (docs/kuscia.md#arguments-and-environment). An existing container must be removed first: kuscia.sh would prompt and
 * exit with 0.
 */
export function startReplica(cluster: Cluster): Command {
  const { ports } = cluster;
  const paths = folders(cluster);
  const text = [
    'root=$(readlink -f "$1") || exit; image=$2; shift 2; cd "$root" || exit',
    'exec env -i PATH="$PATH" HOME="$HOME" TERM=dumb LC_ALL=C ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} ' +
      'USER="$(id -un)" ROOT="$root" KUSCIA_IMAGE="$image" bash ./kuscia.sh start -c "$root/kuscia.yaml" "$@"',
  ].join('\n');
  const options = [
    ['-p', ports.gateway],
    ['-q', ports.internal],
    ['-k', ports.api],
    ['-g', ports.apiGrpc],
    ['-x', ports.metrics],
    ['-m', cluster.memory],
    ['-a', 'none'],
  ].flatMap(([flag, value]) => [String(flag), String(value)]);
  return changing(
    'start the replica with kuscia.sh',
    script(text, paths.root, cluster.image, ...options, '--cluster'),
    { terminal: true, timeoutMs: START_DEADLINE_MS },
  );
}

/**
 * The line that kuscia.sh prints on success. Its exit code proves nothing: it is 0 even if nothing was done.
 */
export const startedLine = (cluster: Cluster): string => `autonomy domain '${cluster.domain}' deployed successfully`;
