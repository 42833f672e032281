import fc from './random.ts';

/** A text that leaves a file in the working folder where a shell runs it. */
export const canary = (before: string, after: string): string => `${before}touch escaped${after}`;

/** Ways in which a word could become a command, were it not quoted. */
const CANARIES = [
  ['$(', ')'],
  ['`', '`'],
  [';', ';'],
  ['\n', '\n'],
  ['|', ''],
  ['&', '&'],
  ['&&', '#'],
  ["';", ";'"],
  ['";', ';"'],
  ["'$(", ")'"],
  ["\\';", '#'],
  ['${x:-$(', ')}'],
  [')', '('],
  ["'\n", '\n#'],
].map(([before = '', after = '']) => canary(before, after));

const AWKWARD = [
  "'",
  '"',
  '\\',
  '$',
  '`',
  '!',
  '*',
  '?',
  '[',
  ']',
  '~',
  '#',
  '&',
  ';',
  '|',
  '<',
  '>',
  '(',
  ')',
  '{',
  '}',
  '\n',
  '\t',
  '\r',
  ' ',
  '=',
  '-',
  '\u{1b}',
  'é',
  '語',
  '😀',
  "'\\''",
  '$(id)',
  '${x}',
  '\\n',
  '>escaped',
  '$(>escaped)',
  '--',
  '-n',
  '%s',
  '\ufeff',
];

/** Any text that can be an argument; half of them consist of characters that shells interpret. */
export const word = fc
  .oneof(
    {
      weight: 2,
      arbitrary: fc
        .array(
          fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(...AWKWARD) },
            { weight: 1, arbitrary: fc.constantFrom(...CANARIES) },
            { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 3 }) },
          ),
          { maxLength: 8 },
        )
        .map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.constantFrom(...CANARIES) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  )
  .map((text) => text.replaceAll('\0', '').toWellFormed());
