import { truncate, oneLine } from './layout.ts';

/** Longest value in the job summary; the log and the outputs contain it in full. */
const MAX_LENGTH = 400;

/** A value as literal Markdown text on one line, safe in a table: it cannot format, link, open a tag or end a cell. */
export function md(value: unknown): string {
  return truncate(oneLine(String(value)), MAX_LENGTH)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]{}|~#$!]/g, '\\$&')
    .replace(/@/g, '&#64;')
    .replace(/(https?|ftp):\/\//gi, '$1:&#47;&#47;')
    .replace(/www\./gi, 'www&#46;');
}

/**
 * A value as the text of a mermaid label between double quotes: letters, digits and a few marks stay, everything else
 * becomes a character code.
 */
export function label(value: string): string {
  return [...truncate(oneLine(value), 120)]
    .map((letter) => (/[A-Za-z0-9 ._:/(),-]/.test(letter) ? letter : `#${letter.codePointAt(0)};`))
    .join('');
}
