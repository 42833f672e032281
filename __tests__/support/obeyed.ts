/** What GitHub's runner takes for commands in a log, by name: lines that begin with `::` after blanks, and `##[` anywhere. Lines end as a terminal ends them, too. */
export function commandsIn(log: string): string[] {
  return log.split(/[\r\n\v\f\u0085\u2028\u2029]+/).flatMap((line) => {
    const now = /^\s*::([^\s:]*)/.exec(line)?.[1];
    const former = [...line.matchAll(/##\[([^\]]*)/g)].map((match) => `##[${match[1] ?? ''}`);
    return now === undefined ? former : [now, ...former];
  });
}

/** Everything but line feeds that moves a cursor, rings or hides text. */
// eslint-disable-next-line no-control-regex
export const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
