import type { Database, Row } from './database.ts';

/** What an API object holds beyond the fields every one of them has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    generation?: number;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: unknown[];
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** The key is taken: somebody else was first. */
export class TakenError extends Error {}

/** The objects of the domain, kept as kine keeps them: a log of rows in one table, the newest row of a name counts. */
export interface Kine {
  prepare(): Promise<void>;
  get(key: string): Promise<KubeObject | undefined>;
  list(prefix: string): Promise<KubeObject[]>;
  /** Creates; throws TakenError where the key is there. */
  create(key: string, object: KubeObject): Promise<KubeObject>;
  /** Changes what is there; undefined from `change` leaves it. Returns undefined when there is nothing to change. */
  edit(key: string, change: (object: KubeObject) => KubeObject | undefined): Promise<KubeObject | undefined>;
  remove(key: string): Promise<boolean>;
  /** Rows that were replaced long ago go. */
  compact(): Promise<void>;
  /** The names of all bootstrap rows, `/bootstrap/<hash>`. */
  bootstraps(): Promise<string[]>;
  createBootstrap(key: string): Promise<void>;
}

const table = `CREATE TABLE IF NOT EXISTS kine (
  id BIGINT UNSIGNED AUTO_INCREMENT, name VARCHAR(630) CHARACTER SET ascii, created INTEGER, deleted INTEGER,
  create_revision BIGINT UNSIGNED, prev_revision BIGINT UNSIGNED, lease INTEGER, value MEDIUMBLOB, old_value MEDIUMBLOB,
  PRIMARY KEY (id), UNIQUE INDEX kine_name_prev_revision_uindex (name, prev_revision), INDEX kine_name_index (name),
  INDEX kine_name_id_index (name, id), INDEX kine_id_deleted_index (id, deleted), INDEX kine_prev_revision_index (prev_revision))`;
const insert =
  'INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value) VALUES (?, ?, ?, ?, ?, 0, ?, ?)';
const newest = 'SELECT id, name, deleted, create_revision, value FROM kine WHERE name = ? ORDER BY id DESC LIMIT 1';
const newestOfAll = `SELECT k.id, k.name, k.value FROM kine k JOIN (SELECT MAX(id) AS id FROM kine WHERE name LIKE ? GROUP BY name) m ON k.id = m.id
  WHERE k.deleted = 0 ORDER BY k.name`;

/** Kine's table in `database`; unique (name, prev_revision) is what makes a lost race visible. */
export function openKine(database: Database): Kine {
  const current = async (key: string): Promise<Row | undefined> => (await database.rows(newest, [key]))[0];
  const write = async (key: string, values: readonly unknown[]): Promise<number> => {
    try {
      return await database.run(insert, [key, ...values]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ER_DUP_ENTRY') throw new TakenError(key);
      throw error;
    }
  };

  const edit: Kine['edit'] = async (key, change) => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const row = await current(key);
      if (!row || row.deleted) return undefined;
      const before = parse(row);
      const after = change(structuredClone(before));
      if (!after) return before;
      try {
        const id = await write(key, [0, 0, row.create_revision || row.id, row.id, text(after), row.value]);
        return stamped(after, id);
      } catch (error) {
        if (!(error instanceof TakenError)) throw error;
      }
    }
    throw new TakenError(key);
  };

  return {
    prepare: async () => void (await database.run(table)),
    get: async (key) => {
      const row = await current(key);
      return row && !row.deleted ? parse(row) : undefined;
    },
    list: async (prefix) => (await database.rows(newestOfAll, [`${prefix.replace(/[\\%_]/g, '\\$&')}%`])).map(parse),
    create: async (key, object) => {
      const row = await current(key);
      if (row && !row.deleted) throw new TakenError(key);
      return stamped(object, await write(key, [1, 0, 0, row?.id ?? 0, text(object), null]));
    },
    edit,
    remove: async (key) => {
      const row = await current(key);
      if (!row || row.deleted) return false;
      await write(key, [0, 1, row.create_revision || row.id, row.id, row.value, row.value]);
      return true;
    },
    compact: async () => {
      const last = Number((await database.rows('SELECT MAX(id) AS id FROM kine'))[0]?.id ?? 0);
      await database.run(
        'DELETE old FROM kine old JOIN kine later ON later.name = old.name AND later.prev_revision = old.id WHERE old.id < ?',
        [last - 1000],
      );
    },
    bootstraps: async () =>
      (await database.rows("SELECT DISTINCT name FROM kine WHERE name LIKE '/bootstrap/%'")).map((row) =>
        String(row.name),
      ),
    createBootstrap: async (key) =>
      void (await write(key, [1, 0, 0, 0, '{}', null]).catch((error: unknown) => {
        if (!(error instanceof TakenError)) throw error;
      })),
  };
}

function parse(row: Row): KubeObject {
  return stamped(JSON.parse((row.value as Buffer).toString('utf8')) as KubeObject, Number(row.id));
}

function stamped(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function text(object: KubeObject): string {
  const metadata = { ...object.metadata };
  delete metadata.resourceVersion;
  return JSON.stringify({ ...object, metadata });
}
