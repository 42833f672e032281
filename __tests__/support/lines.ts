import { seen, type Words } from '../../src/engine/about.ts';
import type { Note } from '../../src/engine/plan.ts';

/** A plan line about something made up, with these words. */
export const says = (what: string, why: string): Pick<Note, 'about' | 'why'> => ({
  about: { kind: 'pass', thing: 'failure', name: what },
  why: seen(why),
});

/** The words of made up lines, and nothing else. */
export const BARE: Words = { what: ({ name }) => name ?? '', why: ({ seen: what }) => what ?? '' };
