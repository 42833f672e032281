import { truncate, oneLine } from '../report/layout.ts';
import { md } from '../report/markdown.ts';

/** Longest body of an issue or comment; the API says "body is too long (maximum is 65536 characters)". */
export const MAX_BODY_LENGTH = 65_536;

/** Longest value between backticks. */
const MAX_CODE_LENGTH = 400;

/** A zero-width space. */
const APART = '&#8203;';

/**
 * A value as literal text on one line of an issue or comment. GitHub detects mentions, issue numbers and URLs after
 * parsing the Markdown, when escapes and entities are gone (github/cmark-gfm#181), so these are broken up too.
 */
export function prose(value: string): string {
  return md(value)
    .replaceAll('&#64;', `&#64;${APART}`)
    .replaceAll('\\#', `\\#${APART}`)
    .replace(/gh-(?=\d)/gi, `$&${APART}`)
    .replaceAll(':&#47;&#47;', `:${APART}&#47;&#47;`)
    .replaceAll('&#46;', `${APART}&#46;`);
}

/** A value in backticks that it cannot break out of. Not for tables, where a bar would end the cell. */
export function code(value: string): string {
  const text = truncate(oneLine(value), MAX_CODE_LENGTH);
  if (text === '') return '';
  const fence = '`'.repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)));
  const gap = /^`|`$/.test(text) ? ' ' : '';
  return `${fence}${gap}${text}${gap}${fence}`;
}

/** A table of Markdown cells; empty without rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), ''];
}

/** The text with as many entries as fit into a body; `render` gets the maximum of each kind. */
export function fitted(render: (most: number) => string, longest = MAX_BODY_LENGTH): string {
  const steps = [1_000, 200, 50, 10, 3, 0];
  return steps.map(render).find((text) => text.length <= longest) ?? render(0).slice(0, longest);
}

/** Whether the text has our mark, on a line of its own, which output of a host cannot produce. */
export const isMarked = (text: string | null | undefined, mark: string): boolean =>
  (text ?? '').split('\n').some((line) => line.trim() === mark);

/** A readable time: `2026-11-24 03:17 UTC`. */
export const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
