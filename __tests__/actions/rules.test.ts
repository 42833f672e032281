import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { broken, INHERITING, read, RULES } from './rules.ts';

const repository = join(import.meta.dirname, '../..');

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A workflow and an action that break no rule; each case below breaks one of them in one way. */
const WORKFLOW = `name: example
on:
  workflow_call:
  push:
permissions: {}
jobs:
  call:
    permissions: { contents: read }
    uses: $/.github/workflows/other.yml
  work:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@${COMMIT} # v7.0.1
        with:
          persist-credentials: false
      - uses: $/actions/example
      - run: echo "$WHO"
        env: { WHO: "\${{ github.actor }}" }
      - uses: actions/upload-artifact@${COMMIT} # v7.0.0
        with:
          name: result-\${{ github.run_attempt }}
          retention-days: 1
`;
const ACTION = `name: example
description: An example
runs:
  using: composite
  steps:
    - uses: $/actions/example
    - shell: bash
      run: echo "$WHO"
`;

const W = '.github/workflows/example.yml';
const T = 'workflows/example.yml';
const A = 'actions/example/action.yml';

type Case = [what: string, path: string, of: string, by: string, found: string];

/** For each rule, changes that break it: a part of the file and its replacement, and the finding with its place. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  'third-party actions are pinned to a commit, with the version beside it': [
    ['a tag', W, `checkout@${COMMIT}`, 'checkout@v7.0.1', '16: pin actions/checkout@v7.0.1 to a full commit'],
    [
      'a short commit',
      W,
      `checkout@${COMMIT}`,
      'checkout@0123456',
      '16: pin actions/checkout@0123456 to a full commit',
    ],
    [
      'a branch of another repository’s workflow',
      W,
      '$/.github/workflows/other.yml',
      'a/b/.github/workflows/c.yml@main',
      '9: pin a/b/.github/workflows/c.yml@main to a full commit',
    ],
    ['an image', A, '$/actions/example', 'docker://alpine:3', '6: pin docker://alpine:3 to a full commit'],
    ['no version', W, ' # v7.0.1', '', `16: say the version of actions/checkout@${COMMIT} beside it, as # v1.2.3`],
    [
      'an incomplete version',
      W,
      ' # v7.0.1',
      ' # v7',
      `16: say the version of actions/checkout@${COMMIT} beside it, as # v1.2.3`,
    ],
    [
      'our own by a tag, outside of the templates',
      W,
      '$/.github/workflows/other.yml',
      'OWNER/kuscia-swarm/.github/workflows/deploy.yml@v1',
      '9: pin OWNER/kuscia-swarm/.github/workflows/deploy.yml@v1 to a full commit',
    ],
    [
      'a branch of ours in a template',
      T,
      '$/actions/example',
      'OWNER/kuscia-swarm/actions/x@main',
      '19: pin OWNER/kuscia-swarm/actions/x@main to a full commit',
    ],
  ],
  'nothing is interpolated into a shell script': [
    [
      'an expression',
      W,
      '"$WHO"',
      '"${{ github.actor }}"',
      '20: hand the value over by env: an expression in run: becomes part of the program',
    ],
    [
      'an expression on a later line',
      A,
      'echo "$WHO"',
      '|\n        echo\n        echo ${{inputs.who}}',
      '8: hand the value over by env: an expression in run: becomes part of the program',
    ],
  ],
  'nothing is used from the folder of the caller': [
    [
      'a path in a callable workflow',
      W,
      '$/actions/example',
      './actions/example',
      "19: ./actions/example is looked for in the caller's repository; write $/actions/example",
    ],
    [
      'a path in an action',
      A,
      '$/actions/example',
      './actions/example',
      "6: ./actions/example is looked for in the caller's repository; write $/actions/example",
    ],
  ],
  'parts of this repository are named by path, without a version': [
    ['no path', A, '$/actions/example', '$/', '6: $/ is refused by runners: $/ takes a path, and no version'],
    [
      'a version',
      W,
      '$/actions/example',
      '$/actions/example@v1',
      '19: $/actions/example@v1 is refused by runners: $/ takes a path, and no version',
    ],
    [
      'a version in a call',
      W,
      '$/.github/workflows/other.yml',
      '$/.github/workflows/other.yml@v1',
      '9: $/.github/workflows/other.yml@v1 is refused by runners: $/ takes a path, and no version',
    ],
  ],
  'an action’s steps run in bash': [
    ['another shell', A, 'shell: bash', 'shell: sh', '7: write shell: bash; sh drops variables with a hyphen'],
    ['no shell', A, 'shell: bash', 'id: x', '7: write shell: bash; sh drops variables with a hyphen'],
  ],
  'every job has a time limit': [
    ['no end', W, '    timeout-minutes: 5\n', '', '10: give the job work timeout-minutes'],
    ['an invalid time limit', W, 'timeout-minutes: 5', 'timeout-minutes: 0', '10: give the job work timeout-minutes'],
  ],
  'every job states its permissions, and the workflow grants none to all': [
    [
      'a job that states none',
      W,
      '    permissions:\n      contents: read\n',
      '',
      '10: give the job work the permissions that it needs, each by name',
    ],
    [
      'a call that states none',
      W,
      '    permissions: { contents: read }\n',
      '',
      '7: give the job call the permissions that it needs, each by name',
    ],
    [
      'a job with all of a kind',
      W,
      '{ contents: read }',
      'read-all',
      '7: give the job call the permissions that it needs, each by name',
    ],
    [
      'a workflow that states none',
      W,
      'permissions: {}\n',
      '',
      '1: write permissions: {} for the workflow; its jobs say what they need',
    ],
    [
      'a workflow that grants to all jobs',
      W,
      'permissions: {}\n',
      'permissions: { contents: write }\n',
      '5: write permissions: {} for the workflow; its jobs say what they need',
    ],
  ],
  'no token stays in the checked-out folder': [
    [
      'a checkout that keeps it',
      W,
      'persist-credentials: false',
      'persist-credentials: true',
      '16: write persist-credentials: false',
    ],
    [
      'a checkout without the setting',
      W,
      'persist-credentials: false',
      'fetch-depth: 0',
      '16: write persist-credentials: false',
    ],
  ],
  'no foreign code runs with the permissions of this repository': [
    [
      'in a mapping',
      W,
      '  push:',
      '  pull_request_target:',
      "4: take another trigger than pull_request_target, which runs strangers' changes with this repository's secrets",
    ],
    [
      'in a list',
      W,
      'on:\n  workflow_call:\n  push:\n',
      'on: [workflow_call, workflow_run]\n',
      "2: take another trigger than workflow_run, which runs strangers' changes with this repository's secrets",
    ],
    [
      'alone',
      W,
      'on:\n  workflow_call:\n  push:\n',
      'on: workflow_run\n',
      "2: take another trigger than workflow_run, which runs strangers' changes with this repository's secrets",
    ],
  ],
  'no artifact collides with another attempt, and none of a caller is kept for long': [
    [
      'a name for every attempt',
      W,
      'result-${{ github.run_attempt }}',
      'result',
      '22: put ${{ github.run_attempt }} into the name: a second attempt cannot overwrite the first one’s artifact',
    ],
    [
      'a name with the words only',
      W,
      'result-${{ github.run_attempt }}',
      'github.run_attempt',
      '22: put ${{ github.run_attempt }} into the name: a second attempt cannot overwrite the first one’s artifact',
    ],
    ['longer than a day', W, 'retention-days: 1', 'retention-days: 10', '22: write retention-days: 1'],
    ['as long as the repository keeps them', W, '\n          retention-days: 1', '', '22: write retention-days: 1'],
  ],
};

test('every rule has a case that breaks it', () => expect(Object.keys(CASES)).toEqual(RULES.map(({ name }) => name)));

test.each([
  [W, WORKFLOW],
  [T, WORKFLOW],
  [A, ACTION],
])('an example of %s breaks none', (path, text) => expect(broken(read(path, text))).toEqual([]));

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  test.each(cases)('finds %s', (_what, path, of, by, found) => {
    const good = path === A ? ACTION : WORKFLOW;
    expect(good.split(of)).toHaveLength(2);
    expect(
      broken(
        read(
          path,
          good.replace(of, () => by),
        ),
      ),
    ).toEqual([`${path}:${found}`]);
  });
});

describe('exceptions to the rules', () => {
  const inheriting = (path: string, triggers: string): string[] =>
    broken(read(path, `on: ${triggers}\njobs:\n  clean-up:\n    runs-on: x\n    timeout-minutes: 5\n`));

  test('a template may refer to this repository by the tag that users copy', () => {
    expect(broken(read(T, WORKFLOW.replace('$/actions/example', 'OWNER/kuscia-swarm/actions/example@v1')))).toEqual([]);
  });

  test('a listed job may inherit permissions as long as its workflow can only be called', () => {
    expect(inheriting('.github/workflows/deploy.yml', 'workflow_call')).toEqual([]);
    expect(inheriting('.github/workflows/deploy.yml', '[workflow_call, push]')).toHaveLength(2);
    expect(inheriting('.github/workflows/other.yml', 'workflow_call')).toHaveLength(2);
  });

  test('a workflow that no other repository calls may use what it has checked out', () => {
    expect(
      broken(read(W, WORKFLOW.replace('  workflow_call:\n', '').replace('$/actions/example', './actions/example'))),
    ).toEqual([]);
  });
});

describe('this repository', () => {
  const { stdout, status } = spawnSync(
    'git',
    [
      'ls-files',
      '-z',
      '--cached',
      '--others',
      '--exclude-standard',
      '--',
      '.github/workflows/*.y*ml',
      'workflows/*.y*ml',
      'action.y*ml',
      'actions/*/action.y*ml',
    ],
    { cwd: repository, encoding: 'utf8' },
  );
  const files = stdout
    .split('\0')
    .filter((path) => path !== '')
    .map((path) => read(path, readFileSync(join(repository, path), 'utf8')));

  test('has workflows, templates and actions', () => {
    expect(status).toBe(0);
    for (const start of ['.github/workflows/', 'workflows/', 'actions/', 'action.yml'])
      expect(files.filter(({ path }) => path.startsWith(start))).not.toEqual([]);
  });

  test.each(files.map((file) => [file.path, file] as const))('%s breaks no rule', (_, file) =>
    expect(broken(file)).toEqual([]),
  );

  test('lists no job as inheriting that does not exist or states its permissions', () => {
    for (const entry of Object.keys(INHERITING)) {
      const [path, job = ''] = entry.split(' ');
      const file = files.find((one) => one.path === path);
      expect([entry, file?.root.hasIn(['jobs', job]), file?.root.hasIn(['jobs', job, 'permissions'])]).toEqual([
        entry,
        true,
        false,
      ]);
    }
  });
});
