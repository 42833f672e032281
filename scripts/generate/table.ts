/** The languages of the docs. */
export type Language = 'english' | 'chinese';

/** A Markdown table. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The page with the content of its marked block of that name replaced. Throws if the page has no such block. */
export function fillBlock(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`no block "${begin}" ... "${end}"`);
  return `${page.slice(0, start + begin.length)}\n${content}\n${page.slice(stop)}`;
}
