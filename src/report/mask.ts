import { printedForms, type Secret } from '../engine/secret.ts';
import { bounded, tame } from './remote.ts';

const MASK = '***';

/** Knows every printed form of the run's secrets, and takes them out of whatever is printed. */
export class Masks {
  #forms: string[] = [];

  /** From now on nothing that is printed shows these. Gives the forms that were not known before, longest first. */
  hide(secrets: readonly Secret[]): string[] {
    const known = new Set(this.#forms);
    const added = [...new Set(secrets.flatMap(printedForms))].filter((form) => !known.has(form));
    this.#forms = [...this.#forms, ...added].sort((a, b) => b.length - a.length);
    return added.sort((a, b) => b.length - a.length);
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
   * Text from anywhere, fit to be printed: masked, harmless, bounded. Masked before it is tamed, since taming can change a
   * form, and after it, since taming can join what a control character kept apart.
   */
  clean(text: string): string {
    return bounded(this.mask(tame(this.mask(text))));
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
  #spans(text: string): [number, number][] {
    const spans = this.#spansIn(text);
    const { joined, places } = withoutBreaks(text);
    if (joined.length < text.length) spans.push(...this.#spansIn(joined).map(([from, to]): [number, number] => [places[from] ?? 0, (places[to - 1] ?? 0) + 1]));
    return spans.sort((a, b) => a[0] - b[0]);
  }

  #spansIn(text: string): [number, number][] {
    const spans: [number, number][] = [];
    for (const form of this.#forms) {
      for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) spans.push([at, at + form.length]);
    }
    return spans;
  }
}

/** The text without line ends, plain or escaped, and the blanks after them; and where each character of it stood. */
function withoutBreaks(text: string): { readonly joined: string; readonly places: readonly number[] } {
  const places: number[] = [];
  let end = 0;
  const keep = (to: number): void => {
    for (; end < to; end += 1) places.push(end);
  };
  for (const { index, 0: gap } of text.matchAll(/(?:[\r\n]|\\[rn])\s*/g)) {
    keep(index);
    end = index + gap.length;
  }
  keep(text.length);
  return { joined: places.map((place) => text[place]).join(''), places };
}

/** Puts one mask over each run of spans that touch or overlap. Every form is longer than the mask, so this ends. */
function cover(text: string, spans: readonly [number, number][]): string {
  let covered = '';
  let end = -1;
  for (const [from, to] of spans) {
    if (from > end) covered += text.slice(Math.max(end, 0), from) + MASK;
    end = Math.max(end, to);
  }
  return covered + text.slice(end);
}
