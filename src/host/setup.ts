import { reading, script } from '../engine/command.ts';
import { failedTo, present, unknown, type Fact, type Query } from '../engine/fact.ts';
import { route } from './facts.ts';

/** The socket of a host's engine; everything here uses this engine. */
export const SOCKET = '/var/run/docker.sock';

/** Proxy variables that Docker's client sets in every container, from one of its configuration files. */
export interface ContainerProxy {
  readonly file: string;
  /** The engine they apply to: `default`, or its address. */
  readonly engine: string;
  /**
   * Those that are set: httpProxy, httpsProxy, ftpProxy, allProxy. Their values may contain a password and stay on the
   * host.
   */
  readonly keys: readonly string[];
  readonly noProxy: string;
}

/**
 * What else on a host decides whether Docker works for the login: client, environment, kernel, firewall.
 */
export interface Setup {
  /** PATH of the login's non-interactive shell. */
  readonly path: string;
  /** The docker program found there; '' if none. */
  readonly docker: string;
  /** Programs named docker in common places, on the PATH or not. */
  readonly found: readonly string[];
  /** Whether the engine's socket exists, and whether the login may write to it. */
  readonly socket: 'absent' | 'denied' | 'open';
  /**
   * Settings that direct the login's docker to another engine: where they are set, and the engine's address.
   */
  readonly elsewhere: readonly { readonly by: string; readonly at: string }[];
  readonly proxies: readonly ContainerProxy[];
  /**
   * Relevant daemon options, as far as they are readable: where they are set, name and value.
   */
  readonly options: readonly { readonly where: string; readonly name: string; readonly value: string }[];
  /** Kernel settings by name, if present. */
  readonly kernel: Readonly<Record<string, number>>;
  /** Why no pseudo-terminal can be opened; '' if one can. */
  readonly noTerminal: string;
  /**
   * Docker's firewall rules in iptables-save format after the table's name; undefined if the login may not read rules.
   */
  readonly rules: readonly string[] | undefined;
  /** Destinations of its IPv4 routes without a gateway. */
  readonly onLink: readonly string[];
}

/** Relevant kernel settings, as files in /proc/sys. */
const KERNEL = [
  'net/ipv4/ip_forward',
  'fs/inotify/max_user_instances',
  'fs/inotify/max_user_watches',
  'kernel/pty/nr',
  'kernel/pty/max',
  'kernel/pty/reserve',
];

/** Where docker is commonly installed. */
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
 * Prints only the needed values of Docker's JSON files; everything else (logins, passwords in proxy addresses) stays on
 * the host.
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
 * Keeps the iptables-save lines about Docker's chains and outgoing container traffic, and reports whether they were
 * readable.
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
  // Error messages about missing things are not answers.
  'exec 2>/dev/null',
  'echo "path=$PATH"; echo "docker=$(command -v docker)"',
  `for d in ${USUAL.join(' ')}; do [ -f "$d/docker" ] && [ -x "$d/docker" ] && echo "found=$d/docker"; done`,
  `if [ ! -S ${SOCKET} ]; then echo socket=absent; elif [ -w ${SOCKET} ]; then echo socket=open; else echo ` +
    'socket=denied; fi',
  // Another path to that socket is the same engine.
  `host=$DOCKER_HOST; case $host in unix://*) [ "\${host#unix://}" -ef ${SOCKET} ] && host=unix://${SOCKET} ;; esac`,
  'echo "host=$host"; echo "useContext=$DOCKER_CONTEXT"',
  'awk=$1 rules=$2; shift 2',
  // The shell's `read` reads byte by byte, which kernel settings do not support.
  'cd /proc/sys && grep -s "" "$@" | while IFS=: read -r name value; do echo "kernel=$name $value"; done; cd /',
  'while read -r _ to via _ _ _ _ mask _; do',
  '[ "$via" = 00000000 ] && [ "$to" != 00000000 ] && echo "onLink=$to/$mask"',
  'done </proc/net/route',
  // Opened only if it exists: the shell would create a file with that name.
  'if [ ! -c /dev/ptmx ]; then echo "noTerminal=the device does not exist"',
  'elif said=$( (: 3<>/dev/ptmx) 2>&1 ); then echo terminal=open; else echo "noTerminal=$said"; fi',
  // The options of the running daemon, including its configuration file.
  'config=/etc/docker/daemon.json; read -r pid </var/run/docker.pid',
  'for a in $(tr "\\0" "\\n" <"/proc/$pid/cmdline" | grep -E "^--(iptables|config-file)="); do case $a in',
  '--config-file=*) config=${a#*=} ;;',
  '*) printf "option=dockerd\\tiptables\\t%s\\n" "${a#*=}" ;;',
  'esac; done',
  'client=${DOCKER_CONFIG:-$HOME/.docker}; echo "client=$client/config.json"; set --',
  // kuscia.sh runs in a clean environment and ignores the variable.
  'usual=$HOME/.docker/config.json; [ "$usual" != "$client/config.json" ] || usual=',
  'for f in "$config" "$client"/config.json "$client"/contexts/meta/*/meta.json "$usual"; do',
  '[ -r "$f" ] && [ -s "$f" ] && set -- "$@" "$f"',
  'done',
  '[ $# = 0 ] || awk "$awk" "$@"',
  ...READ_RULES,
].join('\n');

/** How Docker is set up for the login on a host. Values that only root may read are undefined for other logins. */
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
      return notTold('path, socket or terminal missing');
    const kernel = values('kernel').map((line) => line.split(/[ \t]+/));
    if (!kernel.every(([, value = '']) => /^\d{1,12}$/.test(value)))
      return notTold('unexpected format of kernel settings');
    if (!values('onLink').every((line) => /^[0-9A-F]{8}\/[0-9A-F]{8}$/.test(line)))
      return notTold('unexpected format of routes');
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

/** Docker's firewall rules alone, as in `setup`. */
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

const notTold = (what: string): Fact<never> => unknown(`could not read how Docker is set up: ${what}`);

/** Lines `key=value`: the values of a key. */
function byKey(text: string): (key: string) => string[] {
  const lines = text.split('\n').filter((line) => line.includes('='));
  const all = Map.groupBy(lines, (line) => line.slice(0, line.indexOf('=')));
  return (key) => (all.get(key) ?? []).map((line) => line.slice(key.length + 1));
}

/** Addresses of the usual socket. */
const isUsual = (address: string): boolean => [`unix://${SOCKET}`, 'unix:///run/docker.sock'].includes(address);

/**
 * From the environment, then from the current context; `contexts` are the current ones by file, `endpoints` their
 * addresses by name. Source: docker/cli, resolveContextName: DOCKER_HOST precedes DOCKER_CONTEXT, which precedes
 * currentContext. kuscia.sh does not see DOCKER_CONTEXT.
 */
function waysElsewhere(one: (key: string) => string, contexts: string[][], endpoints: string[][]): Setup['elsewhere'] {
  const [host, useContext, client] = [one('host'), one('useContext'), one('client')];
  if (host !== '') return isUsual(host) ? [] : [{ by: 'DOCKER_HOST', at: host }];
  const ofContext = (by: string, context: string): Setup['elsewhere'] => {
    if (context === '' || context === 'default') return [];
    const at = endpoints.find(([name]) => name === context)?.[1];
    return at !== undefined && isUsual(at) ? [] : [{ by, at: `${at ?? 'an unknown engine'} (context ${context})` }];
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
