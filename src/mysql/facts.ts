import { z } from 'zod';
import type { Cluster } from '../cluster/cluster.ts';
import { reading, script } from '../engine/command.ts';
import { failedTo, present, unknown, type Question } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';
import type { Secret } from '../engine/secret.ts';
import { loginFile, TLS_SUFFIX } from './commands.ts';

/** A gateway object that a replica has left in the database. */
export interface StoredGateway {
  readonly domain: string;
  readonly name: string;
  /** Base64 of the PEM public key; '' when the object has none yet. */
  readonly publicKey: string;
}

/** What the database server said after a login was tried: without TLS, as Kuscia logs in. `cut short`: the login was accepted, and then a large answer did not arrive. */
export type DatabaseState =
  | { readonly login: 'refused'; readonly said: string }
  | { readonly login: 'wants TLS'; readonly said: string }
  | { readonly login: 'cut short' }
  | { readonly login: 'accepted'; readonly version: string; readonly exists: boolean; readonly gateways: readonly StoredGateway[] };

/** Server errors that mean the login itself was refused: access denied, host not allowed, database not allowed. Source: MySQL error reference. */
export const REFUSED = [1044, 1045, 1130, 1698];

/** Server error of connections without TLS where require_secure_transport is set. Source: MySQL error reference, ER_SECURE_TRANSPORT_REQUIRED. */
export const WANTS_TLS = 3159;

/** Seconds that the server has for all answers: a client whose packets are lost would wait for minutes. */
const ANSWERS_S = 12;

/**
 * Asks with the login that comes by standard input. A login that is refused is tried once more with TLS, for the server refuses a user with REQUIRE SSL by the same
 * error as a wrong password.
 */
const ASK = `login=$(cat)
ask() { printf "%s\\n" "$login" | timeout ${ANSWERS_S} mysql --defaults-extra-file=/dev/stdin "$@"; }
{ said=$(ask "$@" 2>&1 >&3); code=$?; } 3>&1
printf "%s\\n" "$said" >&2
case $said in *"ERROR 1045"*) ! ask --defaults-group-suffix=${TLS_SUFFIX} "$@" >/dev/null 2>&1 || printf "tls\\taccepted\\n" ;; esac
exit "$code"`;

/** Asks the server for its version, whether the database is there, and which domains' gateways it holds (only the owner has any). */
export function databaseState(cluster: Cluster, password: Secret): Question<DatabaseState> {
  const { database } = cluster;
  const client = script(ASK, '--protocol=tcp', '--connect-timeout=5', '--batch', '--unbuffered', '--skip-column-names', `--execute=${sql(database.name)}`);
  const argv: [string, ...string[]] =
    database.kind === 'managed'
      ? ['docker', 'exec', '--interactive', database.container, ...client, '--host=127.0.0.1']
      : ['docker', 'run', '--rm', '--interactive', `--network=${cluster.network.name}`, database.image, ...client, `--host=${database.address}`, `--port=${database.port}`];
  return {
    command: reading('ask the database', argv, { stdin: loginFile(database.user, password) }),
    read(outcome) {
      const error = /ERROR (\d+)[^\n]*/.exec(outcome.stderr);
      const rows = outcome.stdout.split('\n').map((line) => line.split('\t'));
      const withTls = rows.some(([key, value]) => key === 'tls' && value === 'accepted');
      if (error && (Number(error[1]) === WANTS_TLS || withTls)) return present({ login: 'wants TLS', said: error[0] });
      if (error && REFUSED.includes(Number(error[1]))) return present({ login: 'refused', said: error[0] });
      const version = rows.find(([key]) => key === 'version')?.[1];
      // What timeout(1) ends with.
      if (outcome.code === 124 && version !== undefined && !rows.some(([key]) => key === 'wide')) return present({ login: 'cut short' });
      if (outcome.code !== 0) return failedTo('ask the database', outcome);
      if (version === undefined) return unknown('the database gave no version');
      return present({
        login: 'accepted',
        version,
        exists: rows.some(([key]) => key === 'database'),
        gateways: rows.flatMap(([key, value = '']) => (key === 'gateway' ? [storedGateway(value)] : [])),
      });
    },
  };
}

/** One row a fact; the table is asked only where it is there. The name is checked to be an identifier when the cluster file is read. */
function sql(database: string): string {
  const newest = `SELECT MAX(id) AS id FROM ${database}.kine WHERE name LIKE '/registry/kuscia.secretflow/gateways/%' GROUP BY name`;
  const gateways = `SELECT 'gateway', REPLACE(TO_BASE64(value), '\\n', '') FROM ${database}.kine JOIN (${newest}) newest USING (id) WHERE deleted = 0`;
  return [
    `SELECT 'version', VERSION()`,
    // As large as three packets: where those are lost on their way, this is what never arrives.
    `SELECT 'wide', REPEAT('x', 4000)`,
    `SELECT 'database', SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${database}'`,
    `SET @found = (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = 'kine')`,
    `SET @ask = IF(@found > 0, "${gateways}", "SELECT 'table', 'absent'")`,
    'PREPARE ask FROM @ask',
    'EXECUTE ask',
  ].join('; ');
}

const rawGateway = z.object({
  metadata: z.object({ name: z.string().nullish(), namespace: z.string().nullish() }).nullish(),
  status: z.object({ publicKey: z.string().nullish() }).nullish(),
});

function storedGateway(base64: string): StoredGateway {
  const raw = jsonOf(Buffer.from(base64, 'base64').toString('utf8'), rawGateway);
  return { domain: raw.metadata?.namespace ?? '', name: raw.metadata?.name ?? '', publicKey: raw.status?.publicKey ?? '' };
}
