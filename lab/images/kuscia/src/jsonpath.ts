/** The value of a simple kubectl jsonpath template: text, {.a.b}, [0], [*], [-1:], [?(@.k=="v")], {range}…{end}, {"\n"}. Throws on what it does not know. */
export function jsonPath(template: string, object: unknown): string {
  const pieces = template.split(/(\{[^{}]*\})/).filter((piece) => piece !== '');
  const [output, rest] = render(pieces, object);
  if (rest.length > 0) throw new Error(`error parsing jsonpath ${template}, not in range`);
  return output;
}

function render(pieces: readonly string[], object: unknown): [string, readonly string[]] {
  let output = '';
  let queue = pieces;
  while (queue.length > 0) {
    const [piece = '', ...others] = queue;
    queue = others;
    const inside = /^\{\s*(.*?)\s*\}$/s.exec(piece)?.[1];
    if (inside === undefined) output += piece;
    else if (inside === 'end') return [output, ['{end}', ...queue]];
    else if (inside.startsWith('range ')) {
      let after: readonly string[] = queue;
      const items = select(inside.slice(6), object).flatMap((item) =>
        Array.isArray(item) && !/\]\s*$/.test(inside) ? (item as unknown[]) : [item],
      );
      for (const item of items.length > 0 ? items : [undefined]) {
        const [text, rest] = render(queue, item);
        if (items.length > 0) output += text;
        after = rest;
      }
      queue = after.slice(1);
    } else if (/^".*"$/s.test(inside)) output += JSON.parse(inside) as string;
    else if (/^'.*'$/s.test(inside)) output += inside.slice(1, -1).replaceAll('\\n', '\n').replaceAll('\\t', '\t');
    else output += select(inside, object).map(show).join(' ');
  }
  return [output, []];
}

const step =
  /^(?:\.\.?([A-Za-z_][\w-]*(?:\\\.[\w/-]+)*)|\.?\[\?\(\s*@\.([\w.]+)\s*==\s*["']([^"']*)["']\s*\)\]|\[['"]([^'"]+)['"]\]|\[(\*|-?\d+:?)\]|\.?\*|[@$])/;

function select(path: string, object: unknown): unknown[] {
  let found: unknown[] = [object];
  let rest = path.trim();
  while (rest !== '' && rest !== '.') {
    const match = step.exec(rest);
    if (!match) throw new Error(`error parsing jsonpath {${path}}, unrecognized character in action: ${rest}`);
    const [whole, key, filterKey, filterValue, quoted, index] = match;
    rest = rest.slice(whole.length);
    found = found.flatMap((value): unknown[] => {
      if (filterKey !== undefined) return list(value).filter((item) => show(deep(item, filterKey)) === filterValue);
      if (index !== undefined && index !== '*')
        return list(value).slice(
          ...(index === '-1' || index === '-1:' ? [-1] : [Number.parseInt(index), Number.parseInt(index) + 1]),
        );
      if (index === '*' || whole.endsWith('*')) return Array.isArray(value) ? value : Object.values(value ?? {});
      const name = quoted ?? key?.replaceAll('\\.', '.');
      const next = name === undefined ? value : (value as Record<string, unknown> | undefined | null)?.[name];
      return next === undefined ? [] : [next];
    });
  }
  return found;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const deep = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);

function show(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(sorted(value));
}

/** The same value with the keys of every object in alphabetical order, as Go prints maps. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
