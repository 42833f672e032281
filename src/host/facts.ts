import { reading, script } from '../engine/command.ts';
import { failedTo, present, unknown, type Query } from '../engine/fact.ts';

/** A host's operating system, as seen by the login. Sizes in bytes. */
export interface Machine {
  readonly user: string;
  readonly home: string;
  readonly hostname: string;
  readonly machineId: string;
  readonly arch: string;
  readonly kernel: string;
  readonly memory: number;
  /** 0 to 3; undefined if the kernel has no Yama. 3 forbids ptrace entirely. */
  readonly ptraceScope: number | undefined;
  /** The host's clock at the time of the query, in milliseconds since the epoch. */
  readonly clock: number;
  /**
   * TCP ports in use on any address, loopback included, because Docker binds to all addresses.
   */
  readonly listening: readonly number[];
  /** Destinations of its IPv4 routes without the default route: `10.0.0.0/24`. */
  readonly routes: readonly string[];
  /** Programs required by kuscia.sh that are missing. */
  readonly missingPrograms: readonly string[];
}

/**
 * Programs called by kuscia.sh, script(1) for its terminal, and flock(1) for the lock. Source: kuscia.sh. `docker` is
 * checked with the engine.
 */
const NEEDED_PROGRAMS = [
  'bash',
  'hostname',
  'base64',
  'awk',
  'grep',
  'sed',
  'tr',
  'timeout',
  'getent',
  'script',
  'flock',
];

const ASK = [
  'echo "user=$(id -un)"',
  'echo "home=$HOME"',
  'echo "hostname=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"',
  'echo "machineId=$(cat /etc/machine-id 2>/dev/null)"',
  'echo "arch=$(uname -m)"',
  'echo "kernel=$(uname -r)"',
  'echo "memory=$(awk \'$1 == "MemTotal:" { print $2 }\' /proc/meminfo)"',
  'echo "ptrace=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null)"',
  'echo "clock=$(date +%s%3N)"',
  `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { print "listen=" $2 }'`,
  `awk 'NR > 1 { print "route=" $2 "/" $8 }' /proc/net/route`,
  'for p in "$@"; do command -v "$p" >/dev/null || echo "missing=$p"; done',
].join('\n');

/** Linux formats of the values that are parsed. */
const FORMS: Readonly<Record<string, RegExp>> = {
  memory: /^\d{1,15}$/,
  ptrace: /^\d?$/,
  clock: /^\d{1,15}$/,
  listen: /^([0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}$/,
  route: /^[0-9A-F]{8}\/[0-9A-F]{8}$/,
};

/** The host's operating system. */
export const machine: Query<Machine> = {
  command: reading("read the host's properties", script(ASK, ...NEEDED_PROGRAMS)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo("read the host's properties", outcome);
    const all = Map.groupBy(
      outcome.stdout.split('\n').filter((line) => line.includes('=')),
      (line) => line.slice(0, line.indexOf('=')),
    );
    const values = (key: string): string[] => (all.get(key) ?? []).map((line) => line.slice(key.length + 1));
    const one = (key: string): string => values(key)[0] ?? '';
    const missing = ['user', 'home', 'hostname', 'clock'].filter((key) => one(key) === '');
    if (missing.length > 0) return unknown(`could not read the host's properties: ${missing.join(', ')} missing`);
    const malformed = Object.entries(FORMS)
      .filter(([key, form]) => !values(key).every((value) => form.test(value)))
      .map(([key]) => key);
    if (malformed.length > 0)
      return unknown(`could not read the host's properties: unexpected format of ${malformed.join(', ')}`);
    return present({
      user: one('user'),
      home: one('home'),
      hostname: one('hostname'),
      machineId: one('machineId'),
      arch: one('arch'),
      kernel: one('kernel'),
      memory: Number(one('memory')) * 1024,
      ptraceScope: one('ptrace') === '' ? undefined : Number(one('ptrace')),
      clock: Number(one('clock')),
      listening: [...new Set(values('listen').map((entry) => parseInt(entry.split(':')[1] ?? '', 16)))],
      routes: values('route')
        .map(route)
        .filter((destination) => destination !== '0.0.0.0/0'),
      missingPrograms: values('missing'),
    });
  },
};

/** `0001A8C0/00FFFFFF` of /proc/net/route (hex, little endian) as `192.168.1.0/24`. */
export function route(entry: string): string {
  const [destination = '', mask = ''] = entry.split('/');
  const bytes = (hex: string): number[] => (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).reverse();
  const prefix = bytes(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  return `${bytes(destination).join('.')}/${prefix}`;
}

/** An address as resolved by the host itself, and the addresses of its interfaces. */
export interface Placed {
  /** '' if it cannot be resolved. */
  readonly address: string;
  /** All of its IPv4 addresses, except loopback. */
  readonly own: readonly string[];
}

const PLACES = [
  'echo "address=$(getent ahostsv4 "$1" | head -n 1 | cut -d " " -f 1)"',
  `awk '/\\|--/ { at = $2 } /\\/32 host LOCAL/ && !seen[at]++ && at !~ /^127\\./ { print "own=" at }' ` +
    `/proc/net/fib_trie`,
].join('\n');

/** Which of the host's own addresses the name or address resolves to, if any. */
export const placed = (address: string): Query<Placed> => ({
  command: reading(`find ${address} among its addresses`, script(PLACES, address)),
  read(outcome) {
    const lines = outcome.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('='));
    const wellFormed = lines.every(
      ([key = '', value = '']) => /^(address|own)$/.test(key) && /^(\d{1,3}(\.\d{1,3}){3})?$/.test(value),
    );
    const of = (wanted: string): string[] =>
      lines.flatMap(([key, value = '']) => (key === wanted && value !== '' ? [value] : []));
    if (outcome.code !== 0 || !wellFormed || of('own').length === 0)
      return failedTo(`find ${address} among its addresses`, outcome);
    return present({ address: of('address')[0] ?? '', own: of('own') });
  },
});

/** Free and total bytes of the file system with the engine's data. */
export interface Disk {
  readonly free: number;
  readonly size: number;
}

/** The file system of that directory, or of its nearest visible parent. */
export const disk = (folder: string): Query<Disk> => ({
  command: reading(
    'read the free disk space',
    script(
      'd=$1; while [ ! -e "$d" ]; do d=$(dirname "$d"); done; df -P -B1 "$d" | awk \'NR == 2 { print $4, $2 }\'',
      folder,
    ),
  ),
  read(outcome) {
    const match = /^(\d{1,15}) (\d{1,15})\s*$/.exec(outcome.stdout);
    if (outcome.code !== 0 || match === null) return failedTo('read the free disk space', outcome);
    return present({ free: Number(match[1]), size: Number(match[2]) });
  },
});

/**
 * The program and options with which a transport creates a terminal. Its input is empty, so that the query can share a
 * round trip.
 */
const TERMINAL =
  `env SHELL=/bin/sh TERM=dumb script -q -e -c 'stty -echo; test -t 0 && test -t 1 && echo both' /dev/null ` +
  `</dev/null || echo none`;

/**
 * Whether a command can get a terminal on the host, as kuscia.sh needs: both its standard input and output.
 */
export const terminal: Query<boolean> = {
  command: reading('check that a terminal is available', script(TERMINAL)),
  read(outcome) {
    const [last = ''] = /\w+(?=\s*$)/.exec(outcome.stdout) ?? [];
    return outcome.code === 0 && /^(both|none)$/.test(last)
      ? present(last === 'both')
      : failedTo('check that a terminal is available', outcome);
  },
};
