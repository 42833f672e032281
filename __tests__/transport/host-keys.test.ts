import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failuresOf } from '../../src/engine/errors.ts';
import { fingerprint, keyType, knownKeys, readKnownHosts } from '../../src/transport/host-keys.ts';

/** A key in its wire form: its type, then bytes that only tell it from others. */
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

describe('a known_hosts file says of a host that shows key A', () => {
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
    ['a dot that is no wildcard', `node.01 ${field(A)}`, 'nodeX01', 22, 'unknown'],
    ['its port', `[node-01]:2222 ${field(A)}`, 'node-01', 2222, 'ok'],
    ['another port', `[node-01]:2222 ${field(A)}`, 'node-01', 2223, 'unknown'],
    ['a port where it has the usual one', `[node-01]:2222 ${field(A)}`, 'node-01', 22, 'unknown'],
    ['no port where it has one', `node-01 ${field(A)}`, 'node-01', 2222, 'unknown'],
    ['a pattern with *', `*.lab ${field(A)}`, 'node-01.lab', 22, 'ok'],
    ['a pattern with ?', `node-0? ${field(A)}`, 'node-01', 22, 'ok'],
    ['a pattern that is too short', `node-? ${field(A)}`, 'node-01', 22, 'unknown'],
    ['a pattern but not this one', `*.lab,!node-01.lab ${field(A)}`, 'node-01.lab', 22, 'unknown'],
    ['a pattern but not another one', `*.lab,!node-02.lab ${field(A)}`, 'node-01.lab', 22, 'ok'],
    ['only what it is not', `!node-02 ${field(A)}`, 'node-01', 22, 'unknown'],
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
  test('name the types that are pinned, each once, revoked ones left out', () => {
    const text = [`node-01 ${field(R)}`, `node-01 ${field(A)}`, `node-01 ${field(B)}`, `@revoked node-01 ${field(key('ecdsa-sha2-nistp256', 'e'))}`].join('\n');
    expect(knownKeys(readKnownHosts(text), 'node-01', 22).types).toEqual(['ssh-rsa', 'ssh-ed25519']);
  });

  test('tell which key was expected', () => {
    expect(knownKeys(readKnownHosts(`node-01 ${field(B)}\nnode-01 ${field(R)}`), 'node-01', 22).check(A)).toEqual({ is: 'mismatch', expected: [fingerprint(B)] });
  });

  test('an authority is passed over with a note', () => {
    expect(readKnownHosts(`\n@cert-authority * ${field(A)}`).notes).toEqual([expect.stringContaining('line 2')]);
  });
});

test('every line that cannot be read is named, all at once', () => {
  const lines: [string, string][] = [
    ['node-01', 'needs names, key type and key'],
    ['node-01 ssh-ed25519', 'needs names, key type and key'],
    [`@trusted node-01 ${field(A)}`, '@trusted'],
    ['node-01 ssh-ed25519 not*base64', 'not base64'],
    [`node-01 ssh-rsa ${A.toString('base64')}`, 'not of type ssh-rsa'],
    [`|1|short|hash ${field(A)}`, 'hashed name'],
    [`|2|${Buffer.alloc(20).toString('base64')}|${Buffer.alloc(20).toString('base64')} ${field(A)}`, 'hashed name'],
    ['node-01 1024 35 1234567890', 'not base64'],
    ['<html>404</html>', 'needs names, key type and key'],
  ];
  const text = ['# one good line', `node-01 ${field(A)}`, ...lines.map(([line]) => line)].join('\n');
  let thrown: unknown;
  try {
    readKnownHosts(text);
  } catch (error) {
    thrown = error;
  }
  const failures = failuresOf(thrown);
  expect(failures.map(({ code, what }) => [code, what])).toEqual(lines.map(([, fault], i) => ['input-invalid', expect.stringMatching(new RegExp(`line ${i + 3}: .*${fault}`))]));
});

describe('whatever the names are', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?$/);
  const port = fc.oneof(fc.constant(22), fc.integer({ min: 1, max: 65535 }));
  const line = (name: string, at: number): string => (at === 22 ? name : `[${name}]:${at}`);

  test('a host is found under its own name, plain or hashed, and under no other', () => {
    fc.assert(fc.property(label, port, label, port, fc.boolean(), (name, at, otherName, otherAt, hash) => {
      const listed = hash ? hashed(line(name, at)) : line(name, at);
      const known = readKnownHosts(`${listed} ${field(A)}`);
      expect(knownKeys(known, name, at).check(A).is).toBe('ok');
      expect(knownKeys(known, otherName, otherAt).check(A).is).toBe(name === otherName && at === otherAt ? 'ok' : 'unknown');
    }));
  });

  test('a key is either accepted or told why not, and only pinned keys are accepted', () => {
    const entry = fc.record({ revoked: fc.boolean(), name: fc.constantFrom('a', 'b', '*'), key: fc.constantFrom(A, B, R) });
    fc.assert(fc.property(fc.array(entry, { maxLength: 6 }), fc.constantFrom(A, B, R), (entries, shown) => {
      const text = entries.map((each) => `${each.revoked ? '@revoked ' : ''}${each.name} ${field(each.key)}`).join('\n');
      const own = entries.filter(({ name }) => name !== 'b');
      const has = (revoked: boolean, test: (k: Buffer) => boolean): boolean => own.some((each) => each.revoked === revoked && test(each.key));
      const same = (k: Buffer): boolean => k === shown;
      const expected = has(true, same) ? 'revoked' : has(false, same) ? 'ok' : has(false, (k) => keyType(k) === keyType(shown)) ? 'mismatch' : 'unknown';
      expect(knownKeys(readKnownHosts(text), 'a', 22).check(shown).is).toBe(expected);
    }));
  });

  test('no text makes it fall over', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('|', '1', '@', 'a', ' ', '\n', '=', ',', '!', '*', '[', ']', '\t', '\0', 'é'), maxLength: 60 }), (text) => {
      try {
        readKnownHosts(text);
      } catch (thrown) {
        expect(failuresOf(thrown).every(({ code }) => code === 'input-invalid')).toBe(true);
      }
    }));
  });
});

test('a fingerprint is the one that OpenSSH prints', () => {
  const published = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
  expect(fingerprint(published)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});
