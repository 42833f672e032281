// Releases the commit with the tag vX.Y.Z, in a repository checked out with its full history.
// `release.ts check` says whether it may be released; `release.ts publish` checks again, creates the release and moves the major tag. It is safe to run it again.
import { readFileSync } from 'node:fs';
import { must } from '../lab/process.ts';
import { releaseNotes } from './release-notes.ts';

const VERSION = /^v((?:0|[1-9]\d*))\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)$/;
const MAIN = 'refs/remotes/origin/main';

/** A tagged commit that may be released. */
interface Candidate {
  readonly tag: string;
  readonly commit: string;
  /** The tag that moves with the releases of this major version. */
  readonly major: string;
}

const git = async (...args: string[]): Promise<string> => (await must(['git', ...args])).trim();
/** The token stays in gh's environment; git gets it from gh. */
const gitOnline = (...args: string[]): Promise<string> =>
  git('-c', 'credential.helper=', '-c', 'credential.helper=!gh auth git-credential', ...args);
const isWithin = async (commit: string, of: string): Promise<boolean> =>
  (await git('rev-list', '--max-count=1', commit, `^${of}`)) === '';

/** The tagged commit of this run. Throws, with the remedy, if it may not be released. */
async function candidate(): Promise<Candidate> {
  const { GITHUB_REF_TYPE: kind = 'no ref', GITHUB_REF_NAME: tag = '' } = process.env;
  const major = VERSION.exec(tag)?.[1];
  if (kind !== 'tag' || major === undefined)
    throw new Error(`${kind} ${tag} is not a release tag: run this on a tag such as v1.2.3`);
  const commit = await git('rev-parse', '--verify', `refs/tags/${tag}^{commit}`);
  const head = await git('rev-parse', 'HEAD');
  if (head !== commit) throw new Error(`commit ${head} is checked out, but ${tag} is on ${commit}: check out the tag`);
  if (!(await isWithin(commit, MAIN)))
    throw new Error(`${tag} is on ${commit}, which is not on main: merge it first, then tag the commit on main`);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version?: string };
  if (`v${version}` !== tag)
    throw new Error(
      `package.json has version ${version}, but the tag is ${tag}: set the version in package.json, commit it and tag that commit`,
    );
  return { tag, commit, major: `v${major}` };
}

/** Where a tag of the remote points: the value of the ref, and the commit behind it. Undefined if the tag does not exist. */
async function remoteTag(tag: string): Promise<{ readonly ref: string; readonly commit: string } | undefined> {
  const lines = (await gitOnline('ls-remote', 'origin', `refs/tags/${tag}`, `refs/tags/${tag}^{}`))
    .split('\n')
    .filter((line) => line !== '');
  const ids = Object.fromEntries(lines.map((line) => line.split('\t').reverse())) as Readonly<Record<string, string>>;
  const ref = ids[`refs/tags/${tag}`];
  return ref === undefined ? undefined : { ref, commit: ids[`refs/tags/${tag}^{}`] ?? ref };
}

/** The notes list the changes since the latest previous release. */
async function notes({ tag, commit }: Candidate, released: ReadonlySet<string>): Promise<string> {
  const tags = (await git('tag', '--list', 'v*', '--merged', commit, '--sort=-version:refname'))
    .split('\n')
    .filter((name) => VERSION.test(name));
  const previous = tags.slice(tags.indexOf(tag) + 1).find((name) => released.has(name));
  const log = [
    'log',
    '-z',
    '--format=%s',
    '--no-merges',
    '--full-history',
    `${previous}..${commit}`,
    '--',
    '.',
    ':(exclude)dist',
  ];
  const subjects = previous === undefined ? [] : (await git(...log)).split('\0');
  const { GITHUB_REPOSITORY: repository = '', GITHUB_SERVER_URL: server = 'https://github.com' } = process.env;
  return releaseNotes({ tag, commit, previous, subjects, repository, server });
}

/** Creates the release. An existing one is left unchanged: someone may have edited it. */
async function writeRelease(release: Candidate): Promise<string> {
  const repo = ['--repo', process.env['GITHUB_REPOSITORY'] ?? ''];
  const listed = JSON.parse(await must(['gh', 'release', 'list', ...repo, '--limit', '1000', '--json', 'tagName'])) as {
    tagName: string;
  }[];
  const released = new Set(listed.map(({ tagName }) => tagName));
  if (released.has(release.tag)) return `the release ${release.tag} already exists`;
  await must(
    ['gh', 'release', 'create', release.tag, ...repo, '--verify-tag', '--title', release.tag, '--notes-file', '-'],
    { stdin: await notes(release, released) },
  );
  return `released ${release.tag}`;
}

/** Moves the major tag, only forward, and only if it has not moved meanwhile. */
async function moveMajor({ tag, commit, major }: Candidate): Promise<string> {
  const old = await remoteTag(major);
  if (old?.commit === commit) return `${major} is already at ${tag}`;
  if (old && !(await isWithin(old.commit, commit)))
    return `${major} stays at ${old.commit}, which is not older than ${tag}`;
  const push = [
    'push',
    `--force-with-lease=refs/tags/${major}:${old?.ref ?? ''}`,
    'origin',
    `${commit}:refs/tags/${major}`,
  ];
  const said = await gitOnline(...push).catch((error: unknown) => String(error));
  if ((await remoteTag(major))?.commit === commit) return `${major} is now at ${tag}`;
  // The token of a workflow has no permission for workflows, which GitHub requires if those of the commit differ from those of main.
  throw new Error(
    `${tag} is released, but ${major} could not be moved to it. Run this again, or move it by hand: git push --force origin ${commit}:refs/tags/${major}\n${said}`,
  );
}

async function publish(): Promise<void> {
  const release = await candidate();
  const there = (await remoteTag(release.tag))?.commit;
  if (there !== release.commit)
    throw new Error(
      `${release.tag} now points to ${there ?? 'no commit'}, but this run started with ${release.commit}: nothing was released. Give the other commit its own version`,
    );
  console.log(`release: ${await writeRelease(release)}`);
  console.log(`release: ${await moveMajor(release)}`);
}

async function check(): Promise<void> {
  const { tag, commit } = await candidate();
  console.log(`release: ${tag} on ${commit} may be released`);
}

const commands: Readonly<Record<string, () => Promise<void>>> = { check, publish };
const command = commands[process.argv[2] ?? ''];
if (command === undefined) throw new Error('usage: release.ts check | publish');
await command().catch((error: unknown) => {
  console.error(
    `::error title=not released::${(error instanceof Error ? error.message : String(error)).replace(/%/g, '%25').replace(/\r?\n/g, '%0A')}`,
  );
  process.exitCode = 1;
});
