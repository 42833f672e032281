/** Longest text of one value that is printed; the rest is only counted. */
export const MAX_VALUE_LENGTH = 2_000;

/**
 * ANSI and other terminal sequences: CSI, OSC and string sequences, two-character escapes; with 7-bit or 8-bit
 * introducers.
 */
const SEQUENCES =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]/g;

/** Every character that ends a line in some editor, terminal or log viewer. */
const LINE_ENDS = /\r\n?|[\v\f\x85\u2028\u2029]/g;

/** Control characters except line feed, and those that change the reading direction or have no width. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Text from anywhere made harmless to print: no control characters or terminal sequences, and nothing that GitHub's
 * runner would take for a command (`::set-output ...::`, `##[group]`). Line feeds stay. Its length is not limited: see
 * `bounded`.
 */
export function makeHarmless(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(LINE_ENDS, '\n')
    .replace(/\t/g, ' ')
    .replace(CONTROLS, '')
    .replace(/##(?=\[)/g, '## ')
    .replace(/(^|\s):{2,}/g, (match) => match.replace(/:(?=:)/g, ': '));
}

/**
 * The text, or its beginning and the length of the rest; `more` is the number of characters that were not even passed
 * in.
 */
export function bounded(text: string, longest = MAX_VALUE_LENGTH, more = 0): string {
  if (text.length <= longest && more === 0) return text;
  const kept = text.slice(0, longest).replace(/[\ud800-\udbff]$/, '');
  return `${kept}… (${text.length - kept.length + more} more characters)`;
}
