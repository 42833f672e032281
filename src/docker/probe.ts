import { hostNamed, hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { ipv4 } from '../cluster/subnet.ts';
import { reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';
import { runContainer } from './commands.ts';

/**
 * The probe: a small nginx container on every host that stays attached to the overlay network. With it the data path
 * between each pair of hosts can be tested at any time without changing anything, and it is what makes the network
 * visible to a worker (moby#36197).
 */
export const probeName = (cluster: Cluster): string => `${cluster.domain}-probe`;

/** Name by which the other hosts' probes find this one on the overlay network. */
const probeAlias = (cluster: Cluster, host: Host): string => `${cluster.domain}-probe-${host.name}`;

/** Version of what a probe is started with; raise it whenever that changes, so that older probes are recreated. */
export const PROBE_VERSION = 2;

/** Where a probe records its version. */
const VERSION_FILE = '/tmp/kuscia-swarm-probe';

/** Programs that the probe's image must contain. */
const PROGRAMS = ['bash', 'curl', 'nginx', 'timeout'];

/**
 * Variables that make curl and other programs use a proxy. Docker sets them in every container from the login's
 * ~/.docker/config.json, unless they are set explicitly.
 */
const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);

/**
 * Answers each request with the probe's own name and what the request's headers contain, so that an answer can only
 * come from this probe and only to that request, and is as large as the request. Its files are in /tmp: the image may
 * run as any user.
 */
const START = `cat >/tmp/kuscia-swarm-probe.conf <<END
pid /tmp/kuscia-swarm-probe.pid;
error_log /dev/stderr notice;
worker_processes 1;
events { }
http {
  access_log off;
  server_tokens off;
  default_type text/plain;
  large_client_header_buffers 4 32k;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path /tmp/kuscia-swarm-${kind};`).join(' ')}
  server {
    listen 80;
    location / { return 200 "$1 \\$http_x_nonce \\$http_x_pad"; }
  }
}
END
echo ${PROBE_VERSION} >${VERSION_FILE}
exec nginx -c /tmp/kuscia-swarm-probe.conf -g "daemon off;"`;

/** Starts the host's probe. */
export const runProbe = (cluster: Cluster, host: Host): Command =>
  runContainer('start the probe', [
    `--name=${probeName(cluster)}`,
    '--restart=always',
    `--network=${cluster.network.name}`,
    `--network-alias=${probeAlias(cluster, host)}`,
    // A run sends many queries at once, each in a process of its own.
    '--memory=128m',
    ...PROXIES.map((name) => `--env=${name}=`),
    '--entrypoint=sh',
    cluster.network.probeImage,
    '-c',
    START,
    'sh',
    probeAlias(cluster, host),
  ]);

/** Runs a query inside the host's probe. */
export const inProbe = (cluster: Cluster, purpose: string, argv: readonly [string, ...string[]]): Command =>
  reading(purpose, ['docker', 'exec', probeName(cluster), ...argv], {
    inside: { shell: ['docker', 'exec', '--interactive', probeName(cluster), 'sh', '-s'], argv },
  });

/**
 * How an attempt ended. `narrow`: small packets pass and large ones are lost; `unsteady`: nothing came back at first,
 * and then any size did; `stranger`: something other than that probe answered; `refused`: by its host, or there is no
 * route.
 */
export type Ended = 'connected' | 'unresolved' | 'refused' | 'silent' | 'narrow' | 'unsteady' | 'stranger' | 'failed';

/** How one attempt from a probe to another ended. */
export interface PathTry {
  readonly to: string;
  readonly ended: Ended;
  /** curl's exit code. */
  readonly exit: number;
  /**
   * If it is narrow: the largest size that passed and the smallest that did not, in bytes of an IP packet as containers
   * send it.
   */
  readonly passes?: number;
  readonly lost?: number;
}

/** What a probe reports about itself and its path to others. */
export interface ProbeReport {
  /** What it was started with; 0 for a probe from before there were versions. */
  readonly version: number;
  /** Programs missing in its image; if there are any, nothing else was tried. */
  readonly missing: readonly string[];
  /** Names of variables that direct its programs to a proxy. */
  readonly proxies: readonly string[];
  /** Names in the cluster file that do not resolve inside it. */
  readonly unresolved: readonly string[];
  readonly tries: readonly PathTry[];
}

/** Docker's default MTU of an overlay: 1500 less 50 for VXLAN. */
export const USUAL_MTU = 1450;

/** Sizes to try once large requests are lost, in bytes of an IP packet. */
const sizesUpTo = (mtu: number): readonly number[] =>
  [...new Set([mtu, 4000, 1450, 1400, 1350, 1300, 1250, 1200, 1100, 1000, 576])]
    .filter((size) => size <= mtu)
    .sort((a, b) => b - a);

/**
 * DNS names among the addresses that containers of this host use: for its replica, our database and the host itself;
 * for the load balancer, every replica.
 */
export function namesFor(cluster: Cluster, host: Host): readonly string[] {
  const { database, loadBalancer } = cluster;
  // An external one is looked up by the query for its greeting, once the deployment uses it.
  const server = database.kind === 'external' ? [] : [hostNamed(cluster, database.host).address];
  const forReplica = host.roles.includes('replica') ? [host.address, ...server] : [];
  const forBalancer =
    host.name === loadBalancer.host
      ? [host.address, ...hostsWith(cluster, 'replica').map(({ address }) => address)]
      : [];
  return [...new Set([...forReplica, ...forBalancer])].filter((address) => ipv4(address) === undefined);
}

/**
 * In bash: whether the container has any network. A container whose host left the swarm has none, and resolves no name
 * for that reason.
 */
export const HAS_ROUTES = '{ mapfile -t r </proc/net/route; [ ${#r[@]} -gt 1 ]; }';

/**
 * One line per result. A request contains exactly the number of bytes that fills one IP packet of the given size (20 of
 * IP, 32 of TCP with timestamps), and so does its answer, whose headers have 143 bytes; the large request fills more
 * than two. bash resolves a name for /dev/udp without sending anything there.
 */
const tryText = (mtu: number): string => `v=0; read -r v <${VERSION_FILE}; echo "version $v"
for p in ${PROXIES.join(' ')}; do [ -z "\${!p}" ] || echo "proxy $p"; done
n=$RANDOM$RANDOM$RANDOM
ask() {
local pad fill answer exit
printf -v pad "%*s" $(($2 - 52 - 145 - \${#1} - \${#n})) ""; printf -v fill "%*s" 89 ""
answer=$(curl --noproxy "*" -s -m 4 -A "" -H "Accept:" -H "X-Nonce: $n" -H "X-Pad: \${pad// /x}" -H "X-Fill: \${fill// /x}" "http://$1/"); exit=$?
[ "$answer" = "$1 $n \${pad// /x}" ] && answer=own || answer=other
echo "try $1 $2 $exit $answer"
}
try() {
local large=$(ask "$1" ${2 * mtu + 100}) size
echo "$large"
case $large in *" 28 other") for size in ${sizesUpTo(mtu).join(' ')}; do ask "$1" $size & done; wait ;; esac
}
resolve() {
local i
for i in 1 2; do timeout 3 bash -c ': 3<>"/dev/udp/$0/9"' "$1" && return; done
echo "unresolved $1"
}
until [ "$1" = -- ]; do ! ${HAS_ROUTES} || resolve "$1" & shift; done 2>/dev/null; shift
for peer in "$@"; do try "$peer" & done; wait`;

/**
 * Asks this host's probe what it was started with, and makes it try the path to other probes and the names that
 * containers of its host use. The attempts bypass any proxy and count only if that very probe returned the random
 * number of this one. Answers are as large as requests, so one attempt covers both directions.
 */
export function tryPaths(cluster: Cluster, from: Host, peers: readonly Host[]): Query<ProbeReport> {
  const purpose = 'try the data path from the probe';
  const mtu = cluster.network.mtu ?? USUAL_MTU;
  const aliases = new Map(peers.map((peer) => [probeAlias(cluster, peer), peer.name]));
  const lacking =
    `for p in ${PROGRAMS.join(' ')}; do command -v "$p" >/dev/null || { echo "missing $p"; set --; }; done; [ "$#" ` +
    '-eq 0 ] || exec bash -c "$@"';
  const names = namesFor(cluster, from);
  return {
    command: inProbe(cluster, purpose, script(lacking, tryText(mtu), 'bash', ...names, '--', ...aliases.keys())),
    read(outcome) {
      // Exit code of docker exec if the image has no such program (126 up to Docker 20.10, 127 later).
      if ([126, 127].includes(outcome.code))
        return present({ version: 0, missing: ['sh'], proxies: [], unresolved: [], tries: [] });
      if (outcome.code !== 0) return failedTo(purpose, outcome);
      const lines = outcome.stdout.split('\n').map((line) => line.split(' '));
      const valuesOf = (key: string, known: readonly string[]): string[] =>
        lines.flatMap(([first, value = '']) => (first === key && known.includes(value) ? [value] : []));
      const version = lines.find(([first]) => first === 'version')?.[1] ?? '';
      return present({
        version: /^\d{1,6}$/.test(version) ? Number(version) : 0,
        missing: valuesOf('missing', PROGRAMS),
        proxies: valuesOf('proxy', PROXIES),
        unresolved: valuesOf('unresolved', names),
        tries: [...aliases].flatMap(([alias, to]) =>
          resultOf(
            to,
            mtu,
            lines.filter(([first, of]) => first === 'try' && of === alias),
          ),
        ),
      });
    },
  };
}

/** The result of one peer's lines: the first is for the large request, the others for single packets. */
function resultOf(to: string, mtu: number, lines: readonly (readonly string[])[]): PathTry[] {
  const tries = lines.flatMap(([, , size = '', exit = '', answer]) =>
    /^\d{1,5}$/.test(size) && /^\d{1,3}$/.test(exit)
      ? [{ size: Number(size), exit: Number(exit), own: exit === '0' && answer === 'own' }]
      : [],
  );
  const [large, ...single] = tries;
  if (large === undefined) return [];
  const { exit } = large;
  if (large.own) return [{ to, ended: 'connected', exit }];
  if (exit !== 28)
    return [
      { to, ended: exit === 0 ? 'stranger' : exit === 6 ? 'unresolved' : exit === 7 ? 'refused' : 'failed', exit },
    ];
  const passed = single.filter(({ own }) => own).map(({ size }) => size);
  if (passed.length === 0) return [{ to, ended: 'silent', exit }];
  const passes = Math.max(...passed);
  const lost = Math.min(2 * mtu, ...single.filter(({ size }) => size > passes).map(({ size }) => size));
  return [passes >= mtu ? { to, ended: 'unsteady', exit } : { to, ended: 'narrow', exit, passes, lost }];
}
