import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../src/engine/outcome.ts';
import { KEY, makeKey } from './key.ts';
import { shapeOf } from './shape.ts';
import { keyIn, MOMENTS, tape, tapeFile, veiled } from './tape.ts';

const said = (stdout: string): Outcome => ({ ended: 'exited', code: 0, stdout, stderr: '' });

describe('a tape', () => {
  test.each(MOMENTS)('%s contains no key, and a fresh one when it is played', (moment) => {
    const text = readFileSync(tapeFile(moment), 'utf8');
    expect(text).not.toMatch(/LS0tLS1CRUdJTiBSU0EgUFJJ|PRIVATE KEY|SWMTKN-1-(?!taped)/);
    expect(text.includes('@secret@') || text.includes('@shown@')).toBe(['changes', 'settled'].includes(moment));
    expect(tape(moment).filter(({ outcome }) => /@secret@|@shown@/.test(outcome.stdout))).toEqual([]);
  });

  test('has a key replaced wherever it occurs, in base64, too', () => {
    const key = makeKey();
    const row = Buffer.from(JSON.stringify({ status: { publicKey: key.shown } })).toString('base64');
    const kept = veiled(said(`domainKeyData: ${key.secret}\ngateway\t${row}\nSWMTKN-1-abc-def\n`), key);
    expect(kept.stdout).toBe(
      'domainKeyData: @secret@\ngateway\tbase64 {"status":{"publicKey":"@shown@"}}\nSWMTKN-1-taped\n',
    );
    expect(keyIn(`domainKeyData: ${KEY.secret}\n`)).toEqual(KEY);
  });
});

test.each([
  [{ a: 1, b: [1, 2] }, { b: [3], a: 5 }, true],
  [{ a: 1 }, { a: '1' }, false],
  [{ a: 1 }, { a: 1, b: 1 }, false],
  [[{ a: 1 }], [], false],
  [[1, 'x'], ['y', 'z', 2], true],
  [
    new Map([[1, 'a']]),
    new Map([
      [2, 'b'],
      [3, 'c'],
    ]),
    true,
  ],
  [new Map([[1, 'a']]), new Map([[1, 1]]), false],
  [undefined, null, false],
])('the shape of %j is that of %j: %s', (one, other, same) => {
  expect(JSON.stringify(shapeOf(one)) === JSON.stringify(shapeOf(other))).toBe(same);
});
