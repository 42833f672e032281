import { printedForms, type Secret } from '../engine/secret.ts';
import { Forms, type Span } from './forms.ts';
import { bounded, MAX_VALUE_LENGTH, makeHarmless } from './remote.ts';

const MASK = '***';

/** How much of a long text is processed to print the shown part of it; making it harmless may shorten it. */
const WINDOW = 16 * MAX_VALUE_LENGTH;

/** Knows every printed form of the run's secrets, and removes them from everything that is printed. */
export class Masks {
  readonly #known = new Set<string>();
  readonly #forms = new Forms();
  #longest = 0;

  /** From now on nothing that is printed shows these. Returns the forms that were not known before, longest first. */
  hide(secrets: readonly Secret[]): string[] {
    const added = [...new Set(secrets.flatMap(printedForms))]
      .filter((form) => !this.#known.has(form))
      .sort((a, b) => b.length - a.length);
    for (const form of added) this.#known.add(form);
    this.#forms.add(added);
    this.#longest = Math.max(this.#longest, added[0]?.length ?? 0);
    return added;
  }

  /** The text with `***` in place of every form of every secret, even where two of them overlap. */
  mask(text: string): string {
    let masked = text;
    for (;;) {
      const spans = this.#spans(masked);
      if (spans.length === 0) return masked;
      masked = coverSpans(masked, spans);
    }
  }

  /**
   * Text from anywhere, made fit to print: masked, harmless, bounded. It is masked before it is made harmless, since
   * that can change a form, and again afterwards, since that can join what a control character kept apart. What lies
   * far beyond the shown part is not processed: hosts can send megabytes.
   */
  clean(text: string): string {
    if (text.length <= WINDOW) return bounded(this.#harmless(this.mask(text)));
    // A form split by the end of the window would not be recognised, so what may be such a form is processed and not
    // shown. With line breaks in it, a form is longer than usual.
    const margin = 4 * this.#longest;
    const masked = this.mask(text.slice(0, WINDOW + margin));
    const shown = masked.slice(0, Math.max(0, masked.length - margin));
    return bounded(this.#harmless(shown), MAX_VALUE_LENGTH, Math.max(0, text.length - WINDOW));
  }

  /** Masked text made harmless, and masked again if that changed it. */
  #harmless(masked: string): string {
    const harmless = makeHarmless(masked);
    return harmless === masked ? masked : this.mask(harmless);
  }

  /** The same value with every text in it cleaned. Functions are left out; keys are ours and stay. */
  cleaned<T>(value: T): T {
    return this.#deep(value) as T;
  }

  #deep(value: unknown): unknown {
    if (typeof value === 'string') return this.clean(value);
    if (Array.isArray(value)) return value.map((item) => this.#deep(item));
    if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#deep(item)]));
  }

  /** Where forms occur in the text, including those split by line ends and indentation, as in long base64. */
  #spans(text: string): Span[] {
    const spans = this.#forms.spansIn(text);
    const joined = text.replace(BREAKS, '');
    const joinedSpans = joined.length < text.length ? this.#forms.spansIn(joined) : [];
    if (joinedSpans.length === 0) return spans;
    const placeOf = placesIn(text);
    return [...spans, ...joinedSpans.map(([from, to]): Span => [placeOf(from), placeOf(to - 1) + 1])].sort(
      (a, b) => a[0] - b[0],
    );
  }
}

/** Line ends, plain or escaped, and the whitespace after them. */
const BREAKS = /(?:[\r\n]|\\[rn])\s*/g;

/** Maps a position in the text without breaks to its position in the original. */
function placesIn(text: string): (index: number) => number {
  // The start of each piece, in the joined text and in the original.
  const [starts, places] = [[0], [0]];
  let [length, end] = [0, 0];
  for (const { index, 0: gap } of text.matchAll(BREAKS)) {
    length += index - end;
    end = index + gap.length;
    starts.push(length);
    places.push(end);
  }
  return (index) => {
    const piece = lastNotAbove(starts, index);
    return (places[piece] ?? 0) + index - (starts[piece] ?? 0);
  };
}

/** Index of the last of the ascending numbers that is not greater than the given one. */
function lastNotAbove(numbers: readonly number[], most: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= most) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Puts one mask over each run of spans that touch or overlap. Every form is longer than the mask, so this terminates.
 */
function coverSpans(text: string, spans: readonly Span[]): string {
  let covered = '';
  let end = -1;
  for (const [from, to] of spans) {
    if (from > end) covered += text.slice(Math.max(end, 0), from) + MASK;
    end = Math.max(end, to);
  }
  return covered + text.slice(end);
}
