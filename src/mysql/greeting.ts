import type { Cluster } from '../cluster/cluster.ts';
import { HAS_ROUTES, inProbe } from '../docker/probe.ts';
import { reading } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';
import { WANTS_TLS } from './facts.ts';

/** Time limit for the greeting, in seconds: Kuscia gives up after 5. */
const GREETING_S = 4;

/**
 * The server's reaction to a container. `late`: it accepted the connection but sent nothing in time; `silent`: not even
 * that; `another program`: it is not a MySQL server; `turnedAway`: it sent that error before any login; `narrow`:
 * packets up to that size arrive, those of `lost` bytes do not (IP packets).
 */
export type Greeting =
  | 'greeted'
  | 'late'
  | 'silent'
  | 'refused'
  | 'no route'
  | 'unresolved'
  | 'another program'
  | 'wants TLS'
  | { readonly turnedAway: number }
  | { readonly narrow: number; readonly lost: number };

/**
 * Sizes of the attempted login packets: more than two packets, then single ones, the last without padding. IP packets
 * in bytes.
 */
const LARGE = 3000;
const SINGLE = [1400, 1300, 1200, 0];

/** User for the attempted login, which must not exist. */
const NOBODY = 'kuscia-swarm-probe';

/**
 * The login packet up to its connection attributes, after its header. Source: MySQL docs,
 * "Protocol::HandshakeResponse41"; capabilities LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH,
 * CONNECT_ATTRS; 16 MB, utf8, no password.
 */
const LOGIN = Buffer.concat([
  Buffer.from([0x01, 0x82, 0x18, 0x00, 0, 0, 0, 1, 33]),
  Buffer.alloc(23),
  Buffer.from(`${NOBODY}\0\0mysql_native_password\0`),
]);

/** Escapes for printf. */
const escaped = (bytes: Buffer): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/**
 * Headers of IP, TCP with timestamps and the packet itself; then the attribute "pad", with three bytes each for its
 * length and that of all attributes.
 */
const AROUND = 52 + 4 + LOGIN.length + 3 + 4 + 3;

/**
 * One attempt: name, connection, greeting, login, answer; each line starts with the size. The login is complete, so
 * that the server counts a refused login and not a broken handshake, for which it would eventually block the host
 * (max_connect_errors). If the server requests another method, it gets an empty answer for the same reason.
 */
const TRY = `LC_ALL=C
${HAS_ROUTES} || exit 5
[[ $1 =~ ^[0-9.]+$ ]] || (: 4<>"/dev/udp/$1/9") 2>/dev/null || exit 6
echo "$3 resolved"
exec 3<>"/dev/tcp/$1/$2" || exit 7
echo "$3 connected"
byte() { local c; IFS= read -r -d "" -n 1 -u 3 c || exit 8; printf -v b %d "'$c"; b=$((b & 255)); }
packet() { local i n=0; p=(); for i in 0 8 16; do byte; n=$((n | b << i)); done; [ $n -lt 65536 ] || exit 9; byte; for ((i = 0; i < n; i++)); do byte; p+=($b); done; }
two() { printf -v t '\\\\x%02x\\\\x%02x' $(($1 & 255)) $(($1 >> 8)); }
packet; echo "$3 greeting \${p[0]:-} $((p[1] | p[2] << 8))"
[ "\${p[0]:-}" = 10 ] || exit 0
v=$(($3 > 0 ? $3 - ${AROUND} : 0)); printf -v pad "%*s" $v ""
two $((v + ${LOGIN.length + 10})); l=$t; two $((v + 7)); a=$t; two $v
printf "$l\\x00\\x01${escaped(LOGIN)}\\xfc$a\\x03pad\\xfc$t%s" "\${pad// /x}" >&3
packet; echo "$3 reply \${p[0]:-} $((p[1] | p[2] << 8))"
[ "\${p[0]:-}" != 254 ] || { printf "\\x00\\x00\\x00\\x03" >&3; packet; }`;

const ALL = `try=$1 address=$2 port=$3
one() { timeout ${GREETING_S} bash -c "$try" bash "$address" "$port" "$1" 2>&1; echo "$1 ended $?"; }
first=$(one ${LARGE}); echo "$first"
case $first in *" reply "* | *" ended 8"*) ;; *" greeting 10 "*) for size in ${SINGLE.join(' ')}; do one $size & done; wait ;; esac`;

/** The reaction of a MySQL server at that address to a container on this host. Sends no credentials. */
export function greeting(cluster: Cluster, address: string, port: number): Query<Greeting> {
  const purpose = `reach the database at ${address}:${port} from a container`;
  return {
    command: inProbe(cluster, purpose, ['bash', '-c', ALL, 'bash', TRY, address, String(port)]),
    read(outcome) {
      const lines = outcome.stdout.split('\n').map((line) => line.trim().split(' '));
      if (outcome.code !== 0 || !lines.some(([size, key]) => size === String(LARGE) && key === 'ended'))
        return failedTo(purpose, outcome);
      return present(received(lines, outcome.stdout));
    },
  };
}

function received(lines: readonly (readonly string[])[], text: string): Greeting {
  const of = (size: number, key: string): readonly string[] | undefined =>
    lines.find(([first, second]) => first === String(size) && second === key)?.slice(2);
  const late = of(LARGE, 'ended')?.[0] === '124';
  if (!of(LARGE, 'resolved')) return of(LARGE, 'ended')?.[0] === '5' ? 'no route' : 'unresolved';
  // bash reports why a connection failed only by the text of the C library.
  if (!of(LARGE, 'connected')) return late ? 'silent' : /Connection refused/.test(text) ? 'refused' : 'no route';
  const [version, turnedAway] = (of(LARGE, 'greeting') ?? []).map(Number);
  if (version === 255) return { turnedAway: turnedAway ?? 0 };
  if (version !== 10) return late && version === undefined ? 'late' : 'another program';
  const replies = [LARGE, ...SINGLE].filter((size) => of(size, 'reply'));
  if (replies.some((size) => of(size, 'reply')?.join(' ') === `255 ${WANTS_TLS}`)) return 'wants TLS';
  if (!late || replies.includes(LARGE)) return 'greeted';
  const [passes] = replies;
  if (passes === undefined) return 'late';
  return { narrow: passes, lost: Math.min(1500, ...SINGLE.filter((size) => size > passes)) };
}

/** Whether the host itself, not a container on it, can connect. */
export const hostReaches = (address: string, port: number): Query<boolean> => ({
  command: reading(`connect to the database at ${address}:${port} from the host`, [
    'timeout',
    String(GREETING_S),
    'bash',
    '-c',
    ': 3<>"/dev/tcp/$0/$1"',
    address,
    String(port),
  ]),
  read: (outcome) =>
    [0, 1, 124].includes(outcome.code)
      ? present(outcome.code === 0)
      : failedTo('connect to the database from the host', outcome),
});
