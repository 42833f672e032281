/** The shape of a value: its types and keys, without the values. A list has the shapes of its distinct elements. */
export function shapeOf(value: unknown): unknown {
  if (value instanceof Map) return ['map', ...distinct([...value.values()].map(shapeOf))];
  if (Array.isArray(value)) return ['list', ...distinct(value.map(shapeOf))];
  if (value === null || typeof value !== 'object') return value === undefined ? 'nothing' : typeof value;
  const entries = Object.entries(value).map(([key, each]) => [key, shapeOf(each)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

const distinct = (shapes: readonly unknown[]): unknown[] =>
  [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).entries()]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([, shape]) => shape);
