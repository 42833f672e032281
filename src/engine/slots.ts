/** Lets a limited number of tasks run at once; the rest wait their turn, first come first served. */
export class Slots {
  #limit: number;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many tasks are running. */
  get busy(): number {
    return this.#busy;
  }

  /** Allows fewer tasks at once from now on, but at least one. */
  shrinkTo(limit: number): void {
    this.#limit = Math.max(1, Math.min(limit, this.#limit));
  }

  /** Runs the task as soon as a slot is free, and returns its result. */
  async use<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    try {
      return await task();
    } finally {
      this.#release();
    }
  }

  /** Passes the slot on without freeing it, so that no task overtakes the one that has waited longest. */
  #release(): void {
    const next = this.#busy <= this.#limit ? this.#waiting.shift() : undefined;
    if (next) next();
    else this.#busy -= 1;
  }
}
