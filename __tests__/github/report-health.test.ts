import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Matrix } from '../../src/cluster/matrix.ts';
import type { Failure } from '../../src/engine/errors.ts';
import { CUT, matrixOf } from '../report/alice.ts';
import { REFUSALS } from '../support/github-api.ts';
import { BOT, type Comment, type Issue } from '../support/github-state.ts';
import { openScene, RUN_ID, START, type Scene, type Told } from './scene.ts';

const DAY = 24 * 3_600_000;
const DOWN = matrixOf({ heartbeat: '2 min ago', node: 'Down' }, { connected: 5, total: 6 });
const UNHEALTHY: Failure = {
  code: 'cluster-unhealthy',
  host: 'node-03',
  what: 'root-kuscia-autonomy-alice-node-03: heartbeat is 2 min ago',
  evidence: 'an @octocat, #7 and `code`',
  cause: 'it was killed',
  remedy: 'Run mode apply.',
};

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.api.close());

interface Looked {
  readonly result?: string;
  readonly before?: string;
  readonly domain?: string;
  /** null if the verification did not get that far. */
  readonly matrix?: Matrix | null;
  readonly failures?: readonly Failure[];
  readonly label?: string;
  readonly run?: number;
}

const look = ({
  result = 'failure',
  before = '',
  domain = 'alice',
  matrix = DOWN,
  failures = [UNHEALTHY],
  label = '',
  run = RUN_ID,
}: Looked = {}): Promise<Told> =>
  scene.run({
    INPUT_DO: 'issue',
    INPUT_DOMAIN: domain,
    INPUT_RESULT: result,
    INPUT_BEFORE: before,
    INPUT_VERIFY: matrix ? JSON.stringify(matrix) : '',
    INPUT_FAILURES: JSON.stringify(failures),
    INPUT_LABEL: label,
    GITHUB_RUN_ID: String(run),
  });

const healthy = (): Promise<Told> => look({ result: 'success', matrix: matrixOf(), failures: [] });

const open = (): Issue[] => scene.api.state.issues.filter(({ state }) => state === 'open');
const commentsOn = (issue: number): Comment[] => scene.api.state.comments.filter((comment) => comment.issue === issue);
const bodyOf = (issue: number): string => scene.api.state.issues.find(({ number }) => number === issue)?.body ?? '';

describe('a domain that is not as described', () => {
  test('gets one labelled issue with figures, evidence, remedies and a link to the run', async () => {
    const { code, log, outputs } = await look();
    expect({ code, log }).toEqual({
      code: 0,
      log: 'alice is not as described: opened https://github.com/acme/clusters/issues/1\n',
    });
    expect(outputs).toEqual({ 'issue-url': 'https://github.com/acme/clusters/issues/1' });
    expect(scene.api.state.issues.map(({ title, labels, state }) => ({ title, labels, state }))).toEqual([
      { title: 'alice is not as described', labels: ['kuscia-swarm'], state: 'open' },
    ]);
    expect(scene.api.state.labels.slice(1)).toEqual([
      { name: 'kuscia-swarm', color: 'b60205', description: 'A domain does not match its cluster file' },
    ]);
    const body = bodyOf(1);
    expect(body.split('\n').slice(0, 4)).toEqual([
      '<!-- kuscia-swarm health: alice -->',
      expect.stringMatching(/^<!-- kuscia-swarm state: looks=1 wrong=[0-9a-f]{16} -->$/),
      '',
      expect.stringMatching(/^\*\*alice is not healthy: 1 of 2 replicas pass every check/),
    ]);
    expect(body).toContain(
      `| 2026-11-24 03:17 UTC | 2026-11-24 03:17 UTC, [run ` +
        `4711](https://github.com/acme/clusters/actions/runs/4711) | 1 |`,
    );
    expect(body).toContain(
      '| root-kuscia-autonomy-alice-node-03 | ok | 4 of 8 | **✗ 2 min ago** | 10.200.0.9 | e3b0c442 | **✗ ' +
        'Down** | 1.1.0b0 |',
    );
    expect(body).toContain(
      '- **[KS-1601](https://github.com/acme/kuscia-swarm/blob/v1/docs/troubleshooting.md#ks-1601) ' +
        'cluster-unhealthy**: ',
    );
    expect(body).toContain(
      '  - evidence: `` an @octocat, #7 and `code` ``\n  - cause: it was killed\n  - **do: Run mode apply.**\n',
    );
    expect(body).toContain('```sh\ngh run rerun 4711 --repo github.com/acme/clusters\n```');
  });

  test('has the text of its issue updated for the same finding, without a comment', async () => {
    await look();
    scene.clock.now += DAY;
    const later = {
      ...DOWN,
      rows: DOWN.rows.map((row) => ({
        ...row,
        cells: { ...row.cells, ...(row.host === 'node-03' && { heartbeat: { ok: false, text: '24 h ago' } }) },
      })),
    };
    const { code, log, outputs } = await look({
      matrix: later,
      failures: [{ ...UNHEALTHY, what: 'root-kuscia-autonomy-alice-node-03: heartbeat is 24 h ago' }],
      run: 4712,
    });
    expect({ code, log }).toEqual({
      code: 0,
      log: 'alice is not as described, as before: updated https://github.com/acme/clusters/issues/1\n',
    });
    expect(outputs['issue-url']).toBe('https://github.com/acme/clusters/issues/1');
    expect(scene.api.state.issues).toHaveLength(1);
    expect(commentsOn(1)).toEqual([]);
    expect(bodyOf(1)).toContain(
      '| 2026-11-24 03:17 UTC | 2026-11-25 03:17 UTC, [run ' +
        '4712](https://github.com/acme/clusters/actions/runs/4712) | 2 |',
    );
    expect(bodyOf(1)).toContain('**✗ 24 h ago**');
  });

  test.each<[string, Looked]>([
    ['another check', { matrix: matrixOf({ overlay: 'none' }, { connected: 5, total: 6 }) }],
    ['another failure', { failures: [UNHEALTHY, CUT] }],
    ['another host', { failures: [{ ...UNHEALTHY, host: 'node-02' }] }],
    [
      'another number of pairs',
      { matrix: matrixOf({ heartbeat: '2 min ago', node: 'Down' }, { connected: 2, total: 6 }) },
    ],
    ['a matrix that no longer exists', { matrix: null }],
  ])('gets a comment when it is %s', async (_what, changed) => {
    await look();
    const { log } = await look(changed);
    expect(log).toContain(', with changed problems: updated ');
    expect(commentsOn(1).map(({ body }) => body.split('\n')[0])).toEqual(['<!-- kuscia-swarm run: 4711.1 changed -->']);
    await look(changed);
    expect(commentsOn(1)).toHaveLength(1);
    expect(scene.api.state.issues).toHaveLength(1);
  });

  test('has its issue closed when it is healthy, with the former and the present state; a further run changes nothing', async () => {
    await look();
    scene.clock.now += DAY;
    const { code, log } = await healthy();
    expect({ code, log }).toEqual({
      code: 0,
      log: 'alice is healthy: closed https://github.com/acme/clusters/issues/1\n',
    });
    expect(scene.api.state.issues.map(({ state, state_reason }) => ({ state, state_reason }))).toEqual([
      { state: 'closed', state_reason: 'completed' },
    ]);
    expect(commentsOn(1).map(({ body }) => body)).toEqual([
      expect.stringMatching(
        /^<!-- kuscia-swarm run: 4711\.1 healthy -->\nalice is healthy: 2 of 2 replicas answer .*\n\nIt had not been as described since 2026-11-24 03:17 UTC \(1 check\)\. /,
      ),
    ]);
    const again = await healthy();
    expect(again).toMatchObject({
      code: 0,
      log: 'alice is healthy, and no issue is open\n',
      outputs: { 'issue-url': '' },
    });
    expect(commentsOn(1)).toHaveLength(1);
  });

  test('keeps its issue while an undescribed part is running, even if every check is ok', async () => {
    const stray: Failure = {
      code: 'not-described',
      what: 'replica x runs on a host that is not in the cluster file',
      evidence: 'node Ready',
      cause: 'its host was taken out',
      remedy: 'Take it away.',
    };
    const { code, log } = await look({ result: 'success', matrix: { ...matrixOf(), warnings: [stray] }, failures: [] });
    expect([code, log]).toEqual([0, expect.stringContaining('alice is not as described: opened')]);
    expect(bodyOf(1)).toMatch(/\*\*alice is healthy: 2 of 2 replicas answer .*; 1 warning \(1\.3 s\)\*\*/);
    expect(bodyOf(1)).toContain('### Warnings');
    expect(bodyOf(1)).toMatch(/KS-1602.*not-described\*\*: replica x runs/);
    expect((await healthy()).log).toBe('alice is healthy: closed https://github.com/acme/clusters/issues/1\n');
  });

  test('reports what is unknown, which host does not answer, what works, and that no other mode works until then', async () => {
    const row = (host: string, cells: Matrix['rows'][number]['cells']): Matrix['rows'][number] => ({
      replica: `root-kuscia-autonomy-alice-${host}`,
      host,
      cells,
    });
    const [first, second] = matrixOf().rows.map(({ cells }) => cells) as [
      Matrix['rows'][number]['cells'],
      Matrix['rows'][number]['cells'],
    ];
    const rows = [
      row('node-02', first),
      row('node-03', {
        ...second,
        throughLb: { ok: false, text: '0 of 9' },
        node: { ok: false, text: 'not reached', unknown: true },
      }),
    ];
    await look({
      matrix: {
        ...matrixOf(),
        healthy: false,
        rows,
        silent: ['node-03'],
        database: 'works',
        pairs: { connected: 2, total: 6, unknown: 4 },
      },
    });
    expect(bodyOf(1)).toContain('**? not reached**');
    expect(bodyOf(1)).toMatch(
      /1 of 2 serves through \S+, the database answers, 3 of 3 nodes Ready, 2 of 6 pairs connected \(4 not known\); node-03 does not answer/,
    );
    expect(bodyOf(1)).toContain(
      '### Next\n\n1. Restore node-03: only the mode verify works while a host does not respond.\n2. Then check ' +
        'the differences with `mode: plan`, and fix them with `mode: apply`.\n\nThen check again:\n',
    );
    expect(bodyOf(1)).toMatch(/\nStill serving through \S+: root-kuscia-autonomy-alice-node-02 \(node-02\)\.\n/);
  });

  const PLAN = 'the differences with `mode: plan`, and fix them with `mode: apply`.';
  test.each<[string, Looked, readonly string[]]>([
    ['the differences, if every host answers', {}, [`1. Check ${PLAN}`]],
    [
      'the host first, if nothing could be checked because of it',
      {
        matrix: null,
        failures: [
          { code: 'host-unreachable', host: 'node-02', what: 'node-02 does not answer', remedy: 'See to it.' },
        ],
      },
      ['1. Restore node-02: only the mode verify works while a host does not respond.'],
    ],
    [
      'the engine first, if it does not answer',
      { failures: [{ code: 'engine-unreachable', host: 'node-02', what: 'no engine', remedy: 'Start it.' }] },
      ['1. Restore node-02: only the mode verify works while a host does not respond.', `2. Then check ${PLAN}`],
    ],
    [
      'the job that failed before',
      { matrix: null, failures: [], result: 'skipped', before: 'snapshot=failure' },
      ['1. Find out why the job snapshot failed: check its log, and whether the runner of its host is online.'],
    ],
    [
      'the log, if there is nothing else',
      { matrix: null, failures: [] },
      ['1. Check the log of the run: it ended before anything was verified.'],
    ],
    [
      'the findings, if there is nothing else',
      { matrix: null, failures: [CUT] },
      ['1. Follow the instructions of each finding above.'],
    ],
    [
      'the findings, if nothing differs',
      { result: 'success', matrix: { ...matrixOf(), warnings: [CUT] }, failures: [] },
      ['1. Follow the instructions of each finding above.'],
    ],
  ])('gets advice about %s', async (_what, looked, steps) => {
    await look(looked);
    const said = /### Next\n\n([^]*?)\n\nThen check again:/.exec(bodyOf(1))?.[1] ?? '';
    expect(
      said
        .replace(/&#\d+;/g, (entity) => (entity === '&#8203;' ? '' : String.fromCodePoint(Number(entity.slice(2, -1)))))
        .split('\n'),
    ).toEqual(steps);
  });

  test('is reported with what still works, or that this is not known', async () => {
    await look({ matrix: null });
    expect(bodyOf(1)).toContain('\nWhether alice still serves requests is unknown');
    await look({ matrix: matrixOf({ throughLb: '0 of 8' }, { connected: 5, total: 6 }) });
    expect(bodyOf(1)).toMatch(/Still serving through .*: root-kuscia-autonomy-alice-node-02 \(node-02\)/);
  });

  test('gets a new issue when it fails again; a closed one stays closed', async () => {
    await look();
    await healthy();
    await look();
    expect(scene.api.state.issues.map(({ state }) => state)).toEqual(['closed', 'open']);
    expect(bodyOf(2)).toContain('looks=1 ');
  });

  test('has its own issue beside that of another domain', async () => {
    await look();
    await look({ domain: 'alice-2', matrix: { ...DOWN, domain: 'alice-2' } });
    expect(open().map(({ title }) => title)).toEqual(['alice is not as described', 'alice-2 is not as described']);
    await healthy();
    expect(open().map(({ title }) => title)).toEqual(['alice-2 is not as described']);
  });

  test('is reported even if nothing could be checked', async () => {
    await scene.run({ INPUT_DO: 'issue', INPUT_DOMAIN: 'alice', INPUT_RESULT: 'failure' });
    expect(bodyOf(1)).toContain(
      '**Whether alice is healthy is unknown: it could not be checked (the result of the verification is ' +
        'failure; check its log)**',
    );
    expect(bodyOf(1)).not.toContain('| replica |');
  });

  test.each<[string, Looked]>([
    ['the job failed', { result: 'failure', failures: [] }],
    ['failures are reported', { result: 'success', failures: [UNHEALTHY] }],
    [
      'a check is not ok, whatever the matrix says',
      { result: 'success', failures: [], matrix: { ...DOWN, healthy: true } },
    ],
    ['the matrix says so', { result: 'success', failures: [], matrix: { ...matrixOf(), healthy: false } }],
  ])('includes one of which %s, even if the rest is fine', async (_what, given) => {
    await look({ matrix: matrixOf(), ...given });
    expect(open()).toHaveLength(1);
  });
});

describe('the issue is found', () => {
  test('by its mark among 150 others with the label, over pages, and by nothing else', async () => {
    await look();
    const mine = scene.api.state.issues[0];
    scene.api.state.issues.pop();
    for (let i = 0; i < 149; i += 1)
      scene.api.state.addIssue({ title: 'alice is not as described', body: 'no mark', labels: ['kuscia-swarm'] });
    scene.api.state.addIssue({
      title: 'renamed by a person',
      body: `edited\r\n${mine?.body?.replaceAll('\n', '\r\n')}`,
      labels: ['Kuscia-Swarm', 'bug'],
      user: BOT,
    });
    await look();
    expect(scene.api.state.issues).toHaveLength(150);
    expect(bodyOf(150)).toContain('looks=2 ');
    expect(scene.api.state.issues[149]?.title).toBe('renamed by a person');
    expect(
      scene.api.requests.some(
        ({ path }) => path.startsWith('/repositories/1296269/issues?') && path.includes('page=2'),
      ),
    ).toBe(true);
  });

  test.each([
    ['a pull request', { isPullRequest: true, labels: ['kuscia-swarm'] }],
    ['without the label', { labels: ['bug'] }],
    ['someone else’s', { labels: ['kuscia-swarm'], user: { login: 'octocat', type: 'User' as const } }],
    ['another app’s', { labels: ['kuscia-swarm'], user: { login: 'github-actions-2[bot]', type: 'Bot' as const } }],
  ])('not if it is %s', async (_what, other) => {
    scene.api.state.addIssue({ title: 'x', body: '<!-- kuscia-swarm health: alice -->', user: BOT, ...other });
    await look();
    expect(scene.api.state.issues).toHaveLength(2);
    expect(bodyOf(1)).toBe('<!-- kuscia-swarm health: alice -->');
  });

  test('and one that is not our own is reported, and neither closed nor changed', async () => {
    scene.api.state.addIssue({ title: 'bait', body: '<!-- kuscia-swarm health: alice -->', labels: ['kuscia-swarm'] });
    const { log } = await healthy();
    expect(log).toBe(
      '#1 has the mark of alice, but was created by octocat and not by github-actions[bot]: ignored\nalice ' +
        'is healthy, and no issue is open\n',
    );
    expect([open().map(({ title }) => title), commentsOn(1)]).toEqual([['bait'], []]);
  });

  test('as that of the owner of the token', async () => {
    scene.api.state.login = 'octocat';
    scene.api.state.addIssue({
      title: 'alice is not as described',
      body: '<!-- kuscia-swarm health: alice -->',
      labels: ['kuscia-swarm'],
    });
    await look();
    expect(scene.api.state.issues).toHaveLength(1);
    expect(bodyOf(1)).toContain('looks=2 ');
  });

  test('only if its author can be determined: otherwise the run fails and writes nothing', async () => {
    await look();
    scene.api.fault({
      when: ({ path }) => path === '/graphql',
      then: { status: 200, body: { errors: [{ message: 'Resource not accessible' }] } },
    });
    const { code, errors } = await look({ run: 4712 });
    expect([code, errors.join()]).toEqual([1, expect.stringMatching(/KS-1801[^]*Resource not accessible/)]);
    expect(scene.api.state.issues).toHaveLength(1);
    expect(bodyOf(1)).toContain('looks=1 ');
  });

  test('not if the mark was written by hosts of another domain', async () => {
    const text = '<!-- kuscia-swarm health: bob -->';
    await look({ failures: [{ ...UNHEALTHY, what: text, evidence: text, cause: text, remedy: text }] });
    await look({ domain: 'bob', matrix: { ...DOWN, domain: 'bob' } });
    expect(open().map(({ title }) => title)).toEqual(['alice is not as described', 'bob is not as described']);
  });

  test('twice after a race: the older is kept, the other is closed with a note', async () => {
    await look();
    scene.api.state.addIssue({
      title: 'alice is not as described',
      body: bodyOf(1),
      labels: ['kuscia-swarm'],
      user: BOT,
    });
    await look();
    expect(scene.api.state.issues.map(({ state, state_reason }) => [state, state_reason])).toEqual([
      ['open', null],
      ['closed', 'not_planned'],
    ]);
    expect(commentsOn(2).map(({ body }) => body)).toEqual([
      '<!-- kuscia-swarm run: 4711.1 duplicate -->\nDuplicate of #1, which is kept up to ' + 'date instead.',
    ]);
    expect(bodyOf(1)).toContain('looks=2 ');
  });

  test('twice after a simultaneous start: the run that opens the second closes it again, with a link to the first', async () => {
    await look();
    const first = scene.api.state.issues.splice(0)[0];
    const meanwhile = (): number => scene.api.state.issues.push(first!);
    scene.api.fault({
      when: ({ method, path }) => method === 'POST' && path.endsWith('/labels') && meanwhile() > 0,
      then: REFUSALS.tooFast(1),
    });
    const { code, outputs } = await look({ run: 4712 });
    expect({ code, outputs }).toEqual({
      code: 0,
      outputs: { 'issue-url': 'https://github.com/acme/clusters/issues/1' },
    });
    expect(scene.api.state.issues.map(({ number, state }) => [number, state])).toEqual([
      [1, 'open'],
      [2, 'closed'],
    ]);
  });

  test('under a custom label', async () => {
    await look({ label: 'prod: red' });
    await look({ label: 'prod: red' });
    expect(scene.api.state.issues.map(({ labels }) => labels)).toEqual([['prod: red']]);
  });

  test('with its count restarted if a person removed it from the text', async () => {
    await look();
    scene.api.state.issues[0]!.body = 'mine now\n<!-- kuscia-swarm health: alice --> \n';
    await look();
    expect(bodyOf(1)).toContain('looks=2 ');
    expect(commentsOn(1)).toHaveLength(1);
  });
});

test.each(['cancelled', 'skipped'])('a verification that was %s changes nothing and says so', async (result) => {
  await look();
  const before = structuredClone(scene.api.state.issues);
  const asked = scene.api.requests.length;
  const { code, log } = await look({ result });
  expect({ code, log }).toEqual({
    code: 0,
    log: `the verification of alice was ${result}: the state is unknown, and the issue stays unchanged\n`,
  });
  expect(scene.api.state.issues).toEqual(before);
  expect(scene.api.requests).toHaveLength(asked);
});

describe('a verification that was skipped because an earlier job did not succeed', () => {
  const unseen = (before: string): Promise<Told> => look({ result: 'skipped', before, matrix: null, failures: [] });

  test.each([
    ['failed', 'check=success snapshot=failure', 'the earlier job snapshot ended with failure'],
    ['timed out', 'check=success snapshot=cancelled', 'the earlier job snapshot ended with cancelled'],
    [
      'failed, so that another was skipped',
      'check=failure snapshot=skipped',
      'the earlier job check ended with failure',
    ],
  ])('is reported: one %s', async (_how, before, why) => {
    expect(await unseen(before)).toMatchObject({
      code: 0,
      log: 'alice is not as described: opened https://github.com/acme/clusters/issues/1\n',
    });
    expect(bodyOf(1)).toContain(
      `**Whether alice is healthy is unknown: it could not be checked (${why}; check its log, and whether the ` +
        `runner of its host is online)**`,
    );
  });

  test('updates the open issue, reports the changed problem, and keeps it open although the rest is fine', async () => {
    await look();
    expect((await unseen('check=success snapshot=failure')).log).toContain(', with changed problems: updated ');
    expect((await unseen('check=success snapshot=failure')).log).toContain(', as before: updated ');
    await look({ result: 'success', before: 'snapshot=failure', matrix: matrixOf(), failures: [] });
    expect(open()).toHaveLength(1);
    await look({ result: 'success', before: 'check=success snapshot=skipped', matrix: matrixOf(), failures: [] });
    expect(open()).toEqual([]);
  });

  test('was not needed if all earlier jobs succeeded: nothing is reported', async () => {
    expect((await unseen('check=success snapshot=skipped')).log).toContain('the state is unknown');
    expect(scene.api.state.issues).toEqual([]);
  });
});

describe('nothing is created twice', () => {
  test.each(['lost-after', 'broken-off', REFUSALS.serverError] as const)(
    'when the answer to a new issue is %p',
    async (then) => {
      scene.api.fault({ when: ({ method, path }) => method === 'POST' && path.endsWith('/issues'), then });
      const { code } = await look();
      expect(code).toBe(0);
      expect(scene.api.state.issues).toHaveLength(1);
      expect(scene.pauses).toEqual([1_000]);
    },
  );

  test.each(['lost-before', 'lost-after', 'broken-off'] as const)(
    'when the answer to a comment is %p',
    async (then) => {
      await look();
      scene.api.fault({ when: ({ method, path }) => method === 'POST' && path.endsWith('/comments'), then });
      const { code } = await look({ failures: [CUT] });
      expect(code).toBe(0);
      expect(commentsOn(1)).toHaveLength(1);
    },
  );

  test('when a list is truncated, which would look like an empty one', async () => {
    await look();
    scene.api.fault({ when: ({ method }) => method === 'GET', then: 'broken-off' });
    await look();
    expect(scene.api.state.issues).toHaveLength(1);
    expect(bodyOf(1)).toContain('looks=2 ');
  });
});

test('an issue whose label GitHub silently drops is closed again, and the run fails', async () => {
  scene.api.state.setsLabels = false;
  const { code, errors } = await look();
  expect(code).toBe(1);
  expect(errors.join()).toContain('GitHub did not set the label kuscia-swarm on the new issue');
  expect(open()).toEqual([]);
});

test('text from hosts is masked and stripped of control characters before it is written', async () => {
  await look({
    failures: [{ ...UNHEALTHY, evidence: `\x1b[31mtoken ${scene.api.token}\u202e`, remedy: `use ${scene.api.token}` }],
  });
  expect(bodyOf(1)).toContain('  - evidence: `token ***`\n');
  expect(bodyOf(1)).not.toContain(scene.api.token);
});

test('times are those of the issue, not of the runner', async () => {
  await look();
  scene.clock.now = START + 3 * DAY;
  await look();
  expect(bodyOf(1)).toContain('| 2026-11-24 03:17 UTC | 2026-11-27 03:17 UTC');
});
