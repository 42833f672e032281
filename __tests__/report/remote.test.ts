import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { bounded, makeHarmless } from '../../src/report/remote.ts';

const nasty = fc.string({
  unit: fc.constantFrom(
    ...':#[]a \n\r\t\x1b\x07\x9b\u0000\u0085\u2028\u200b\u202e\ufeff;m31',
    'set-output',
    'add-mask',
  ),
  maxLength: 40,
});

describe('text from a host', () => {
  test.each([
    ['a workflow command', '::set-output name=x::y', ': :set-output name=x::y'],
    ['an indented workflow command', '  ::add-mask::y', '  : :add-mask::y'],
    ['a workflow command on a later line', 'ok\r::stop-commands::x', 'ok\n: :stop-commands::x'],
    ['a workflow command behind a colour', '\x1b[31m::error::x', ': :error::x'],
    ['a workflow command behind a character without width', '\ufeff::error::x', ': :error::x'],
    ['more colons than two', ':::error::x', ': : :error::x'],
    ['an old command anywhere in the line', 'text ##[group]x', 'text ## [group]x'],
    ['colours', '\x1b[0;32mROOT\x1b[0m', 'ROOT'],
    ['a link and a title', '\x1b]8;;http://x\x07here\x1b]8;;\x07 \x1b]0;title\x1b\\.', 'here .'],
    ['8-bit sequences', '\x9b31mred', 'red'],
    ['text that runs backwards', 'a\u202eb', 'ab'],
    ['a NUL and a bell', 'a\u0000b\x07c', 'abc'],
    ['an IPv6 address', 'fe80::1 is up', 'fe80::1 is up'],
    ['Chinese', '组网模式 ok', '组网模式 ok'],
  ])('loses only what is harmful: %s', (_what, said, shown) => expect(makeHarmless(said)).toBe(shown));

  test('never holds a control character or a workflow command', () => {
    fc.assert(
      fc.property(nasty, (said) => {
        const shown = makeHarmless(said);
        // eslint-disable-next-line no-control-regex
        expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/);
        expect(shown).not.toMatch(/^\s*::/m);
        expect(shown).not.toContain('##[');
      }),
      { numRuns: 1_000 },
    );
  });

  test('is truncated, and says by how much', () => {
    expect(bounded('abcdef', 4)).toBe('abcd… (2 more characters)');
    expect(bounded('abcd', 4)).toBe('abcd');
    expect(bounded('abc😀', 4)).toBe('abc… (2 more characters)');
  });
});
