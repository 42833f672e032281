/** Keys and list indexes that lead from the top of the cluster file to a value. */
export type Path = readonly (string | number)[];

/** One error in the cluster file. The text follows the path in a message and contains no secrets. */
export interface Problem {
  readonly path: Path;
  /** Whether it points at the key or at its value. */
  readonly at: 'key' | 'value';
  readonly text: string;
  /** What to do, unless it is enough to read the key's reference. */
  readonly remedy?: string;
}

/** The path in the usual notation: `hosts.node-01.roles[2]`. */
export function pathText(path: Path): string {
  return path
    .map((part, i) =>
      typeof part === 'number'
        ? `[${part}]`
        : /^[\w-]+$/.test(part)
          ? `${i === 0 ? '' : '.'}${part}`
          : `[${JSON.stringify(part.slice(0, 60))}]`,
    )
    .join('');
}

const MAX_SHOWN_LENGTH = 60;

/**
 * A value for display in a message: short, on one line, without PEM keys and passwords in URLs or DSNs.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    if (value.includes('-----BEGIN')) return 'a PEM text';
    const safe = value.replace(/:[^:@/\s]*@/g, ':***@').replace(/:\/\/.*@/s, '://***@');
    return JSON.stringify(safe.length > MAX_SHOWN_LENGTH ? `${safe.slice(0, MAX_SHOWN_LENGTH)}...` : safe);
  }
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a mapping';
}

/** The value at the path, or undefined. Follows own properties only. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

/** Whether the value is a YAML mapping. */
export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
