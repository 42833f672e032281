import type { Renderer } from './renderer.ts';
import type { RunState } from './run-state.ts';

/** The output of a stage that is waiting for its turn. */
interface Waiting {
  readonly stage: string;
  readonly print: () => void;
}

/**
 * One group in the log per stage. Stages that run side by side are printed one after the other, each once all earlier
 * ones have ended.
 */
export class StageGroups {
  readonly #renderer: Pick<Renderer, 'open' | 'close' | 'line'>;
  readonly #runState: RunState;
  #open: string | undefined;
  #waiting: readonly Waiting[] = [];

  constructor(renderer: Pick<Renderer, 'open' | 'close' | 'line'>, runState: RunState) {
    this.#renderer = renderer;
    this.#runState = runState;
  }

  /** A line in the group of that stage. */
  line(stage: string, text: string): void {
    this.#inTurn(stage, () => {
      if (this.#open !== stage) {
        this.#close();
        this.#open = stage;
        this.#renderer.open(stage);
      }
      this.#renderer.line(text);
    });
  }

  /** The stage has ended: this line is printed below its group, and then the stages that waited for it. */
  ended(stage: string, closing: () => string): void {
    this.#inTurn(stage, () => {
      this.#close();
      this.#renderer.line(closing());
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) this.#inTurn(each.stage, each.print);
  }

  /** Nothing more will come: prints everything that is still waiting, by stage; what follows belongs to no stage. */
  end(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { stage } of this.#runState.stages) for (const each of waiting) if (each.stage === stage) each.print();
    this.#close();
  }

  #inTurn(stage: string, print: () => void): void {
    if (this.#isNext(stage)) print();
    else this.#waiting = [...this.#waiting, { stage, print }];
  }

  #isNext(stage: string): boolean {
    const { stages } = this.#runState;
    const before = stages.findIndex((part) => part.stage === stage);
    return stages.slice(0, before).every(({ state }) => state !== 'waiting' && state !== 'started');
  }

  #close(): void {
    if (this.#open !== undefined) this.#renderer.close();
    this.#open = undefined;
  }
}
