import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { nearest } from './nearest.ts';

/** A text. Every message follows the value it is about: `"x" is not a valid port`. */
export const text = (example: string, otherwise = `must be text (for example ${example}); put numbers in quotes`) =>
  z.string({ error: (issue) => (issue.input === undefined ? `is missing (for example ${example})` : otherwise) });

/** A text that `fault` accepts. The pattern is for editors and less strict than `fault`. */
export const checked = (
  example: string,
  pattern: RegExp,
  fault: (value: string) => string | undefined,
  otherwise?: string,
) =>
  text(example, otherwise)
    .superRefine((value, context) => {
      const message = fault(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ pattern: pattern.source, examples: [example] });

/** One of a few words; a near miss gets a suggestion. */
export const oneOf = <const T extends readonly [string, ...string[]]>(kind: string, words: T) =>
  z.enum(words, {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, words) : undefined;
      return `is not a valid ${kind}${meant === undefined ? '' : `; did you mean "${meant}"?`} (${words.join(', ')})`;
    },
  });

/** true or false. */
export const flag = () => z.boolean({ error: 'must be true or false' });

/** A mapping with exactly these keys. */
export const section = <Shape extends z.core.$ZodShape>(shape: Shape) =>
  z.strictObject(shape, { error: (issue) => mappingMessage(issue.input, Object.keys(shape)) });

/** The message for a value that should be a mapping. */
function mappingMessage(input: unknown, keys: readonly string[]): string {
  const wanted = `a mapping of ${keys.join(', ')}`;
  if (input === undefined) return `is missing (${wanted})`;
  return input === null ? `is empty: omit the key, or give ${wanted}` : `must be ${wanted}`;
}

const RESERVED = ['master', 'default', 'kube-system', 'kube-public', 'kube-node-lease', 'cross-domain'];

/** Longest domain id that leaves room for the host's name in a replica's 63-character hostname. */
export const MAX_DOMAIN_LENGTH = 20;

/** A Kuscia domain id. */
export const domainId = () =>
  checked('alice', /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, (value) => {
    if (RESERVED.includes(value))
      return `is reserved by Kuscia (as are ${RESERVED.filter((name) => name !== value).join(', ')})`;
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value))
      return (
        'is not a valid domain id (lower-case letters, digits and inner hyphens: it becomes a Kubernetes ' +
        'namespace)'
      );
    if (value.length > MAX_DOMAIN_LENGTH)
      return (
        `has ${value.length} characters; at most ${MAX_DOMAIN_LENGTH} are allowed, because it is part of each ` +
        `replica's hostname, which Kuscia truncates to 63`
      );
    return undefined;
  });

const REFERENCE =
  /^(?<path>[a-zA-Z0-9][a-zA-Z0-9.-]*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+|[a-z0-9]+([._-]+[a-z0-9]+)*)(:(?<tag>\w[\w.-]{0,127}))?(?<digest>@sha256:[0-9a-f]{64})?$/;

/** A container image with a tag or digest, so that every host runs the same image. */
export const image = (example: string) =>
  checked(example, /^[A-Za-z0-9][A-Za-z0-9_.:/-]*[:@][A-Za-z0-9_.:-]+$/, (value) => {
    const parts = value.length <= 400 ? REFERENCE.exec(value)?.groups : undefined;
    if (!parts) return `is not a valid image reference (for example ${example})`;
    if (parts['digest'] !== undefined) return undefined;
    if (parts['tag'] === undefined)
      return `has no tag or digest (for example ${example}): hosts could run different images`;
    return parts['tag'] === 'latest'
      ? `is not pinned: "latest" changes over time; use a version (for example ${example}) or a digest`
      : undefined;
  });

/** A login name, which kuscia.sh uses as the first part of the container's name. */
export const login = () =>
  text('root').regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    'is not a valid login name (up to 32 letters, digits, "_", "." and "-": it becomes part of the container\'s name)',
  );

/** Words followed by a colon that kuscia.sh greps the configuration for, and would also match in the DSN. */
export const GREPPED = ['mode', 'domainID', 'masterEndpoint', 'protocol', 'datastoreEndpoint'] as const;

/** A database user, as it appears in a DSN. */
export const databaseUser = () =>
  checked('root', /^[A-Za-z0-9_.-]{1,32}$/, (value) => {
    if (!/^[A-Za-z0-9_.-]{1,32}$/.test(value))
      return 'is not a valid database user (up to 32 letters, digits, "_", "." and "-")';
    const ending = GREPPED.find((word) => value.endsWith(word));
    return ending === undefined
      ? undefined
      : `ends with "${ending}", which kuscia.sh would mistake for a configuration key`;
  });

/** The name of a database. */
export const databaseName = () =>
  text('kine').regex(/^[A-Za-z0-9_]{1,64}$/, 'is not a valid database name (up to 64 letters, digits and "_")');

/** PEM certificates: no key, and small enough to be passed as an argument. */
export const certificates = () =>
  text('-----BEGIN CERTIFICATE----- ...').superRefine((value, context) => {
    const blocks = value
      .trim()
      .split(/(?<=-----END CERTIFICATE-----)\s*/)
      .filter((block) => block !== '');
    if (value.length > 32_768 || blocks.length === 0 || !blocks.every(isCertificate))
      context.addIssue({
        code: 'custom',
        message: 'must contain only PEM certificates (-----BEGIN CERTIFICATE-----), at most 32 KiB',
      });
  });

function isCertificate(pem: string): boolean {
  try {
    return (
      /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----$/.test(pem) &&
      new X509Certificate(pem).serialNumber !== ''
    );
  } catch {
    return false;
  }
}

/** The name of a Docker volume. */
export const volumeName = () =>
  text('alice-mysql').regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/,
    'is not a valid volume name (letters, digits, "_", "." and "-"); a host directory is not supported',
  );

/** The host part of a registry's address. */
export const registryServer = () =>
  text('registry.example.org').regex(
    /^[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?$/,
    'is not a valid registry (name and optional port, without https:// and path)',
  );

/** A label of a GitHub runner. */
export const runnerLabel = () =>
  text('node-01').regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
    'is not a valid runner label (letters, digits, "_", "." and "-")',
  );

/** A directory on the hosts. */
export const folder = () =>
  checked('kuscia-swarm/alice', /^\/?[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, (value) => {
    if (!/^\/?[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(value) || value.length > 200)
      return (
        'is not a valid directory (letters, digits, ".", "_" and "-" between slashes; relative to the ' +
        'login\'s home, "~" is not supported)'
      );
    return value.split('/').some((part) => part === '.' || part === '..')
      ? 'must not contain "." or ".." as a path component'
      : undefined;
  });

const UNITS: Readonly<Record<string, number>> = { m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MIN_MEMORY = 2 * 2 ** 30;

/**
 * A size in bytes, read as Docker does: M, G, T and their forms with B or iB are powers of 1024. Undefined if the text
 * is not a size.
 */
export function bytesOf(size: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,3})?) ?([mgt])(?:i?b)?$/i.exec(size);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  return match && unit !== undefined ? Math.floor(Number(match[1]) * unit) : undefined;
}

const MEMORY_RULE =
  'is not a valid memory size (a number with MiB, GiB or TiB, for example 8GiB; M and MB mean the same, as in ' +
  'docker run -m)';

/** A memory size for a replica. */
export const memory = () =>
  checked(
    '8GiB',
    /^\d+(\.\d+)? ?[MmGgTt]([Ii]?[Bb])?$/,
    (value) => {
      const bytes = bytesOf(value);
      if (bytes === undefined) return MEMORY_RULE;
      return bytes < MIN_MEMORY ? 'is too small: a replica needs at least 2GiB' : undefined;
    },
    MEMORY_RULE,
  );
