import { asDatabaseRoot as sql, seenOn } from '../deployment/seen.ts';
import { REPLICA } from './fault.ts';

const REPLICA_HOSTS = ['node-02', 'node-03'];

/** Puts what users would miss where they would keep it: a row in the database, a file in the data folder of each replica. */
export async function plant(): Promise<void> {
  await sql(
    `CREATE DATABASE IF NOT EXISTS books; CREATE TABLE IF NOT EXISTS books.rows (what VARCHAR(99) PRIMARY KEY); REPLACE INTO books.rows VALUES ('paid on Monday')`,
  );
  for (const host of REPLICA_HOSTS)
    await seenOn(host, `echo 'id,amount of ${host}' >kuscia-swarm/alice/${REPLICA}/data/table.csv`);
}

/** The data that no fault may destroy, as lines that stay the same: the domain's key, the content of the database and its volume, the replicas' data. */
export async function treasure(): Promise<string[]> {
  const [volume, row, domain, ...ofReplicas] = await Promise.all([
    seenOn('node-01', `stat -c 'alice-mysql, inode %i' "$(docker volume inspect -f '{{.Mountpoint}}' alice-mysql)"`),
    sql('SELECT what FROM books.rows'),
    sql(
      `SELECT CONCAT(name, ' ', JSON_VALUE(CONVERT(value USING utf8mb4), '$.metadata.uid')) FROM kine.kine WHERE id = (SELECT MAX(id) FROM kine.kine WHERE name = '/registry/kuscia.secretflow/domains/alice') AND deleted = 0`,
    ),
    ...REPLICA_HOSTS.map((host) =>
      seenOn(
        host,
        `grep ^domainKeyData: kuscia-swarm/alice/kuscia.yaml | sha256sum; cat kuscia-swarm/alice/${REPLICA}/data/table.csv`,
      ),
    ),
  ]);
  return [
    `volume ${volume}`,
    `row ${row}`,
    `domain ${domain}`,
    ...ofReplicas.map((said, i) => `${REPLICA_HOSTS[i]} ${said.replace('\n', ' ')}`),
  ];
}
