import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from '../support/random.ts';
import { writeArtifact, readArtifacts } from '../../src/artifacts/folder.ts';
import {
  CLOCK_SKEW_MS,
  fileName,
  artifactOf,
  labelIn,
  makerOf,
  missingArtifact,
  pack,
  unpack,
  type SealedArtifact,
  type Origin,
} from '../../src/artifacts/sealed-artifact.ts';
import { proofOf, seal } from '../../src/artifacts/seal.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';
import { Masks } from '../../src/report/mask.ts';
import { commandsIn, CONTROL } from '../support/obeyed.ts';

const key = new Secret('seal key', await generateX25519Identity());
const origin: Origin = {
  domain: 'alice',
  repository: 'acme/clusters',
  run: '7',
  call: 'kuscia-swarm.alice.deploy.1a2b3c4d',
  attempt: 2,
};
const handover = (changes: Partial<SealedArtifact> = {}): SealedArtifact => ({
  kind: 'snapshot',
  host: 'node-02',
  origin,
  made: 1_000,
  content: new Secret('snapshot', 'what it answered'),
  ...changes,
});
const codes = (promise: Promise<unknown>): Promise<string[]> =>
  promise.then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code, evidence = '' }) => `${code} ${evidence}`.trim()),
  );
const sealed = async (envelope: unknown): Promise<Uint8Array> =>
  seal(Buffer.from(typeof envelope === 'string' ? envelope : JSON.stringify(envelope)), key);

describe('a sealed file', () => {
  test('is named after its content', () => {
    expect([fileName(handover()), fileName(handover({ kind: 'plan', host: '' }))]).toEqual([
      'snapshot.node-02.1000.age',
      'plan.1000.age',
    ]);
    expect(
      [
        'snapshot.node-02.1000.age',
        'snapshot.a.b-c.7.age',
        'plan.1000.age',
        'snapshot.age',
        'other.1.age',
        'snapshot.node-02.1000.age.x',
        'x',
      ].map(labelIn),
    ).toEqual([
      { kind: 'snapshot', host: 'node-02', made: 1000 },
      { kind: 'snapshot', host: 'a.b-c', made: 7 },
      { kind: 'plan', host: '', made: 1000 },
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('is opened unchanged, even in a later attempt', async () => {
    const file = { name: fileName(handover()), bytes: await pack(handover(), key) };
    const opened = await unpack(file, key, { ...origin, attempt: 3 });
    expect({ ...opened, content: opened.content.reveal() }).toEqual({ ...handover(), content: 'what it answered' });
    expect(JSON.stringify(opened)).not.toContain('what it answered');
  });

  const foreign: readonly [string, Partial<Origin>, string][] = [
    ['another domain', { domain: 'bob' }, 'artifact-foreign domain alice, not bob'],
    ['another repository', { repository: 'acme/other' }, 'artifact-foreign repository acme/clusters, not acme/other'],
    ['another run', { run: '8' }, 'artifact-foreign run 7, not 8'],
    [
      'another deployment of the run',
      { call: 'kuscia-swarm.alice.deploy.5e6f' },
      'artifact-foreign call kuscia-swarm.alice.deploy.1a2b3c4d, not kuscia-swarm.alice.deploy.5e6f',
    ],
    ['a later attempt', { attempt: 1 }, 'artifact-foreign attempt 2, not 1 or earlier'],
    ['everything', { domain: 'bob', run: '8' }, 'artifact-foreign domain alice, not bob; run 7, not 8'],
  ];
  test.each(foreign)('of %s is refused', async (_, changes, code) => {
    expect(
      await codes(
        unpack({ name: fileName(handover()), bytes: await pack(handover(), key) }, key, { ...origin, ...changes }),
      ),
    ).toEqual([code]);
  });

  test.each(['snapshot.node-03.1000.age', 'plan.1000.age', 'snapshot.node-02.1001.age'])(
    'under the name %s is refused',
    async (name) => {
      expect(await codes(unpack({ name, bytes: await pack(handover(), key) }, key, origin))).toEqual([
        'artifact-foreign its content is snapshot.node-02.1000.age',
      ]);
    },
  );

  /** The envelope with a proof made with the key. */
  const withProof = (inside: unknown, by = key): unknown => {
    const { kind, host, origin, made, content } = (inside ?? {}) as Record<string, unknown>;
    const { domain, repository, run, call, attempt } = (origin ?? {}) as Record<string, unknown>;
    return typeof inside === 'object' && !Array.isArray(inside)
      ? {
          proof: proofOf(JSON.stringify([kind, host, domain, repository, run, call, attempt, made, content]), by),
          ...inside,
        }
      : inside;
  };
  const good = { format: 2, kind: 'snapshot', host: 'node-02', origin, made: 1_000, content: 'x' };

  test('by someone who knows only the recipient of the identity is refused, whatever its time', async () => {
    const { proof } = withProof(good, new Secret('seal key', 'age1 and guesses')) as { proof: string };
    for (const made of [1_000, Date.now(), Date.now() + 10 * CLOCK_SKEW_MS]) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(await identityToRecipient(key.reveal()));
      const bytes = await encrypter.encrypt(JSON.stringify({ ...good, made, proof }));
      expect(await codes(unpack({ name: `snapshot.node-02.${made}.age`, bytes }, key, origin))).toEqual([
        'artifact-forged it can be decrypted, but was sealed without the seal-key',
      ]);
    }
  });

  test.each(
    Object.entries({ kind: 'plan', host: 'node-03', made: 1_001, content: 'y', origin: { ...origin, attempt: 1 } }),
  )('with a replaced %s is refused', async (part, value) => {
    const { proof } = withProof(good) as { proof: string };
    const changed = { ...good, [part]: value, proof };
    const name = fileName({ ...changed, content: new Secret('', '') } as unknown as SealedArtifact);
    expect(await codes(unpack({ name, bytes: await sealed(changed) }, key, origin))).toEqual([
      expect.stringMatching(/^artifact-forged /),
    ]);
  });

  test('is refused if it is further in the future than clocks may differ, and accepted otherwise', async () => {
    const at = async (made: number): Promise<string[]> =>
      codes(unpack({ name: fileName(handover({ made })), bytes: await pack(handover({ made }), key) }, key, origin));
    expect(await at(Date.now() + CLOCK_SKEW_MS - 60_000)).toEqual([]);
    expect(await at(Date.now() + CLOCK_SKEW_MS + 60_000)).toEqual([
      expect.stringMatching(
        /^artifact-ahead created 3\d\d s in the future by the clock of this runner; clocks may differ by 300 s$/,
      ),
    ]);
  });
  const hostile: readonly [string, unknown][] = [
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', null],
    ['a list', []],
    ['an earlier format', { ...good, format: 1 }],
    ['no proof', { ...good, proof: undefined }],
    ['a truncated proof', { ...good, proof: 'ab' }],
    ['an unknown kind', { ...good, kind: 'shell' }],
    ['a number for content', { ...good, content: 7 }],
    ['a key too many', { ...good, more: 1 }],
    ['no origin', { ...good, origin: undefined }],
    ['a negative time', { ...good, made: -1 }],
    ['a prototype', '{"__proto__":{"format":2}}'],
    ['depth', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ];
  test.each(hostile)('with %s inside is damaged', async (_, envelope) => {
    expect(
      await codes(unpack({ name: 'snapshot.node-02.1000.age', bytes: await sealed(withProof(envelope)) }, key, origin)),
    ).toEqual(['artifact-damaged']);
  });

  const hostileText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '::set-output name=changed::9',
      '##[group]x',
      '\x1b[2J',
      'a\n::add-mask::x',
      '../../etc/passwd',
      '__proto__',
      '$(id)',
      'x'.repeat(100_000),
    ),
  );
  const odd = fc.oneof(hostileText, fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>(null, -1, 1.5, 2, {}, []));
  const mostly = <T>(usual: T) =>
    fc.oneof({ weight: 12, arbitrary: fc.constant<unknown>(usual) }, { weight: 1, arbitrary: odd });
  const envelope = fc.record(
    {
      format: mostly(2),
      kind: mostly('snapshot'),
      host: mostly('node-02'),
      origin: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({
            domain: mostly('alice'),
            repository: mostly('acme/clusters'),
            run: mostly('7'),
            call: mostly(origin.call),
            attempt: mostly(1),
          }),
        },
        { weight: 1, arbitrary: odd },
      ),
      made: mostly(1_000),
      content: mostly('x'),
    },
    { requiredKeys: [] },
  );
  const torn = fc.tuple(fc.nat(200), fc.nat(20), hostileText).map(([at, drop, put]) => {
    const text = JSON.stringify(withProof(good));
    return text.slice(0, at) + put.slice(0, 40) + text.slice(at + drop);
  });

  test('with any content is what its name says, of this run, or refused by name, harmlessly', async () => {
    const seen = { opened: 0, 'artifact-damaged': 0, 'artifact-foreign': 0, 'artifact-forged': 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          envelope.map((each) => ({ ...good, ...each })),
          envelope,
          torn,
          fc.jsonValue(),
        ),
        mostly(key),
        async (inside, by) => {
          const bytes = await sealed(withProof(inside, by === key ? key : new Secret('seal key', JSON.stringify(by))));
          try {
            const opened = await unpack({ name: 'snapshot.node-02.1000.age', bytes }, key, origin);
            expect({ ...opened, content: typeof opened.content.reveal() }).toEqual({
              kind: 'snapshot',
              host: 'node-02',
              origin: { ...origin, attempt: expect.any(Number) },
              made: 1_000,
              content: 'string',
            });
            seen.opened += 1;
          } catch (thrown) {
            const shown = new Masks().cleaned(failuresOf(thrown));
            expect(shown).toHaveLength(1);
            for (const { code, what, evidence = '' } of shown) {
              expect(['artifact-damaged', 'artifact-foreign', 'artifact-forged']).toContain(code);
              expect([
                commandsIn(`${what}\n${evidence}`),
                CONTROL.test(what + evidence),
                what.length + evidence.length < 5_000,
              ]).toEqual([[], false, true]);
              seen[code as 'artifact-damaged'] += 1;
            }
          }
        },
      ),
      { numRuns: 400 },
    );
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
  }, 30_000);

  test('of the largest size with the deepest nesting is refused and does not hang', async () => {
    for (const inside of [
      '['.repeat(15 * 2 ** 20),
      `${'{"a":'.repeat(2 ** 20)}1${'}'.repeat(2 ** 20)}`,
      JSON.stringify({ ...good, more: 'x'.repeat(15 * 2 ** 20) }),
    ]) {
      expect(
        await codes(unpack({ name: 'snapshot.node-02.1000.age', bytes: await sealed(inside) }, key, origin)),
      ).toEqual(['artifact-damaged']);
    }
  }, 60_000);

  test('that is missing is reported by name, with the job that creates it', () => {
    expect(missingArtifact('snapshot', makerOf('snapshot'), 'node-02')).toMatchObject({
      code: 'artifact-missing',
      host: 'node-02',
      what: 'no earlier job provided the answers of node-02',
      remedy: expect.stringContaining('job snapshot'),
    });
    expect(missingArtifact('kuscia-configuration', 'kuscia-init').remedy).toContain('job kuscia-init');
  });
});

describe('a folder', () => {
  let folder = '';
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'artifacts-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const all = (): boolean => true;

  test('stores whole files that nobody else can read', async () => {
    const path = await writeArtifact(join(folder, 'a/b'), handover(), key);
    expect([
      path,
      statSync(path).mode & 0o777,
      statSync(join(folder, 'a/b')).mode & 0o777,
      readdirSync(join(folder, 'a/b')),
    ]).toEqual([join(folder, 'a/b/snapshot.node-02.1000.age'), 0o600, 0o700, ['snapshot.node-02.1000.age']]);
  });

  test('gives the newest of each kind and host that is wanted, at any depth', async () => {
    await writeArtifact(join(folder, 'first'), handover({ content: new Secret('snapshot', 'old') }), key);
    await writeArtifact(join(folder, 'second'), handover({ made: 2_000, content: new Secret('snapshot', 'new') }), key);
    await writeArtifact(folder, handover({ host: 'node-03' }), key);
    await writeArtifact(folder, handover({ kind: 'plan', host: '' }), key);
    // Unwanted files, and older ones, are not even opened.
    writeFileSync(join(folder, 'join-tokens.5.age'), 'nonsense');
    writeFileSync(join(folder, 'snapshot.node-02.500.age'), 'nonsense');
    writeFileSync(join(folder, 'README'), 'nonsense');
    const got = await readArtifacts(folder, key, origin, (kind, host) => kind === 'snapshot' && host === 'node-02');
    expect(got.map(({ kind, host, content }) => [kind, host, content.reveal()])).toEqual([
      ['snapshot', 'node-02', 'new'],
    ]);
    expect([artifactOf(got, 'snapshot', 'node-02')?.made, artifactOf(got, 'snapshot', 'node-03')]).toEqual([
      2_000,
      undefined,
    ]);
  });

  test('that does not exist contains nothing', async () => {
    expect(await readArtifacts(join(folder, 'none'), key, origin, all)).toEqual([]);
  });

  test('reports all files that cannot be opened at once', async () => {
    writeFileSync(join(folder, 'snapshot.node-02.1.age'), 'nonsense');
    writeFileSync(join(folder, 'plan.1.age'), 'nonsense');
    expect(await codes(readArtifacts(folder, key, origin, all))).toHaveLength(2);
  });

  test('is not left through links, nor read without limit', async () => {
    writeFileSync(join(folder, 'secret'), 'of somebody else');
    symlinkSync(join(folder, 'secret'), join(folder, 'plan.1.age'));
    writeFileSync(join(folder, 'snapshot.a.1.age'), '');
    truncateSync(join(folder, 'snapshot.a.1.age'), 17 * 2 ** 20);
    expect(await codes(readArtifacts(folder, key, origin, all))).toEqual(['artifact-damaged', 'artifact-damaged']);
    for (let i = 0; i < 2_001; i += 1) writeFileSync(join(folder, `snapshot.h${i}.1.age`), '');
    expect(await codes(readArtifacts(folder, key, origin, all))).toEqual(['artifact-damaged']);
  });
});
