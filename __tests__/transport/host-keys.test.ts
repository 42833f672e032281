import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { fingerprint, keyType, knownKeys, readKnownHosts } from '../../src/transport/host-keys.ts';

/** A key in its wire form: its type, then bytes that only distinguish it from others. */
function key(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(body)]);
}

const A = key('ssh-ed25519', 'a');
const B = key('ssh-ed25519', 'b');
const R = key('ssh-rsa', 'r');
const field = (of: Buffer): string => `${keyType(of)} ${of.toString('base64')}`;

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 7);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

describe('the verdict of a known_hosts file on a host that shows key A', () => {
  test.each<[string, string, string, number, string]>([
    ['its name', `node-01 ${field(A)}`, 'node-01', 22, 'ok'],
    ['its name with a comment', `node-01 ${field(A)} root@node-01 since 2024`, 'node-01', 22, 'ok'],
    ['its name with tabs', `node-01\t${field(A).replace(' ', '\t')}`, 'node-01', 22, 'ok'],
    ['its name with DOS line ends', `node-01 ${field(A)}\r\n`, 'node-01', 22, 'ok'],
    ['its name in capitals', `NODE-01 ${field(A)}`, 'Node-01', 22, 'ok'],
    ['one of a list', `x,node-01,10.0.0.1 ${field(A)}`, '10.0.0.1', 22, 'ok'],
    ['an IPv6 address', `2001:db8::1 ${field(A)}`, '2001:db8::1', 22, 'ok'],
    ['an IPv6 address with a port', `[2001:db8::1]:2222 ${field(A)}`, '2001:db8::1', 2222, 'ok'],
    ['another name', `node-02 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['part of its name', `node-0 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['a dot that is not a wildcard', `node.01 ${field(A)}`, 'nodeX01', 22, 'unknown'],
    ['its port', `[node-01]:2222 ${field(A)}`, 'node-01', 2222, 'ok'],
    ['another port', `[node-01]:2222 ${field(A)}`, 'node-01', 2223, 'unknown'],
    ['a port if it has the usual one', `[node-01]:2222 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['no port if it has one', `node-01 ${field(A)}`, 'node-01', 2222, 'unknown'],
    ['a pattern with *', `*.lab ${field(A)}`, 'node-01.lab', 22, 'ok'],
    ['a pattern with ?', `node-0? ${field(A)}`, 'node-01', 22, 'ok'],
    ['a pattern that is too short', `node-? ${field(A)}`, 'node-01', 22, 'unknown'],
    ['a pattern but not this one', `*.lab,!node-01.lab ${field(A)}`, 'node-01.lab', 22, 'unknown'],
    ['a pattern but not another one', `*.lab,!node-02.lab ${field(A)}`, 'node-01.lab', 22, 'ok'],
    ['only a negated pattern', `!node-02 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['a hashed name', `${hashed('node-01')} ${field(A)}`, 'node-01', 22, 'ok'],
    ['a hashed name with port', `${hashed('[node-01]:2222')} ${field(A)}`, 'node-01', 2222, 'ok'],
    ['the hash of another name', `${hashed('node-02')} ${field(A)}`, 'node-01', 22, 'unknown'],
    ['another key', `node-01 ${field(B)}`, 'node-01', 22, 'mismatch'],
    ['another key and this one', `node-01 ${field(B)}\nnode-01 ${field(A)}`, 'node-01', 22, 'ok'],
    ['a key of another type', `node-01 ${field(R)}`, 'node-01', 22, 'unknown'],
    ['a revoked key', `@revoked node-01 ${field(A)}`, 'node-01', 22, 'revoked'],
    ['a revoked key, pinned before', `node-01 ${field(A)}\n@revoked * ${field(A)}`, 'node-01', 22, 'revoked'],
    ['a revoked key, pinned after', `@revoked * ${field(A)}\nnode-01 ${field(A)}`, 'node-01', 22, 'revoked'],
    ['a key revoked for another host', `@revoked node-02 ${field(A)}\nnode-01 ${field(A)}`, 'node-01', 22, 'ok'],
    ['another key revoked', `@revoked node-01 ${field(B)}`, 'node-01', 22, 'unknown'],
    ['an authority', `@cert-authority * ${field(A)}`, 'node-01', 22, 'unknown'],
    ['a comment', `# node-01 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['nothing', '\n\n', 'node-01', 22, 'unknown'],
  ])('%s', (_, text, address, port, verdict) => {
    expect(knownKeys(readKnownHosts(text), address, port).check(A).is).toBe(verdict);
  });
});

describe('the keys of a host', () => {
  test('list the pinned types, each once, without revoked ones', () => {
    const text = [
      `node-01 ${field(R)}`,
      `node-01 ${field(A)}`,
      `node-01 ${field(B)}`,
      `@revoked node-01 ${field(key('ecdsa-sha2-nistp256', 'e'))}`,
    ].join('\n');
    expect(knownKeys(readKnownHosts(text), 'node-01', 22).types).toEqual(['ssh-rsa', 'ssh-ed25519']);
  });

  test('show which key was expected', () => {
    expect(knownKeys(readKnownHosts(`node-01 ${field(B)}\nnode-01 ${field(R)}`), 'node-01', 22).check(A)).toEqual({
      is: 'mismatch',
      expected: [fingerprint(B)],
    });
  });

  test('exclude an authority, with a note', () => {
    expect(readKnownHosts(`\n@cert-authority * ${field(A)}`).notes).toEqual([expect.stringContaining('line 2')]);
  });
});

test('all lines that cannot be parsed are reported at once', () => {
  const lines: [string, string][] = [
    ['node-01', 'must have names, key type and key'],
    ['node-01 ssh-ed25519', 'must have names, key type and key'],
    [`@trusted node-01 ${field(A)}`, '@trusted'],
    ['node-01 ssh-ed25519 not*base64', 'not valid base64'],
    [`node-01 ssh-rsa ${A.toString('base64')}`, 'not of type ssh-rsa'],
    [`|1|short|hash ${field(A)}`, 'hashed name'],
    [`|2|${Buffer.alloc(20).toString('base64')}|${Buffer.alloc(20).toString('base64')} ${field(A)}`, 'hashed name'],
    ['node-01 1024 35 1234567890', 'not valid base64'],
    ['<html>404</html>', 'must have names, key type and key'],
  ];
  const text = ['# one good line', `node-01 ${field(A)}`, ...lines.map(([line]) => line)].join('\n');
  let thrown: unknown;
  try {
    readKnownHosts(text);
  } catch (error) {
    thrown = error;
  }
  const failures = failuresOf(thrown);
  expect(failures.map(({ code, what }) => [code, what])).toEqual(
    lines.map(([, fault], i) => ['input-invalid', expect.stringMatching(new RegExp(`line ${i + 3}: .*${fault}`))]),
  );
});

describe('whatever the names are', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?$/);
  const port = fc.oneof(fc.constant(22), fc.integer({ min: 1, max: 65535 }));
  const line = (name: string, at: number): string => (at === 22 ? name : `[${name}]:${at}`);

  test('a host is found under its own name, plain or hashed, and under no other', () => {
    fc.assert(
      fc.property(label, port, label, port, fc.boolean(), (name, at, otherName, otherAt, hash) => {
        const listed = hash ? hashed(line(name, at)) : line(name, at);
        const known = readKnownHosts(`${listed} ${field(A)}`);
        expect(knownKeys(known, name, at).check(A).is).toBe('ok');
        expect(knownKeys(known, otherName, otherAt).check(A).is).toBe(
          name === otherName && at === otherAt ? 'ok' : 'unknown',
        );
      }),
    );
  });

  test('a key is accepted or refused with a reason, and only pinned keys are accepted', () => {
    const entry = fc.record({
      revoked: fc.boolean(),
      name: fc.constantFrom('a', 'b', '*'),
      key: fc.constantFrom(A, B, R),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.constantFrom(A, B, R), (entries, shown) => {
        const text = entries
          .map((each) => `${each.revoked ? '@revoked ' : ''}${each.name} ${field(each.key)}`)
          .join('\n');
        const own = entries.filter(({ name }) => name !== 'b');
        const has = (revoked: boolean, test: (k: Buffer) => boolean): boolean =>
          own.some((each) => each.revoked === revoked && test(each.key));
        const same = (k: Buffer): boolean => k === shown;
        const expected = has(true, same)
          ? 'revoked'
          : has(false, same)
            ? 'ok'
            : has(false, (k) => keyType(k) === keyType(shown))
              ? 'mismatch'
              : 'unknown';
        expect(knownKeys(readKnownHosts(text), 'a', 22).check(shown).is).toBe(expected);
      }),
    );
  });

  const nonsense = fc.string({
    unit: fc.constantFrom(
      '|',
      '1',
      '@',
      'a',
      ' ',
      '\n',
      '\r',
      '=',
      ',',
      '!',
      '*',
      '?',
      '[',
      ']',
      ':22',
      '\t',
      '\0',
      'é',
      '\ufeff',
      '\u212a',
      '|1|',
      '@revoked ',
      '__proto__',
      '::error::',
      field(A),
      field(B),
    ),
    maxLength: 60,
  });
  const mutation = fc.record({
    at: fc.nat(2_000),
    drop: fc.nat(9),
    put: fc.oneof(nonsense, fc.constant(''), fc.string({ unit: 'binary', maxLength: 4 })),
  });
  const sound = [
    '# comment',
    `node-01,10.0.0.1 ${field(A)} since 2024`,
    `*.lab,!node-02.lab ${field(B)}`,
    `[node-01]:2222 ${field(R)}`,
    `${hashed('node-01')} ${field(B)}`,
    `@revoked node-0? ${field(R)}`,
    `@cert-authority * ${field(A)}`,
  ].join('\n');
  const mutated = fc
    .array(mutation, { minLength: 1, maxLength: 8 })
    .map((mutations) =>
      mutations.reduce(
        (text, { at, drop, put }) =>
          text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + drop),
        sound,
      ),
    );

  /** The known hosts, or nothing if the text is refused by name. */
  function tried(text: string): ReturnType<typeof readKnownHosts> | undefined {
    try {
      return readKnownHosts(text);
    } catch (thrown) {
      expect(failuresOf(thrown).map(({ code, what }) => [code, what])).toEqual(
        failuresOf(thrown).map(() => ['input-invalid', expect.stringMatching(/^known hosts, line \d+: /)]),
      );
      return undefined;
    }
  }

  test('no text makes it crash', () => {
    fc.assert(
      fc.property(fc.oneof(nonsense, mutated, fc.string({ unit: 'binary' })), (text) => void tried(text)),
      { numRuns: 3_000 },
    );
  });

  test('a mutated file never trusts a key that no line lists for that host', () => {
    let accepted = 0;
    // Keys of the file, each also with one bit changed, and as combined by the mutations.
    const near = [A, B, R].flatMap((each) => [
      each,
      ...[0, 4, each.length - 1].map((at) => Buffer.from(each.map((byte, i) => (i === at ? byte ^ 1 : byte)))),
    ]);
    fc.assert(
      fc.property(mutated, (text) => {
        const known = tried(text);
        if (!known) return;
        const lines = text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => !line.startsWith('#') && !line.startsWith('@'));
        const written = lines
          .flatMap((line) => line.split(/[ \t]+/).slice(2, 3))
          .map((word) => Buffer.from(word, 'base64'));
        for (const [address, port] of [
          ['node-01', 22],
          ['node-01', 2222],
          ['node-01.lab', 22],
          ['other', 22],
        ] as const) {
          const keys = knownKeys(known, address, port);
          for (const key of [...near, ...written]) {
            if (keys.check(key).is !== 'ok') continue;
            accepted += 1;
            expect(written.some((each) => each.equals(key))).toBe(true);
            // A host without an entry is not trusted: only a pattern matches a host whose name is nowhere.
            if (address === 'other')
              expect(lines.some((line) => /[*?]|other/.test(line.split(/[ \t]/)[0] ?? ''))).toBe(true);
          }
        }
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
  });

  const globs = fc.string({ unit: fc.constantFrom('*', '?', 'a', 'b', '.', '-'), maxLength: 8 });
  test('a pattern matches as defined: * is any text, ? any single character', () => {
    const defined = (pattern: string, name: string): boolean => {
      if (pattern === '') return name === '';
      if (pattern[0] === '*')
        return defined(pattern.slice(1), name) || (name !== '' && defined(pattern, name.slice(1)));
      return name !== '' && (pattern[0] === '?' || pattern[0] === name[0]) && defined(pattern.slice(1), name.slice(1));
    };
    fc.assert(
      fc.property(
        globs.filter((pattern) => pattern !== ''),
        fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), minLength: 1, maxLength: 8 }),
        (pattern, name) => {
          expect([pattern, name, knownKeys(readKnownHosts(`${pattern} ${field(A)}`), name, 22).check(A).is]).toEqual([
            pattern,
            name,
            defined(pattern, name) ? 'ok' : 'unknown',
          ]);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  // With a regular expression five stars take a minute, and each additional star a hundred times as long: a failure here is not a matter of speed.
  test.each([
    ['*a', 120],
    ['*', 250],
    ['*?', 120],
    ['?*a*', 60],
    ['a*b,', 80],
  ])('%s repeated many times does not hang, whatever the host is called', (piece, times) => {
    const text = `${piece.repeat(times)}b ${field(A)}\n`.repeat(50);
    expect(knownKeys(readKnownHosts(text), 'a'.repeat(253), 22).check(A).is).toBe('unknown');
  });
});

test('a fingerprint is the one that OpenSSH prints', () => {
  const published = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
  expect(fingerprint(published)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});
