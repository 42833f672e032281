/**
 * Removes passwords in URLs, join tokens, JSON Web Tokens and the like. A run's own secrets are masked when printed;
 * these may be secrets of others, unknown to the run.
 */
export const withoutCredentials = (text: string): string =>
  text
    .replace(/\S+/g, withoutPassword)
    .replace(/SWMTKN-[\w-]+/g, '***')
    .replace(/[\w.-]+/g, withoutWebToken)
    .replace(/(bearer\s+|(?:token|password|passwd|secret)["']?\s*[=:]\s*["']?)[^\s"',;]{6,}/gi, '$1***');

/**
 * Masks everything from `SCHEME://USER:` to the last `@` of a word. A single regular expression would backtrack at
 * every possible start, so a crafted line could delay the run for seconds. Here each character is examined only a few
 * times.
 */
function withoutPassword(word: string): string {
  const end = word.lastIndexOf('@');
  const user = /[^\s:/@]+:/y;
  for (let at = word.indexOf('://'); at !== -1 && at < end; at = word.indexOf('://', at + 3)) {
    user.lastIndex = at + 3;
    if (/[a-z0-9+.-]/i.test(word[at - 1] ?? '') && user.test(word) && user.lastIndex < end)
      return `${word.slice(0, user.lastIndex)}***${word.slice(end)}`;
  }
  return word;
}

/** Masks JSON Web Tokens in dot-separated text: a part that starts like one, and up to two parts after it. */
function withoutWebToken(row: string): string {
  if (!row.includes('eyJ')) return row;
  const parts = row.split('.');
  const kept: string[] = [];
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i] ?? '';
    const from = (parts[i + 1] ?? '') === '' ? -1 : part.search(/\beyJ[\w-]/);
    kept.push(from === -1 ? part : `${part.slice(0, from)}***`);
    if (from !== -1) i += 2;
  }
  return kept.join('.');
}
