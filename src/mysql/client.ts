import type { Cluster, ExternalDatabase } from '../cluster/cluster.ts';
import { probeName } from '../docker/probe.ts';
import { changing, reading, type Command } from '../engine/command.ts';
import type { Secret } from '../engine/secret.ts';

/** Time limit for all answers, in seconds: a client whose packets are lost would wait for minutes. */
export const ANSWERS_S = 12;

/**
 * Capabilities of a login: LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH. Source: MySQL docs, "Capability
 * Flags".
 */
const PLAIN = 0x088201;
/** Those that `openssl s_client -starttls mysql` has already sent. Source: OpenSSL, apps/s_client.c. */
const WITH_TLS = 0x7fae85;

/**
 * A MySQL client in bash, for the probe: it answers challenges and never sends a readable password, whatever method the
 * server requests. It sends the password only to a server verified against the CA; with `own key` it sends it once,
 * encrypted with the server's own key, as Kuscia's driver does. Source:
 * MySQL docs, "Connection Phase", "Authentication Plugin - caching_sha2_password", "Text Resultset".
 *
 * Arguments: how (`challenge` or `own key`), address, port, CA (PEM or ''), user, statements. Standard input: the
 * password. Prints rows with tab-separated fields; `method NAME` if the server requests something it is not sent;
 * `trusted` if the server is verified, `no TLS` if it does not offer TLS; `tls accepted` if a refused login succeeds
 * with TLS, as for a user with REQUIRE SSL. Errors go to standard error in the format of MySQL's own client.
 */
const CLIENT = `LC_ALL=C how=$1 address=$2 port=$3 ca=$4 user=$5; shift 5
IFS= read -r password
hex() { printf '\\\\x%02x' "$@"; }
bytes() { local i; b=(); for ((i = 0; i < \${#1}; i++)); do printf -v b[i] %d "'\${1:i:1}"; done; }
digest() { local h i; h=$(printf %b "$(hex "\${@:2}")" | "$1"); h=\${h%% *}; d=(); for ((i = 0; i < \${#h}; i += 2)); do d+=($((16#\${h:i:2}))); done; }
byte() { local c; IFS= read -r -d "" -n 1 -u 3 c || exit 8; printf -v v %d "'$c"; v=$((v & 255)); }
number() { local i n=0; for ((i = 0; i < $1; i++)); do byte; n=$((n | v << 8 * i)); done; v=$n; }
packet() { local i n; number 3; n=$v; [ $n -lt 65536 ] || exit 9; byte; s=$v p=(); for ((i = 0; i < n; i++)); do byte; p+=($v); done; }
word() { t= n=$1; while [ "\${p[n]:-0}" -ne 0 ]; do printf -v t '%s\\\\x%02x' "$t" "\${p[n]}"; n=$((n + 1)); done; printf -v t %b "$t"; n=$((n + 1)); }
send() { s=$((s + 1)); printf %b "$(hex $(($# & 255)) $(($# >> 8)) 0 $s "$@")" >&4; }
refused() {
local at=3 state=HY000
[ "\${p[3]:-0}" != 35 ] || { state=$(printf %b "$(hex "\${p[@]:4:5}")"); at=9; }
word $at; echo "ERROR $((p[1] | p[2] << 8)) ($state): \${t//[^ -~]/?}" >&2
[ $((p[1] | p[2] << 8)) -eq 1045 ] && [ -z "$ca" ] && offered && [ "$(capable=0; secure 2>/dev/null; echo in)" = in ] && printf 'tls\\taccepted\\n'
exit 1
}
offered() { [ $((capable & 0x800)) -ne 0 ]; }
secure() {
coproc TLS {
[ -n "$ca" ] || exec openssl s_client -quiet -starttls mysql -connect "$address:$port"
SSL_CERT_DIR=/nonexistent exec openssl s_client -quiet -starttls mysql -connect "$address:$port" -verify_return_error -CAfile <(echo "$ca")
}
trap "kill $TLS_PID" EXIT
exec 3<&"\${TLS[0]}" 4>&"\${TLS[1]}"
s=1; login mysql_clear_password ${WITH_TLS} 0
}
unanswered() { printf 'method\\t%s\\n' "$1"; send; exit 0; }
token() {
local sum=sha256sum i first
[ "$1" != mysql_native_password ] || sum=sha1sum
bytes "$password"; digest $sum "\${b[@]}"; first=("\${d[@]}"); digest $sum "\${d[@]}"
if [ $sum = sha1sum ]; then digest $sum "\${nonce[@]}" "\${d[@]}"; else digest $sum "\${d[@]}" "\${nonce[@]}"; fi
x=(); for ((i = 0; i < \${#d[@]}; i++)); do x+=($((first[i] ^ d[i]))); done
}
plainly() { bytes "$password"; send "\${b[@]}" 0; }
encrypted() {
local i key
send 2; packet; [ "\${p[0]}" = 1 ] || refused
key=$(printf %b "$(hex "\${p[@]:1}")"); bytes "$password"; b+=(0)
for ((i = 0; i < \${#b[@]}; i++)); do b[i]=$((b[i] ^ nonce[i % 20])); done
x=($(printf %b "$(hex "\${b[@]}")" | openssl pkeyutl -encrypt -pubin -inkey <(echo "$key") -pkeyopt rsa_padding_mode:oaep | od -An -v -tu1))
[ "\${#x[@]}" -gt 0 ] || exit 10
send "\${x[@]}"
}
login() {
local name=$1 u
bytes "$1"; local called=("\${b[@]}"); bytes "$user"; u=("\${b[@]}"); x=()
case $name in mysql_native_password | caching_sha2_password) token "$name" ;; esac
send $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16)) 0 0 0 0 1 33 ${Array<number>(23).fill(0).join(' ')} "\${u[@]}" 0 \${#x[@]} "\${x[@]}" "\${called[@]}" 0 $3
packet
[ -z "$ca" ] || echo trusted
for ((;;)); do
case \${p[0]} in
0) return ;;
255) refused ;;
254)
[ "\${#p[@]}" -gt 1 ] || unanswered mysql_old_password
word 1; name=$t nonce=("\${p[@]:n:20}")
case $name in
mysql_native_password | caching_sha2_password) token "$name"; send "\${x[@]}" ;;
mysql_clear_password) [ -n "$ca" ] || unanswered "$name"; plainly ;;
*) unanswered "$name" ;;
esac ;;
1)
case $name:\${p[1]}:$how:\${ca:0:1} in
caching_sha2_password:3:*) ;;
caching_sha2_password:4:*:-) plainly ;;
"caching_sha2_password:4:own key:") encrypted ;;
*) unanswered "$name" ;;
esac ;;
*) unanswered "$name" ;;
esac
packet
done
}
query() {
local left size field line
s=-1; bytes "$1"; send 3 "\${b[@]}"; packet
case \${p[0]} in 0) return ;; 255) refused ;; esac
until packet; [ "\${p[0]}" = 254 ] && [ "\${#p[@]}" -lt 9 ]; do :; done
for ((;;)); do
number 3; left=$v; byte; line=
while [ "$left" -gt 0 ]; do
byte; left=$((left - 1)) size=$v
case $size in 254) number $left; return ;; 255) exit 11 ;; 251) size=0 ;; 252) number 2; size=$v left=$((left - 2)) ;; 253) number 3; size=$v left=$((left - 3)) ;; esac
[ "$size" -le "$left" ] || exit 12
field=; [ "$size" -eq 0 ] || IFS= read -r -N "$size" -u 3 field || exit 8
left=$((left - size)) line+=$'\\t'$field
done
printf '%s\\n' "\${line#?}"
done
}
connect() {
exec 3<>"/dev/tcp/$address/$port" || exit 7
exec 4>&3
packet
case \${p[0]:-} in 10) ;; 255) refused ;; *) exit 9 ;; esac
word 1; nonce=("\${p[@]:n+4:8}" "\${p[@]:n+31:12}") capable=$((p[n + 13] | p[n + 14] << 8)); word $((n + 44)); default=$t
case $default in mysql_native_password | caching_sha2_password) ;; *) default=mysql_native_password ;; esac
}
connect
if [ -n "$ca" ]; then
offered || { echo "no TLS"; exit 0; }
secure
for statement in "$@"; do query "$statement"; done
exec 3<&- 4>&-
ca=; set --; connect
fi
login "$default" ${PLAIN}
for statement in "$@"; do query "$statement"; done`;

const session = (
  { address, port, user, ca }: ExternalDatabase,
  how: 'challenge' | 'own key',
  statements: readonly string[],
): readonly [string, ...string[]] => [
  'timeout',
  String(ANSWERS_S),
  'bash',
  '-c',
  CLIENT,
  'bash',
  how,
  address,
  String(port),
  ca ?? '',
  user,
  ...statements,
];

const inProbe = (cluster: Cluster, argv: readonly string[]): readonly [string, ...string[]] => [
  'docker',
  'exec',
  '--interactive',
  probeName(cluster),
  ...argv,
];

/**
 * Runs read-only statements on the server as the user, from the host's probe. The password cannot be read by whatever
 * answers there.
 */
export const askFromProbe = (
  cluster: Cluster,
  database: ExternalDatabase,
  password: Secret,
  statements: readonly string[],
): Command =>
  reading('query the database', inProbe(cluster, session(database, 'challenge', statements)), {
    stdin: password.followedBy('\n'),
  });

/**
 * Logs in once and does nothing else. A server with caching_sha2_password then has the password cached and accepts a
 * challenge.
 */
export const logInOnce = (cluster: Cluster, database: ExternalDatabase, password: Secret): Command =>
  changing(`log in to the database as ${database.user}`, inProbe(cluster, session(database, 'own key', [])), {
    stdin: password.followedBy('\n'),
  });
