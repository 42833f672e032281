import type { Event } from './events.ts';
import type { Note } from './plan.ts';
import { PLAIN, type Words } from './about.ts';

interface StageActivity {
  readonly steps: Set<Pick<Note, 'host' | 'about'>>;
  awaited: readonly Pick<Note, 'host' | 'about'>[];
}

/** What a run is in the middle of, by what it has told so far. */
export class ActivityTracker {
  readonly #stages = new Map<string, StageActivity>();

  hear(event: Event): void {
    if (event.is === 'stage-started') this.#stages.set(event.stage, { steps: new Set(), awaited: [] });
    if (event.is === 'stage-settled' || event.is === 'stage-failed' || event.is === 'stage-left')
      this.#stages.delete(event.stage);
    if (event.is === 'step-done' || event.is === 'step-failed') this.#of(event.stage).steps.delete(event.step);
    if (event.is === 'waiting') this.#of(event.stage).awaited = event.notes;
    if (event.is === 'step-started') {
      const passage = this.#of(event.stage);
      passage.awaited = [];
      passage.steps.add(event.step);
    }
  }

  /**
   * In words that follow "cancelled": the stages, and their steps or else what they wait for. Undefined between stages.
   */
  inWords(words: Words = PLAIN): string | undefined {
    if (this.#stages.size === 0) return undefined;
    const passages = [...this.#stages.values()];
    const steps = passages.flatMap((passage) => [...passage.steps]);
    const awaited = passages.flatMap((passage) => passage.awaited);
    const during =
      steps.length > 0
        ? `, in the middle of ${listed(steps, words)}`
        : awaited.length > 0
          ? `, while it waited for ${listed(awaited, words)}`
          : '';
    return `in ${inSeries([...this.#stages.keys()])}${during}`;
  }

  /** A stage that waits for others before it has started is no passage yet. */
  #of(stage: string): StageActivity {
    return this.#stages.get(stage) ?? { steps: new Set(), awaited: [] };
  }
}

const listed = (notes: readonly Pick<Note, 'host' | 'about'>[], words: Words): string =>
  inSeries([...new Set(notes.map(({ host, about }) => `"${words.what(about)}"${host === '' ? '' : ` on ${host}`}`))]);

const inSeries = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' and ');
