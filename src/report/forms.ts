import { SHORTEST_MASK } from '../engine/secret.ts';

/** The position of something in a text: start, and end (exclusive). */
export type Span = readonly [number, number];

const SLOTS = 0x10000;

/**
 * Rolling hash, below SLOTS, of the last four characters, from the hash before: a fifth character has been shifted out.
 */
const next = (slot: number, character: number): number => ((slot << 4) ^ character) & (SLOTS - 1);
if (SHORTEST_MASK !== 4) throw new Error('a slot must cover as many characters as the shortest mask');

/**
 * Texts that are searched for all at once: a run knows thousands of forms, and the time to search a line grows with its
 * length, not with their number. Candidates are found by their beginning.
 */
export class Forms {
  readonly #begun = new Uint8Array(SLOTS);
  /** By their first characters; sorted. */
  readonly #byHead = new Map<string, string[]>();
  /** How many characters the last search compared with those of forms. */
  compared = 0;

  /** Each must be at least as long as the shortest mask. */
  add(forms: readonly string[]): void {
    for (const form of forms) {
      const head = form.slice(0, SHORTEST_MASK);
      const others = this.#byHead.get(head) ?? [];
      // By default sort compares code units, as the search does.
      this.#byHead.set(head, [...new Set([...others, form])].sort());
      this.#begun[Array.from({ length: SHORTEST_MASK }, (_, i) => form.charCodeAt(i)).reduce(next, 0)] = 1;
    }
  }

  /** Where forms occur in the text, in order; overlapping ones are one span. */
  spansIn(text: string): Span[] {
    this.compared = 0;
    const spans: Span[] = [];
    let slot = 0;
    for (let end = 1; end <= text.length; end += 1) {
      slot = next(slot, text.charCodeAt(end - 1));
      if (this.#begun[slot] === 0 || end < SHORTEST_MASK) continue;
      const at = end - SHORTEST_MASK;
      const forms = this.#byHead.get(text.slice(at, end));
      const length = forms === undefined ? 0 : this.#longest(forms, text, at);
      if (length === 0) continue;
      const [from, to] = spans.at(-1) ?? [-1, -1];
      if (at < to) spans[spans.length - 1] = [from, Math.max(to, at + length)];
      else spans.push([at, at + length]);
    }
    return spans;
  }

  /** Length of the longest form that occurs there; 0 if none does. Narrows the candidates character by character. */
  #longest(forms: readonly string[], text: string, at: number): number {
    let low = 0;
    let high = forms.length;
    let longest = 0;
    let [first = '', last = ''] = [forms[0], forms[high - 1]];
    for (let i = SHORTEST_MASK; ; i += 1) {
      if (first.length === i) {
        longest = i;
        low += 1;
        first = forms[low] ?? '';
      }
      if (low >= high || at + i >= text.length) return longest;
      const character = text.charCodeAt(at + i);
      this.compared += 1;
      if (first.charCodeAt(i) === character && last.charCodeAt(i) === character) continue;
      high = bound(forms, low, high, i, character + 1);
      low = bound(forms, low, high, i, character);
      if (low >= high) return longest;
      first = forms[low] ?? '';
      last = forms[high - 1] ?? '';
    }
  }
}

/** The first of the forms in that range whose character there is at least the given one. */
function bound(forms: readonly string[], from: number, to: number, i: number, character: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((forms[middle]?.charCodeAt(i) ?? 0) < character) low = middle + 1;
    else high = middle;
  }
  return low;
}
