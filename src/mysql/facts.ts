import { z } from 'zod';
import type { Cluster } from '../cluster/cluster.ts';
import { inProbe } from '../docker/probe.ts';
import { reading } from '../engine/command.ts';
import { failedTo, present, unknown, type Question } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';
import type { Secret } from '../engine/secret.ts';
import { loginFile } from './commands.ts';

/** A gateway object that a replica has left in the database. */
export interface StoredGateway {
  readonly domain: string;
  readonly name: string;
  /** Base64 of the PEM public key; '' when the object has none yet. */
  readonly publicKey: string;
}

/** What the database server said after a login was tried. */
export type DatabaseState =
  | { readonly login: 'refused'; readonly said: string }
  | { readonly login: 'accepted'; readonly version: string; readonly exists: boolean; readonly gateways: readonly StoredGateway[] };

/** Server errors that mean the login itself was refused: access denied, host not allowed, database not allowed. Source: MySQL error reference. */
const REFUSED = [1044, 1045, 1130, 1698];

/** Asks the server for its version, whether the database is there, and which domains' gateways it holds (only the owner has any). */
export function databaseState(cluster: Cluster, password: Secret): Question<DatabaseState> {
  const { database } = cluster;
  const client = ['mysql', '--defaults-extra-file=/dev/stdin', '--protocol=tcp', '--connect-timeout=5', '--batch', '--skip-column-names', `--execute=${sql(database.name)}`];
  const argv: [string, ...string[]] =
    database.kind === 'managed'
      ? ['docker', 'exec', '--interactive', database.container, ...client, '--host=127.0.0.1']
      : ['docker', 'run', '--rm', '--interactive', `--network=${cluster.network.name}`, database.image, ...client, `--host=${database.address}`, `--port=${database.port}`];
  return {
    command: reading('ask the database', argv, { stdin: loginFile(database.user, password) }),
    read(outcome) {
      const error = /ERROR (\d+)[^\n]*/.exec(outcome.stderr);
      if (error && REFUSED.includes(Number(error[1]))) return present({ login: 'refused', said: error[0] });
      if (outcome.code !== 0) return failedTo('ask the database', outcome);
      const rows = outcome.stdout.split('\n').map((line) => line.split('\t'));
      const version = rows.find(([key]) => key === 'version')?.[1];
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

/** Seconds within which a server has to greet: Kuscia gives up after 5. */
const GREETING_S = 4;

/** How a server received a container: it greeted, or it took the connection and said nothing in time. */
export type Greeting = 'greeted' | 'late';

/** Whether a MySQL server greets a container of this host at that address: its first packet, which carries protocol version 10. */
export function greeting(cluster: Cluster, address: string, port: number): Question<Greeting> {
  const text = 'exec 3<>"/dev/tcp/$1/$2" && echo connected && head -c 5 <&3 | od -An -tu1';
  const purpose = `reach the database at ${address}:${port} from a container`;
  return {
    command: inProbe(cluster, purpose, ['timeout', String(GREETING_S), 'bash', '-c', text, 'bash', address, String(port)]),
    read(outcome) {
      const [connected, bytes = ''] = outcome.stdout.split('\n');
      // What timeout(1) says of a server that is too slow, or of packets that somebody drops.
      if (outcome.code === 124) return connected === 'connected' ? present('late') : unknown(`could not ${purpose}: no answer in ${GREETING_S} s`);
      if (outcome.code !== 0) return failedTo(purpose, outcome);
      const version = Number(bytes.trim().split(/\s+/)[4]);
      if (version === 10) return present('greeted');
      return unknown(version === 255 ? 'the database turns the host away (too many connections, or the host is blocked)' : 'what answers there is no MySQL server');
    },
  };
}
