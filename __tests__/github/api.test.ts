import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { REFUSALS, startGithubApi, type DeploymentError } from '../support/github-api.ts';
import type { Answer } from '../support/github-routes.ts';
import { openScene, START, type Scene, type Told } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.api.close());

/** A run whose every request may be asked twice but the last, which makes an issue. */
const report = (env: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<Told> =>
  scene.run({ INPUT_DO: 'issue', INPUT_DOMAIN: 'alice', INPUT_RESULT: 'failure', ...env }, signal);

const lists = ({ method }: { readonly method: string }): boolean => method === 'GET';

describe('a rate limit', () => {
  test("that ends within a minute is waited out, by GitHub's clock, and reported", async () => {
    scene.api.fault({ then: REFUSALS.spent(START / 1000 + 20) });
    const { code, log } = await report();
    expect([code, scene.pauses, scene.api.state.issues.length]).toEqual([0, [21_000], 1]);
    expect(log).toContain(
      'the GitHub API rate limit of this token is exceeded until 2026-11-24T03:17:21Z (GET ' +
        '/repos/acme/clusters/issues: 403 API rate limit exceeded for installation ID 12345.; 0 of 1000 requests ' +
        'left); retrying in 21.0 s',
    );
  });

  test('is waited out before something is created, too: a refused request had no effect', async () => {
    scene.api.fault({
      when: ({ method, path }) => method === 'POST' && path.endsWith('/issues'),
      then: REFUSALS.tooFast(5),
    });
    const { code } = await report();
    expect([code, scene.pauses, scene.api.state.issues.length]).toEqual([0, [5_000], 1]);
  });

  test.each<[string, Answer, string, string]>([
    [
      'that ends later is a failure with the time when it ends',
      REFUSALS.spent(START / 1000 + 1_800),
      '2026-11-24T03:47:01Z',
      '0 of 1000 requests left',
    ],
    [
      'for too many at once is one, too',
      REFUSALS.tooFast(90),
      '2026-11-24T03:18:30Z',
      'You have exceeded a secondary rate limit.',
    ],
    [
      'by the status alone, or with invalid numbers',
      {
        ...REFUSALS.tooFast(),
        status: 429,
        headers: { 'retry-after': 'soon', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'x' },
      },
      '2026-11-24T03:19:00Z',
      '429',
    ],
  ])('%s', async (_what, then, until, evidence) => {
    scene.api.fault({ then, times: 9 });
    const { code, errors } = await report();
    expect(code).toBe(1);
    expect(errors).toEqual([
      expect.stringMatching(
        new RegExp(`^KS-1801 github-refused: the GitHub API rate limit of this token is exceeded until ${until}\\n`),
      ),
    ]);
    expect(errors.join()).toContain(evidence);
    expect(errors.join()).toContain(`do: Run again after ${until}.`);
    expect(scene.api.state.issues).toEqual([]);
  });

  test('without a number is waited out for a minute, once in a run', async () => {
    scene.api.fault({ then: REFUSALS.tooFast(), times: 2 });
    expect((await report()).code).toBe(1);
    expect(scene.pauses).toEqual([60_000]);
  });

  test('that asks for no time at all does not repeat for ever', async () => {
    scene.api.fault({ then: REFUSALS.tooFast(0), times: 1_000 });
    expect((await report()).code).toBe(1);
    expect(scene.pauses.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
  });
});

describe('no answer', () => {
  test.each<[string, DeploymentError]>([
    ['a failure of GitHub', REFUSALS.serverError],
    ['a connection that is lost', 'lost-before'],
    ['a truncated body', 'broken-off'],
    ['a foreign page', REFUSALS.portal],
  ])('(%s) is requested again, with growing pauses', async (_what, then) => {
    scene.api.fault({ when: lists, then, times: 3 });
    const { code } = await report();
    expect([code, scene.pauses, scene.api.state.issues.length]).toEqual([0, [1_000, 3_000, 9_000], 1]);
  });

  test.each<[string, DeploymentError, RegExp]>([
    [
      'a failure of GitHub',
      REFUSALS.serverError,
      /^KS-1802 github-unreachable: the GitHub API fails on GET \/repos\/acme\/clusters\/issues: 502\nevidence: Server Error\n/,
    ],
    [
      'a connection that is lost',
      'lost-before',
      /^KS-1802 github-unreachable: the GitHub API does not respond to GET \/repos\/acme\/clusters\/issues at http:\/\/127\.0\.0\.1:\d+\nevidence: (other side closed|read ECONNRESET|socket hang up)\n/,
    ],
    ['a truncated body', 'broken-off', /does not respond to .*\nevidence: 200 with a truncated body\n/],
    ['a foreign page', REFUSALS.portal, /does not respond to .*\nevidence: 200 with an invalid JSON body\n/],
  ])('(%s) four times is a failure that reports what was received', async (_what, then, told) => {
    scene.api.fault({ when: lists, then, times: 4 });
    const { code, errors } = await report();
    expect(code).toBe(1);
    expect(errors).toEqual([expect.stringMatching(told)]);
    expect(scene.api.requests).toHaveLength(4);
  });

  test('to a creation fails in the end, after four requests', async () => {
    scene.api.fault({
      when: ({ method, path }) => method === 'POST' && path.endsWith('/issues'),
      then: 'lost-before',
      times: 9,
    });
    expect((await report()).code).toBe(1);
    expect(scene.api.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/issues'))).toHaveLength(
      4,
    );
  });

  test('where nothing listens is reported with the address', async () => {
    const gone = await startGithubApi();
    await gone.close();
    const { code, errors } = await report({ GITHUB_API_URL: gone.url });
    expect(code).toBe(1);
    expect(errors.join()).toContain(
      `does not respond to GET /repos/acme/clusters/issues at ${gone.url}\nevidence: connect ECONNREFUSED`,
    );
  });
});

describe('a refusal', () => {
  const refusals: [string, () => void, string, string, string][] = [
    [
      'of the token',
      () => undefined,
      'the GitHub API rejects GET /repos/acme/clusters/issues: 401',
      'Bad credentials',
      'Set the input token to a valid token',
    ],
    [
      'for a missing permission',
      () => (scene.api.state.permissions.issues = 'read'),
      'the GitHub API rejects POST /repos/acme/clusters/issues: 403',
      'Resource not accessible by integration',
      'Give the job the permission issues: write (GitHub requires issues=write)',
    ],
    [
      'if issues are disabled',
      () => (scene.api.state.hasIssues = false),
      'the GitHub API rejects POST /repos/acme/clusters/issues: 410',
      'Issues has been disabled in this repository.',
      "Enable issues in the repository's settings",
    ],
    [
      'of something that does not exist',
      () => undefined,
      'the GitHub API rejects GET /repos/acme/elsewhere/issues: 404',
      'Not Found',
      'Give the job the permission issues: write, and check that',
    ],
    [
      'of a value',
      () =>
        scene.api.fault({
          when: ({ path, method }) => method === 'POST' && path.endsWith('/issues'),
          then: {
            status: 422,
            body: {
              message: 'Validation Failed',
              errors: [{ resource: 'Issue', code: 'custom', field: 'body', message: 'body is too long' }],
            },
          },
        }),
      '/issues: 422',
      'Validation Failed [{"resource":"Issue","code":"custom","field":"body","message":"body is too long"}]',
      'Fix the problem shown in the evidence, then run again.',
    ],
  ];

  test.each(refusals)(
    '%s is not requested twice, and says what to do',
    async (what, arrange, told, evidence, remedy) => {
      arrange();
      const { code, errors, log } = await report({
        ...(what === 'of the token' && { INPUT_TOKEN: 'ghs_expired' }),
        ...(what === 'of something that does not exist' && { GITHUB_REPOSITORY: 'acme/elsewhere' }),
      });
      expect([code, scene.pauses]).toEqual([1, []]);
      for (const text of [told, evidence, remedy, 'docs/troubleshooting.md#ks-1801'])
        expect(errors.join()).toContain(text);
      expect(log).toContain('Error KS-1801 github-refused');
    },
  );
});

test('text from GitHub is reported without the token, and made harmless', async () => {
  scene.api.fault({
    then: { status: 403, body: { message: `no, ${scene.api.token}\n\x1b[31m::set-output name=x::y` } },
  });
  const { log, errors } = await report();
  expect(log + errors.join()).not.toContain(scene.api.token);
  expect(errors.join()).toContain('evidence: no, *** : :set-output name=x::y\n');
});

test.each([
  ['reads', (): boolean => true, 1],
  [
    'writes',
    ({ path, method }: { readonly path: string; readonly method: string }): boolean =>
      method === 'POST' && path.endsWith('/issues'),
    3,
  ],
])('a run that is cancelled while it %s ends immediately and fails as cancelled', async (_what, when, requests) => {
  const cancel = new AbortController();
  scene.api.fault({ when: (asked) => when(asked) && (cancel.abort(), true), then: 'lost-before', times: 9 });
  const { code, errors } = await report({}, cancel.signal);
  expect([code, scene.api.requests.length]).toEqual([1, requests]);
  expect(errors.join()).toContain('KS-1111 cancelled');
});

test('a run that takes too long ends, and says that it did', async () => {
  scene.api.fault({ then: 'lost-before', times: 9 });
  const { code, errors } = await report({}, AbortSignal.timeout(0));
  expect(code).toBe(1);
  expect(errors.join()).toContain('KS-1802 github-unreachable: the GitHub API was too slow');
});

test('a list is read to its last page', async () => {
  for (let i = 0; i < 250; i += 1) scene.api.state.addArtifact(`a.${i}`, 4711);
  await scene.run({ INPUT_DO: 'clean-up', INPUT_PREFIX: 'a.' });
  expect(scene.api.state.artifacts).toEqual([]);
});
