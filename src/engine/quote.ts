/** A word that any POSIX shell reads as exactly this text. Throws on NUL, which no argument can contain. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Error('an argument cannot contain a NUL character');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) && !text.startsWith('~')) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Matches all but printable ASCII, and what some shell interprets even between single quotes: `'`, `\` (fish), `!` and
 * the end of a line (csh).
 */
const NOT_LITERAL = /[^ "-&(-[\]-~]/g;

/**
 * The arguments with which a POSIX shell runs the script, in words that sh, bash, zsh, ksh, fish, csh and tcsh all read
 * the same way: other characters are sent in octal, which printf(1) decodes. Throws on NUL. Source: fish-doc(1)
 * "Quotes", csh(1) "Lexical structure"; POSIX, printf, %b.
 */
export function inAnyShell(text: string): string {
  if (text.includes('\0')) throw new Error('a script cannot contain a NUL character');
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const word = bytes.replace(NOT_LITERAL, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `-c 'eval "$(printf %b "$1")"' sh '${word}'`;
}
