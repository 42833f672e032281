/** Finds many texts at once in bytes of any kind, also where white space or escaped line ends were put into them. */
export class Seeker<Name> {
  readonly #byHead = new Map<number, { readonly bytes: Buffer; readonly name: Name }[]>();
  readonly #heads = new Uint8Array(1 << 16);

  /** What is sought, each under a name; at least `SHORTEST` bytes long. */
  constructor(sought: Iterable<readonly [text: string, name: Name]>) {
    for (const [text, name] of sought) {
      const bytes = Buffer.from(text);
      if (bytes.length < SHORTEST) throw new Error(`what is sought must have ${SHORTEST} bytes`);
      const head = bytes.readUInt32LE(0);
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), { bytes, name }]);
      this.#heads[short(head)] = 1;
    }
  }

  /** The names of what stands there, each once. */
  find(where: Buffer): Name[] {
    return [...new Set([...this.#findIn(where), ...this.#findIn(joined(where))])];
  }

  *#findIn(where: Buffer): Generator<Name> {
    for (let at = 0; at + SHORTEST <= where.length; at += 1) {
      const head = ((where[at] ?? 0) | ((where[at + 1] ?? 0) << 8) | ((where[at + 2] ?? 0) << 16) | ((where[at + 3] ?? 0) << 24)) >>> 0;
      if (this.#heads[short(head)] === 0) continue;
      for (const { bytes, name } of this.#byHead.get(head) ?? []) {
        if (where.subarray(at, at + bytes.length).equals(bytes)) yield name;
      }
    }
  }
}

const SHORTEST = 8;

const short = (head: number): number => (head ^ (head >>> 16)) & 0xffff;

const BLANKS = new Set([...' \t\r\n'].map((blank) => blank.charCodeAt(0)));
const BACKSLASH = '\\'.charCodeAt(0);
const ENDS = new Set([...'rn'].map((letter) => letter.charCodeAt(0)));

/** The bytes without white space and without `\n` and `\r` as they are escaped: base64 that was broken into lines, or indented, is whole again. */
function joined(bytes: Buffer): Buffer {
  const kept = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (BLANKS.has(byte)) continue;
    if (byte === BACKSLASH && ENDS.has(bytes[at + 1] ?? 0)) at += 1;
    else kept[length++] = byte;
  }
  return kept.subarray(0, length);
}
