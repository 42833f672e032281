import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { nearest } from './nearest.ts';

/** A text. Every message of a kind follows the value it is about: `"x" is no port`. */
export const text = (
  example: string,
  otherwise = `must be text (for example ${example}); put it in quotes if it is a number`,
) => z.string({ error: (issue) => (issue.input === undefined ? `is missing (for example ${example})` : otherwise) });

/** A text in which `fault` finds nothing wrong. The pattern is for editors: a first sieve, less strict than `fault`. */
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

/** One of a few words; a near miss is answered with the word that was meant. */
export const oneOf = <const T extends readonly [string, ...string[]]>(kind: string, words: T) =>
  z.enum(words, {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, words) : undefined;
      return `is no ${kind}${meant === undefined ? '' : `; did you mean "${meant}"?`} (${words.join(', ')})`;
    },
  });

/** true or false. */
export const flag = () => z.boolean({ error: 'must be true or false' });

/** A mapping with exactly these keys. */
export const section = <Shape extends z.core.$ZodShape>(shape: Shape) =>
  z.strictObject(shape, { error: (issue) => mappingMessage(issue.input, Object.keys(shape)) });

/** What is said where a mapping should stand. */
export function mappingMessage(input: unknown, keys: readonly string[]): string {
  const wanted = `a mapping of ${keys.join(', ')}`;
  if (input === undefined) return `is missing (${wanted})`;
  return input === null ? `is empty: leave the key out, or write ${wanted}` : `must be ${wanted}`;
}

const RESERVED = ['master', 'default', 'kube-system', 'kube-public', 'kube-node-lease', 'cross-domain'];

/** Longest domain id that leaves a replica's 63-character hostname room for the host's own name. */
export const LONGEST_DOMAIN = 20;

/** A Kuscia domain id. */
export const domainId = () =>
  checked('alice', /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, (value) => {
    if (RESERVED.includes(value))
      return `is reserved by Kuscia (as are ${RESERVED.filter((name) => name !== value).join(', ')})`;
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value))
      return 'is no domain id (lower-case letters, digits and inner hyphens: it becomes a Kubernetes namespace)';
    if (value.length > LONGEST_DOMAIN)
      return (
        `has ${value.length} characters; at most ${LONGEST_DOMAIN}, for it is part of each replica's hostname, ` +
        'which Kuscia cuts at 63'
      );
    return undefined;
  });

const REFERENCE =
  /^(?<path>[a-zA-Z0-9][a-zA-Z0-9.-]*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+|[a-z0-9]+([._-]+[a-z0-9]+)*)(:(?<tag>\w[\w.-]{0,127}))?(?<digest>@sha256:[0-9a-f]{64})?$/;

/** A container image with a tag or a digest, so that every host runs the same one. */
export const image = (example: string) =>
  checked(example, /^[A-Za-z0-9][A-Za-z0-9_.:/-]*[:@][A-Za-z0-9_.:-]+$/, (value) => {
    const parts = value.length <= 400 ? REFERENCE.exec(value)?.groups : undefined;
    if (!parts) return `is no image reference (for example ${example})`;
    if (parts['digest'] !== undefined) return undefined;
    if (parts['tag'] === undefined)
      return `has no tag or digest (for example ${example}): hosts could run different images`;
    return parts['tag'] === 'latest'
      ? `is not pinned: "latest" changes under way; name a version (for example ${example}) or a digest`
      : undefined;
  });

/** A login name, which kuscia.sh makes the first part of the container's name. */
export const login = () =>
  text('root').regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    'is no login name (up to 32 letters, digits, "_", "." and "-": it is part of the container\'s name)',
  );

/** kuscia.sh greps the configuration for these words before a colon, and would find them in the DSN. */
export const GREPPED = ['mode', 'domainID', 'masterEndpoint', 'protocol', 'datastoreEndpoint'] as const;

/** A user of the database, as it stands in a DSN. */
export const databaseUser = () =>
  checked('root', /^[A-Za-z0-9_.-]{1,32}$/, (value) => {
    if (!/^[A-Za-z0-9_.-]{1,32}$/.test(value))
      return 'is no database user (up to 32 letters, digits, "_", "." and "-")';
    const ending = GREPPED.find((word) => value.endsWith(word));
    return ending === undefined
      ? undefined
      : `ends in "${ending}", which kuscia.sh would take for a key of the configuration`;
  });

/** The name of a database. */
export const databaseName = () =>
  text('kine').regex(/^[A-Za-z0-9_]{1,64}$/, 'is no database name (up to 64 letters, digits and "_")');

/** Certificates in PEM: no key, and no more than fit into an argument. */
export const certificates = () =>
  text('-----BEGIN CERTIFICATE----- ...').superRefine((value, context) => {
    const blocks = value
      .trim()
      .split(/(?<=-----END CERTIFICATE-----)\s*/)
      .filter((block) => block !== '');
    if (value.length > 32_768 || blocks.length === 0 || !blocks.every(isCertificate))
      context.addIssue({
        code: 'custom',
        message: 'is no certificate in PEM (-----BEGIN CERTIFICATE-----), or holds more than that',
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
    'is no volume name (letters, digits, "_", "." and "-"); a folder of the host is not taken',
  );

/** The host part of a registry's address. */
export const registryServer = () =>
  text('registry.example.org').regex(
    /^[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?$/,
    'is no registry (name and perhaps port, without https:// and path)',
  );

/** A label by which GitHub finds a runner. */
export const runnerLabel = () =>
  text('node-01').regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
    'is no label of a runner (letters, digits, "_", "." and "-")',
  );

/** A folder on the hosts. */
export const folder = () =>
  checked('kuscia-swarm/alice', /^\/?[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, (value) => {
    if (!/^\/?[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(value) || value.length > 200)
      return (
        'is no folder (letters, digits, ".", "_" and "-" between slashes; relative to the login\'s home, "~" is ' +
        'not known)'
      );
    return value.split('/').some((part) => part === '.' || part === '..')
      ? 'must not hold "." or ".." as a part'
      : undefined;
  });

const UNITS: Readonly<Record<string, number>> = { m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const SMALLEST_MEMORY = 2 * 2 ** 30;

/**
 * Bytes of a size as Docker reads it: K, M, G, T and their forms with B or iB all count by 1024. Undefined when it is
 * no size.
 */
export function bytesOf(size: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,3})?) ?([mgt])(?:i?b)?$/i.exec(size);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  return match && unit !== undefined ? Math.floor(Number(match[1]) * unit) : undefined;
}

const NO_MEMORY =
  'is no amount of memory (a number with MiB, GiB or TiB, for example 8GiB; M and MB mean the same, as in docker ' +
  'run -m)';

/** An amount of memory for a replica. */
export const memory = () =>
  checked(
    '8GiB',
    /^\d+(\.\d+)? ?[MmGgTt]([Ii]?[Bb])?$/,
    (value) => {
      const bytes = bytesOf(value);
      if (bytes === undefined) return NO_MEMORY;
      return bytes < SMALLEST_MEMORY ? 'is too little: a replica needs 2GiB at least' : undefined;
    },
    NO_MEMORY,
  );
