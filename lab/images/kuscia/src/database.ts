import { createPool, type Pool, type PoolOptions, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';

export type Endpoint =
  { readonly ok: true; readonly options: PoolOptions } | { readonly ok: false; readonly message: string };

/** Reads `mysql://user:password@tcp(host:port)/database`; the messages are those of Kuscia's own check. */
export function readEndpoint(text: string): Endpoint {
  const scheme = /^([a-z0-9+]+):\/\//i.exec(text);
  if (!scheme)
    return {
      ok: false,
      message:
        "configured 'datastoreEndpoint' is invalid, expected format: mysql://username:password@tcp(hostname:3306)/database-name",
    };
  if (scheme[1] !== 'mysql')
    return { ok: false, message: `Kuscia 'datastoreEndpoint' config: Driver Name is '${scheme[1]}' Not supported` };
  const parts = /^mysql:\/\/([^:]*):(.*)@tcp\(([^)]*?)(?::(\d+))?\)\/([^?]*)/.exec(text);
  if (!parts)
    return {
      ok: false,
      message:
        "configured 'datastoreEndpoint' is invalid, expected format: mysql://username:password@tcp(hostname:3306)/database-name",
    };
  const [, user, password, host, port, database] = parts;
  return {
    ok: true,
    options: {
      user: user ?? '',
      password: password ?? '',
      host: host ?? '',
      port: Number(port ?? 3306),
      database: database || 'kubernetes',
    },
  };
}

/** A database error in the words of the Go driver that Kuscia uses. */
export function inGoWords(error: unknown, options: PoolOptions): string {
  const { code, errno, sqlMessage, address, port, message } = error as NodeJS.ErrnoException & {
    sqlMessage?: string;
    address?: string;
    port?: number;
  };
  const dial = `dial tcp ${address ?? options.host}:${port ?? options.port}: connect:`;
  switch (code) {
    case 'ECONNREFUSED':
      return `${dial} connection refused`;
    case 'EHOSTUNREACH':
      return `${dial} no route to host`;
    case 'ENETUNREACH':
      return `${dial} network is unreachable`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${options.host}: no such host`;
    case 'ETIMEDOUT':
    case 'PROTOCOL_SEQUENCE_TIMEOUT':
      return 'context deadline exceeded';
    default:
      return sqlMessage ? `Error ${errno}: ${sqlMessage}` : message;
  }
}

export type Row = RowDataPacket;

/** The shared database: each statement has a deadline of 5 seconds. */
export interface Database {
  readonly options: PoolOptions;
  rows(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The id of the row it inserted, else 0. */
  run(sql: string, values?: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

/** A pool of two connections, as an idle replica has. */
export function openDatabase(options: PoolOptions): Database {
  const pool: Pool = createPool({ ...options, connectionLimit: 2, connectTimeout: 5000, enableKeepAlive: true });
  const ask = (sql: string, values: readonly unknown[]) =>
    within(5000, pool.query<Row[] | ResultSetHeader>({ sql, values: [...values], timeout: 5000 }));
  return {
    options,
    rows: async (sql, values = []) => (await ask(sql, values))[0] as Row[],
    run: async (sql, values = []) => ((await ask(sql, values))[0] as ResultSetHeader).insertId,
    close: () => within(500, pool.end()).catch(() => undefined),
  };
}

/** The promise, or an ETIMEDOUT error after so many milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(Object.assign(new Error('context deadline exceeded'), { code: 'ETIMEDOUT' })),
      milliseconds,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
