const HEAD_BYTES = 4 * 1024 * 1024;
const TAIL_BYTES = 4 * 1024 * 1024;

/** Keeps the beginning and the end of a stream of bytes, 8 MiB in all unless told, and says where something was left out. */
export class Capture {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  readonly #head: Buffer[] = [];
  #tail: Buffer[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #leftOut = 0;

  constructor(headLimit = HEAD_BYTES, tailLimit = TAIL_BYTES) {
    this.#headLimit = headLimit;
    this.#tailLimit = tailLimit;
  }

  /** Takes the next bytes of the stream. */
  add(chunk: Buffer): void {
    const room = this.#headLimit - this.#headBytes;
    const first = chunk.subarray(0, room);
    if (first.length > 0) this.#head.push(first);
    this.#headBytes += first.length;
    const rest = chunk.subarray(first.length);
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Trimmed only when twice full, so that many small chunks do not mean many copies.
    if (this.#tailBytes > 2 * this.#tailLimit) this.#trim();
  }

  /** What was kept, as UTF-8; bytes that are none become U+FFFD. */
  text(): string {
    if (this.#tailBytes > this.#tailLimit) this.#trim();
    if (this.#leftOut === 0) return Buffer.concat([...this.#head, ...this.#tail]).toString('utf8');
    // Streaming holds a character back that the cut went through.
    const head = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(this.#head), { stream: true });
    const tail = Buffer.concat(this.#tail);
    const start = tail.subarray(0, 3).findIndex((byte) => (byte & 0xc0) !== 0x80);
    return `${head}\n[... ${this.#leftOut} bytes left out ...]\n${tail.subarray(Math.max(start, 0)).toString('utf8')}`;
  }

  #trim(): void {
    const all = Buffer.concat(this.#tail);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#tailLimit)));
    this.#leftOut += all.length - kept.length;
    this.#tail = [kept];
    this.#tailBytes = kept.length;
  }
}
