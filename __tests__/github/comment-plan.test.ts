import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PlanDocument } from '../../src/report/plan.ts';
import { CUT } from '../report/alice.ts';
import { BOT } from '../support/github-state.ts';
import { openScene, type Scene, type Told } from './scene.ts';

const PLAN: PlanDocument = {
  domain: 'alice',
  changes: [
    {
      stage: 'swarm-init',
      host: 'node-01',
      change: '+',
      what: 'initialise swarm, advertise 10.0.0.11',
      why: 'not in any swarm',
    },
    { stage: 'swarm-join', host: 'node-02', change: '+', what: 'join as worker', why: 'not in any swarm' },
  ],
  satisfied: [{ stage: 'preflight', host: 'node-01', what: 'Docker Engine 28.2.2', why: '20.10.24 or newer' }],
  later: [{ stage: 'verify', host: 'node-02', what: 'replica answers', why: 'its container is about to change' }],
  awaited: [],
  warnings: [],
  failures: [],
};
const MARK = '<!-- kuscia-swarm plan: alice -->';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene({ permissions: { issues: 'none' } });
  scene.api.state.addIssue({ title: 'Add a host', isPullRequest: true });
});
afterEach(() => scene.api.close());

const comment = (plan: unknown = PLAN, env: Readonly<Record<string, string>> = {}): Promise<Told> =>
  scene.run({
    INPUT_DO: 'comment',
    INPUT_PLAN: typeof plan === 'string' ? plan : JSON.stringify(plan),
    GITHUB_EVENT_NAME: 'pull_request',
    GITHUB_EVENT_PATH: '/event.json',
    ...env,
  });
const bodies = (): string[] => scene.api.state.comments.map(({ body }) => body);

test('writes the plan as a comment: figures first, then each change', async () => {
  const { code, log, outputs, summary } = await comment();
  expect({ code, log, outputs, summary }).toEqual({
    code: 0,
    log: 'the plan of alice is in https://github.com/acme/clusters/issues/1#issuecomment-1\n',
    outputs: { 'comment-url': 'https://github.com/acme/clusters/issues/1#issuecomment-1' },
    summary: '',
  });
  expect(bodies()).toEqual([
    [
      MARK,
      '### alice: 2 changes on 2 hosts, 1 satisfied, 1 known after apply',
      '',
      '| stage | host | change | why |',
      '| --- | --- | --- | --- |',
      '| swarm-init | node-01 | + initialise swarm, advertise 10.0.0.11 | not in any swarm |',
      '| swarm-join | node-02 | + join as worker | not in any swarm |',
      '| verify | node-02 | ? replica answers | after apply: its container is about to change |',
      '',
      'Nothing was changed. The full plan is in [the run](https://github.com/acme/clusters/actions/runs/4711) ' +
        'that made it; the next run updates this comment.',
      '',
    ].join('\n'),
  ]);
});

test('updates its comment among several pages of others, and adds none', async () => {
  for (let i = 0; i < 120; i += 1) scene.api.state.addComment(1, `remark ${i}`);
  await comment();
  await comment({ ...PLAN, changes: [] });
  expect(scene.api.state.comments).toHaveLength(121);
  expect(bodies()[120]).toContain('### alice: 0 changes, 1 satisfied, 1 known after apply');
});

test('keeps one comment for each domain', async () => {
  await comment();
  await comment({ ...PLAN, domain: 'bob' });
  await comment();
  expect(bodies().map((body) => body.split('\n')[0])).toEqual([MARK, MARK.replace('alice', 'bob')]);
});

test('deletes a second comment created by a race', async () => {
  for (let i = 0; i < 2; i += 1) scene.api.state.addComment(1, `${MARK}\nold`, BOT);
  await comment();
  expect(bodies()).toEqual([expect.stringContaining('2 changes')]);
});

test.each<[string, string, number]>([
  ['CONTRIBUTOR', 'a stranger, who could change it afterwards', 2],
  ['NONE', 'a stranger, who could change it afterwards', 2],
  ['MEMBER', 'someone of the repository', 1],
])('a comment with the mark by a %s belongs to %s', async (association, _who, left) => {
  scene.api.state.addComment(1, `${MARK}\n### alice: 0 changes`, { login: 'someone', type: 'User' }, association);
  await comment();
  expect(scene.api.state.comments).toHaveLength(left);
  expect(bodies()[0]).toContain(left === 2 ? '0 changes' : '2 changes');
});

test('reports failures and warnings with their remedies', async () => {
  await comment({
    ...PLAN,
    changes: [],
    failures: [{ stage: 'network-create', ...CUT }],
    warnings: [
      {
        stage: 'preflight',
        code: 'host-unfit',
        host: 'node-02',
        what: '4 CPUs',
        evidence: '8 are advised',
        remedy: 'Give it more.',
      },
    ],
  });
  for (const text of [
    '### ❌ alice: 0 changes',
    '#### Fix these first',
    '[KS-1204](https://github.com/acme/kuscia-swarm/blob/v1/docs/troubleshooting.md#ks-1204) data-path-cut**',
    '- **do: Run again with repair: true',
    '#### Warnings',
    'KS-1201',
  ])
    expect(bodies()[0]).toContain(text);
});

test('shortens a plan that is too long for a comment, and says so', async () => {
  await comment({
    ...PLAN,
    changes: Array.from({ length: 900 }, (_, i) => ({ ...PLAN.changes[0], host: `node-${i}`, why: 'x'.repeat(60) })),
  });
  expect(bodies()[0]?.length).toBeLessThanOrEqual(65_536);
  expect(bodies()[0]).toContain('\n701 more are in the log of the run.\n');
});

describe('if the token may not write, as on a pull request from a fork', () => {
  test.each([
    ['a new comment', []],
    ['an existing one', [`${MARK}\nold`]],
  ])('the plan goes to the summary instead of %s, a notice says so, and nothing fails', async (_what, there) => {
    for (const body of there) scene.api.state.addComment(1, body);
    scene.api.state.permissions['pull-requests'] = 'read';
    const { code, summary, notices, outputs } = await comment();
    expect({ code, outputs }).toEqual({ code: 0, outputs: { 'comment-url': '' } });
    expect(summary).toContain('| swarm-init | node-01 | + initialise swarm');
    expect(notices).toEqual([
      expect.stringMatching(
        /The plan is in the summary of this job: .*Resource not accessible by integration.*pull-requests: write/,
      ),
    ]);
    expect(bodies()).toEqual(there);
  });

  test('a rate limit or a failure of GitHub is not treated as such', async () => {
    scene.api.fault({
      when: ({ method }) => method === 'POST',
      then: { status: 403, headers: { 'retry-after': '600' }, body: { message: 'slow down' } },
    });
    const { code, summary } = await comment();
    expect([code, summary]).toEqual([1, '']);
  });
});

test.each(['push', 'schedule', 'pull_request_target', ''])(
  'on the event %p there is nothing to comment on, which is reported',
  async (event) => {
    const { code, errors } = await comment(PLAN, { GITHUB_EVENT_NAME: event });
    expect(code).toBe(1);
    expect(errors.join()).toContain(`the event of this run is ${event || 'unknown'}`);
    expect(errors.join()).toContain("if: github.event_name == 'pull_request'");
    expect(scene.api.requests).toEqual([]);
  },
);

test('an invalid plan is refused with the reason', async () => {
  for (const [plan, told] of [
    ['', 'input plan is missing'],
    ['{', 'input plan is not an output of an action of this project'],
    [{ ...PLAN, domain: 'x -->' }, 'input plan has no valid domain'],
    [{ ...PLAN, changes: [{ stage: 1 }] }, 'changes.0.stage'],
  ] as const) {
    const { code, errors } = await comment(plan);
    expect([code, errors.join()]).toEqual([1, expect.stringContaining(told)]);
  }
  expect(scene.api.requests).toEqual([]);
});
