import { expect, test } from '@jest/globals';
import { cell, columns, count, truncate, duration, labelled, type Layout } from '../../src/report/layout.ts';

const look = (width: number): Layout => ({ width, paint: (style, text) => (style === 'bad' ? `<${text}>` : text) });

test('columns are aligned, whatever their colours', () => {
  expect(
    columns(
      [
        [cell('a', 'bad'), cell('one')],
        [cell('long'), cell('two')],
      ],
      look(Infinity),
    ),
  ).toEqual(['<a>     one', 'long  two']);
});

test('a row wider than the screen shrinks the columns that may, to 16 characters at least', () => {
  const [line] = columns([[cell('stage'), cell('w'.repeat(30)), cell('y'.repeat(30))]], look(50), { shrink: [2, 1] });
  expect(line).toBe(`stage  ${'w'.repeat(24)}…  ${'y'.repeat(15)}…`);
  expect(line).toHaveLength(50);
});

test('a value stays on its line', () => expect(columns([[cell('a\nb\tc')]], look(80))).toEqual(['a b c']));

test('a labelled text is wrapped at spaces and never truncated', () => {
  expect(labelled(cell('do'), 'one two three\nfour', look(22), 2, 4)).toEqual(['  do  one two three', '      four']);
  expect(labelled(cell('do'), 'aaaa bbbbbbbbbbbbbbbbbbbbbb cc', look(22), 2, 4)).toEqual([
    '  do  aaaa',
    '      bbbbbbbbbbbbbbbbbbbbbb',
    '      cc',
  ]);
});

test.each([
  [0, '0.0 s'],
  [1_349, '1.3 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min 0 s'],
  [72_400, '1 min 12 s'],
])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

test('one and many', () =>
  expect([count(1, 'change'), count(0, 'change'), count(2, 'more', 'more')]).toEqual([
    '1 change',
    '0 changes',
    '2 more',
  ]));

test('a truncated text says so', () =>
  expect([truncate('abc', 3), truncate('abcd', 3), truncate('😀😀', 2)]).toEqual(['abc', 'ab…', '😀😀']));
