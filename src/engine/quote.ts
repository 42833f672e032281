/** A word that any POSIX shell reads as exactly this text. Throws on NUL, which no argument can hold. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Error('an argument cannot hold a NUL character');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) && !text.startsWith('~')) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
