import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { Forms, type Span } from '../../src/report/forms.ts';

const formsOf = (...all: readonly string[]): Forms => {
  const forms = new Forms();
  forms.add(all);
  return forms;
};

/** Characters that some form covers, looked for in the simplest way. */
function coveredBy(all: readonly string[], text: string): number[] {
  return Array.from(text, (_, i) => i).filter((i) =>
    all.some((form) => Array.from(form, (_, back) => i - back).some((at) => at >= 0 && text.startsWith(form, at))),
  );
}
const covered = (spans: readonly Span[]): number[] =>
  spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));

describe('forms in a text', () => {
  test('are found wherever they occur, even within or overlapping each other', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 9 }), {
          minLength: 1,
          maxLength: 5,
        }),
        text,
        (all, said) => {
          expect(covered(formsOf(...all).spansIn(said))).toEqual(coveredBy(all, said));
        },
      ),
      { numRuns: 500 },
    );
  });

  const SECRET = 'Hidden-Value.42!';
  /** Lines by an attacker who knows the beginning of a secret, or all of it. */
  const HOSTILE: Readonly<Record<string, string>> = {
    'its head': 'Hidd',
    'all but its end': SECRET.slice(0, -1),
    itself: SECRET,
    'a part of it again and again': 'HiddHidden',
    'one character': 'a',
    'line ends': '\\n\n  ',
    'nothing of it': 'x: 1, ',
  };
  const many = Array.from({ length: 3_000 }, (_, i) => `${i.toString(36)}-another-form-${i}`);
  const compared = (forms: Forms, line: string): number => {
    forms.spansIn(line);
    return forms.compared;
  };

  test.each(Object.entries(HOSTILE))(
    'are searched in a line of %s in linear time, however many there are',
    (_, piece) => {
      const [few, all] = [formsOf(SECRET, `${SECRET}=`), formsOf(SECRET, `${SECRET}=`, ...many)];
      const counts = [1_000, 4_000, 16_000].map((length) => compared(all, piece.repeat(length).slice(0, length)));
      expect(counts).toEqual(
        [1_000, 4_000, 16_000].map((length) => compared(few, piece.repeat(length).slice(0, length))),
      );
      for (const [i, length] of [1_000, 4_000, 16_000].entries()) expect(counts[i]).toBeLessThanOrEqual(2 * length);
      expect(counts[2]).toBeLessThanOrEqual(17 * (counts[0] ?? 0) + 32);
    },
  );
});
