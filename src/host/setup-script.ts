import { script } from '../engine/command.ts';

/** The socket of a host's engine; everything here uses this engine. */
export const SOCKET = '/var/run/docker.sock';

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

/** Prints how Docker is set up for the login, as lines `key=value`. Needs no root. */
export const SETUP_SCRIPT = script(ASK, JSON_LEAVES, RULES, ...KERNEL);

/** Prints only Docker's firewall rules, in the same format. */
export const RULES_SCRIPT = script(['exec 2>/dev/null', 'rules=$1', ...READ_RULES].join('\n'), RULES);
