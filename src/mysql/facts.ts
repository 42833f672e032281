import { z } from 'zod';
import type { Cluster, ManagedDatabase } from '../cluster/cluster.ts';
import { reading, script, type Command } from '../engine/command.ts';
import { failedTo, present, unknown, type Query } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';
import type { Secret } from '../engine/secret.ts';
import { ANSWERS_S, askFromProbe } from './client.ts';
import { loginFile, PASSWORD_TARGET, TLS_SUFFIX } from './commands.ts';

/** A gateway object of a replica in the database. */
export interface StoredGateway {
  readonly domain: string;
  readonly name: string;
  /** Base64 of the PEM public key; '' if the object has none yet. */
  readonly publicKey: string;
}

/**
 * The database server's reaction to a login without TLS, as Kuscia's. `cut short`: the login was accepted, but a large
 * answer did not arrive.
 * `withheld`: that method requires the password itself or something that reveals it, which was not sent.
 * `untrusted`: it could not be verified against the CA.
 */
export type DatabaseState =
  | { readonly login: 'refused'; readonly said: string }
  | { readonly login: 'wants TLS'; readonly said: string }
  | { readonly login: 'cut short' }
  | { readonly login: 'withheld'; readonly method: string }
  | { readonly login: 'untrusted'; readonly said: string }
  | {
      readonly login: 'accepted';
      readonly version: string;
      readonly exists: boolean;
      readonly gateways: readonly StoredGateway[];
    };

/**
 * Server errors that mean the login itself was refused: access denied, host not allowed, database not allowed. Source:
 * MySQL error reference.
 */
export const REFUSED = [1044, 1045, 1130, 1698];

/**
 * Server error of connections without TLS where require_secure_transport is set. Source: MySQL error reference,
 * ER_SECURE_TRANSPORT_REQUIRED.
 */
export const WANTS_TLS = 3159;

/**
 * Queries inside the server's own container, with the login from standard input. Retries a refused login with TLS,
 * because the server reports the same error for a user with REQUIRE SSL as for a wrong password.
 */
const ASK = `login=$(cat)
ask() { printf "%s\\n" "$login" | timeout ${ANSWERS_S} mysql --defaults-extra-file=/dev/stdin "$@"; }
{ said=$(ask "$@" 2>&1 >&3); code=$?; } 3>&1
printf "%s\\n" "$said" >&2
case $said in *"ERROR 1045"*) ! ask --defaults-group-suffix=${TLS_SUFFIX} "$@" >/dev/null 2>&1 || printf "tls\\taccepted\\n" ;; esac
exit "$code"`;

/**
 * Queries the server's version, whether the database exists, and whose gateways it contains (only its owner has any).
 */
export function databaseState(cluster: Cluster, password: Secret): Query<DatabaseState> {
  const { database } = cluster;
  const statements = statementsFor(database.name);
  return {
    command:
      database.kind === 'managed'
        ? askWithin(database, password, statements)
        : askFromProbe(cluster, database, password, statements),
    read(outcome) {
      const rows = outcome.stdout.split('\n').map((line) => line.split('\t'));
      const proof =
        database.kind === 'external' && database.ca !== undefined ? proofIn(rows, outcome.stderr) : undefined;
      if (proof !== undefined) return present({ login: 'untrusted', said: proof });
      const error = /ERROR (\d+)[^\n]*/.exec(outcome.stderr);
      const trusted = rows.some(([key]) => key === 'trusted');
      const withTls = rows.some(
        ([key, value]) => (key === 'tls' && value === 'accepted') || (trusted && key === 'version'),
      );
      if (error && (Number(error[1]) === WANTS_TLS || withTls)) return present({ login: 'wants TLS', said: error[0] });
      if (error && REFUSED.includes(Number(error[1]))) return present({ login: 'refused', said: error[0] });
      const version = rows.find(([key]) => key === 'version')?.[1];
      const method = rows.find(([key]) => key === 'method')?.[1];
      // A server that received the password over TLS accepts a challenge from then on, or Kuscia's driver sends what it
      // requires.
      if (method !== undefined && version === undefined) return present({ login: 'withheld', method });
      // Exit code of timeout(1).
      if (outcome.code === 124 && version !== undefined && !rows.some(([key]) => key === 'wide'))
        return present({ login: 'cut short' });
      if (outcome.code !== 0) return failedTo('query the database', outcome);
      if (version === undefined) return unknown('the database did not report its version');
      return present({
        login: 'accepted',
        version,
        exists: rows.some(([key]) => key === 'database'),
        gateways: rows.flatMap(([key, value = '']) => (key === 'gateway' ? [storedGateway(value)] : [])),
      });
    },
  };
}

/** Runs it only in a container created for the database, recognised by its password file. */
const WITHIN = `found=$(docker container inspect --format "{{.Id}}:{{range .Mounts}}{{.Destination}}:{{end}}" "$1") || exit
case $found in *":$2:"*) ;; *) echo "the container $1 was not created for the database" >&2; exit 77 ;; esac
shift 2; exec docker exec --interactive "\${found%%:*}" "$@"`;

/** Wraps argv to run inside the database's container, but not in another container with its name. */
export const within = (
  { container }: ManagedDatabase,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] => script(WITHIN, container, PASSWORD_TARGET, ...argv);

function askWithin(database: ManagedDatabase, password: Secret, statements: readonly string[]): Command {
  const client = script(
    ASK,
    '--protocol=tcp',
    '--connect-timeout=5',
    '--batch',
    '--unbuffered',
    '--skip-column-names',
    `--execute=${statements.join('; ')}`,
  );
  return reading('query the database', within(database, [...client, '--host=127.0.0.1']), {
    stdin: loginFile(database.user, password),
  });
}

/**
 * Why a server could not be verified, with OpenSSL's error number; undefined if it was verified or did not respond at
 * all.
 */
function proofIn(rows: readonly (readonly string[])[], stderr: string): string | undefined {
  if (rows.some(([key]) => key === 'trusted')) return undefined;
  if (rows.some(([key]) => key === 'no TLS')) return 'it does not offer TLS';
  return /verify error:num=\d+:[^\n]*/.exec(stderr)?.[0];
}

/**
 * One row per fact; the table is queried only if it exists. The name is validated as an identifier with the cluster
 * file.
 */
function statementsFor(database: string): string[] {
  const newest =
    `SELECT MAX(id) AS id FROM ${database}.kine WHERE name LIKE '/registry/kuscia.secretflow/gateways/%' GROUP BY ` +
    'name';
  const gateways =
    `SELECT 'gateway', REPLACE(TO_BASE64(value), '\\n', '') FROM ${database}.kine JOIN (${newest}) newest USING ` +
    '(id) WHERE deleted = 0';
  return [
    `SELECT 'version', VERSION()`,
    // As large as three packets: if large packets are lost, this never arrives.
    `SELECT 'wide', REPEAT('x', 4000)`,
    `SELECT 'database', SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${database}'`,
    `SET @found = (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}' AND ` +
      `TABLE_NAME = 'kine')`,
    `SET @ask = IF(@found > 0, "${gateways}", "SELECT 'table', 'absent'")`,
    'PREPARE ask FROM @ask',
    'EXECUTE ask',
  ];
}

const rawGateway = z.object({
  metadata: z.object({ name: z.string().nullish(), namespace: z.string().nullish() }).nullish(),
  status: z.object({ publicKey: z.string().nullish() }).nullish(),
});

function storedGateway(base64: string): StoredGateway {
  const raw = jsonOf(Buffer.from(base64, 'base64').toString('utf8'), rawGateway);
  return {
    domain: raw.metadata?.namespace ?? '',
    name: raw.metadata?.name ?? '',
    publicKey: raw.status?.publicKey ?? '',
  };
}
