import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { isMapping, show, valueAt, type Path, type Problem } from './problem.ts';
import { clusterSchema, hostSchema } from './schema.ts';
import { secretRemedy } from './secrets.ts';

type Parts<Shape extends z.core.$ZodShape> = { readonly [Key in keyof Shape]?: z.output<Shape[Key]> };

/** The valid parts of a host. */
export type PartialHost = Parts<typeof hostSchema.shape> & { readonly name: string };

/**
 * The valid parts of the cluster file. Invalid keys are absent, so checks that depend on them are skipped.
 */
export type PartialClusterFile = Omit<Parts<typeof clusterSchema.shape>, 'hosts'> & {
  readonly hosts?: readonly PartialHost[] | undefined;
};

/** Reports wrong keys, types and values, each with its path. */
export function shapeProblems(value: unknown): Problem[] {
  const result = clusterSchema.safeParse(value, { reportInput: true });
  return result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, [], value));
}

function problemsOf(issue: z.core.$ZodIssue, above: Path, whole: unknown): Problem[] {
  const path = [...above, ...issue.path.filter((part) => typeof part !== 'symbol')];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, whole));
  if (issue.code === 'invalid_union') {
    const intended = issue.errors.find(
      (branch) => !branch.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
    );
    if (intended) return intended.flatMap((inner) => problemsOf(inner, path, whole));
  }
  const found = valueAt(whole, path);
  if (found === undefined && isMisspelt(path, whole)) return [];
  const text = found === undefined || found === null ? issue.message : `${show(found)} ${issue.message}`;
  return [{ path, at: 'value', text: path.length === 0 && found === null ? 'the file is empty' : text }];
}

function unknownKey(path: Path, key: string, whole: unknown): Problem {
  const known = knownKeys(path, valueAt(whole, path));
  const remedy = secretRemedy(path, key);
  if (remedy !== undefined)
    return { path: [...path, key], at: 'key', text: 'secrets are not allowed in the cluster file', remedy };
  const meant = nearest(key, known);
  return {
    path: [...path, key],
    at: 'key',
    text: `is not a valid key${meant === undefined ? '' : `; did you mean "${meant}"?`} (${known.join(', ')})`,
  };
}

/** Whether the missing key is probably present under a misspelt name, which is reported separately. */
function isMisspelt(path: Path, whole: unknown): boolean {
  const parent = valueAt(whole, path.slice(0, -1));
  const known = knownKeys(path.slice(0, -1), parent);
  return isMapping(parent) && misspeltKeys(parent, known).includes(String(path.at(-1)));
}

/** The known keys probably meant by unknown keys of the mapping. */
const misspeltKeys = (mapping: Readonly<Record<string, unknown>>, known: readonly string[]): string[] =>
  Object.keys(mapping).flatMap((key) => (known.includes(key) ? [] : (nearest(key, known) ?? [])));

/** The keys allowed at the path. */
function knownKeys(path: Path, value: unknown): string[] {
  const last = path.at(-1);
  if (path.length === 0) return Object.keys(clusterSchema.shape);
  if (last === 'bastion') return ['address', 'user', 'port'];
  if (path[0] === 'hosts') return Object.keys(hostSchema.shape);
  if (last === 'tls') return ['ca'];
  const shape = clusterSchema.shape;
  if (last === 'external') return Object.keys(shape.database.unwrap().shape.external.unwrap().shape);
  const sections = {
    ssh: shape.ssh,
    network: shape.network,
    database: shape.database,
    ports: shape.ports,
    'load-balancer': shape['load-balancer'],
    registry: shape.registry,
  };
  const section = sections[last as keyof typeof sections];
  return section ? Object.keys(section.unwrap().shape) : Object.keys(isMapping(value) ? value : {});
}

/** The valid parts of the value. Also leaves out keys that are probably misspelt. */
export function validPartsOf(value: unknown): PartialClusterFile {
  const hosts = valueAt(value, ['hosts']);
  const readable = isMapping(hosts) && Object.values(hosts).every(isMapping);
  return {
    ...parts(clusterSchema.shape, isMapping(value) ? value : {}),
    hosts: readable
      ? Object.entries(hosts).map(([name, host]) => ({
          name,
          ...parts(hostSchema.shape, host as Record<string, unknown>),
        }))
      : undefined,
  };
}

function parts<Shape extends z.core.$ZodShape>(shape: Shape, value: Readonly<Record<string, unknown>>): Parts<Shape> {
  const known = Object.keys(shape);
  const misspelt = misspeltKeys(value, known);
  const read = known.flatMap((key) => {
    const result = (shape[key] as z.ZodType).safeParse(Object.hasOwn(value, key) ? value[key] : undefined);
    return result.success && (Object.hasOwn(value, key) || !misspelt.includes(key))
      ? [[key, result.data] as const]
      : [];
  });
  return Object.fromEntries(read) as Parts<Shape>;
}
