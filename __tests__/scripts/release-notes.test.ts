import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { releaseNotes, type Release } from '../../scripts/release-notes.ts';
import { LIVE, nodes, shape, texts, tree } from '../github/reader.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const RELEASE: Release = {
  tag: 'v1.2.3',
  commit: COMMIT,
  previous: 'v1.2.2',
  subjects: ['Wait for the swarm', 'Say which host'],
  repository: 'acme/kuscia-swarm',
  server: 'https://github.com',
};

test.each<[string, Partial<Release>, string]>([
  [
    'the changes, how to stay, and where all of them are',
    {},
    `- Wait for the swarm\n- Say which host\n\nTo stay at this release: \`uses: acme/kuscia-swarm@${COMMIT} # v1.2.3\`\n\n[All changes since v1.2.2](https://github.com/acme/kuscia-swarm/compare/v1.2.2...v1.2.3)\n`,
  ],
  [
    'the first release, of which all is new',
    { previous: undefined, subjects: [] },
    `The first release.\n\nTo stay at this release: \`uses: acme/kuscia-swarm@${COMMIT} # v1.2.3\`\n`,
  ],
  [
    'a release of bundles only',
    { subjects: ['', ' '] },
    `Only the bundles were rebuilt.\n\nTo stay at this release: \`uses: acme/kuscia-swarm@${COMMIT} # v1.2.3\`\n\n[All changes since v1.2.2](https://github.com/acme/kuscia-swarm/compare/v1.2.2...v1.2.3)\n`,
  ],
])('report %s', (_, of, notes) => expect(releaseNotes({ ...RELEASE, ...of })).toBe(notes));

describe('a subject is text whatever is in it', () => {
  const HOSTILE = [
    '@octocat',
    '#7',
    'GH-7',
    'https://evil.example/x',
    'www.evil.example',
    '_www.evil.example',
    'a@evil.example',
    '[x](https://evil.example)',
    '![x](y)',
    '<img src=x>',
    '<!--',
    '-->',
    '<details>',
    '`',
    '```',
    '~~~',
    '**',
    '|',
    '\\',
    '\r',
    '\u2028',
    '- ',
    '+ ',
    '* ',
    '1. ',
    '1) ',
    '1.',
    '# ',
    '> ',
    '---',
    '===',
    '- [ ] ',
    '[^1]',
    '    ',
    '\t',
  ];
  const hostile = fc
    .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 5 })), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join(''))
    .filter((text) => text.trim() !== '');
  const plain = tree(releaseNotes({ ...RELEASE, subjects: ['x', 'y'] }));

  test('it adds no formatting, link or mention to the notes', () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const read = tree(releaseNotes({ ...RELEASE, subjects: [one, other] }));
        const all = nodes(read);
        expect(shape(read)).toEqual(shape(plain));
        expect(all.flatMap(({ url }) => url ?? [])).toEqual([
          'https://github.com/acme/kuscia-swarm/compare/v1.2.2...v1.2.3',
        ]);
        expect(texts(all).filter((said) => LIVE.test(said))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '- a list',
    '+ a list',
    '1. a list',
    '12) a list',
    'Add 1. and - and +',
    '2 hosts',
    '-1 is no index',
    '--- a line',
  ])('%p is rendered as written', (subject) => {
    const [list] = tree(releaseNotes({ ...RELEASE, subjects: [subject] })).children ?? [];
    expect(list && texts(nodes(list)).join('')).toBe(subject);
  });
});

test('notes are never longer than GitHub accepts, and say how many changes they omit', () => {
  const subjects = Array.from({ length: 4_000 }, (_, i) => `${i} ${'@'.repeat(100)}`);
  const notes = releaseNotes({ ...RELEASE, subjects });
  const shown = notes.split('\n').filter((line) => /^- \d/.test(line));
  expect(notes.length).toBeLessThan(125_000);
  expect(shown.length).toBeGreaterThan(50);
  expect(notes).toContain(`\n- and ${4_000 - shown.length} more\n\n`);
  expect(notes).toMatch(/compare\/v1\.2\.2\.\.\.v1\.2\.3\)\n$/);
});
