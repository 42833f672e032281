import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const page = readFileSync(here('../../lab/images/kuscia/FIDELITY.md'), 'utf8');
/** The headings of docs/kuscia.md that the page defines links to; a test of the docs follows them. */
const sources = [...page.matchAll(/^(\[.+\]): \S+\/docs\/kuscia\.md#\S+$/gm)].map(([, label = '']) => label);
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the list of traps exists', () => {
  expect(rows.length).toBeGreaterThan(60);
});

test('every row except that of the stand-in itself names its source', () => {
  const unsourced = rows.filter(
    ([, what = '', from = '']) =>
      what !== 'it says that it is a stand-in' && from.split(', ').some((label) => !sources.includes(label)),
  );
  expect(unsourced).toEqual([]);
});

test.each(rows)('%s%s is covered by a test', (_, what, from, held) => {
  expect([what, from]).not.toContain('');
  const [file = '', ...name] = (held ?? '').split(' › ');
  const path = file === 'lab/standin' ? here('../lab/standin.test.ts') : here(`${file}.test.ts`);
  expect(existsSync(path)).toBe(true);
  // As a source has it: in quotes, so that half a name does not pass.
  const source = readFileSync(path, 'utf8');
  expect(["'", '`', '"'].some((quote) => source.includes(`${quote}${name.join(' › ')}`))).toBe(true);
});
