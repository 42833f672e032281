import { constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';

/** The behaviour of a stand-in for MySQL, or of an impostor. */
export interface Manner {
  /** The method that the greeting names. */
  readonly greets?: string;
  /** The method that it requests after the login; by default that of the greeting. */
  readonly wants?: string;
  /** Whether it asks for the whole caching_sha2_password exchange, as after its start. */
  readonly forgotten?: boolean;
  readonly password: string;
  readonly tls?: TlsOptions;
  /** Error with which it answers every login without TLS. */
  readonly refusesPlain?: readonly [code: number, text: string];
  /** Rows by statement; without them the statement changes nothing. */
  readonly rows?: Readonly<Record<string, readonly (readonly (string | null)[])[]>>;
}

/** A server that listens. */
export interface Server {
  readonly port: number;
  /** Everything that it could read: all received bytes, with any TLS removed, and the content that its own key decrypts. */
  readonly seen: Buffer[];
  readonly logins: string[];
  close(): Promise<void>;
}

const sha = (kind: string, ...parts: readonly Buffer[]): Buffer =>
  createHash(kind).update(Buffer.concat(parts)).digest();
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, i) => byte ^ (b[i % b.length] ?? 0)));

/** The answer of a client that knows the password, by method. Source: MySQL docs, "Authentication Methods". */
export function answerTo(method: string, password: string, nonce: Buffer): Buffer {
  const kind = method === 'mysql_native_password' ? 'sha1' : 'sha256';
  const first = sha(kind, Buffer.from(password));
  const second = sha(kind, first);
  return xor(first, kind === 'sha1' ? sha(kind, nonce, second) : sha(kind, second, nonce));
}

const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const zero = (text: string): Buffer => Buffer.from(`${text}\0`, 'latin1');
const text = (value: string | null): Buffer => {
  if (value === null) return Buffer.from([251]);
  const bytes = Buffer.from(value);
  const size =
    bytes.length < 251
      ? [bytes.length]
      : bytes.length < 65536
        ? [252, bytes.length & 255, bytes.length >> 8]
        : [253, bytes.length & 255, (bytes.length >> 8) & 255, bytes.length >> 16];
  return Buffer.concat([Buffer.from(size), bytes]);
};

/** Packets of one connection, with or without TLS. */
class Line {
  #socket: Socket;
  #held = Buffer.alloc(0);
  #wake = (): void => undefined;
  #over = false;
  #seq = 0;
  readonly #seen: Buffer[];

  constructor(socket: Socket, seen: Buffer[]) {
    this.#socket = socket;
    this.#seen = seen;
    this.#listen();
  }

  #listen(): void {
    this.#socket.on('data', (data: Buffer) => {
      this.#seen.push(data);
      this.#held = Buffer.concat([this.#held, data]);
      this.#wake();
    });
    for (const event of ['close', 'error', 'end']) this.#socket.on(event, () => ((this.#over = true), this.#wake()));
  }

  async read(): Promise<Buffer> {
    for (;;) {
      const size = this.#held.length < 4 ? Infinity : 4 + this.#held.readUIntLE(0, 3);
      if (this.#held.length >= size) {
        const packet = this.#held.subarray(4, size);
        this.#seq = (this.#held[3] ?? 0) + 1;
        this.#held = this.#held.subarray(size);
        return packet;
      }
      if (this.#over) throw new Error('closed');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  write(...parts: readonly Buffer[]): void {
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(4);
    head.writeUIntLE(body.length, 0, 3);
    head[3] = this.#seq++ & 255;
    this.#socket.write(Buffer.concat([head, body]));
  }

  secure(options: TlsOptions): void {
    this.#socket.removeAllListeners('data').pause();
    // The client's hello comes along with its wish.
    if (this.#held.length > 0) this.#socket.unshift(this.#held);
    this.#held = Buffer.alloc(0);
    this.#socket = new TLSSocket(this.#socket, { ...options, isServer: true });
    this.#listen();
  }
}

async function serve(line: Line, manner: Manner, seen: Buffer[], logins: string[]): Promise<void> {
  const { greets = 'caching_sha2_password', password, tls, rows = {}, refusesPlain } = manner;
  let nonce = Buffer.from(randomBytes(20).map((byte) => (byte % 255) + 1));
  const able = 0x000f_f7ff | (tls ? 0x800 : 0);
  const flags = (shift: number): Buffer => Buffer.from([(able >> shift) & 255, (able >> (shift + 8)) & 255]);
  line.write(
    Buffer.from([10]),
    zero('8.0.40'),
    Buffer.from([1, 0, 0, 0]),
    nonce.subarray(0, 8),
    Buffer.from([0]),
    flags(0),
    Buffer.from([33, 2, 0]),
    flags(16),
    Buffer.from([21]),
    Buffer.alloc(10),
    nonce.subarray(8),
    Buffer.from([0]),
    zero(greets),
  );
  let response = await line.read();
  const secure = response.length === 32;
  if (secure && tls) {
    line.secure(tls);
    response = await line.read();
  }
  const user = response.toString('latin1', 32, response.indexOf(0, 32));
  const at = response.indexOf(0, 32) + 1;
  let given = response.subarray(at + 1, at + 1 + (response[at] ?? 0));
  let method = response.toString('latin1', at + 1 + given.length, response.indexOf(0, at + 1 + given.length));
  const refuse = (code: number, why: string): void =>
    line.write(Buffer.from([255, code & 255, code >> 8]), Buffer.from(`#28000${why}`));
  if (!secure && refusesPlain) return refuse(...refusesPlain);
  const wanted = manner.wants ?? greets;
  if (method !== wanted) {
    nonce = Buffer.from(randomBytes(20).map((byte) => (byte % 255) + 1));
    line.write(Buffer.from([254]), ...(wanted === 'mysql_old_password' ? [] : [zero(wanted), nonce, Buffer.from([0])]));
    given = await line.read();
    method = wanted;
  }
  let right = given.length > 0 && given.equals(answerTo(method, password, nonce));
  if (method === 'caching_sha2_password' && (manner.forgotten ?? false)) {
    line.write(Buffer.from([1, 4]));
    let answer = await line.read();
    if (answer.length === 1 && answer[0] === 2) {
      line.write(Buffer.from([1]), Buffer.from(KEYS.publicKey.export({ type: 'spki', format: 'pem' })));
      const opened = xor(
        privateDecrypt({ key: KEYS.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, await line.read()),
        nonce,
      );
      seen.push(opened);
      answer = opened;
    }
    right = answer.equals(zero(password));
  } else if (right && method === 'caching_sha2_password') line.write(Buffer.from([1, 3]));
  else if (method === 'mysql_clear_password') right = given.equals(zero(password));
  if (!right) return refuse(1045, `Access denied for user '${user}'@'%'`);
  logins.push(`${user} by ${method}${secure ? ' with TLS' : ''}`);
  line.write(Buffer.from([0, 0, 0, 2, 0, 0, 0]));
  const end = Buffer.from([254, 0, 0, 2, 0]);
  for (;;) {
    const statement = (await line.read()).toString('utf8', 1);
    const answer = rows[statement];
    if (answer === undefined) line.write(Buffer.from([0, 0, 0, 2, 0, 0, 0]));
    else {
      line.write(Buffer.from([answer[0]?.length ?? 1]));
      (answer[0] ?? ['']).forEach(() =>
        line.write(
          text('def'),
          text(''),
          text(''),
          text(''),
          text('a'),
          text(''),
          Buffer.from([12, 33, 0, 0, 1, 0, 0, 253, 0, 0, 31, 0, 0]),
        ),
      );
      line.write(end);
      for (const row of answer) line.write(...row.map(text));
      line.write(end);
    }
  }
}

/** Listens on the loopback address, or on the given one. */
export async function mysqlServer(manner: Manner, address = '127.0.0.1', port = 0): Promise<Server> {
  const seen: Buffer[] = [];
  const logins: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void serve(new Line(socket, seen), manner, seen, logins)
      .catch(() => undefined)
      .finally(() => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    logins,
    close: () =>
      new Promise((resolve) => {
        sockets.forEach((socket) => socket.destroy());
        server.close(() => resolve());
      }),
  };
}
