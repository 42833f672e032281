import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { CHECKS, type CheckName, type Matrix } from '../../src/cluster/matrix.ts';
import { CODES, type Code, type Failure } from '../../src/engine/errors.ts';
import {
  changedText,
  healthMark,
  healthyText,
  issueText,
  storedStateIn,
  wrongIn,
} from '../../src/github/health-text.ts';
import { planText } from '../../src/github/comment-plan.ts';
import { code, fitted, isMarked, MAX_BODY_LENGTH, moment, prose, table } from '../../src/github/markdown.ts';
import type { Health } from '../../src/github/request.ts';
import type { PlanDocument } from '../../src/report/plan.ts';
import { LIVE, nodes, shape, texts, tree, type Node } from './reader.ts';
import { DOCS, START } from './scene.ts';

/** Text by which a host could break out of its place, and any other text. */
const HOSTILE = [
  '@octocat',
  '@acme/owners',
  '#7',
  'acme/clusters#7',
  'GH-7',
  'gh-7',
  'someone@example.com',
  'https://evil.example/x',
  'www.evil.example',
  'http://github.com/acme/clusters/issues/7',
  '<!-- kuscia-swarm health: bob -->',
  '\n<!-- kuscia-swarm health: bob -->\n',
  '\n<!-- kuscia-swarm state: looks=9 wrong=0123456789abcdef -->\n',
  '-->',
  '<img src=x onerror=y>',
  '<details>',
  '</summary>',
  '`',
  '``',
  '```',
  '~~~',
  '|',
  '\\|',
  '\\',
  '\n',
  '\n\n',
  '\r\n',
  '\n# x',
  '\n- x',
  '\n```sh\nrm\n```\n',
  '[x](y)',
  '![x](y)',
  '[^1]',
  '**',
  '__',
  '~~',
  '$$',
  '$`x`$',
  '&#64;octocat',
  '&commat;octocat',
  '&num;7',
  '\\@octocat',
  '\\#7',
  ':tada:',
  '{{',
  '\u2028',
  '\u0085',
  '1. ',
  '- [ ] ',
  '> ',
];
const hostile = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ maxLength: 6 })), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...HOSTILE, 'x', ' '), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' ')),
);

const PLACE = {
  owner: 'acme',
  repo: 'clusters',
  apiUrl: 'https://api.github.com',
  server: 'github.com',
  runId: 4711,
  attempt: 1,
  runUrl: 'https://github.com/acme/clusters/actions/runs/4711',
};

/** Everything in it that a host can word is `text`. */
function healthWith(text: string): Health {
  const cells = Object.fromEntries(
    (Object.keys(CHECKS) as CheckName[]).map((name, i) => [name, { ok: i % 2 === 0, text }]),
  ) as Matrix['rows'][number]['cells'];
  const matrix: Matrix = {
    domain: 'alice',
    healthy: false,
    url: text,
    rows: [{ replica: text, host: text, cells }],
    nodes: { ready: 1, total: 2 },
    pairs: { connected: 0, total: 2 },
    ms: 1,
  };
  return {
    domain: 'alice',
    result: 'failure',
    failed: [],
    matrix,
    failures: [
      failureWith(text),
      { ...failureWith(text), what: `another ${text}` },
      { ...failureWith(text), code: 'host-unfit' },
    ],
    label: 'kuscia-swarm',
  };
}

const failureWith = (text: string): Failure => ({
  code: 'cluster-unhealthy',
  host: `h ${text}`,
  what: `w ${text}`,
  evidence: `e ${text}`,
  cause: `c ${text}`,
  remedy: `r ${text}`,
});

function planWith(text: string): PlanDocument {
  const note = { stage: text, host: text, what: text, why: text };
  const told = { stage: 'preflight', ...failureWith(text) };
  return {
    domain: 'alice',
    changes: [{ ...note, change: '+' }],
    satisfied: [note],
    later: [note],
    awaited: [],
    warnings: [told],
    failures: [told],
  };
}

const TEXTS: readonly [string, (text: string) => string][] = [
  [
    'the issue',
    (text) =>
      issueText({
        health: healthWith(text),
        place: PLACE,
        docs: DOCS,
        first: START,
        now: START,
        kept: { looks: 1, wrong: wrongIn(healthWith(text)) },
      }),
  ],
  ['the comment on a change', (text) => changedText(healthWith(text), PLACE, DOCS)],
  ['the last comment', (text) => healthyText(healthWith(text).matrix!, START, 2, PLACE)],
  ['the plan', (text) => planText(planWith(text), PLACE.runUrl, DOCS, 1_000)],
];

describe.each(TEXTS)('text from hosts, %s,', (_name, write) => {
  test('keeps the form of the page, with only its own tags, and no mention, reference or link but ours', () => {
    const plain = tree(write('x'));
    const tags = (all: readonly Node[]): string[] =>
      all.filter(({ type }) => type === 'html').map(({ value = '' }) => value.replace(/wrong=\w+/, ''));
    const links = (all: readonly Node[]): string[] => all.flatMap(({ url }) => url ?? []);
    fc.assert(
      fc.property(
        hostile.filter((text) => text.trim() !== ''),
        (text) => {
          const read = tree(write(text));
          const all = nodes(read);
          expect(shape(read)).toEqual(shape(plain));
          expect([tags(all), links(all)]).toEqual([tags(nodes(plain)), links(nodes(plain))]);
          expect(texts(all).filter((said) => LIVE.test(said))).toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });
});

test.each([
  '@octocat',
  'see #7',
  'GH-7',
  'https://x.example',
  'www.x.example',
  'a@x.example',
  '\\@octocat',
  '&#64;octocat',
  '\\#7',
  '&#35;7',
])('the check finds %p active', (markdown) => {
  const all = nodes(tree(markdown));
  expect(all.some(({ type }) => type === 'link') || texts(all).some((text) => LIVE.test(text))).toBe(true);
});

describe('the state in an issue', () => {
  test('is read back as written, whatever surrounds it', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 99_999 }), (text, looks) => {
        const health = healthWith(text);
        const body = issueText({
          health,
          place: PLACE,
          docs: DOCS,
          first: START,
          now: START,
          kept: { looks, wrong: wrongIn(health) },
        });
        expect(storedStateIn(body)).toEqual({ looks, wrong: wrongIn(health) });
        expect(storedStateIn(body.replaceAll('\n', '\r\n'))).toEqual({ looks, wrong: wrongIn(health) });
        expect([isMarked(body, healthMark('alice')), isMarked(body, healthMark('bob'))]).toEqual([true, false]);
      }),
    );
  });

  test.each([
    '',
    'looks=1 wrong=0123456789abcdef',
    '<!-- kuscia-swarm state: looks=x wrong=0123456789abcdef -->',
    '<!-- kuscia-swarm state: looks=1 wrong=0123 -->',
    'a host said `<!-- kuscia-swarm state: looks=1 wrong=0123456789abcdef -->`',
  ])('is missing in %p', (body) => expect(storedStateIn(body)).toBeUndefined());

  test('does not change with the order of findings, or with figures', () => {
    const health = healthWith('x');
    const turned = {
      ...health,
      failures: [...health.failures].reverse(),
      matrix: {
        ...health.matrix!,
        ms: 7,
        rows: health.matrix!.rows.map((row) => ({
          ...row,
          cells: { ...row.cells, throughLb: { ok: false, text: '1 of 8' } },
        })),
      },
    };
    expect(wrongIn(turned)).toBe(wrongIn(health));
  });
});

describe('a body', () => {
  test('is never longer than GitHub accepts, and says what it omits', () => {
    const row = healthWith('@'.repeat(2_000)).matrix!.rows[0]!;
    const failures = Object.keys(CODES).flatMap((of) =>
      Array.from({ length: 30 }, (_, i) => ({
        ...failureWith('#1 '.repeat(600)),
        code: of as Code,
        host: `node-${i}`,
      })),
    );
    const health: Health = {
      ...healthWith('@'.repeat(2_000)),
      failures,
      matrix: { ...healthWith('x').matrix!, rows: Array.from({ length: 300 }, () => row) },
    };
    const look = { place: PLACE, docs: DOCS, first: START, now: START, kept: { looks: 1, wrong: '0123456789abcdef' } };
    for (const body of [issueText({ ...look, health }), changedText(health, PLACE, DOCS)]) {
      expect(body.length).toBeLessThanOrEqual(MAX_BODY_LENGTH);
      expect(body).toMatch(/\d+ more replicas are in the log of the run\./);
      expect(body).toMatch(/- \d+ more are in the log of the run\./);
    }
    expect(issueText({ ...look, health })).toContain('gh run rerun 4711');
  });

  test('keeps within the limit exactly, including its marks', () => {
    const look = { place: PLACE, docs: DOCS, first: START, now: START, kept: { looks: 1, wrong: '0123456789abcdef' } };
    const lengthOf = (many: number, rest: number): number => {
      const failures = Array.from({ length: many + 1 }, (_, i): Failure => ({
        code: 'host-unfit',
        host: 'h',
        what: `${i} ${'x'.repeat(i < many ? 380 : rest)}`,
        remedy: 'r',
      }));
      return issueText({ ...look, health: { domain: 'alice', result: 'failure', failed: [], failures, label: 'l' } })
        .length;
    };
    // One more of the long ones would not fit.
    const many = Array.from({ length: 200 }, (_, i) => i).findLast((i) => lengthOf(i, 0) > MAX_BODY_LENGTH - 400) ?? 0;
    const lengths = Array.from({ length: 40 }, (_, i) => lengthOf(many, i * 10));
    expect(Math.max(...lengths)).toBeGreaterThan(MAX_BODY_LENGTH - 20);
    expect(lengths.filter((length) => length > MAX_BODY_LENGTH)).toEqual([]);
    expect(Math.min(...lengths)).toBeLessThan(MAX_BODY_LENGTH / 2);
  });

  test('shows what fits', () => {
    const many = (most: number): string => 'x'.repeat(most * 100);
    expect(
      [many(1_000), many(600), many(0)].map((whole) => fitted((most) => whole.slice(0, most * 100)).length),
    ).toEqual([20_000, 60_000, 0]);
    expect(fitted(() => 'x'.repeat(MAX_BODY_LENGTH + 1))).toHaveLength(MAX_BODY_LENGTH);
  });
});

test.each<[string, string]>([
  ['x', '`x`'],
  ['`', '`` ` ``'],
  ['a `` b', '```a `` b```'],
  ['two\nlines', '`two lines`'],
  ['', ''],
])('%p between backticks is %p', (text, written) => expect(code(text)).toBe(written));

test.each<[string, string]>([
  ['@octocat', '&#64;&#8203;octocat'],
  ['#7', '\\#&#8203;7'],
  ['GH-7', 'GH-&#8203;7'],
  ['https://x', 'https:&#8203;&#47;&#47;x'],
  ['ok <b>', 'ok &lt;b&gt;'],
])('%p as text is %p', (text, written) => expect(prose(text)).toBe(written));

test('a table without rows is nothing', () => {
  expect(table(['a'], [])).toEqual([]);
  expect(table(['a', 'b'], [['1', '2']])).toEqual(['| a | b |', '| --- | --- |', '| 1 | 2 |', '']);
});

test('a time is shown in UTC', () => expect(moment(START)).toBe('2026-11-24 03:17 UTC'));
