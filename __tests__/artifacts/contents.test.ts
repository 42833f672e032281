import { describe, expect, jest, test } from '@jest/globals';
import fc from '../support/random.ts';
import { approvedIn, outputsIn, snapshotIn } from '../../src/artifacts/contents.ts';
import { CAUSES, KINDS } from '../../src/engine/about.ts';
import type { Change } from '../../src/engine/approved.ts';
import type { SealedArtifact } from '../../src/artifacts/sealed-artifact.ts';
import { writeJoinTokens, writeProvenance } from '../../src/cluster/job-outputs.ts';
import { engine } from '../../src/docker/facts.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { answer } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { digestOf, Snapshots } from '../../src/engine/snapshots.ts';
import { readConfiguration } from '../../src/kuscia/configuration.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { initialConfiguration } from '../support/key.ts';
import { MOMENTS, tape } from '../support/tape.ts';

describe('the content of an artifact', () => {
  const of = (kind: SealedArtifact['kind'], text: string): SealedArtifact => ({
    kind,
    host: kind === 'snapshot' ? 'node-02' : '',
    origin: {
      domain: 'alice',
      repository: 'acme/clusters',
      run: '7',
      call: 'kuscia-swarm.alice.deploy.1a2b3c4d',
      attempt: 2,
    },
    made: 1_000,
    content: new Secret(kind, text),
  });
  const outcome = { ended: 'exited', code: 0, stdout: 'out', stderr: '' };
  const tokens = writeJoinTokens({
    manager: new Secret('m', 'SWMTKN-1-m'),
    worker: new Secret('w', 'SWMTKN-1-w'),
  }).reveal();
  const provenance = writeProvenance({
    image: { id: 'sha256:1', digests: ['sha256:2'] },
    script: 'a'.repeat(64),
  }).reveal();

  const isText = (value: unknown): boolean => typeof value === 'string';
  const isOutcome = (value: unknown): boolean => {
    const { ended, stdout, stderr, code } = value as Record<string, unknown>;
    return (
      ['exited', 'killed', 'timed-out', 'lost'].includes(ended as string) &&
      isText(stdout) &&
      isText(stderr) &&
      (ended !== 'exited' || Number.isInteger(code))
    );
  };

  /** A valid text of each kind, the value read from it, and a check that the value is as promised. */
  const EACH: readonly [SealedArtifact['kind'], string, (text: string) => unknown, (read: unknown) => boolean][] = [
    [
      'snapshot',
      JSON.stringify({
        [digestOf(engine.command)]: outcome,
        ['0'.repeat(64)]: { ended: 'lost', reason: 'cut', stdout: '', stderr: '' },
      }),
      (text) => snapshotIn(of('snapshot', text)),
      (read) => Object.values(read as object).every(isOutcome),
    ],
    [
      'plan',
      JSON.stringify({
        changes: [
          {
            stage: 'swarm-init',
            host: 'node-01',
            change: '+',
            about: { kind: 'initialise', thing: 'swarm', details: { address: '10.0.0.11' } },
          },
          {
            stage: 'kuscia-start',
            host: 'node-02',
            change: '~',
            about: { kind: 'replace', thing: 'replica', name: 'r' },
            why: { because: 'differs', differs: [{ field: 'memory', from: '4 GiB', to: '8 GiB' }] },
            image: ['sha256:1'],
          },
        ],
      }),
      (text) => approvedIn(of('plan', text)),
      (read) =>
        Array.isArray(read) &&
        (read as Change[]).every(
          ({ stage, host, about, why, image = [] }) =>
            [stage, host, ...image].every(isText) &&
            KINDS.includes(about.kind) &&
            (why === undefined || CAUSES.includes(why.because)),
        ),
    ],
    ['join-tokens', tokens, (text) => outputsIn([of('join-tokens', text)]).joinTokens?.worker.reveal(), isText],
    ['provenance', provenance, (text) => outputsIn([of('provenance', text)]).provenance?.script, isText],
    [
      'kuscia-configuration',
      initialConfiguration(),
      (text) => readConfiguration(new Secret('configuration', text), 'the artifact of kuscia-init').domain,
      isText,
    ],
  ];

  test.each(MOMENTS)('keeps every answer that hosts gave in the recording %s', (moment) => {
    const answers = Object.fromEntries(tape(moment).map(({ outcome: each }, i) => [sha256(`${i}`), each]));
    expect(snapshotIn(of('snapshot', JSON.stringify(answers)))).toEqual(answers);
  });

  test('the lines of a plan that an earlier version sealed are rejected', () => {
    for (const text of ['[]', JSON.stringify([{ line: 'swarm-init node-01 + initialise swarm' }])])
      expect(() => approvedIn(of('plan', text))).toThrow('artifact-damaged');
  });

  test.each(EACH)('as %s is read, and anything else in its place is refused by name', (kind, sound, read, promised) => {
    expect(promised(read(sound))).toBe(true);
    const prototype = Object.getOwnPropertyNames(Object.prototype);
    const put = fc.oneof(
      fc.constantFrom(
        'null',
        '[]',
        '{}',
        '"',
        '1e999',
        '\n',
        '*a',
        '&a ',
        '<<: *a',
        '__proto__',
        '"__proto__":{"ended":"exited"},',
        '!!js/function ',
        '::error::x',
        '\0',
      ),
      fc.string({ maxLength: 4 }),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc
        .tuple(fc.nat(400), fc.nat(8), put)
        .map(
          ([at, drop, piece]) => sound.slice(0, at % sound.length) + piece + sound.slice((at % sound.length) + drop),
        ),
    );
    let refused = 0;
    fc.assert(
      fc.property(text, (given) => {
        let known: unknown;
        try {
          known = read(given);
        } catch (thrown) {
          refused += 1;
          return expect(failuresOf(thrown)).toMatchObject([
            { code: kind === 'kuscia-configuration' ? 'configuration-invalid' : 'artifact-damaged' },
          ]);
        }
        expect([given, promised(known)]).toEqual([given, true]);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
  });

  test.each([
    ['depth', '['.repeat(1_000_000)],
    ['keys', `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(',')}}`],
    ['keys in YAML', `mode: autonomy\n${Array.from({ length: 60_000 }, (_, i) => `k${i}: 1\n`).join('')}`],
    ['an alias in a circle', `${initialConfiguration()}s: &s [*s]\n`],
    ['an alias of nothing', `${initialConfiguration()}s: *s\n`],
    [
      'a bomb of aliases',
      `${initialConfiguration()}a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n${[...'bcdefgh'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]\n`).join('')}`,
    ],
    ['a list as key', `${initialConfiguration()}? [secret, thing]\n: 1\n`],
  ])('of %s is refused by every reader, and prints nothing', (_, text) => {
    const printed = [
      jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined),
      jest.spyOn(console, 'warn').mockImplementation(() => undefined),
    ];
    for (const [, , read] of EACH) expect(() => read(text)).toThrow(/KS-(1703|1403)/);
    for (const each of printed) expect(each).not.toHaveBeenCalled();
    for (const each of printed) each.mockRestore();
  });

  test('as a snapshot answers only recorded queries, whatever it contains', () => {
    const view = snapshotIn(
      of('snapshot', JSON.stringify({ [digestOf(engine.command)]: { ...outcome, stdout: '::set-output name=x::y' } })),
    );
    const views = new Snapshots([], new Map([['node-02', view]]));
    expect(answer(engine, views.answered('node-02', engine.command)).is).toBe('unknown');
    for (const host of ['__proto__', 'constructor', 'node-03'])
      expect(views.answered(host, engine.command).ended).toBe('lost');
  });
});
