import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { REFUSALS, startGithubApi, type GithubApi } from './github-api.ts';

let api: GithubApi;
beforeEach(async () => {
  api = await startGithubApi();
});
afterEach(() => api.close());

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(method: string, path: string, body?: unknown, token = api.token): Promise<Got> {
  const response = await fetch(path.startsWith('http') ? path : `${api.url}/repos/${api.repository}${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

const refusal = (message: string): unknown =>
  expect.objectContaining({
    message,
    documentation_url: expect.stringMatching(/^https:\/\/docs\.github\.com\/rest/),
    status: expect.stringMatching(/^4\d\d$/),
  });

/** As GitHub's REST reference and its troubleshooting page have them. */
describe('it refuses as GitHub does:', () => {
  test.each<[string, () => void, string, string, unknown, number, string]>([
    ['a token that is not valid', () => undefined, 'GET', '/issues', undefined, 401, 'Bad credentials'],
    [
      'a permission that is missing',
      () => (api.state.permissions.issues = 'read'),
      'POST',
      '/issues',
      { title: 'x' },
      403,
      'Resource not accessible by integration',
    ],
    ['what does not exist', () => undefined, 'GET', '/nothing', undefined, 404, 'Not Found'],
    ['an issue that does not exist', () => undefined, 'PATCH', '/issues/9', {}, 404, 'Not Found'],
    [
      'issues if they are disabled',
      () => (api.state.hasIssues = false),
      'POST',
      '/issues',
      { title: 'x' },
      410,
      'Issues has been disabled in this repository.',
    ],
    [
      'a body that is too long',
      () => undefined,
      'POST',
      '/issues',
      { title: 'x', body: 'x'.repeat(65_537) },
      422,
      'Validation Failed',
    ],
    [
      'a label that exists',
      () => undefined,
      'POST',
      '/labels',
      { name: 'BUG', color: 'ffffff' },
      422,
      'Validation Failed',
    ],
    ['an invalid colour', () => undefined, 'POST', '/labels', { name: 'x', color: 'red' }, 422, 'Validation Failed'],
    ['an artifact that does not exist', () => undefined, 'DELETE', '/actions/artifacts/9', undefined, 404, 'Not Found'],
  ])('%s', async (what, arrange, method, path, body, status, message) => {
    arrange();
    const got = await ask(method, path, body, what.startsWith('a token') ? 'ghs_x' : undefined);
    expect([got.status, got.body]).toEqual([status, refusal(message)]);
    expect(got.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('and names the permission that it requires', async () => {
    api.state.permissions.actions = 'none';
    expect((await ask('GET', '/actions/runs/1/artifacts')).headers.get('x-accepted-github-permissions')).toBe(
      'actions=read',
    );
  });
});

test('it pages by links with the id of the repository, thirty at a time by default', async () => {
  for (let i = 0; i < 65; i += 1) api.state.addIssue({ title: `${i}` });
  const first = await ask('GET', '/issues?direction=asc');
  expect((first.body as { number: number }[]).map(({ number }) => number)).toEqual(
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  const link = first.headers.get('link') ?? '';
  expect(link).toBe(
    `<${api.url}/repositories/1296269/issues?direction=asc&page=2>; rel="next", <${api.url}/repositories/1296269/issues?direction=asc&page=3>; rel="last"`,
  );
  const last = await ask('GET', `${api.url}/repositories/1296269/issues?direction=asc&page=3`);
  expect([(last.body as unknown[]).length, last.headers.get('link')]).toEqual([5, expect.not.stringContaining('next')]);
  expect((await ask('GET', '/issues?per_page=100')).headers.get('link')).toBeNull();
});

test('it lists pull requests among the issues, and only what has every label', async () => {
  api.state.addIssue({ title: 'a', labels: ['Red'] });
  api.state.addIssue({ title: 'b', labels: ['red', 'bug'], isPullRequest: true });
  const list = async (query: string): Promise<unknown[]> =>
    ((await ask('GET', `/issues?${query}`)).body as { title: string; pull_request?: unknown }[]).map(
      ({ title, pull_request: pull }) => [title, pull !== undefined],
    );
  expect(await list('labels=red')).toEqual([
    ['b', true],
    ['a', false],
  ]);
  expect(await list('labels=red,bug')).toEqual([['b', true]]);
  expect(await list('state=closed')).toEqual([]);
});

test('it silently drops labels that may not be set, and creates the others', async () => {
  expect((await ask('POST', '/issues', { title: 'x', labels: ['new'] })).body).toMatchObject({
    number: 1,
    state: 'open',
    labels: [{ name: 'new' }],
  });
  expect(api.state.hasLabel('new')).toBe(true);
  api.state.setsLabels = false;
  expect((await ask('POST', '/issues', { title: 'x', labels: ['other'] })).body).toMatchObject({
    number: 2,
    labels: [],
  });
});

test('it counts artifacts beside the page, and deletes without a body', async () => {
  const { id } = api.state.addArtifact('x', 7);
  expect((await ask('GET', '/actions/runs/7/artifacts')).body).toMatchObject({
    total_count: 1,
    artifacts: [{ id, name: 'x', expired: false }],
  });
  expect(await ask('DELETE', `/actions/artifacts/${id}`)).toMatchObject({ status: 204, body: undefined });
});

describe('it fails as instructed:', () => {
  test.each([
    ['lost-before', 0],
    ['lost-after', 1],
    ['broken-off', 1],
  ] as const)('%s leaves %i issue', async (then, issues) => {
    api.fault({ then });
    await expect(ask('POST', '/issues', { title: 'x' })).rejects.toThrow();
    expect(api.state.issues).toHaveLength(issues);
    expect((await ask('GET', '/issues')).status).toBe(200);
  });

  test('a substituted answer has no effect, as many times as instructed', async () => {
    api.fault({ when: ({ method }) => method === 'POST', times: 2, then: REFUSALS.tooFast(7) });
    expect((await ask('GET', '/issues')).status).toBe(200);
    for (let i = 0; i < 2; i += 1) {
      const got = await ask('POST', '/issues', { title: 'x' });
      expect([got.status, got.headers.get('retry-after'), api.state.issues.length]).toEqual([403, '7', 0]);
    }
    expect((await ask('POST', '/issues', { title: 'x' })).status).toBe(201);
    expect(api.requests.map(({ method, status }) => [method, status])).toEqual([
      ['GET', 200],
      ['POST', 403],
      ['POST', 403],
      ['POST', 201],
    ]);
  });
});
