import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { Announced } from '../../src/transport/announced.ts';
import { Capture } from '../../src/transport/capture.ts';

/** The bytes in pieces of random sizes. */
const pieces = (bytes: Buffer) =>
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 50 }).map((sizes) => {
    const chunks: Buffer[] = [];
    for (let at = 0, i = 0; at < bytes.length; i += 1) {
      const size = sizes[i % sizes.length] ?? 1;
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  });

const text = fc.string({ unit: 'grapheme', maxLength: 200 });

describe('captured output', () => {
  test('is the same text however it was split into chunks', () => {
    fc.assert(
      fc.property(
        text.chain((whole) => fc.tuple(fc.constant(whole), pieces(Buffer.from(whole)))),
        ([whole, chunks]) => {
          const capture = new Capture();
          for (const chunk of chunks) capture.add(chunk);
          expect(capture.text()).toBe(Buffer.from(whole).toString());
        },
      ),
    );
  });

  test('keeps its beginning and its end within the limits, and counts what it omitted', () => {
    const ascii = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 31, maxLength: 300 });
    fc.assert(
      fc.property(
        ascii.chain((whole) => fc.tuple(fc.constant(whole), pieces(Buffer.from(whole)))),
        ([whole, chunks]) => {
          const capture = new Capture(10, 20);
          for (const chunk of chunks) capture.add(chunk);
          expect(capture.text()).toBe(
            `${whole.slice(0, 10)}\n[... ${whole.length - 30} bytes left out ...]\n${whole.slice(-20)}`,
          );
        },
      ),
    );
  });

  test('is a copy, because buffers are reused; a chunk of one byte costs one byte', () => {
    const capture = new Capture(4, 4);
    const chunk = Buffer.from('.');
    for (const letter of 'abcdefghijklmnopqrst') {
      chunk.write(letter);
      capture.add(chunk);
    }
    expect(capture.text()).toBe('abcd\n[... 12 bytes left out ...]\nqrst');
    const before = process.memoryUsage().rss;
    const large = new Capture();
    for (let i = 0; i < 2_000_000; i += 1) large.add(chunk);
    expect([large.text().length, process.memoryUsage().rss - before < 150 * 2 ** 20]).toEqual([2_000_000, true]);
  });

  test('is not split within a character', () => {
    const capture = new Capture(4, 4);
    capture.add(Buffer.from('a€€€€b'));
    expect(capture.text()).toBe('a€\n[... 6 bytes left out ...]\n€b');
  });
});

describe('announced output', () => {
  test.each([
    ['at once', '', 'kuscia-swarm-runs-as 42\nsaid\n', 42, 'said\n'],
    ['after a greeting', 'Welcome!\n', 'kuscia-swarm-runs-as 42\nsaid\n', 42, 'said\n'],
    ['on a terminal', '', 'kuscia-swarm-runs-as 42\r\nsaid\r\n', 42, 'said\r\n'],
    ['only once', '', 'kuscia-swarm-runs-as 42\nkuscia-swarm-runs-as 43\n', 42, 'kuscia-swarm-runs-as 43\n'],
    ['never', '', 'This account is not available.\n', undefined, 'This account is not available.\n'],
    ['never, at length', '', 'x'.repeat(70_000), undefined, 'x'.repeat(70_000)],
  ])('%s', (_, before, rest, pid, said) => {
    for (const size of [1, 7, 100_000]) {
      const announced = new Announced();
      const bytes = Buffer.from(before + rest);
      for (let at = 0; at < Math.min(bytes.length, 1_000); at += size)
        announced.add(bytes.subarray(at, Math.min(at + size, 1_000)));
      if (bytes.length > 1_000) announced.add(bytes.subarray(1_000));
      expect([announced.groups, announced.begun, announced.text()]).toEqual([
        pid === undefined ? [] : [pid],
        pid !== undefined,
        said,
      ]);
    }
  });
  test.each([
    [
      'by the shell and on its terminal',
      'hi\nkuscia-swarm-runs-as 42\nkuscia-swarm-runs-as 43\r\nsaid\r\n',
      [42, 43],
      'said\r\n',
    ],
    ['by the shell only', 'kuscia-swarm-runs-as 42\nscript: no terminal\n', [42], 'script: no terminal\n'],
  ])('twice: %s', (_, text, groups, said) => {
    for (const size of [1, 7, 1_000]) {
      const announced = new Announced(2);
      for (let at = 0; at < text.length; at += size) announced.add(Buffer.from(text.slice(at, at + size)));
      expect([announced.groups, announced.begun, announced.text()]).toEqual([groups, groups.length === 2, said]);
    }
  });
});
