import type { z } from 'zod';
import { script } from '../engine/command.ts';
import { jsonOf } from '../engine/json.ts';

/** Lists things and inspects each; tries again if one disappears in between. */
export function inspectAll(
  kind: 'container' | 'network',
  list: string,
  format: string,
): readonly [string, ...string[]] {
  const text = [
    'for try in 1 2 3; do',
    `ids=$(${list}) || exit`,
    '[ -n "$ids" ] || exit 0',
    `all=$(docker ${kind} inspect --format "$1" $ids) && { printf '%s\\n' "$all"; exit 0; }`,
    'done; exit 1',
  ].join('\n');
  return script(text, format);
}

/** Parses each line that is not blank as JSON of that shape. Throws if a line is not. */
export function jsonLines<T>(text: string, shape: z.ZodType<T>): T[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => jsonOf(line, shape));
}
