import type { ManagedDatabase } from '../cluster/cluster.ts';
import { changing, cleaningUp, reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, unknown, type Question } from '../engine/fact.ts';
import { Secret } from '../engine/secret.ts';
import { loginFile, ROOT_PASSWORD_TARGET } from './commands.ts';
import { REFUSED } from './facts.ts';

/** Makes root's own password on the host, where there is none yet. No run ever reads it. */
export function makeRootPassword(path: string): Command {
  const text = [
    '[ -s "$1" ] && exec chmod 0600 "$1"',
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    'new="$1.new.$$"; rm -f "$1".new.*',
    cleaningUp('rm -f "$new"'),
    'head -c 30 /dev/urandom | base64 | tr "+/" "-_" | tr -d "\\n" >"$new" || exit',
    '[ "$(stat -c %s "$new")" = 40 ] && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing("make the password of the database's root", script(text, path));
}

/** Takes root's own password out of the container that has it, for a file that is gone or that others may read. It stays on the host. */
export function keepRootPassword({ container }: ManagedDatabase, path: string): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    'new="$1.new.$$"; rm -f "$1".new.*',
    cleaningUp('rm -f "$new"'),
    'docker exec "$2" cat "$3" >"$new" && [ -s "$new" ] && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing("keep the password of the database's root", script(text, path, container, ROOT_PASSWORD_TARGET));
}

/**
 * How root of the database is let in. `own`: by its own password, within the container; `given`: by the password of the users, as earlier versions made
 * it, from everywhere; `refused`: by neither.
 */
export type RootAccess =
  | { readonly login: 'refused' }
  | { readonly login: 'own' | 'given'; readonly version: string; /** Whether root is let in from beyond the container. */ readonly isOpen: boolean; /** Whether the user of the cluster file is there. */ readonly knowsUser: boolean };

/** Seconds that the server has for all answers. */
const ANSWERS_S = 12;

/**
 * Two ways of being root: `own` and `given` print the login, and `as` runs the client by one of them with what follows the login on the third descriptor. Both logins are
 * tried by their own way alone: root's own from the socket, the other over TCP, by which somebody else would come.
 */
const WAYS = `own() { [ -r "$file" ] && printf '[client]\\nuser=root\\npassword="%s"\\n' "$(cat "$file")"; }
given() { printf '%s\\n' "$login"; }
as() {
  way=$1 said=$2; shift 2
  case $way in own) set -- --protocol=socket "$@" ;; *) set -- --protocol=tcp --host=127.0.0.1 "$@" ;; esac
  "$way" | { exec 3<&0; printf '%s\\n' "$said" | timeout ${ANSWERS_S} mysql --defaults-extra-file=/dev/fd/3 --connect-timeout=5 --batch --skip-column-names "$@"; }
}`;

const LOOK = `file=$1 sql=$2; login=$(cat)
${WAYS}
for each in given own; do
  [ "$each" = given ] || [ -r "$file" ] || { printf 'login\\tnone\\n'; exit 0; }
  { said=$(as "$each" "$sql" 2>&1 >&4); code=$?; } 4>&1
  [ "$code" != 0 ] || { printf 'login\\t%s\\n' "$each"; exit 0; }
  [ "$each" != given ] || case $said in *"ERROR 1045"* | *"ERROR 1130"* | *"ERROR 1698"*) ;; *) printf '%s\\n' "$said" >&2; exit "$code" ;; esac
done
printf '%s\\n' "$said" >&2; exit "$code"`;

/** How root is let in, and whether it is from elsewhere. Both passwords go to the container that is deployed, and one of them is in it already. */
export function rootAccess(database: ManagedDatabase, password: Secret): Question<RootAccess> {
  const purpose = "ask the database about its root";
  const sql = `SELECT 'version', VERSION(); SELECT 'account', User, Host FROM mysql.user WHERE User IN ('root', '${database.user}')`;
  return {
    command: reading(purpose, ['docker', 'exec', '--interactive', database.container, ...script(LOOK, ROOT_PASSWORD_TARGET, sql)], { stdin: loginFile('root', password) }),
    read(outcome) {
      const rows = outcome.stdout.split('\n').map((line) => line.split('\t'));
      const of = (key: string): readonly (readonly string[])[] => rows.filter(([first]) => first === key).map((row) => row.slice(1));
      const [login] = of('login')[0] ?? [];
      const code = Number(/ERROR (\d+)/.exec(outcome.stderr)?.[1] ?? 0);
      if ((outcome.code === 0 && login === 'none') || (outcome.code !== 0 && REFUSED.includes(code))) return present({ login: 'refused' });
      if (outcome.code !== 0) return failedTo(purpose, outcome);
      const [version] = of('version')[0] ?? [];
      if ((login !== 'own' && login !== 'given') || version === undefined || version === '') return unknown(`could not ${purpose}: it did not tell login and version`);
      const accounts = of('account');
      const isOpen = login === 'given' || accounts.some(([user, host]) => user === 'root' && host !== 'localhost');
      return present({ login, version, isOpen, knowsUser: accounts.some(([user]) => user === database.user) });
    },
  };
}

/** Stands between the login and the statements on standard input: no login and no statement of ours holds such a line. */
const MARK = '-- kuscia-swarm: statements';

const PROVIDE = `file=$1 way=$2; all=$(cat); login=\${all%%"$3"*} sql=\${all#*"$3"}
${WAYS}
as "$way" "$sql"`;

/** Makes the database and its user, with all rights to that database and none beyond, where they are not there. */
export function provide(database: ManagedDatabase, way: 'own' | 'given', password: Secret): Command {
  const { name, user, container } = database;
  const sql = [
    `CREATE DATABASE IF NOT EXISTS \`${name}\``,
    `CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password.reveal()}'`,
    // An underscore stands for any character in the name of a granted database.
    `GRANT ALL ON \`${name.replaceAll('_', '\\_')}\`.* TO '${user}'@'%'`,
  ].join('; ');
  const stdin = loginFile('root', password).followedBy(`${MARK}\n${sql};\n`);
  return changing(`make the database ${name} and its user`, ['docker', 'exec', '--interactive', container, ...script(PROVIDE, ROOT_PASSWORD_TARGET, way, MARK)], { stdin });
}

/** Every account of root but that of the container itself, as statements. */
const ELSEWHERE = `SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host), ';') FROM mysql.user WHERE User = 'root' AND Host <> 'localhost'`;

const CLOSE = `file=$1 way=$2 elsewhere=$3; login=$(cat)
${WAYS}
[ -s "$file" ] || { echo "the container has no $file" >&2; exit 66; }
if [ "$way" = given ]; then
  set "'root'@'localhost'" "$(cat "$file")"
  as given "CREATE USER IF NOT EXISTS $1 IDENTIFIED BY '$2'; ALTER USER $1 IDENTIFIED BY '$2'; GRANT ALL ON *.* TO $1 WITH GRANT OPTION" || exit
fi
drop=$(as own "$elsewhere" --raw) || { echo "root is not let in by its own password, so its other accounts stay" >&2; exit 65; }
as own "$drop"`;

/** Gives root its own password, and takes every account of root away by which it could log in from elsewhere, once it was let in by that password. */
export const closeRoot = ({ container }: ManagedDatabase, way: 'own' | 'given', password: Secret): Command =>
  changing("close the database's root to others", ['docker', 'exec', '--interactive', container, ...script(CLOSE, ROOT_PASSWORD_TARGET, way, ELSEWHERE)], { stdin: loginFile('root', password) });
