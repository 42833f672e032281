import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { reading, script, shellLine } from '../../src/engine/command.ts';
import { inAnyShell, quote } from '../../src/engine/quote.ts';
import { loginLine } from '../../src/transport/channel.ts';
import { startLine } from '../../src/transport/connection.ts';
import { canary, word } from '../support/words.ts';

// If quoting is broken, the shell runs whatever the words say: hence a temporary folder and a short deadline.
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quote-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** The output of a shell that runs the line. */
const printed = (shell: string, line: string): string =>
  execFileSync(shell, ['-c', line], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    cwd: folder,
    timeout: 10_000,
    killSignal: 'SIGKILL',
  });

/** The words as a shell parses them. */
const throughShell = (shell: string, words: readonly string[]): string[] =>
  printed(shell, `printf '%s\\0' ${words.map(quote).join(' ')}`)
    .split('\0')
    .slice(0, -1);

describe('quote', () => {
  test('keeps each of 100,000 words intact in sh and bash: it arrives byte for byte, and none is run as a command', () => {
    let words = 0;
    fc.assert(
      fc.property(fc.array(word, { minLength: 1_000, maxLength: 1_000, size: 'max' }), (batch) => {
        for (const shell of ['sh', 'bash']) expect(throughShell(shell, batch)).toEqual(batch);
        words += batch.length;
      }),
      { numRuns: 100, endOnFailure: true },
    );
    expect(words).toBeGreaterThanOrEqual(100_000);
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);

  test.each(['sh', 'bash'])('an unquoted canary does leave something behind in %s', (shell) => {
    const bare = mkdtempSync(join(tmpdir(), 'canary-'));
    execFileSync(shell, ['-c', `printf %s a ${canary('$(', ')')}`], { cwd: bare });
    expect(readdirSync(bare)).toEqual(['escaped']);
    rmSync(bare, { recursive: true });
  });

  test.each(['sh', 'bash'])(
    'words arrive in %s through whole command lines and through nested shells',
    (shell) => {
      let words = 0;
      const show = (batch: readonly string[]) => reading('show', script('printf "%s\\0" "$@"', '.', ...batch));
      const within = (line: string, depth: number): string =>
        depth === 0 ? line : within(shellLine(reading('go deeper', ['sh', '-c', line])), depth - 1);
      fc.assert(
        fc.property(
          fc.array(word, { minLength: 100, maxLength: 100, size: 'max' }),
          fc.integer({ min: 0, max: 3 }),
          (batch, depth) => {
            const [command, wanted] = [show(batch), ['.', ...batch, ''].join('\0')];
            expect(printed(shell, within(shellLine(command), depth))).toBe(wanted);
            // As the channel of a connection sends it: the output of the program follows the announcement.
            expect(printed(shell, loginLine(startLine(command))).replace(/^kuscia-swarm-runs-as \d+\n/, '')).toBe(
              wanted,
            );
            words += batch.length;
          },
        ),
        { numRuns: 20, endOnFailure: true },
      );
      expect(words).toBeGreaterThanOrEqual(2_000);
      expect(readdirSync(folder)).toEqual([]);
    },
    60_000,
  );

  test('a line for any login shell contains nothing that one of them interprets differently, whatever the script', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 50, size: 'max' }), (batch) => {
        const [, words, text = ''] =
          /^-c 'eval "\$\(printf %b "\$1"\)"' (sh) '([ -&(-~]*)'$/.exec(inAnyShell(batch.join(' '))) ?? [];
        expect(words).toBe('sh');
        expect(text.replace(/\\0[0-3][0-7]{2}/g, '')).not.toMatch(/[\\!']/);
      }),
      { numRuns: 200 },
    );
    expect(() => inAnyShell('a\0b')).toThrow('NUL');
  });

  test('each of the first 256 characters arrives', () => {
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

  test('a NUL is rejected, since no argument can contain it', () => {
    expect(() => quote('a\0b')).toThrow('NUL');
  });
});
