import { Capture } from './capture.ts';

/**
 * Shell code that prints the process group of the shell, which then becomes the program. The group is the shell's own
 * id, except under sudo and the like.
 */
export const ANNOUNCE = 'read -r _ _ _ _ group _ </proc/$$/stat; echo kuscia-swarm-runs-as $group';
const ANNOUNCEMENT = /kuscia-swarm-runs-as (\d+)\r?\n/;

/** Longest possible announcement. */
const LONGEST = 64;

/** What takes bytes as they come, and tells as text what it has for the outcome. */
export type Output = Pick<Capture, 'add' | 'text'>;

/**
 * Standard output of a command that announces itself first: in the shell that starts it and, with a terminal, once more
 * on the terminal. Anything the login prints before that is not the command's output.
 */
export class Announced {
  readonly #own: Output;
  #capture: Output = new Capture();
  /** The last bytes, which may contain the start of an announcement. */
  #tail = Buffer.alloc(0);
  #awaited: number;
  readonly #groups: number[] = [];

  /** The command's own output goes where it is told. */
  constructor(announcements: 1 | 2 = 1, own: Output = new Capture()) {
    this.#awaited = announcements;
    this.#own = own;
  }

  /**
   * The announced process groups, the program's last. Empty until a shell has accepted the command.
   */
  get groups(): readonly number[] {
    return this.#groups;
  }

  /** Whether the program itself has started, so that standard input can be sent. */
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

  /** The command's output; everything printed if it was never announced. */
  text(): string {
    return this.#capture.text();
  }
}
