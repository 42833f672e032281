import type { ManagedDatabase } from '../cluster/cluster.ts';
import { changing, cleaningUp, reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, unknown, type Query } from '../engine/fact.ts';
import type { Secret } from '../engine/secret.ts';
import { PASSWORD_TARGET, ROOT_PASSWORD_TARGET } from './commands.ts';
import { REFUSED, within } from './facts.ts';

/** Generates root's password on the host if there is none. No run ever reads it. */
export function makeRootPassword(path: string): Command {
  const text = [
    '[ -s "$1" ] && exec chmod 0600 "$1"',
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    'new="$1.new.$$"; rm -f "$1".new.*',
    cleaningUp('rm -f "$new"'),
    'head -c 30 /dev/urandom | base64 | tr "+/" "-_" | tr -d "\\n" >"$new" || exit',
    '[ "$(stat -c %s "$new")" = 40 ] && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing('generate the password of the database root user', script(text, path));
}

/**
 * Copies root's password from the container to the host, if the file is missing or readable by others. It never leaves
 * the host.
 */
export function keepRootPassword(database: ManagedDatabase, path: string): Command {
  const text = [
    'path=$1; shift',
    'umask 077; mkdir -p "$(dirname "$path")" || exit',
    'new="$path.new.$$"; rm -f "$path".new.*',
    cleaningUp('rm -f "$new"'),
    '"$@" >"$new" && [ -s "$new" ] && sync "$new" && mv "$new" "$path"',
  ].join('\n');
  return changing(
    'save the password of the database root user',
    script(text, path, ...within(database, ['cat', ROOT_PASSWORD_TARGET])),
  );
}

/**
 * How root can log in to the database. `own`: with its own password, inside the container; `given`: with the password
 * of the users, from everywhere, as set up by earlier versions; `refused`: with neither.
 */
export type RootAccess =
  | { readonly login: 'refused' }
  | {
      readonly login: 'own' | 'given';
      readonly version: string;
      /** Whether root can log in from outside the container. */
      readonly isOpen: boolean;
      /** Whether the user in the cluster file exists. */
      readonly knowsUser: boolean;
      /** Addresses outside the container from which root is currently logged in. */
      readonly usedFrom: readonly string[];
    };

/** Time limit for all answers, in seconds. */
const ANSWERS_S = 12;

/**
 * Two ways to log in as root: `own` and `given` print the login, and `as` runs the client with one of them on
 * descriptor 3. Each is tried only in its own way: root's own over the socket, the other over TCP, as others would
 * connect.
 */
const WAYS = `own() { [ -r "$file" ] && printf '[client]\\nuser=root\\npassword="%s"\\n' "$(cat "$file")"; }
given() { printf '[client]\\nuser=root\\npassword="%s"\\nloose-ssl-mode=DISABLED\\nloose-get-server-public-key\\n[client-mariadb]\\nskip-ssl\\n' "$given"; }
as() {
  way=$1 said=$2; shift 2
  case $way in own) set -- --protocol=socket "$@" ;; *) set -- --protocol=tcp --host=127.0.0.1 "$@" ;; esac
  "$way" | { exec 3<&0; printf '%s\\n' "$said" | timeout ${ANSWERS_S} mysql --defaults-extra-file=/dev/fd/3 --connect-timeout=5 --batch --skip-column-names "$@"; }
}`;

/**
 * The password of the users is the first line of standard input, or else comes from the container's password file.
 */
const GIVEN = `IFS= read -r given; [ -n "$given" ] || given=$(cat ${PASSWORD_TARGET})`;

/** Passes on the password of the users from the host's file, so that the run does not need it. */
const WITH_KEPT = 'kept=$1; shift; { cat "$kept" 2>/dev/null; echo; } | "$@"';

const LOOK = `file=$1 sql=$2; ${GIVEN}
${WAYS}
for each in given own; do
  [ "$each" = given ] || [ -r "$file" ] || { printf 'login\\tnone\\n'; exit 0; }
  { said=$(as "$each" "$sql" 2>&1 >&4); code=$?; } 4>&1
  [ "$code" != 0 ] || { printf 'login\\t%s\\n' "$each"; exit 0; }
  [ "$each" != given ] || case $said in *"ERROR 1045"* | *"ERROR 1130"* | *"ERROR 1698"*) ;; *) printf '%s\\n' "$said" >&2; exit "$code" ;; esac
done
printf '%s\\n' "$said" >&2; exit "$code"`;

/**
 * How root can log in, whether from outside, and from where it is logged in. `kept` is the file with the users'
 * password on the host; no password is transferred.
 */
export function rootAccess(database: ManagedDatabase, kept: string): Query<RootAccess> {
  const purpose = 'query the root access of the database';
  const sql = [
    `SELECT 'version', VERSION()`,
    `SELECT 'account', User, Host FROM mysql.user WHERE User IN ('root', '${database.user}')`,
    `SELECT DISTINCT 'session', SUBSTRING_INDEX(HOST, ':', 1) FROM information_schema.PROCESSLIST WHERE USER = ` +
      `'root' AND HOST NOT LIKE 'localhost%' AND HOST NOT LIKE '127.%'`,
  ].join('; ');
  return {
    command: reading(purpose, script(WITH_KEPT, kept, ...within(database, script(LOOK, ROOT_PASSWORD_TARGET, sql)))),
    read(outcome) {
      const rows = outcome.stdout.split('\n').map((line) => line.split('\t'));
      const of = (key: string): readonly (readonly string[])[] =>
        rows.filter(([first]) => first === key).map((row) => row.slice(1));
      const [login] = of('login')[0] ?? [];
      const code = Number(/ERROR (\d+)/.exec(outcome.stderr)?.[1] ?? 0);
      if ((outcome.code === 0 && login === 'none') || (outcome.code !== 0 && REFUSED.includes(code)))
        return present({ login: 'refused' });
      if (outcome.code !== 0) return failedTo(purpose, outcome);
      const [version] = of('version')[0] ?? [];
      if ((login !== 'own' && login !== 'given') || version === undefined || version === '')
        return unknown(`could not ${purpose}: login or version missing`);
      const accounts = of('account');
      const isOpen = login === 'given' || accounts.some(([user, host]) => user === 'root' && host !== 'localhost');
      return present({
        login,
        version,
        isOpen,
        knowsUser: accounts.some(([user]) => user === database.user),
        usedFrom: of('session').map(([host = '']) => host),
      });
    },
  };
}

const PROVIDE = `file=$1 way=$2; ${GIVEN}; sql=$(cat)
${WAYS}
as "$way" "$sql"`;

/**
 * Creates the database and its user, with all rights on that database only, if they do not exist. If root logs in with
 * the password of the users, it must be the password of this run, because its file is rewritten with it.
 */
export function provide(database: ManagedDatabase, way: 'own' | 'given', password: Secret): Command {
  const { name, user } = database;
  const sql = [
    `CREATE DATABASE IF NOT EXISTS \`${name}\``,
    `CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password.reveal()}'`,
    // An underscore matches any character in a GRANT.
    `GRANT ALL ON \`${name.replaceAll('_', '\\_')}\`.* TO '${user}'@'%'`,
  ].join('; ');
  return changing(
    `create the database ${name} and its user`,
    within(database, script(PROVIDE, ROOT_PASSWORD_TARGET, way)),
    { stdin: password.followedBy(`\n${sql};\n`) },
  );
}

/** Statements that drop every root account except the container's own. */
const ELSEWHERE =
  `SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host), ';') FROM mysql.user WHERE User = 'root' AND Host <> ` +
  `'localhost'`;

const CLOSE = `file=$1 way=$2 elsewhere=$3; ${GIVEN}
${WAYS}
[ -s "$file" ] || { echo "the container has no $file" >&2; exit 66; }
if [ "$way" = given ]; then
  set "'root'@'localhost'" "$(cat "$file")"
  as given "CREATE USER IF NOT EXISTS $1 IDENTIFIED BY '$2'; ALTER USER $1 IDENTIFIED BY '$2'; GRANT ALL ON *.* TO $1 WITH GRANT OPTION" || exit
fi
drop=$(as own "$elsewhere" --raw) || { echo "root cannot log in with its own password, so its other accounts are kept" >&2; exit 65; }
as own "$drop"`;

/**
 * Sets root's own password, and drops all root accounts for logins from outside once root can log in with that
 * password.
 */
export const closeRoot = (database: ManagedDatabase, way: 'own' | 'given', kept: string): Command =>
  changing(
    'restrict the database root user to its container',
    script(WITH_KEPT, kept, ...within(database, script(CLOSE, ROOT_PASSWORD_TARGET, way, ELSEWHERE))),
  );
