import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { readCluster } from '../../src/cluster/read.ts';
import { LONGEST_TEXT } from '../../src/cluster/source.ts';
import { Trouble } from '../../src/engine/errors.ts';
import { CASES, SOUND, textOf } from './faults.ts';

const SLOWEST_MS = 10_000;

/** Reads the text and holds what is promised of any text: a Trouble or a cluster, in time, each failure at a place that the text has. */
function tried(text: string): void {
  const started = performance.now();
  try {
    readCluster(text, 'f');
  } catch (thrown) {
    if (!(thrown instanceof Trouble)) throw thrown;
    const lines = text.split('\n');
    expect(thrown.failures.length).toBeGreaterThan(0);
    for (const { code, what } of thrown.failures) {
      expect(code).toBe('cluster-file-invalid');
      expect(what).not.toContain('\n');
      const place = /^f:(\d+):(\d+) {2}\S/.exec(what);
      if (!place) expect(what).toMatch(/^f: \d+ more faults$/);
      else expect(Number(place[2])).toBeLessThanOrEqual((lines[Number(place[1]) - 1]?.length ?? -1) + 1);
    }
  }
  expect(performance.now() - started).toBeLessThan(SLOWEST_MS);
}

const texts = [SOUND, ...CASES.map(textOf).filter((text) => text.length < 2000)];
const tokens = ['[', ']', '{', '}', ': ', '- ', '? ', '&a ', '*a', '!!set ', '"', "'", '|\n', '>\n', '\n', '\n  ', '\t', '#', '---\n', '%YAML 1.1\n', '<<', '__proto__', 'constructor', 'null', '~', '1e999', '0x1f', '.nan', '\u0000', '\uFEFF', '\u2028', '\\', '@', '`', 'é', '\uD800'];

const mutation = fc.record({ at: fc.nat(2000), drop: fc.nat(12), put: fc.oneof(fc.constantFrom(...tokens), fc.string({ maxLength: 4 }), fc.constantFrom(...SOUND.split(/\s+/))) });

describe('readCluster, whatever the text', () => {
  test('mutated cluster files end in a cluster or in a Trouble', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 6 }), (text, mutations) => {
        tried(mutations.reduce((whole, { at, drop, put }) => whole.slice(0, at % (whole.length + 1)) + put + whole.slice((at % (whole.length + 1)) + drop), text));
      }),
      { numRuns: 400 },
    );
  });

  test('any value where any value stands', () => {
    fc.assert(
      fc.property(fc.constantFrom('domain', 'image', 'hosts', 'ssh', 'network', 'database', 'ports', 'memory', 'protocol', 'load-balancer', 'registry', 'directory', 'other'), fc.jsonValue(), (key, value) => {
        tried(SOUND.replace(new RegExp(`^${key}: .*\n`, 'm'), '') + `${JSON.stringify(key)}: ${JSON.stringify(value)}\n`);
        tried(SOUND.replace('address: 10.0.0.13', `${JSON.stringify(key)}: ${JSON.stringify(value)}`));
      }),
      { numRuns: 150 },
    );
  });

  test.each(['[', '{a: ', '- ', '? ', '&a [*a, ', '!<', '"\\', ',', '[,', ':\n', 'a:\n', '\t', ' \n', '*a ', '%', '|\n', '#', '- - ', '"', "'"])('%p as often as a text can hold it', (piece) => {
    tried(piece.repeat(Math.floor(LONGEST_TEXT / piece.length)));
  });

  test('as many keys as a text can hold', () => {
    const keys = Array.from({ length: 3300 }, (_, i) => `${i.toString(36)}:`).join('\n');
    expect(keys.length).toBeLessThan(LONGEST_TEXT);
    tried(keys);
  });

  test('the examples are sound', () => {
    for (const name of ['two-replicas', 'three-managers', 'external-database', 'https', 'local']) {
      const cluster = readCluster(readFileSync(`examples/${name}.yml`, 'utf8'), `examples/${name}.yml`);
      expect(cluster.domain).toBe('alice');
      expect(cluster.hosts.length).toBe(name === 'local' ? 1 : 3);
    }
  });
});
