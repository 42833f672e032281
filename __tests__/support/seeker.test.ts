import { describe, expect, test } from '@jest/globals';
import fc from './random.ts';
import { Seeker } from './seeker.ts';
import { SPELLINGS, spellingsOf } from './spellings.ts';

const secret = fc.string({ unit: fc.constantFrom(...`abcXYZ0189'"\\$&%+/=:#<>é密`), minLength: 12, maxLength: 40 });
const around = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed());

/** Text broken as base64 and its like are. */
const broken = (text: string, width: number, by: string): string =>
  text.replace(new RegExp(`.{${width}}`, 'g'), `$&${by}`);

describe('a seeker', () => {
  test.each(Object.entries(SPELLINGS))('finds a secret in each of its spellings: %s', (_, spell) => {
    fc.assert(
      fc.property(secret, around, around, (text, before, after) => {
        const seeker = new Seeker([...spellingsOf(text).keys()].map((spelt) => [spelt, 'it'] as const));
        for (const spelt of spell(text)) expect(seeker.find(Buffer.from(before + spelt + after))).toEqual(['it']);
      }),
      { numRuns: 200 },
    );
  });

  test.each(['\n', '\r\n', '\n    ', '\\n'])('finds base64 that was broken by %j', (by) => {
    fc.assert(
      fc.property(secret, around, fc.constantFrom(16, 64, 76), (text, before, width) => {
        const seeker = new Seeker([...spellingsOf(text).keys()].map((spelt) => [spelt, 'it'] as const));
        expect(seeker.find(Buffer.from(broken(Buffer.from(before + text).toString('base64'), width, by)))).toEqual([
          'it',
        ]);
      }),
      { numRuns: 200 },
    );
  });

  test('finds a single line of a key', () => {
    const seeker = new Seeker(
      [...spellingsOf('-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7bq0\nq1w2e3r4t5z6u7i8o9p0\n-----END KEY-----\n')].map(
        ([spelt, how]) => [spelt, how] as const,
      ),
    );
    expect(seeker.find(Buffer.from('key: q1w2e3r4t5z6u7i8o9p0'))).toEqual(['plain']);
    expect(seeker.find(Buffer.from('-----BEGIN KEY-----'))).toEqual([]);
  });

  test('finds nothing in bytes without a secret', () => {
    const seeker = new Seeker([
      ['correct horse', 'a'],
      ['battery staple', 'b'],
    ]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expect(seeker.find(Buffer.from(bytes))).toEqual([])),
    );
    expect(seeker.find(Buffer.from('correct hors'))).toEqual([]);
    expect(seeker.find(Buffer.from('xx battery staple correct horse'))).toEqual(['b', 'a']);
  });

  test('accepts no secret too short to be recognised', () => {
    expect(() => new Seeker([['seven77', 'a']])).toThrow('8 bytes');
  });
});
