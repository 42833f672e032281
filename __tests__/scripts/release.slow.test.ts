import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

const script = join(import.meta.dirname, '../../scripts/release.ts');
// Each run is a few dozen processes.
jest.setTimeout(60_000);

let folder: string;
let work: string;
let origin: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  [work, origin] = [join(folder, 'work'), join(folder, 'origin.git')];
  git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', origin);
  git(folder, 'clone', '--quiet', origin, work);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/gh'), GH);
  chmodSync(join(folder, 'bin/gh'), 0o755);
  writeFileSync(join(folder, 'releases.json'), '{}');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Takes gh's place: knows the two commands that a release needs, keeps releases in a file, and makes none for a tag that the remote has not. */
const GH = `#!/usr/bin/env node
const { execFileSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const [file, origin] = [process.env.FAKE_RELEASES, process.env.FAKE_ORIGIN];
const releases = JSON.parse(readFileSync(file, 'utf8'));
const said = process.argv.slice(2).join(' ');
const tag = /^release create (\\S+) --repo acme\\/kuscia-swarm --verify-tag --title \\1 --notes-file -$/.exec(said)?.[1];
if (said === 'release list --repo acme/kuscia-swarm --limit 1000 --json tagName') console.log(JSON.stringify(Object.keys(releases).map((tagName) => ({ tagName }))));
else if (tag === undefined) throw new Error('this gh does not know: ' + said);
else {
  execFileSync('git', ['--git-dir', origin, 'rev-parse', '--verify', '--quiet', 'refs/tags/' + tag]);
  writeFileSync(file, JSON.stringify({ ...releases, [tag]: readFileSync(0, 'utf8') }));
}
`;

const environment = (): NodeJS.ProcessEnv => ({
  PATH: [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
  HOME: folder,
  ...{
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  },
  ...{ FAKE_RELEASES: join(folder, 'releases.json'), FAKE_ORIGIN: origin, GITHUB_REPOSITORY: 'acme/kuscia-swarm' },
});

function git(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, encoding: 'utf8', env: environment() });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Commits to the branch that is checked out and pushes it; returns the id of the commit. */
function commit(subject: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(work, name, '..'), { recursive: true });
    writeFileSync(join(work, name), text);
  }
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '--allow-empty', '--message', subject);
  git(work, 'push', '--quiet', 'origin', 'HEAD');
  return git(work, 'rev-parse', 'HEAD');
}

const version = (of: string): Readonly<Record<string, string>> => ({ 'package.json': JSON.stringify({ version: of }) });

/** Tags the commit that is checked out, and pushes the tag. */
function tagged(tag: string): void {
  git(work, 'tag', '--annotate', '--message', tag, tag);
  git(work, 'push', '--quiet', 'origin', tag);
}

/** Runs the script as the workflow does on that tag: in a checkout of it with all branches and tags. */
function released(
  what: 'check' | 'publish',
  tag: string,
  kind = 'tag',
): { readonly status: number | null; readonly said: string } {
  const checkout = join(folder, 'checkout');
  rmSync(checkout, { recursive: true, force: true });
  git(folder, 'clone', '--quiet', origin, checkout);
  git(checkout, 'checkout', '--quiet', '--detach', tag);
  return again(what, tag, kind);
}

/** Runs the script in the existing checkout. */
function again(
  what: 'check' | 'publish',
  tag: string,
  kind = 'tag',
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('node', ['--disable-warning=ExperimentalWarning', script, what], {
    cwd: join(folder, 'checkout'),
    encoding: 'utf8',
    env: { ...environment(), GITHUB_REF_TYPE: kind, GITHUB_REF_NAME: tag },
  });
  return { status, said: stdout + stderr };
}

/** The public state: where the remote's tags point, and the releases with their notes. */
const remote = (tag: string): string => git(folder, '--git-dir', origin, 'rev-parse', `refs/tags/${tag}^{commit}`);
const tags = (): string[] =>
  git(folder, '--git-dir', origin, 'tag', '--list')
    .split('\n')
    .filter((name) => name !== '');
const releases = (): Record<string, string> =>
  JSON.parse(readFileSync(join(folder, 'releases.json'), 'utf8')) as Record<string, string>;

describe('a release', () => {
  test('is created from the tagged commit, and the major tag is moved there', () => {
    const first = commit('Begin', version('1.0.0'));
    tagged('v1.0.0');
    expect(released('check', 'v1.0.0')).toEqual({ status: 0, said: `release: v1.0.0 on ${first} may be released\n` });
    expect([tags(), releases()]).toEqual([['v1.0.0'], {}]);
    expect(released('publish', 'v1.0.0')).toEqual({
      status: 0,
      said: 'release: released v1.0.0\nrelease: v1 is now at v1.0.0\n',
    });
    expect([remote('v1'), Object.keys(releases())]).toEqual([first, ['v1.0.0']]);
    expect(releases()['v1.0.0']).toBe(
      `The first release.\n\nTo stay at this release: \`uses: acme/kuscia-swarm@${first} # v1.0.0\`\n`,
    );
  });

  test('moves the major tag, lists the changes since the previous release, and can be repeated without harm', () => {
    commit('Begin', version('1.9.0'));
    tagged('v1.9.0');
    released('publish', 'v1.9.0');
    commit('Refuse a foreign swarm', { 'src/a.ts': 'a' });
    commit('Build the bundles', { 'dist/index.cjs': 'a' });
    commit('Thank @octocat', { 'src/b.ts': 'b', 'dist/index.cjs': 'b' });
    const last = commit('Say 1.10.0', version('1.10.0'));
    // Never released, so its changes are new.
    git(work, 'tag', 'v1.9.1', `${last}~2`);
    git(work, 'push', '--quiet', 'origin', 'v1.9.1');
    tagged('v1.10.0');
    commit('Go on', version('1.11.0'));
    expect(released('publish', 'v1.10.0').said).toBe('release: released v1.10.0\nrelease: v1 is now at v1.10.0\n');
    expect(remote('v1')).toBe(last);
    expect(releases()['v1.10.0']).toMatch(/^- Say 1\.10\.0\n- Thank &#64;&#8203;octocat\n- Refuse a foreign swarm\n\n/);
    const before = [tags().map(remote), releases()];
    expect(released('publish', 'v1.10.0')).toEqual({
      status: 0,
      said: 'release: the release v1.10.0 already exists\nrelease: v1 is already at v1.10.0\n',
    });
    expect(released('publish', 'v1.9.0')).toEqual({
      status: 0,
      said: `release: the release v1.9.0 already exists\nrelease: v1 stays at ${last}, which is not older than v1.9.0\n`,
    });
    expect([tags().map(remote), releases()]).toEqual(before);
  });

  test('of another major version leaves the tags of the others', () => {
    const one = commit('Begin', version('1.0.0'));
    tagged('v1.0.0');
    released('publish', 'v1.0.0');
    const two = commit('Begin anew', version('2.0.0'));
    tagged('v2.0.0');
    expect(released('publish', 'v2.0.0').status).toBe(0);
    expect([remote('v1'), remote('v2')]).toEqual([one, two]);
  });
});

describe('nothing is released', () => {
  const refused = (result: ReturnType<typeof released>, why: string): void => {
    const before = tags();
    expect(result.status).toBe(1);
    expect(result.said).toMatch(new RegExp(`^::error title=not released::${why}[^\\n]*\\n$`));
    expect([tags(), releases()]).toEqual([before, {}]);
    expect(tags()).not.toContain('v1');
  };

  test.each(['check', 'publish'] as const)('of a commit that is not on main (%s)', (what) => {
    commit('Begin', version('1.0.0'));
    git(work, 'checkout', '--quiet', '-b', 'side');
    const side = commit('Aside', version('1.0.1'));
    tagged('v1.0.1');
    refused(released(what, 'v1.0.1'), `v1\\.0\\.1 is on ${side}, which is not on main: merge it first`);
  });

  test.each(['check', 'publish'] as const)('of a version other than that in package.json (%s)', (what) => {
    commit('Begin', version('1.0.0'));
    tagged('v1.0.1');
    refused(
      released(what, 'v1.0.1'),
      'package\\.json has version 1\\.0\\.0, but the tag is v1\\.0\\.1: set the version in package\\.json',
    );
  });

  test.each([
    ['branch', 'main'],
    ['tag', 'v1.0'],
    ['tag', 'v1.0.0-rc.1'],
    ['tag', 'v01.0.0'],
    ['tag', 'v1'],
    ['branch', 'v1.0.0'],
  ])('of the %s %s', (kind, name) => {
    commit('Begin', version('1.0.0'));
    tagged('v1.0.0');
    released('check', 'v1.0.0');
    refused(
      again('publish', name, kind),
      `${kind} ${name.replaceAll('.', '\\.')} is not a release tag: run this on a tag such as v1\\.2\\.3`,
    );
  });

  test('of a tag that was moved after the tests ran', () => {
    const tested = commit('Begin', version('1.0.0'));
    tagged('v1.0.0');
    released('check', 'v1.0.0');
    const other = commit('Slip in', version('1.0.0'));
    git(work, 'push', '--quiet', '--force', 'origin', `${other}:refs/tags/v1.0.0`);
    refused(
      again('publish', 'v1.0.0'),
      `v1\\.0\\.0 now points to ${other}, but this run started with ${tested}: nothing was released`,
    );
  });

  test('of a commit other than the one checked out', () => {
    commit('Begin', version('1.0.0'));
    tagged('v1.0.0');
    const next = commit('Go on', version('1.0.0'));
    released('check', 'v1.0.0');
    git(join(folder, 'checkout'), 'checkout', '--quiet', '--detach', next);
    refused(again('publish', 'v1.0.0'), `commit ${next} is checked out, but v1\\.0\\.0 is on`);
  });
});

test('if GitHub does not allow the major tag to be moved, it says how to move it, and the next run does it', () => {
  const first = commit('Begin', version('1.0.0'));
  tagged('v1.0.0');
  const hook = join(origin, 'hooks/update');
  writeFileSync(hook, '#!/bin/sh\ntest "$1" != refs/tags/v1 || { echo "refusing to allow 100% of it" >&2; exit 1; }\n');
  chmodSync(hook, 0o755);
  const { status, said } = released('publish', 'v1.0.0');
  expect(status).toBe(1);
  expect(said).toMatch(
    new RegExp(
      `^release: released v1\\.0\\.0\\n::error title=not released::v1\\.0\\.0 is released, but v1 could not be moved to it\\. Run this again, or move it by hand: git push --force origin ${first}:refs/tags/v1%0A[^\\n]*refusing to allow 100%25 of it[^\\n]*\\n$`,
    ),
  );
  expect([tags(), Object.keys(releases())]).toEqual([['v1.0.0'], ['v1.0.0']]);
  rmSync(hook);
  expect(again('publish', 'v1.0.0')).toEqual({
    status: 0,
    said: 'release: the release v1.0.0 already exists\nrelease: v1 is now at v1.0.0\n',
  });
  expect(remote('v1')).toBe(first);
});
