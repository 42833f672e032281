import type { Archive } from '../cluster/archives.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { changing, reading, script, type Command } from '../engine/command.ts';
import { Secret } from '../engine/secret.ts';

/** Exit code on a host that cannot resolve its own address. */
export const UNRESOLVED = 68;

/**
 * Address as the host itself resolves it: `--advertise-addr` takes an IP address, but a cluster file may contain a
 * name.
 */
const RESOLVE =
  'ip=$(getent ahostsv4 "$1" | head -n 1 | cut -d " " -f 1); [ -n "$ip" ] || { echo "cannot resolve $1" >&2; exit ' +
  `${UNRESOLVED}; }`;

/** Makes the host the first manager of a new swarm. Docker's output contains the join token, so it is dropped. */
export const initSwarm = (address: string): Command =>
  changing('initialise the swarm', script(`${RESOLVE}; docker swarm init --advertise-addr "$ip" >/dev/null`, address));

/** Prints the token with which a host joins in that role. */
export const readJoinToken = (role: 'manager' | 'worker'): Command =>
  reading(`read the ${role} join token`, ['docker', 'swarm', 'join-token', '-q', role], { confidential: true });

/**
 * Prints `same` if the swarm still accepts that token for the role, `other` otherwise. The current token never leaves
 * the host.
 */
export const compareJoinToken = (role: 'manager' | 'worker', token: Secret): Command =>
  reading(
    `compare the ${role} join token`,
    script(
      'read -r given; now=$(docker swarm join-token -q "$1") || exit; [ "$now" = "$given" ] && echo same || echo other',
      role,
    ),
    { stdin: new Secret(token.name, `${token.reveal()}\n`) },
  );

/**
 * Node label that records in the swarm itself, for as long as the swarm and its tokens exist, that a run of this domain
 * handed the tokens over.
 */
export const tokensLabel = (domain: string): string => `kuscia-swarm.${domain}.join-tokens`;

/** Puts that label on a node; to be run on a manager. */
export const markTokens = (domain: string, nodeId: string): Command =>
  changing('mark the join tokens as handed over', [
    'docker',
    'node',
    'update',
    '--label-add',
    `${tokensLabel(domain)}=handed-over`,
    nodeId,
  ]);

/**
 * Creates new join tokens for both roles, which invalidates the former ones, and then removes the label from the
 * nodes that have it. Docker's output contains the new tokens, so it is dropped.
 */
export const rotateJoinTokens = (domain: string, marked: readonly string[]): Command => {
  const text = [
    'for role in worker manager; do docker swarm join-token --rotate -q "$role" >/dev/null || exit; done',
    'label=$1; shift',
    'for node in "$@"; do docker node update --label-rm "$label" "$node" >/dev/null || exit; done',
  ];
  return changing('rotate the join tokens', script(text.join('\n'), tokensLabel(domain), ...marked));
};

/**
 * Joins the swarm through the engine's API, because `docker swarm join` takes the token only as an argument, which
 * every account on the host can read. Uses the host's curl, or the image's if the host has none. Prints the response
 * body, then the status. Source: Docker Engine API, POST /swarm/join.
 */
export function joinSwarm(address: string, manager: string, token: Secret, image: string): Command {
  const body = JSON.stringify({
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: '@ip@',
    RemoteAddrs: [manager],
    JoinToken: token.reveal(),
  });
  const post =
    `curl -sS -m 60 --unix-socket /var/run/docker.sock -H 'Content-Type: application/json' -w '\\n%{http_code}' -d ` +
    `@- http://docker/swarm/join`;
  const text = [
    RESOLVE,
    'if command -v curl >/dev/null',
    `then sed "s/@ip@/$ip/" | ${post}`,
    `else sed "s/@ip@/$ip/" | docker run --rm -i -v /var/run/docker.sock:/var/run/docker.sock "$2" ${post}`,
    'fi',
  ].join('\n');
  return changing('join the swarm', script(text, address, image), { stdin: new Secret('join request', body) });
}

/** Changes the role of a node; to be run on a manager. */
export const setNodeRole = (nodeId: string, role: 'manager' | 'worker'): Command =>
  changing(`${role === 'manager' ? 'promote' : 'demote'} the node`, [
    'docker',
    'node',
    role === 'manager' ? 'promote' : 'demote',
    nodeId,
  ]);

/**
 * Creates the attachable overlay network; to be run on a manager. Source of the option: Docker's docs, "Bridge network
 * driver"; the overlay driver accepts it too.
 */
export function createOverlay({
  name,
  subnet,
  mtu,
  encrypted,
}: Pick<Cluster['network'], 'name' | 'subnet' | 'mtu' | 'encrypted'>): Command {
  const options = [
    ...(mtu === undefined ? [] : ['--opt', `com.docker.network.driver.mtu=${mtu}`]),
    ...(encrypted === true ? ['--opt', 'encrypted'] : []),
  ];
  return changing('create the overlay network', [
    'docker',
    'network',
    'create',
    '--driver',
    'overlay',
    '--attachable',
    '--subnet',
    subnet,
    ...options,
    name,
  ]);
}

/** Removes a network by its id. */
export const removeNetwork = (id: string): Command => changing('remove the network', ['docker', 'network', 'rm', id]);

/**
 * Starts a container that exists but does not run; a paused one needs another command. Three attempts: for some seconds
 * after its engine has started, a host cannot attach anything to an overlay, and reports that only after 20 s (seen in
 * the lab after a power failure).
 */
export function startContainer(name: string, state: string): Command {
  const text = [
    'for pause in 3 9 0; do said=$(docker "$1" "$2" 2>&1) && exit; code=$?; sleep "$pause"; done',
    'echo "$said" | grep -v "^Error: failed to start containers" >&2; exit "$code"',
  ].join('\n');
  return changing('start the container', script(text, state === 'paused' ? 'unpause' : 'start', name));
}

/** Restarts a container, so that it rereads its files. */
export const restartContainer = (name: string): Command =>
  changing('restart the container', ['docker', 'restart', name]);

/** Removes a container in any state, along with its anonymous volumes. */
export const removeContainer = (name: string): Command =>
  changing('remove the container', ['docker', 'rm', '--force', '--volumes', name]);

/** Runs a container in the background. */
export const runContainer = (purpose: string, args: readonly string[]): Command =>
  changing(purpose, ['docker', 'run', '--detach', ...args]);

/** Time limit for pulling an image, in milliseconds. */
const PULL_DEADLINE_MS = 30 * 60_000;

/**
 * Keeps the login in a directory in memory, so that neither a reboot nor a copy of the disk preserves it. A process in
 * a session of its own removes it: it reads from a pipe that the others write to, so it notices when they end, for
 * whatever reason, and reports their exit code. No login happens before it is watching.
 */
const WITH_LOGIN = `umask 077
for m in /dev/shm "/run/user/$(id -u)" /run; do case $(stat -f -c %T "$m" 2>/dev/null) in tmpfs | ramfs) [ -w "$m" ] && break ;; esac; m=; done
[ -n "$m" ] || { echo "no folder in memory can be written (/dev/shm, /run): a registry login is kept nowhere else" >&2; exit 73; }
d=$(mktemp -d "$m/kuscia-swarm.XXXXXXXX") || exit 73
login() { n=0; until [ -e "$d/kept" ]; do [ "$((n += 1))" -lt 200 ] || return 75; sleep 0.05; done; docker --config "$d" login --username "$2" --password-stdin "$3" >/dev/null && docker --config "$d" pull --quiet "$1" >&4; }
{ { login "$@" <&3; echo "$?"; } 3<&5 5<&- | $(command -v setsid) sh -c 'trap "" HUP INT PIPE TERM; : >"$1/kept"; code=$(cat); rm -rf "$1"; exit "\${code:-75}"' sh "$d" 4>&- 5<&-; } 4>&1 5<&0`;

/** Pulls an image. If there is a login, its credentials exist on the host only during the pull. */
export function pullImage(image: string, login?: { server: string; username: string; password: Secret }): Command {
  if (!login) return changing(`pull ${image}`, ['docker', 'pull', '--quiet', image], { timeoutMs: PULL_DEADLINE_MS });
  return changing(`pull ${image} as ${login.username}`, script(WITH_LOGIN, image, login.username, login.server), {
    stdin: login.password,
    timeoutMs: PULL_DEADLINE_MS,
  });
}

/** Exit code on a host that received a different image than the archive lists. */
export const IMAGE_DIFFERS = 65;

/** The slowest transfer rate for which the time limit suffices, in bytes per millisecond. */
const SLOWEST_RATE = 1024;

/**
 * Loads an archive, then compares the image under each of its names with what the archive lists. The comparison runs on
 * the host, so it happens even if the connection is lost meanwhile. A differing image loses its name, and is the last
 * line printed.
 */
export function loadImages({ file, bytes, images }: Archive, onSent: (bytes: number) => void): Command {
  const text = [
    'docker load --quiet || exit',
    'code=0',
    'while [ "$#" -gt 0 ]; do',
    'found=$(docker image inspect --format "{{.Id}} {{json .RootFS.Layers}}" "$1") || found="absent "',
    'case " $2 " in',
    '*" ${found%% *} "* | *" ${found#* } "*) ;;',
    `*) docker image rm "$1" >/dev/null; echo "$1 is \${found%% *} here, not $2" >&2; code=${IMAGE_DIFFERS} ;;`,
    'esac',
    'shift 2',
    'done',
    'exit "$code"',
  ].join('\n');
  const known = images.flatMap(({ name, ids, layers }) => [
    name,
    [...ids, ...(layers ? [JSON.stringify(layers)] : [])].join(' '),
  ]);
  return changing(`load ${images.map(({ name }) => name).join(', ')}`, script(text, ...known), {
    stdin: { file, bytes, onSent },
    timeoutMs: PULL_DEADLINE_MS + Math.ceil(bytes / SLOWEST_RATE),
  });
}
