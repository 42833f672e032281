import { createHash, createHmac } from 'node:crypto';
import { DeploymentError, type Failure } from '../engine/errors.ts';

/** A line of known_hosts, in the format of sshd(8). */
interface Entry {
  readonly line: number;
  readonly revoked: boolean;
  readonly names: (host: string) => boolean;
  readonly type: string;
  readonly key: Buffer;
}

/** The parsed known hosts. */
export interface KnownHosts {
  readonly entries: readonly Entry[];
  /** Lines that were ignored, and why. */
  readonly notes: readonly string[];
}

/** The verdict of the known hosts on a host key. */
export type Verdict =
  | { readonly is: 'ok' }
  | { readonly is: 'unknown' }
  | { readonly is: 'revoked' }
  | { readonly is: 'mismatch'; readonly expected: readonly string[] };

/** The keys of one host. */
export interface HostKeys {
  /** Its name in the known hosts: `address`, or `[address]:port` if the port is not 22. */
  readonly name: string;
  /** Types of the known keys, in the order of the file. */
  readonly types: readonly string[];
  /** Checks a key presented by the host. Revocation takes precedence. */
  check(key: Buffer): Verdict;
}

/** Parses known_hosts. Throws a DeploymentError with every invalid line. */
export function readKnownHosts(text: string): KnownHosts {
  const entries: Entry[] = [];
  const notes: string[] = [];
  const failures: Failure[] = [];
  text.split(/\r?\n/).forEach((content, i) => {
    const line = i + 1;
    const read = readLine(content.trim(), line);
    if (read === undefined) return;
    if ('note' in read) notes.push(`known hosts, line ${line}: ${read.note}`);
    else if ('fault' in read) failures.push(lineFailure(line, read.fault));
    else entries.push(read);
  });
  if (failures.length > 0) throw new DeploymentError(failures);
  return { entries, notes };
}

/** The known keys for a host at this address and port. */
export function knownKeys(known: KnownHosts, address: string, port: number): HostKeys {
  const name = port === 22 ? lowered(address) : `[${lowered(address)}]:${port}`;
  const own = known.entries.filter((entry) => entry.names(name));
  const pinned = own.filter((entry) => !entry.revoked);
  const same =
    (key: Buffer) =>
    (entry: Entry): boolean =>
      entry.key.equals(key);
  return {
    name,
    types: [...new Set(pinned.map((entry) => entry.type))],
    check(key) {
      if (own.some((entry) => entry.revoked && same(key)(entry))) return { is: 'revoked' };
      if (pinned.some(same(key))) return { is: 'ok' };
      const expected = pinned.filter((entry) => entry.type === keyType(key)).map((entry) => fingerprint(entry.key));
      return expected.length > 0 ? { is: 'mismatch', expected } : { is: 'unknown' };
    },
  };
}

/** A key's fingerprint as OpenSSH prints it: `SHA256:...`. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type of a key in wire format; '' if the format is invalid. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 0 && length <= key.length - 4 ? key.toString('latin1', 4, 4 + length) : '';
}

function lineFailure(line: number, fault: string): Failure {
  return {
    code: 'input-invalid',
    what: `known hosts, line ${line}: ${fault}`,
    remedy: 'Use the format of a known_hosts file: names, key type, key in base64.',
  };
}

function readLine(content: string, line: number): Entry | { note: string } | { fault: string } | undefined {
  if (content === '' || content.startsWith('#')) return undefined;
  const fields = content.split(/[ \t]+/);
  const marker = content.startsWith('@') ? fields.shift() : undefined;
  if (marker === '@cert-authority') return { note: 'certificate authorities are not supported; the line is ignored' };
  if (marker !== undefined && marker !== '@revoked')
    return { fault: `unknown marker ${marker}; only @revoked and @cert-authority are allowed` };
  const [patterns, type, base64] = fields;
  if (patterns === undefined || type === undefined || base64 === undefined)
    return { fault: 'incomplete line; it must have names, key type and key' };
  const names = patterns.startsWith('|') ? hashedName(patterns) : listedNames(patterns);
  if (names === undefined) return { fault: 'the hashed name is invalid' };
  const key = Buffer.from(base64, 'base64');
  if (!/^[A-Za-z0-9+/]+=*$/.test(base64) || base64.length % 4 !== 0) return { fault: 'the key is not valid base64' };
  if (keyType(key) !== type) return { fault: `the key is not of type ${type}` };
  return { line, revoked: marker === '@revoked', names, type, key };
}

/** `|1|salt|hash`: HMAC-SHA1 of the name. */
function hashedName(text: string): Entry['names'] | undefined {
  const match = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/.exec(text);
  const salt = Buffer.from(match?.[1] ?? '', 'base64');
  const hash = Buffer.from(match?.[2] ?? '', 'base64');
  if (salt.length !== 20 || hash.length !== 20) return undefined;
  return (host) => createHmac('sha1', salt).update(host).digest().equals(hash);
}

/** A comma-separated list of patterns; a matching negated pattern excludes the host. */
function listedNames(text: string): Entry['names'] {
  const patterns = text
    .split(',')
    .map((pattern) => ({ negated: pattern.startsWith('!'), wanted: lowered(pattern.replace(/^!/, '')) }));
  return (host) => {
    const matching = patterns.filter(({ wanted }) => matches(wanted, host));
    return matching.length > 0 && !matching.some((pattern) => pattern.negated);
  };
}

/** ASCII only: Unicode would map similar letters, such as the Kelvin sign, to one. */
const lowered = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * Whether the pattern, in which `*` is any text and `?` any character, matches the whole name. Backtracks only to the
 * last `*`, so time is bounded by the product of the lengths; a regular expression could take exponential time.
 */
function matches(pattern: string, name: string): boolean {
  let [at, star, from] = [0, -1, 0];
  for (let i = 0; i < name.length;) {
    if (pattern[at] === '*') [star, from, at] = [at, i, at + 1];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[i])) [at, i] = [at + 1, i + 1];
    else if (star === -1) return false;
    else [from, at, i] = [from + 1, star + 1, from + 1];
  }
  return /^\**$/.test(pattern.slice(at));
}
