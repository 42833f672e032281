import { posix } from 'node:path';
import type { ManagedDatabase } from '../cluster/cluster.ts';
import { runContainer } from '../docker/commands.ts';
import { changing, type Command } from '../engine/command.ts';
import { Secret } from '../engine/secret.ts';

/** Where the password file stands inside the container. */
export const PASSWORD_TARGET = '/run/secrets/database-password';

/** Where the server keeps its data inside the container. */
export const DATA_TARGET = '/var/lib/mysql';

/**
 * Starts the database server. The password comes from a file. Options: many connections and no derived_merge, as Kuscia's troubleshooting
 * pages advise; no name look-ups, because a slow one outlasts Kuscia's 5 s limit.
 */
export function runDatabase(database: ManagedDatabase, passwordFile: string): Command {
  const account = database.user === 'root' ? [] : [`--env=MYSQL_USER=${database.user}`, `--env=MYSQL_PASSWORD_FILE=${PASSWORD_TARGET}`];
  return runContainer('start the database', [
    `--name=${database.container}`,
    '--restart=always',
    `--publish=${database.port}:3306`,
    `--volume=${database.volume}:${DATA_TARGET}`,
    `--volume=${posix.normalize(passwordFile)}:${PASSWORD_TARGET}:ro`,
    `--env=MYSQL_ROOT_PASSWORD_FILE=${PASSWORD_TARGET}`,
    `--env=MYSQL_DATABASE=${database.name}`,
    ...account,
    database.image,
    '--max-connections=1000',
    '--skip-name-resolve',
    '--optimizer-switch=derived_merge=off',
  ]);
}

/** Creates the empty database on a server whose volume was made without it. */
export const createDatabase = (database: ManagedDatabase, password: Secret): Command =>
  changing(
    `create the database ${database.name}`,
    ['docker', 'exec', '--interactive', database.container, 'mysql', '--defaults-extra-file=/dev/stdin', '--protocol=tcp', '--host=127.0.0.1', `--execute=CREATE DATABASE IF NOT EXISTS ${database.name}`],
    { stdin: loginFile(database.user, password) },
  );

/** Suffix of the option groups by which the client of `loginFile` uses TLS. */
export const TLS_SUFFIX = '-tls';

/**
 * The client's option file, for its standard input: a login without TLS, as Kuscia's is, which also asks for the server's key as Kuscia's driver does. Quotes and
 * backslashes are refused when the password is read. An option that a client does not know is a warning where it is "loose"; of MariaDB's clients alone are the
 * groups client-mariadb, where "ssl" is no prefix of others. Source: MySQL docs, "Program Option Modifiers"; MariaDB docs, "Configuring MariaDB with Option Files".
 */
export function loginFile(user: string, password: Secret): Secret {
  const groups = [
    ['[client]', `user="${user}"`, `password="${password.reveal()}"`, 'loose-ssl-mode=DISABLED', 'loose-get-server-public-key'],
    ['[client-mariadb]', 'skip-ssl'],
    [`[client${TLS_SUFFIX}]`, 'loose-ssl-mode=PREFERRED'],
    [`[client-mariadb${TLS_SUFFIX}]`, 'ssl', 'skip-ssl-verify-server-cert'],
  ];
  return new Secret('database login', groups.map((lines) => `${lines.join('\n')}\n`).join(''));
}
