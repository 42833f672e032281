import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CUT } from '../report/alice.ts';
import { startGithubApi, type GithubApi } from '../support/github-api.ts';

const MAIN = join(import.meta.dirname, '../../src/github/main.ts');

let api: GithubApi;
let folder: string;
beforeEach(async () => {
  api = await startGithubApi();
  folder = mkdtempSync(join(tmpdir(), 'github-'));
  for (const name of ['output', 'summary']) writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, 'event.json'), '{"pull_request":{"number":1}}');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await api.close();
});

/** Runs the whole program as a step of a job does. */
function step(env: Readonly<Record<string, string>>): Promise<{ code: number | null; log: string }> {
  const place = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: api.repository,
    GITHUB_API_URL: api.url,
    GITHUB_RUN_ID: '4711',
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    GITHUB_EVENT_PATH: join(folder, 'event.json'),
  };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: { ...place, INPUT_TOKEN: api.token, ...env },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (log += data.toString()));
  return new Promise((done) => child.on('close', (code) => done({ code, log })));
}

test('a step opens the issue, and outputs its address', async () => {
  const { code, log } = await step({
    INPUT_DO: 'issue',
    INPUT_DOMAIN: 'alice',
    INPUT_RESULT: 'failure',
    INPUT_FAILURES: JSON.stringify([CUT]),
  });
  expect({ code, log }).toEqual({
    code: 0,
    log: expect.stringMatching(
      /\nalice is not as described: opened https:\/\/github\.com\/acme\/clusters\/issues\/1\n$/,
    ),
  });
  expect(api.state.issues.map(({ state, body }) => [state, body?.includes('data-path-cut')])).toEqual([['open', true]]);
  expect(readFileSync(join(folder, 'output'), 'utf8')).toMatch(
    /^issue-url<<(\S+)\nhttps:\/\/github\.com\/acme\/clusters\/issues\/1\n\1\n$/,
  );
});

test('a step masks its token before it says anything', async () => {
  const { log } = await step({ INPUT_DO: 'clean-up' });
  const said = log.trimEnd().split('\n');
  const masks = said.findIndex((line) => !line.startsWith('::add-mask::'));
  expect(said.slice(0, masks)).toContain(`::add-mask::${api.token}`);
  expect(said.slice(masks).join()).not.toMatch(new RegExp(`${api.token}|^$`));
});

test('a step that fails marks the run and ends with 1', async () => {
  api.state.permissions.issues = 'read';
  const { code, log } = await step({ INPUT_DO: 'issue', INPUT_DOMAIN: 'alice', INPUT_RESULT: 'failure' });
  expect(code).toBe(1);
  expect(log).toMatch(
    /^::error title=KS-1801 github-refused::KS-1801 github-refused: the GitHub API rejects POST \/repos\/acme\/clusters\/issues: 403%0A/m,
  );
});

test('a step on a pull request that it may not write on leaves the plan in the summary', async () => {
  api.state.addIssue({ title: 'Add a host', isPullRequest: true });
  Object.assign(api.state.permissions, { issues: 'read', 'pull-requests': 'read' });
  const plan = { domain: 'alice', changes: [], satisfied: [], later: [], awaited: [], warnings: [], failures: [] };
  const { code, log } = await step({
    INPUT_DO: 'comment',
    INPUT_PLAN: JSON.stringify(plan),
    GITHUB_EVENT_NAME: 'pull_request',
  });
  expect(code).toBe(0);
  expect(log).toMatch(/^::notice title=the plan is in the summary::/m);
  expect(readFileSync(join(folder, 'summary'), 'utf8')).toContain('### alice: 0 changes, 0 satisfied');
});

test('a step without the variables of GitHub reports what is missing, and sends no request', async () => {
  const { code, log } = await step({ INPUT_DO: 'clean-up', INPUT_PREFIX: 'x', GITHUB_REPOSITORY: '' });
  expect([code, api.requests]).toEqual([1, []]);
  expect(log).toContain('GITHUB_REPOSITORY is not set');
});

test('a step that is cancelled while it waits ends with 1', async () => {
  api.fault({ then: { status: 429, headers: { 'retry-after': '50' }, body: { message: 'slow down' } } });
  const place = {
    GITHUB_REPOSITORY: api.repository,
    GITHUB_API_URL: api.url,
    GITHUB_RUN_ID: '4711',
    INPUT_TOKEN: api.token,
    INPUT_DO: 'clean-up',
    INPUT_PREFIX: 'x',
  };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], { env: place });
  let log = '';
  child.stdout.on('data', (data: Buffer) => {
    log += data.toString();
    if (data.toString().includes('retrying in 50.0 s')) child.kill('SIGTERM');
  });
  expect(await new Promise((done) => child.on('close', done))).toBe(1);
  expect(log).toContain('KS-1111 cancelled');
});
