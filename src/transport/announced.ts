import { Capture } from './capture.ts';

/** Shell words that tell the process group of the shell, for a shell that then becomes the program. It is its own id, unless something like sudo stands before it. */
export const ANNOUNCE = 'read -r _ _ _ _ group _ </proc/$$/stat; echo kuscia-swarm-runs-as $group';
const ANNOUNCEMENT = /kuscia-swarm-runs-as (\d+)\r?\n/;

/** Past this many bytes no announcement is waited for any more. */
const PATIENCE_BYTES = 64 * 1024;

/** Standard output of a command that announces its process id first. What a login prints before that is not the command's. */
export class Announced {
  readonly #capture = new Capture();
  #before: Buffer | undefined = Buffer.alloc(0);
  #pid: number | undefined;

  /** The id of the command's process group; undefined until it has been announced. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Takes the next bytes of the stream. */
  add(chunk: Buffer): void {
    if (this.#before === undefined) return this.#capture.add(chunk);
    const before = Buffer.concat([this.#before, chunk]);
    const match = ANNOUNCEMENT.exec(before.toString('latin1'));
    if (match === null && before.length < PATIENCE_BYTES) {
      this.#before = before;
      return;
    }
    if (match) this.#pid = Number(match[1]);
    this.#before = undefined;
    this.#capture.add(match ? before.subarray(match.index + match[0].length) : before);
  }

  /** What the command said; all that was said when it never came to be announced. */
  text(): string {
    return this.#before === undefined ? this.#capture.text() : this.#before.toString('utf8');
  }
}
