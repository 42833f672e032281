import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quote } from '../../src/engine/quote.ts';

// Where quoting is broken, a shell does whatever the words say: in a folder that is thrown away, and not for long.
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quote-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a shell makes of a list of words. */
function throughShell(shell: string, words: readonly string[]): string[] {
  const printed = execFileSync(shell, ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`], { encoding: 'utf8', maxBuffer: 1 << 26, cwd: folder, timeout: 10_000, killSignal: 'SIGKILL' });
  return printed.split('\0').slice(0, -1);
}

const awkward = ["'", '"', '\\', '$', '`', '!', '*', '?', '[', ']', '~', '#', '&', ';', '|', '<', '>', '(', ')', '{', '}', '\n', '\t', '\r', ' ', '=', '-', '\u{1b}', 'é', '語', '😀', "'\\''", '$(id)', '${x}', '\\n'];
const word = fc.oneof(
  fc.array(fc.oneof(fc.constantFrom(...awkward), fc.string({ minLength: 1, maxLength: 3 })), { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
).map((text) => text.replaceAll('\0', '').toWellFormed());

describe('quote', () => {
  test.each(['sh', 'bash'])('any word arrives in %s byte for byte', (shell) => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 100, maxLength: 120 }), (words) => {
        expect(throughShell(shell, words)).toEqual(words);
      }),
      { numRuns: 25 },
    );
  });

  test('every single character of the first 256 arrives', () => {
    const all = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1));
    expect(throughShell('sh', all)).toEqual(all);
  });

  test.each([
    ['docker', 'docker'],
    ['--publish=20000:1080/tcp', '--publish=20000:1080/tcp'],
    ['user@host', 'user@host'],
    ['', "''"],
    ['~', "'~'"],
    ['two words', "'two words'"],
    ["it's", "'it'\\''s'"],
    ['{{json .}}', "'{{json .}}'"],
    ['a\nb', "'a\nb'"],
  ])('%j reads %s', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  test('a NUL is refused, for no argument can hold it', () => {
    expect(() => quote('a\0b')).toThrow('NUL');
  });
});
