import type { Event } from './events.ts';
import type { Note } from './plan.ts';
import type { Words } from './about.ts';

interface StageActivity {
  readonly steps: Set<Pick<Note, 'host' | 'about'>>;
  awaited: readonly Pick<Note, 'host' | 'about'>[];
}

/** What a run is doing at the moment, derived from its events. */
export class ActivityTracker {
  readonly #stages = new Map<string, StageActivity>();

  hear(event: Event): void {
    if (event.is === 'stage-started') this.#stages.set(event.stage, { steps: new Set(), awaited: [] });
    if (event.is === 'stage-settled' || event.is === 'stage-failed' || event.is === 'stage-left')
      this.#stages.delete(event.stage);
    if (event.is === 'step-done' || event.is === 'step-failed') this.#of(event.stage).steps.delete(event.step);
    if (event.is === 'waiting') this.#of(event.stage).awaited = event.notes;
    if (event.is === 'step-started') {
      const activity = this.#of(event.stage);
      activity.awaited = [];
      activity.steps.add(event.step);
    }
  }

  /**
   * Words that follow "cancelled": the running stages, and their current steps or else what they are waiting for.
   * Undefined between stages.
   */
  inWords(words: Words): string | undefined {
    if (this.#stages.size === 0) return undefined;
    const activities = [...this.#stages.values()];
    const steps = activities.flatMap((activity) => [...activity.steps]);
    const awaited = activities.flatMap((activity) => activity.awaited);
    const during =
      steps.length > 0
        ? `, in the middle of ${listed(steps, words)}`
        : awaited.length > 0
          ? `, while waiting for ${listed(awaited, words)}`
          : '';
    return `in ${inSeries([...this.#stages.keys()])}${during}`;
  }

  /** A stage that has not started because it waits for others is not tracked yet. */
  #of(stage: string): StageActivity {
    return this.#stages.get(stage) ?? { steps: new Set(), awaited: [] };
  }
}

const listed = (notes: readonly Pick<Note, 'host' | 'about'>[], words: Words): string =>
  inSeries([...new Set(notes.map(({ host, about }) => `"${words.what(about)}"${host === '' ? '' : ` on ${host}`}`))]);

const inSeries = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' and ');
