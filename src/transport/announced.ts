import { Capture } from './capture.ts';

/**
 * Shell words that tell the process group of the shell, for a shell that then becomes the program. It is its own id,
 * unless something like sudo stands before it.
 */
export const ANNOUNCE = 'read -r _ _ _ _ group _ </proc/$$/stat; echo kuscia-swarm-runs-as $group';
const ANNOUNCEMENT = /kuscia-swarm-runs-as (\d+)\r?\n/;

/** No announcement is longer. */
const LONGEST = 64;

/** What takes bytes as they come, and tells as text what it has for the outcome. */
export type Output = Pick<Capture, 'add' | 'text'>;

/**
 * Standard output of a command that is announced first: by the shell that starts it and, where that gives it a
 * terminal, once more on the terminal. What a login prints before that is not the command's.
 */
export class Announced {
  readonly #own: Output;
  #capture: Output = new Capture();
  /** The last bytes, in which an announcement may have begun. */
  #tail = Buffer.alloc(0);
  #awaited: number;
  readonly #groups: number[] = [];

  /** The command's own output goes where it is told. */
  constructor(announcements: 1 | 2 = 1, own: Output = new Capture()) {
    this.#awaited = announcements;
    this.#own = own;
  }

  /**
   * The process groups that were announced: that of the program last. Empty as long as no shell has taken the command.
   */
  get groups(): readonly number[] {
    return this.#groups;
  }

  /** Whether the program itself begins, and its standard input is safe with it. */
  get begun(): boolean {
    return this.#awaited === 0;
  }

  /** Takes the next bytes of the stream. */
  add(chunk: Buffer): void {
    if (this.#awaited === 0) return this.#capture.add(chunk);
    const seen = Buffer.concat([this.#tail, chunk]);
    const match = ANNOUNCEMENT.exec(seen.toString('latin1'));
    if (match === null) {
      this.#capture.add(chunk);
      this.#tail = seen.subarray(-LONGEST);
      return;
    }
    this.#groups.push(Number(match[1]));
    this.#awaited -= 1;
    this.#capture = this.begun ? this.#own : new Capture();
    this.#tail = Buffer.alloc(0);
    this.add(seen.subarray(match.index + match[0].length));
  }

  /** What the command said; all that was said when it never came to be announced. */
  text(): string {
    return this.#capture.text();
  }
}
