/** Finds many texts at once in bytes of any kind, also where white space or escaped line ends were put into them. */
export class Seeker<Name> {
  readonly #byHead = new Map<number, { readonly bytes: Buffer; readonly name: Name }[]>();
  readonly #heads = new Uint8Array(1 << 16);

  /** The texts to search for, each under a name; at least `SHORTEST` bytes long. */
  constructor(sought: Iterable<readonly [text: string, name: Name]>) {
    for (const [text, name] of sought) {
      const bytes = Buffer.from(text);
      if (bytes.length < SHORTEST) throw new Error(`what is sought must have ${SHORTEST} bytes`);
      const head = bytes.readUInt32LE(0);
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), { bytes, name }]);
      this.#heads[short(head)] = 1;
    }
  }

  /** The names of the texts found, each once. */
  find(where: Buffer): Name[] {
    return [...new Set([...this.#findIn(where), ...this.#findIn(joined(where))])];
  }

  *#findIn(where: Buffer): Generator<Name> {
    for (let at = 0; at + SHORTEST <= where.length; at += 1) {
      const head =
        ((where[at] ?? 0) |
          ((where[at + 1] ?? 0) << 8) |
          ((where[at + 2] ?? 0) << 16) |
          ((where[at + 3] ?? 0) << 24)) >>>
        0;
      if (this.#heads[short(head)] === 0) continue;
      for (const { bytes, name } of this.#byHead.get(head) ?? []) {
        if (where.subarray(at, at + bytes.length).equals(bytes)) yield name;
      }
    }
  }
}

const SHORTEST = 8;

// By a name of this module: in a test, a global is looked up each time, which for every byte takes ten times as long as everything else.
const { imul } = Math;
/** Spreads heads over the table; the halves alone would send `----` where all the zeros of a database file are. */
const short = (head: number): number => imul(head, 0x9e3779b1) >>> 16;

/** A table of bytes: 1 at those that are meant. */
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (text.includes(String.fromCharCode(byte)) ? 1 : 0));

const BLANKS = bytesOf(' \t\r\n');
const BACKSLASH = '\\'.charCodeAt(0);
const ENDS = bytesOf('rn');

/** The bytes without white space and without `\n` and `\r` as they are escaped: base64 that was broken into lines, or indented, is whole again. */
function joined(bytes: Buffer): Buffer {
  const kept = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (BLANKS[byte] === 1) continue;
    if (byte === BACKSLASH && ENDS[bytes[at + 1] ?? 0] === 1) at += 1;
    else kept[length++] = byte;
  }
  return kept.subarray(0, length);
}
