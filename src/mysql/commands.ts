import { posix } from 'node:path';
import type { ManagedDatabase } from '../cluster/cluster.ts';
import { runContainer } from '../docker/commands.ts';
import type { Command } from '../engine/command.ts';
import { Secret } from '../engine/secret.ts';

/** Path of the password file inside the container. */
export const PASSWORD_TARGET = '/run/secrets/database-password';

/** Path of root's password file inside the container. */
export const ROOT_PASSWORD_TARGET = '/run/secrets/database-root-password';

/** Path of the data directory inside the container. */
export const DATA_TARGET = '/var/lib/mysql';

/** Password files for the server, as paths on the host. */
export interface PasswordFiles {
  /** For the database user. */
  readonly user: string;
  readonly root: string;
}

/**
 * Starts the database server, published only at that address. Passwords come from files; root has its own and can log
 * in only inside the container. Options: many connections and no derived_merge, as Kuscia's troubleshooting pages
 * advise; no name lookups, because a slow one exceeds Kuscia's limit of 5 s.
 */
export function runDatabase(database: ManagedDatabase, files: PasswordFiles, address: string): Command {
  return runContainer('start the database', [
    `--name=${database.container}`,
    '--restart=always',
    `--publish=${address}:${database.port}:3306`,
    `--volume=${database.volume}:${DATA_TARGET}`,
    `--volume=${posix.normalize(files.user)}:${PASSWORD_TARGET}:ro`,
    `--volume=${posix.normalize(files.root)}:${ROOT_PASSWORD_TARGET}:ro`,
    `--env=MYSQL_ROOT_PASSWORD_FILE=${ROOT_PASSWORD_TARGET}`,
    '--env=MYSQL_ROOT_HOST=localhost',
    `--env=MYSQL_DATABASE=${database.name}`,
    `--env=MYSQL_USER=${database.user}`,
    `--env=MYSQL_PASSWORD_FILE=${PASSWORD_TARGET}`,
    database.image,
    '--max-connections=1000',
    '--skip-name-resolve',
    '--optimizer-switch=derived_merge=off',
  ]);
}

/** Suffix of the option groups with which the client of `loginFile` uses TLS. */
export const TLS_SUFFIX = '-tls';

/**
 * The client's option file, for its standard input: a login without TLS that also requests the server's key, as
 * Kuscia's driver does. Quotes and backslashes are rejected when the password is read. An unknown option is only a
 * warning if it is "loose"; only MariaDB's clients read the client-mariadb groups, where "ssl" is not a prefix of
 * others. Source: MySQL docs, "Program Option Modifiers"; MariaDB docs, "Configuring
 * MariaDB with Option Files".
 */
export function loginFile(user: string, password: Secret): Secret {
  const groups = [
    [
      '[client]',
      `user="${user}"`,
      `password="${password.reveal()}"`,
      'loose-ssl-mode=DISABLED',
      'loose-get-server-public-key',
    ],
    ['[client-mariadb]', 'skip-ssl'],
    [`[client${TLS_SUFFIX}]`, 'loose-ssl-mode=PREFERRED'],
    [`[client-mariadb${TLS_SUFFIX}]`, 'ssl', 'skip-ssl-verify-server-cert'],
  ];
  return new Secret('database login', groups.map((lines) => `${lines.join('\n')}\n`).join(''));
}
