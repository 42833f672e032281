/**
 * The text without passwords in addresses, join tokens, JSON Web Tokens and the like. A run's own secrets are masked by
 * whoever prints; these may be the secrets of others, which no run knows.
 */
export const withoutCredentials = (text: string): string =>
  text
    .replace(/\S+/g, withoutPassword)
    .replace(/SWMTKN-[\w-]+/g, '***')
    .replace(/[\w.-]+/g, withoutWebToken)
    .replace(/(bearer\s+|(?:token|password|passwd|secret)["']?\s*[=:]\s*["']?)[^\s"',;]{6,}/gi, '$1***');

/**
 * A word in which `SCHEME://USER:` stands, without what follows up to its last `@`. One expression for all of it would
 * begin anew at each character that could begin an address: a line of a host's that is made for that would hold up the
 * run for seconds. Here no character is looked at more than a few times.
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

/** A row of parts between dots, without JSON Web Tokens: a part that begins like one, and up to two behind it. */
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
