import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  codeNumber,
  CODES,
  failuresOf,
  DeploymentError,
  deploymentError,
  traitsOf,
  type Code,
} from '../../src/engine/errors.ts';

const names = Object.keys(CODES) as Code[];

describe('the codes', () => {
  test('have a unique number of four digits, and a title', () => {
    const numbers = names.map((code) => CODES[code][0]);
    expect(new Set(numbers).size).toBe(names.length);
    expect(numbers.filter((number) => number < 1000 || number > 1999)).toEqual([]);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(names.map((code) => CODES[code][1])).size).toBe(names.length);
    for (const code of names) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test('are all used', () => {
    const folder = new URL('../../src/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && file !== 'engine/errors.ts',
    );
    const text = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
    expect(names.filter((code) => code !== 'internal' && !text.includes(`'${code}'`))).toEqual([]);
  });

  test('say whether a host or its engine does not respond', () => {
    const silent = (who: 'host' | 'engine'): Code[] => names.filter((code) => traitsOf(code).silent === who);
    expect(silent('engine')).toEqual(['engine-unreachable']);
    expect(silent('host').map(codeNumber)).toEqual(
      [1101, 1102, 1103, 1104, 1105, 1106, 1115, 1116, 1117, 1118].map((number) => `KS-${number}`),
    );
  });

  test('read as KS numbers', () => {
    expect(codeNumber('data-path-cut')).toBe('KS-1204');
  });
});

describe('a DeploymentError', () => {
  const cut = { code: 'data-path-cut', host: 'node-02', what: 'cannot reach node-03', remedy: 'open it' } as const;
  const cancelled = { code: 'cancelled', what: 'cancelled', remedy: 'again' } as const;

  test('names all of its failures, each with its host', () => {
    expect(new DeploymentError([cut, cancelled]).message).toBe(
      'KS-1204 data-path-cut: node-02: cannot reach node-03\nKS-1111 cancelled: cancelled',
    );
    expect(failuresOf(deploymentError(cut))).toEqual([cut]);
  });

  test.each([
    ['an error', new TypeError('x is not a function'), 'TypeError: x is not a function'],
    ['a string', 'oops', 'oops'],
    ['nothing', undefined, 'undefined'],
  ])('is an internal error if made from %s', (_, thrown, what) => {
    expect(failuresOf(thrown)).toEqual([
      { code: 'internal', what: expect.stringContaining(what), remedy: 'Report this bug with the lines above.' },
    ]);
  });
});
