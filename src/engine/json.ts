import type { z } from 'zod';

/**
 * Parses JSON text into a value of the given shape, without fields that the shape does not name. Throws if it does not
 * match; the message contains nothing of the text.
 */
export const jsonOf = <T>(text: string, shape: z.ZodType<T>): T => shaped(parsed(text), shape);

/** The value with only the fields that the shape names. Throws like `jsonOf`. */
export function shaped<T>(value: unknown, shape: z.ZodType<T>): T {
  const read = shape.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`${issue?.path.join('.') || 'the whole document'}: ${issue?.message ?? 'unexpected shape'}`);
}

/** Replaces Node's own message, which quotes the text: it may contain secrets. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('not valid JSON');
  }
}
