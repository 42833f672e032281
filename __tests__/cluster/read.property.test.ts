import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { existsSync, readFileSync } from 'node:fs';
import { readCluster } from '../../src/cluster/read.ts';
import { MAX_TEXT_LENGTH } from '../../src/cluster/source.ts';
import { DeploymentError, type Failure } from '../../src/engine/errors.ts';
import { Masks } from '../../src/report/mask.ts';
import { commandsIn, CONTROL } from '../support/obeyed.ts';
import { word } from '../support/words.ts';
import { CASES, SOUND, textOf } from './faults.ts';

/** CPU time of this process alone: a busy machine is not a fault of the text. */
const SLOWEST_CPU_MS = 10_000;

const BEFORE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));

/** Reads the text and checks the guarantees for any text: a DeploymentError or a cluster, in time, each failure at a place in the text. */
function tried(text: string): void {
  const started = process.cpuUsage();
  try {
    readCluster(text, 'f');
  } catch (thrown) {
    if (!(thrown instanceof DeploymentError)) throw thrown;
    const lines = text.split('\n');
    const foreign = ({ code, what }: Failure): boolean =>
      code === 'cluster-file-unfit' &&
      /^f is not a cluster file: of the keys domain, image, hosts it has (none|only [a-z]+)(, and it is not valid YAML at \d+:\d+)?; its content is not shown$/.test(
        what,
      );
    const sound = ({ code, what }: Failure): boolean =>
      code === 'cluster-file-invalid' &&
      !what.includes('\n') &&
      (/^f: \d+ more errors$/.test(what) || isPlaceIn(lines, /^f:(\d+):(\d+) {2}\S/.exec(what)));
    // One expectation a text: a text can have many faults, and jest takes longer for each than we do.
    expect([
      thrown.failures.length > 0,
      thrown.failures.filter((failure) => !sound(failure) && !foreign(failure)),
    ]).toEqual([true, []]);
  }
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1_000).toBeLessThan(SLOWEST_CPU_MS);
  if (JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) !== BEFORE)
    throw new Error('every object has become another');
}

const isPlaceIn = (lines: readonly string[], place: RegExpExecArray | null): boolean =>
  place !== null && Number(place[2]) <= (lines[Number(place[1]) - 1]?.length ?? -1) + 1;

/** What YAML libraries have run, or put where every object has it; Python's, Ruby's and Java's among them. */
const EXPLOITS = [
  '!!js/function "function () { globalThis.escaped = 1 }()"',
  '!!js/undefined ""',
  '!!js/regexp /(a+)+$/',
  '!!python/object/apply:os.system ["touch escaped"]',
  '!ruby/object:Gem::Installer {i: x}',
  '!!javax.script.ScriptEngineManager [!!java.net.URL ["http://127.0.0.1:9/"]]',
  '!!binary dG91Y2ggZXNjYXBlZA==',
  '!!omap [a: 1]',
  '!!set {a, b}',
  '!!merge x',
  '{__proto__: {escaped: 1}}',
  '{constructor: {prototype: {escaped: 1}}}',
  '{"__proto__": {"toString": null}}',
  '&a {b: *a}',
  '&a [*a, *a]',
  '{<<: {escaped: 1}}',
  '{<<: [*a, *b]}',
  '$(touch escaped)',
  '`touch escaped`',
  '${process.exit(9)}',
  '{{constructor.constructor "return 1"}}',
  '::set-output name=escaped::1',
];

const OF_ALL = [Object, Array, Function, String, Number, Boolean, RegExp, Map, Promise];
const prototypes = (): string[][] => OF_ALL.map((each) => Object.getOwnPropertyNames(each.prototype));

const texts = [SOUND, ...CASES.map(textOf).filter((text) => text.length < 2000)];
const tokens = [
  '[',
  ']',
  '{',
  '}',
  ': ',
  '- ',
  '? ',
  '&a ',
  '*a',
  '!!set ',
  '"',
  "'",
  '|\n',
  '>\n',
  '\n',
  '\n  ',
  '\t',
  '#',
  '---\n',
  '%YAML 1.1\n',
  '<<',
  '__proto__',
  'constructor',
  'null',
  '~',
  '1e999',
  '0x1f',
  '.nan',
  '\u0000',
  '\uFEFF',
  '\u2028',
  '\\',
  '@',
  '`',
  'é',
  '\uD800',
];

const mutation = fc.record({
  at: fc.nat(2000),
  drop: fc.nat(12),
  put: fc.oneof(
    fc.constantFrom(...tokens),
    fc.constantFrom(...EXPLOITS),
    fc.string({ maxLength: 4 }),
    fc.constantFrom(...SOUND.split(/\s+/)),
  ),
});

describe('readCluster, whatever the text', () => {
  test('a mutated cluster file gives a cluster or a DeploymentError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 6 }), (text, mutations) => {
        tried(
          mutations.reduce(
            (whole, { at, drop, put }) =>
              whole.slice(0, at % (whole.length + 1)) + put + whole.slice((at % (whole.length + 1)) + drop),
            text,
          ),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(EXPLOITS)('%s is read and not executed, wherever it occurs, and no object is changed', (exploit) => {
    const before = prototypes();
    for (const key of [
      'domain',
      'image',
      'hosts',
      'ssh',
      'network',
      'database',
      'memory',
      '<<',
      '__proto__',
      'constructor',
      'other',
    ]) {
      tried(SOUND.replace(new RegExp(`^${key}: .*\n`, 'm'), '') + `${key}: ${exploit}\n`);
      tried(`${SOUND}other: &b {${key}: ${exploit}}\n`);
      tried(SOUND.replace('address: 10.0.0.13', `${key}: ${exploit}`));
    }
    for (const [, text] of [...SOUND.matchAll(/[:,[] ?([^\s,\]}]+)/g)]) tried(SOUND.replace(text ?? '', exploit));
    expect([prototypes(), 'escaped' in globalThis, 'escaped' in {}, existsSync('escaped')]).toEqual([
      before,
      false,
      false,
      false,
    ]);
  });

  test('a host name is safe to print and pass on, or the file is refused', () => {
    const name = fc.oneof(
      word,
      fc.constantFrom(...EXPLOITS, 'n'.repeat(2_000), '\u202egnp', '-o', '..', '::error::x'),
      fc.stringMatching(/^[A-Za-z][\w.-]{0,20}$/),
    );
    let taken = 0;
    fc.assert(
      fc.property(name, fc.oneof(word, fc.constant('10.0.0.13')), (called, address) => {
        const text = SOUND.replace('node-03:', `${JSON.stringify(called)}:`).replace(
          '10.0.0.13',
          JSON.stringify(address),
        );
        tried(text);
        try {
          const { hosts } = readCluster(text, 'f');
          for (const host of hosts)
            expect([host.name, host.address]).toEqual([
              expect.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/),
              expect.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.-]*$/),
            ]);
          taken += 1;
        } catch (thrown) {
          const shown = new Masks()
            .cleaned((thrown as DeploymentError).failures)
            .map(({ what }) => what)
            .join('\n');
          expect([commandsIn(shown), CONTROL.test(shown), shown.length < 20_000]).toEqual([[], false, true]);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  test('any value in any place', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'domain',
          'image',
          'hosts',
          'ssh',
          'network',
          'database',
          'ports',
          'memory',
          'protocol',
          'load-balancer',
          'registry',
          'directory',
          'other',
        ),
        fc.jsonValue(),
        (key, value) => {
          tried(
            SOUND.replace(new RegExp(`^${key}: .*\n`, 'm'), '') + `${JSON.stringify(key)}: ${JSON.stringify(value)}\n`,
          );
          tried(SOUND.replace('address: 10.0.0.13', `${JSON.stringify(key)}: ${JSON.stringify(value)}`));
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    '[',
    '{a: ',
    '- ',
    '? ',
    '&a [*a, ',
    '!<',
    '"\\',
    ',',
    '[,',
    ':\n',
    'a:\n',
    '\t',
    ' \n',
    '*a ',
    '%',
    '|\n',
    '#',
    '- - ',
    '"',
    "'",
  ])('%p as many times as a text can contain it', (piece) => {
    tried(piece.repeat(Math.floor(MAX_TEXT_LENGTH / piece.length)));
  });

  test('as many keys as a text can contain', () => {
    const keys = Array.from({ length: 3300 }, (_, i) => `${i.toString(36)}:`).join('\n');
    expect(keys.length).toBeLessThan(MAX_TEXT_LENGTH);
    tried(keys);
  });

  test('the examples are valid', () => {
    for (const name of ['two-replicas', 'three-managers', 'external-database', 'https', 'local']) {
      const cluster = readCluster(readFileSync(`examples/${name}.yml`, 'utf8'), `examples/${name}.yml`);
      expect(cluster.domain).toBe('alice');
      expect(cluster.hosts.length).toBe(name === 'local' ? 1 : 3);
    }
  });
});
