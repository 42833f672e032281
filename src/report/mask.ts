import { printedForms, type Secret } from '../engine/secret.ts';
import { Forms, type Span } from './forms.ts';
import { bounded, LONGEST_VALUE, tame } from './remote.ts';

const MASK = '***';

/** So much of a long text is looked at for what is shown of it; taming may leave less. */
const NEAR = 16 * LONGEST_VALUE;

/** Knows every printed form of the run's secrets, and takes them out of whatever is printed. */
export class Masks {
  readonly #known = new Set<string>();
  readonly #forms = new Forms();
  #longest = 0;

  /** From now on nothing that is printed shows these. Gives the forms that were not known before, longest first. */
  hide(secrets: readonly Secret[]): string[] {
    const added = [...new Set(secrets.flatMap(printedForms))]
      .filter((form) => !this.#known.has(form))
      .sort((a, b) => b.length - a.length);
    for (const form of added) this.#known.add(form);
    this.#forms.add(added);
    this.#longest = Math.max(this.#longest, added[0]?.length ?? 0);
    return added;
  }

  /** The text with `***` in place of every form of every secret, also where two of them overlap. */
  mask(text: string): string {
    let masked = text;
    for (;;) {
      const spans = this.#spans(masked);
      if (spans.length === 0) return masked;
      masked = cover(masked, spans);
    }
  }

  /**
   * Text from anywhere, fit to be printed: masked, harmless, bounded. Masked before it is tamed, since taming can
   * change a form, and after it, since taming can join what a control character kept apart. What is far behind the last
   * that is shown is not looked at: hosts say megabytes.
   */
  clean(text: string): string {
    if (text.length <= NEAR) return bounded(this.#tamed(this.mask(text)));
    // A form that the cut went through is none any more: what may be one is looked at and not shown. Broken into lines
    // it is longer than it was.
    const reach = 4 * this.#longest;
    const masked = this.mask(text.slice(0, NEAR + reach));
    const near = masked.slice(0, Math.max(0, masked.length - reach));
    return bounded(this.#tamed(near), LONGEST_VALUE, Math.max(0, text.length - NEAR));
  }

  /** What is masked already, tamed, and masked once more where that has changed it. */
  #tamed(masked: string): string {
    const tamed = tame(masked);
    return tamed === masked ? masked : this.mask(tamed);
  }

  /** The same value with every text in it clean. Functions are left out; keys are ours and stay. */
  cleaned<T>(value: T): T {
    return this.#deep(value) as T;
  }

  #deep(value: unknown): unknown {
    if (typeof value === 'string') return this.clean(value);
    if (Array.isArray(value)) return value.map((item) => this.#deep(item));
    if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#deep(item)]));
  }

  /** Where forms stand in the text, also those that are broken by line ends and indentation, as long base64 is. */
  #spans(text: string): Span[] {
    const spans = this.#forms.spansIn(text);
    const joined = text.replace(BREAKS, '');
    const across = joined.length < text.length ? this.#forms.spansIn(joined) : [];
    if (across.length === 0) return spans;
    const placeOf = placesIn(text);
    return [...spans, ...across.map(([from, to]): Span => [placeOf(from), placeOf(to - 1) + 1])].sort(
      (a, b) => a[0] - b[0],
    );
  }
}

/** Line ends, plain or escaped, and the blanks after them. */
const BREAKS = /(?:[\r\n]|\\[rn])\s*/g;

/** Where a character of the text without breaks stood in it. */
function placesIn(text: string): (index: number) => number {
  // Of each piece where it begins, in what is joined and in the text.
  const [starts, places] = [[0], [0]];
  let [length, end] = [0, 0];
  for (const { index, 0: gap } of text.matchAll(BREAKS)) {
    length += index - end;
    end = index + gap.length;
    starts.push(length);
    places.push(end);
  }
  return (index) => {
    const piece = lastAtMost(starts, index);
    return (places[piece] ?? 0) + index - (starts[piece] ?? 0);
  };
}

/** Index of the last of the rising numbers that is no larger. */
function lastAtMost(numbers: readonly number[], most: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= most) low = middle;
    else high = middle;
  }
  return low;
}

/** Puts one mask over each run of spans that touch or overlap. Every form is longer than the mask, so this ends. */
function cover(text: string, spans: readonly Span[]): string {
  let covered = '';
  let end = -1;
  for (const [from, to] of spans) {
    if (from > end) covered += text.slice(Math.max(end, 0), from) + MASK;
    end = Math.max(end, to);
  }
  return covered + text.slice(end);
}
