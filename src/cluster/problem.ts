/** Keys and list positions from the top of the cluster file down to a value. */
export type Path = readonly (string | number)[];

/** One fault of the cluster file. The text follows the path in a message and holds no secret. */
export interface Problem {
  readonly path: Path;
  /** Which part of the file it points at: the key or what stands behind it. */
  readonly at: 'key' | 'value';
  readonly text: string;
  /** What to do, where that is more than reading the reference of the key. */
  readonly remedy?: string;
}

/** The path as a reader writes it: `hosts.node-01.roles[2]`. */
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

const LONGEST = 60;

/**
 * A value as a message shows it: on one line, short, and without a password that a URL or DSN may hold, or a key in
 * PEM.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    if (value.includes('-----BEGIN')) return 'a text in PEM';
    const safe = value.replace(/:[^:@/\s]*@/g, ':***@').replace(/:\/\/.*@/s, '://***@');
    return JSON.stringify(safe.length > LONGEST ? `${safe.slice(0, LONGEST)}...` : safe);
  }
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a mapping';
}

/** The value at the path, or undefined; only own keys are followed. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

/** Whether it is a mapping of YAML: keys and values, not a list. */
export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
