import { reading, script } from '../engine/command.ts';
import { failedTo, present, unknown, type Fact, type Query } from '../engine/fact.ts';
import { route } from './facts.ts';

/** The socket on which the engine of a host listens; all that talks to an engine here means that one. */
export const SOCKET = '/var/run/docker.sock';

/** Variables that Docker's client puts into each container that it makes, of one of its configuration files. */
export interface ContainerProxy {
  readonly file: string;
  /** For which engine they are: `default`, or the address of one. */
  readonly engine: string;
  /**
   * Those that are set: httpProxy, httpsProxy, ftpProxy, allProxy. Their values may hold a password and stay on the
   * host.
   */
  readonly keys: readonly string[];
  readonly noProxy: string;
}

/**
 * What on a host, beside its engine, decides whether Docker works for the login: client, environment, kernel, firewall.
 */
export interface Setup {
  /** Folders in which the login's non-interactive shell looks for programs. */
  readonly path: string;
  /** The docker that it finds there; '' where it finds none. */
  readonly docker: string;
  /** Programs named docker in the usual places, on the PATH or not. */
  readonly found: readonly string[];
  /** Whether the engine's usual socket exists, and whether the login may write to it. */
  readonly socket: 'absent' | 'denied' | 'open';
  /**
   * Ways by which the login's docker talks to an engine that is not behind that socket: where that is set, and what it
   * names.
   */
  readonly elsewhere: readonly { readonly by: string; readonly at: string }[];
  readonly proxies: readonly ContainerProxy[];
  /**
   * Options that the daemon is started with, as far as they matter here and may be read: where they stand, name and
   * value.
   */
  readonly options: readonly { readonly where: string; readonly name: string; readonly value: string }[];
  /** Settings of the kernel by their names, where it has them. */
  readonly kernel: Readonly<Record<string, number>>;
  /** Why no pseudo-terminal can be opened; '' where one can. */
  readonly noTerminal: string;
  /**
   * Firewall rules of Docker's, as iptables-save writes them behind the table's name; undefined where the login may not
   * read rules.
   */
  readonly rules: readonly string[] | undefined;
  /** Destinations of its IPv4 routes that need no gateway. */
  readonly onLink: readonly string[];
}

/** Settings of the kernel that matter here, by their files below /proc/sys. */
const KERNEL = [
  'net/ipv4/ip_forward',
  'fs/inotify/max_user_instances',
  'fs/inotify/max_user_watches',
  'kernel/pty/nr',
  'kernel/pty/max',
  'kernel/pty/reserve',
];

/** Where docker is installed, by packages, snaps and hand. */
const USUAL = [
  ...[
    '/usr/local/bin',
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/snap/bin',
    '/opt/bin',
    '/opt/docker',
    '/opt/*/bin',
    '/usr/local/*/bin',
  ],
  ...['"$HOME"/bin', '"$HOME"/.local/bin'],
];

/**
 * Prints the few values of Docker's JSON files that are asked for; what else stands there (logins, passwords in
 * proxies' addresses) stays.
 */
const JSON_LEAVES = `
function leaf(v) {
  if (depth == 1 && name[1] == "currentContext") print "context=" file "\\t" v
  if (depth == 1 && name[1] ~ /^(iptables|live-restore)$/) print "option=" file "\\t" name[1] "\\t" v
  if (depth == 2 && name[1] == "log-opts" && name[2] == "cache-disabled") print "option=" file "\\t" name[2] "\\t" v
  if (depth == 3 && name[1] == "proxies" && v != "") print "proxy=" file "\\t" name[2] "\\t" name[3] "\\t" (name[3] == "noProxy" ? v : "")
  if (depth == 1 && name[1] == "Name") context = v
  if (depth == 3 && name[1] == "Endpoints" && name[2] == "docker" && name[3] == "Host") print "endpoint=" context "\\t" v
}
function parse(text,  t) {
  depth = 0; context = ""
  while (match(text, /"([^"\\\\]|\\\\.)*"|[][{}:,]|[^][{}:," \\t\\r\\n]+/)) {
    t = substr(text, RSTART, RLENGTH); text = substr(text, RSTART + RLENGTH)
    if (t == "{" || t == "[") { kind[++depth] = t; key = (t == "{"); name[depth] = "" }
    else if (t == "}" || t == "]") { depth--; key = 0 }
    else if (t == ",") key = (kind[depth] == "{")
    else if (t == ":") key = 0
    else { gsub(/^"|"$/, "", t); if (key) name[depth] = t; else if (kind[depth] == "{") leaf(t) }
  }
}
FNR == 1 { if (file != "") parse(text); file = FILENAME; text = "" }
{ text = text $0 "\\n" }
END { if (file != "") parse(text) }`;

/**
 * Keeps those of iptables-save's lines that are about Docker's chains and about containers on their way out; says when
 * they could be read.
 */
const RULES = `/^read$/ { print "rules=read" }
/^\\*/ { table = substr($0, 2) }
/^:DOCKER[ -]/ || /^-A (FORWARD|PREROUTING) .*-j DOCKER/ || (table == "nat" && /-j (MASQUERADE|SNAT)/) { print "rule=" table " " $0 }`;

const READ_RULES = [
  'PATH=$PATH:/usr/sbin:/sbin; set -- iptables-nft-save iptables-legacy-save',
  'command -v "$1" >/dev/null && command -v "$2" >/dev/null || set -- iptables-save',
  'for save in "$@"; do "$save" && echo read; done | awk "$rules"',
  'exit 0',
];

const ASK = [
  // What a tool says of what is not there is no answer.
  'exec 2>/dev/null',
  'echo "path=$PATH"; echo "docker=$(command -v docker)"',
  `for d in ${USUAL.join(' ')}; do [ -f "$d/docker" ] && [ -x "$d/docker" ] && echo "found=$d/docker"; done`,
  `if [ ! -S ${SOCKET} ]; then echo socket=absent; elif [ -w ${SOCKET} ]; then echo socket=open; else echo ` +
    'socket=denied; fi',
  // Another name of that socket is the same engine.
  `host=$DOCKER_HOST; case $host in unix://*) [ "\${host#unix://}" -ef ${SOCKET} ] && host=unix://${SOCKET} ;; esac`,
  'echo "host=$host"; echo "useContext=$DOCKER_CONTEXT"',
  'awk=$1 rules=$2; shift 2',
  // A shell reads byte by byte, and the kernel gives no second one of a setting.
  'cd /proc/sys && grep -s "" "$@" | while IFS=: read -r name value; do echo "kernel=$name $value"; done; cd /',
  'while read -r _ to via _ _ _ _ mask _; do',
  '[ "$via" = 00000000 ] && [ "$to" != 00000000 ] && echo "onLink=$to/$mask"',
  'done </proc/net/route',
  // Opened only where it is there: the shell would make a file of that name.
  'if [ ! -c /dev/ptmx ]; then echo "noTerminal=there is no such device"',
  'elif said=$( (: 3<>/dev/ptmx) 2>&1 ); then echo terminal=open; else echo "noTerminal=$said"; fi',
  // The options of the daemon that runs; where it says, its own configuration file.
  'config=/etc/docker/daemon.json; read -r pid </var/run/docker.pid',
  'for a in $(tr "\\0" "\\n" <"/proc/$pid/cmdline" | grep -E "^--(iptables|config-file)="); do case $a in',
  '--config-file=*) config=${a#*=} ;;',
  '*) printf "option=dockerd\\tiptables\\t%s\\n" "${a#*=}" ;;',
  'esac; done',
  'client=${DOCKER_CONFIG:-$HOME/.docker}; echo "client=$client/config.json"; set --',
  // kuscia.sh runs in a clean environment, so it looks in the usual place, whatever the variable says.
  'usual=$HOME/.docker/config.json; [ "$usual" != "$client/config.json" ] || usual=',
  'for f in "$config" "$client"/config.json "$client"/contexts/meta/*/meta.json "$usual"; do',
  '[ -r "$f" ] && [ -s "$f" ] && set -- "$@" "$f"',
  'done',
  '[ $# = 0 ] || awk "$awk" "$@"',
  ...READ_RULES,
].join('\n');

/** How Docker is set up for the login on a host. Needs no root; what only root may read is undefined without. */
export const setup: Query<Setup> = {
  command: reading('read how Docker is set up', script(ASK, JSON_LEAVES, RULES, ...KERNEL)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read how Docker is set up', outcome);
    const values = byKey(outcome.stdout);
    const columns = (key: string): string[][] => values(key).map((line) => line.split('\t'));
    const one = (key: string): string => values(key)[0] ?? '';
    const socket = SOCKETS.find((state) => state === one('socket'));
    const noTerminal = one('terminal') === 'open' ? '' : values('noTerminal')[0];
    if (values('path').length === 0 || socket === undefined || noTerminal === undefined)
      return notTold('path, socket and terminal');
    const kernel = values('kernel').map((line) => line.split(/[ \t]+/));
    if (!kernel.every(([, value = '']) => /^\d{1,12}$/.test(value)))
      return notTold('the settings of the kernel as Linux does');
    if (!values('onLink').every((line) => /^[0-9A-F]{8}\/[0-9A-F]{8}$/.test(line)))
      return notTold('its routes as Linux does');
    return present({
      path: one('path'),
      docker: one('docker'),
      found: [...new Set(values('found'))],
      socket,
      elsewhere: waysElsewhere(one, columns('context'), columns('endpoint')),
      proxies: proxiesIn(columns('proxy')),
      options: columns('option').map(([where = '', name = '', value = '']) => ({ where, name, value })),
      kernel: Object.fromEntries(kernel.map(([name = '', value]) => [name.replaceAll('/', '.'), Number(value)])),
      noTerminal: noTerminal === '' && one('terminal') !== 'open' ? 'it cannot be opened' : noTerminal,
      rules: rulesIn(values),
      onLink: values('onLink').map(route),
    });
  },
};

/** Docker's firewall rules by themselves, as `setup` has them. */
export const firewallRules: Query<Setup['rules']> = {
  command: reading(
    "read Docker's firewall rules",
    script(['exec 2>/dev/null', 'rules=$1', ...READ_RULES].join('\n'), RULES),
  ),
  read: (outcome) =>
    outcome.code === 0 ? present(rulesIn(byKey(outcome.stdout))) : failedTo("read Docker's firewall rules", outcome),
};

const rulesIn = (values: (key: string) => string[]): Setup['rules'] =>
  values('rules').length > 0 ? values('rule') : undefined;

const SOCKETS = ['absent', 'denied', 'open'] as const;

const notTold = (what: string): Fact<never> => unknown(`could not read how Docker is set up: it did not tell ${what}`);

/** Lines `key=value`: the values of a key. */
function byKey(text: string): (key: string) => string[] {
  const lines = text.split('\n').filter((line) => line.includes('='));
  const all = Map.groupBy(lines, (line) => line.slice(0, line.indexOf('=')));
  return (key) => (all.get(key) ?? []).map((line) => line.slice(key.length + 1));
}

/** Addresses of the usual socket. */
const isUsual = (address: string): boolean => [`unix://${SOCKET}`, 'unix:///run/docker.sock'].includes(address);

/**
 * By the environment, then by the context that is in use; `contexts` are those in use by file, `endpoints` their
 * addresses by name. Source: docker/cli, resolveContextName: DOCKER_HOST goes before DOCKER_CONTEXT, that before
 * currentContext. kuscia.sh sees no DOCKER_CONTEXT.
 */
function waysElsewhere(one: (key: string) => string, contexts: string[][], endpoints: string[][]): Setup['elsewhere'] {
  const [host, useContext, client] = [one('host'), one('useContext'), one('client')];
  if (host !== '') return isUsual(host) ? [] : [{ by: 'DOCKER_HOST', at: host }];
  const ofContext = (by: string, context: string): Setup['elsewhere'] => {
    if (context === '' || context === 'default') return [];
    const at = endpoints.find(([name]) => name === context)?.[1];
    return at !== undefined && isUsual(at)
      ? []
      : [{ by, at: `${at ?? 'an engine that is not known'} (context ${context})` }];
  };
  const inFiles = contexts.filter(([file]) => useContext === '' || file !== client);
  return [
    ...ofContext('DOCKER_CONTEXT', useContext),
    ...inFiles.flatMap(([file = '', context = '']) => ofContext(`currentContext in ${file}`, context)),
  ];
}

/** Lines of file, engine, key and value, by file and engine. */
function proxiesIn(lines: readonly string[][]): ContainerProxy[] {
  const groups = Map.groupBy(lines, ([file, engine]) => JSON.stringify([file, engine]));
  return [...groups.values()].flatMap((group) => {
    const [file = '', engine = ''] = group[0] ?? [];
    const keys = group.map(([, , key = '']) => key).filter((key) => key !== 'noProxy' && key !== '');
    const noProxy = group.find(([, , key]) => key === 'noProxy')?.[3] ?? '';
    return keys.length === 0 ? [] : [{ file, engine, keys, noProxy }];
  });
}
