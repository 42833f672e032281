import { leftOut } from '../engine/outcome.ts';

const HEAD_BYTES = 4 * 1024 * 1024;
const TAIL_BYTES = 4 * 1024 * 1024;

/**
 * Keeps the beginning and the end of a byte stream, by default 8 MiB in total, and marks where something was left out.
 */
export class Capture {
  readonly #head: number;
  readonly #limit: number;
  readonly #most: number;
  /** Copied together: keeping a chunk would keep its whole packet in memory, hundreds of bytes for one. */
  #bytes = Buffer.alloc(0);
  #used = 0;
  #leftOut = 0;

  constructor(headLimit = HEAD_BYTES, tailLimit = TAIL_BYTES) {
    this.#head = headLimit;
    this.#limit = headLimit + tailLimit;
    // Trims only at twice the size of the tail, so that many small chunks do not cause many moves.
    this.#most = headLimit + 2 * tailLimit;
  }

  /** Adds the next bytes of the stream. The caller may reuse the chunk. */
  add(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      if (this.#used === this.#most) this.#trim();
      this.#makeRoom(Math.min(this.#used + rest.length, this.#most));
      const taken = rest.copy(this.#bytes, this.#used);
      this.#used += taken;
      rest = rest.subarray(taken);
    }
  }

  /** The kept bytes as UTF-8; invalid bytes become U+FFFD. */
  text(): string {
    if (this.#used > this.#limit) this.#trim();
    const kept = this.#bytes.subarray(0, this.#used);
    if (this.#leftOut === 0) return kept.toString('utf8');
    // Streaming mode drops a character that was cut in half.
    const head = new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept.subarray(0, this.#head), { stream: true });
    const tail = kept.subarray(this.#head);
    const start = tail.subarray(0, 3).findIndex((byte) => (byte & 0xc0) !== 0x80);
    return `${head}${leftOut(this.#leftOut)}${tail.subarray(Math.max(start, 0)).toString('utf8')}`;
  }

  #makeRoom(wanted: number): void {
    if (wanted <= this.#bytes.length) return;
    const bytes = Buffer.alloc(Math.min(Math.max(wanted, 2 * this.#bytes.length), this.#most));
    this.#bytes.copy(bytes, 0, 0, this.#used);
    this.#bytes = bytes;
  }

  #trim(): void {
    const excess = this.#used - this.#limit;
    this.#bytes.copyWithin(this.#head, this.#head + excess, this.#used);
    this.#used -= excess;
    this.#leftOut += excess;
  }
}
