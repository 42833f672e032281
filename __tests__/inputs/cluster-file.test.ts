import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/engine/errors.ts';
import { readClusterInput } from '../../src/inputs/cluster-file.ts';
import { files } from '../../src/inputs/files.ts';
import { SOUND } from '../cluster/faults.ts';

/** A folder with a workspace and files beside it. */
let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'cluster-file-')));
  mkdirSync(join(folder, 'workspace/sub'), { recursive: true });
  writeFileSync(join(folder, 'workspace/sub/real.yml'), SOUND);
  writeFileSync(join(folder, 'outside.yml'), SOUND);
  writeFileSync(join(folder, 'secret'), 'root:hunter22:19700:0:99999:7:::\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const inWorkspace = (name: string): string => join(folder, 'workspace', name);
const link = (to: string): void => symlinkSync(to, inWorkspace('cluster.yml'));

interface Read {
  readonly domain: string | undefined;
  readonly failures: readonly Failure[];
  readonly said: readonly string[];
}

function read(cluster: string, workspace: string | null = join(folder, 'workspace')): Read {
  const failures: Failure[] = [];
  const env = { INPUT_CLUSTER: cluster, ...(workspace !== null && { GITHUB_WORKSPACE: workspace }) };
  const domain = readClusterInput(env, files, failures)?.domain;
  expect(JSON.stringify(failures)).not.toContain('hunter22');
  return { domain, failures, said: failures.map(({ code, what }) => `${code} ${what}`) };
}

describe('in a job of GitHub the cluster file', () => {
  const taken: readonly [string, () => void, string][] = [
    ['is a file of the workspace', () => writeFileSync(inWorkspace('cluster.yml'), SOUND), 'cluster.yml'],
    ['may be given by its full path', () => undefined, 'sub/real.yml'],
    ['may be a link within the workspace', () => link('sub/real.yml'), 'cluster.yml'],
    ['may be reached by a detour', () => undefined, 'sub/../sub/real.yml'],
  ];
  test.each(taken)('%s', (_, make, path) => {
    make();
    expect(read(path)).toMatchObject({ domain: 'alice', failures: [] });
    expect(read(inWorkspace(path))).toMatchObject({ domain: 'alice', failures: [] });
  });

  test('may be reached through a workspace that is a link itself', () => {
    symlinkSync(join(folder, 'workspace'), join(folder, 'linked'));
    expect(read('sub/real.yml', join(folder, 'linked')).domain).toBe('alice');
  });

  const OUTSIDE =
    /^cluster-file-unfit the cluster file ".*" is outside the workspace, or is a link that leads out of it; it was not read$/;
  const refused: readonly [string, () => void, string, RegExp][] = [
    ['a link to a secret', () => link(join(folder, 'secret')), 'cluster.yml', OUTSIDE],
    ['a link to a valid file outside', () => link('../outside.yml'), 'cluster.yml', OUTSIDE],
    [
      'a link to a link that leads out of it',
      () => {
        symlinkSync('../outside.yml', inWorkspace('hop'));
        link('hop');
      },
      'cluster.yml',
      OUTSIDE,
    ],
    [
      'a folder that is a link leading out of it',
      () => symlinkSync('..', inWorkspace('up')),
      'up/outside.yml',
      OUTSIDE,
    ],
    ['a path that leads out of it', () => undefined, '../outside.yml', OUTSIDE],
    [
      'a folder beside it whose name begins the same',
      () => {
        mkdirSync(join(folder, 'workspace-2'));
        writeFileSync(join(folder, 'workspace-2/c.yml'), SOUND);
      },
      '../workspace-2/c.yml',
      OUTSIDE,
    ],
    ['the memory of this process', () => link('/proc/self/environ'), 'cluster.yml', OUTSIDE],
    ['a device', () => link('/dev/zero'), 'cluster.yml', OUTSIDE],
    ['the workspace itself', () => undefined, '.', OUTSIDE],
    ['a folder', () => undefined, 'sub', /^cluster-file-unfit .* is not a regular file; it was not read$/],
    [
      'a pipe, without waiting for it',
      () => execFileSync('mkfifo', [inWorkspace('cluster.yml')]),
      'cluster.yml',
      /^cluster-file-unfit .* is not a regular file; it was not read$/,
    ],
    [
      'a huge file',
      () => writeFileSync(inWorkspace('cluster.yml'), `${SOUND}#${'x'.repeat(64 * 1024)}`),
      'cluster.yml',
      /^cluster-file-unfit .* is larger than 64 KiB; it was not read$/,
    ],
    [
      'a link to nothing',
      () => link('nowhere'),
      'cluster.yml',
      /^input-invalid input cluster names a file that cannot be read: "cluster.yml" \(ENOENT\)/,
    ],
    [
      'a link to itself',
      () => link('cluster.yml'),
      'cluster.yml',
      /^input-invalid input cluster names a file that cannot be read: "cluster.yml" \(ELOOP\)/,
    ],
    [
      'another file of the workspace',
      () => linkSync(join(folder, 'secret'), inWorkspace('cluster.yml')),
      'cluster.yml',
      /^cluster-file-unfit cluster.yml is not a cluster file: of the keys domain, image, hosts it has none; its content is not shown$/,
    ],
  ];
  test.each(refused)('is not %s', (_, make, path, said) => {
    make();
    expect(read(path).said).toEqual([expect.stringMatching(said)]);
  });
});

describe('in a terminal the cluster file', () => {
  test('may be anywhere, even behind a link', () => {
    link('../outside.yml');
    expect(read(inWorkspace('cluster.yml'), null)).toMatchObject({ domain: 'alice', failures: [] });
  });

  test.each([
    ['a secret', 'secret'],
    ['the memory of this process', '/proc/self/environ'],
    ['a device', '/dev/zero'],
  ])('is not %s, whose content is not shown', (_, path) => {
    process.env['OF_THIS_TEST'] = 'hunter22';
    const { failures, domain } = read(path.startsWith('/') ? path : join(folder, path), null);
    expect([domain, failures.map(({ code }) => code)]).toEqual([undefined, ['cluster-file-unfit']]);
  });
});
