/**
 * The choice most likely meant by the word; undefined if none is close. Ignores case, hyphens and underscores.
 */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  const wanted = plain(word);
  if (wanted === '' || wanted.length > MAX_WORD_LENGTH) return undefined;
  const near = choices.flatMap((choice) => {
    const letters = plain(choice);
    const allowed = Math.floor(Math.max(letters.length, 3) / 3);
    if (Math.abs(letters.length - wanted.length) > allowed) return [];
    const steps = distance(wanted, letters);
    return steps <= allowed ? [{ choice, steps }] : [];
  });
  return near.sort((a, b) => a.steps - b.steps)[0]?.choice;
}

const MAX_WORD_LENGTH = 64;

const plain = (word: string): string => word.toLowerCase().replace(/[-_\s]/g, '');

/** The Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchange = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
