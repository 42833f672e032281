import type { z } from 'zod';

/**
 * The JSON text as a value of that shape, without what the shape does not name. Throws where it is none; nothing of the
 * text is in what it says.
 */
export function jsonOf<T>(text: string, shape: z.ZodType<T>): T {
  const read = shape.safeParse(parsed(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`${issue?.path.join('.') || 'the whole of it'}: ${issue?.message ?? 'of another shape'}`);
}

/** Node's own message quotes the text, which may hold what nobody is to see. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
}
