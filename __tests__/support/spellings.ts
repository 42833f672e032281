/** The ways in which a text can be written, each with all its possible forms. Generated here without the code that masks secrets, which is checked against them. */
export const SPELLINGS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  plain: (text) => [text],
  base64: (text) => [0, 1, 2].map((before) => base64Within(text, before)),
  'base64 for URLs': (text) =>
    [0, 1, 2].map((before) => base64Within(text, before).replaceAll('+', '-').replaceAll('/', '_')),
  hex: (text) => [Buffer.from(text).toString('hex'), Buffer.from(text).toString('hex').toUpperCase()],
  URL: (text) => {
    const strict = percent(text, /[\w.~-]/);
    return [
      encodeURIComponent(text),
      strict,
      lowerHex(strict),
      lowerHex(encodeURIComponent(text)),
      strict.replaceAll('%20', '+'),
    ];
  },
  JSON: (text) => {
    const json = JSON.stringify(text).slice(1, -1);
    return [json, json.replaceAll('/', '\\/'), asGo(json), json.replace(/[^\x20-\x7e]/g, unicode)];
  },
  'YAML in single quotes': (text) => [text.replaceAll("'", "''")],
  'YAML in double quotes': (text) => [
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  ],
  shell: (text) => [
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replace(/["$`\\]/g, '\\$&'),
    text.replace(/[^\w@%+:,./\n\x80-\u{10ffff}-]/gu, '\\$&'),
    text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  ],
};

/** Every spelling of a text, and of each of its lines that is long enough to be recognised, with the kind of spelling. */
export function spellingsOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map((line) => line.trim());
  const pieces = [text.trim(), ...lines.filter((line) => line.length >= 16 && !NO_SECRET.test(line))];
  const all = pieces.flatMap((piece) =>
    Object.entries(SPELLINGS).flatMap(([how, spell]) => spell(piece).map((spelt) => [spelt, how] as const)),
  );
  return new Map(all.reverse());
}

/** The beginning of PEM files, and of the content of OpenSSH's: the same in all of them. */
const NO_SECRET = /^(?:-----|b3BlbnNzaC1rZXktdjE)/;

/** The part of the base64 of a text that does not depend on its surroundings, after so many bytes modulo 3. */
function base64Within(text: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
  return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

/** Every byte but those of the characters kept as %XX. */
const percent = (text: string, kept: RegExp): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x80 && kept.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

const lowerHex = (url: string): string => url.replace(/%[0-9A-F]{2}/g, (each) => each.toLowerCase());

const unicode = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** As Go writes JSON, and Docker with it: fit for HTML. Source: encoding/json, Marshal. */
const asGo = (json: string): string => json.replace(/[<>&\u2028\u2029]/g, unicode);
