import type { z } from 'zod';

/** The JSON text as a value of that shape, without what the shape does not name. Throws where it is none. */
export function jsonOf<T>(text: string, shape: z.ZodType<T>): T {
  const read = shape.safeParse(JSON.parse(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`${issue?.path.join('.') || 'the whole of it'}: ${issue?.message ?? 'of another shape'}`);
}
