import { prose } from '../src/github/markdown.ts';

/** The facts in the notes of a release. */
export interface Release {
  readonly tag: string;
  /** The full id of the tagged commit. */
  readonly commit: string;
  /** The tag of the release before; undefined for the first one. */
  readonly previous: string | undefined;
  /** Subjects of the commits since then, newest first, without those that only rebuild the bundles. */
  readonly subjects: readonly string[];
  /** `owner/name` on GitHub, and the address of that GitHub. */
  readonly repository: string;
  readonly server: string;
}

/** GitHub accepts 125,000 characters; the lines after the list fit into the rest. */
const LONGEST_LIST = 120_000;

/** The notes of a release as Markdown. A subject is always plain text: without formatting, links or mentions. */
export function releaseNotes({ tag, commit, previous, subjects, repository, server }: Release): string {
  const changes = subjects.filter((subject) => subject.trim() !== '').map((subject) => `- ${item(subject)}`);
  const pin = `To stay at this release: \`uses: ${repository}@${commit} # ${tag}\``;
  if (previous === undefined) return `The first release.\n\n${pin}\n`;
  const since = `[All changes since ${previous}](${server}/${repository}/compare/${previous}...${tag})`;
  return `${fitting(changes) || 'Only the bundles were rebuilt.'}\n\n${pin}\n\n${since}\n`;
}

/** A subject in a list; characters that would begin another list are escaped. */
const item = (subject: string): string => prose(subject).replace(/^(\d*)(?=[-+.)])/, '$1\\');

function fitting(lines: readonly string[]): string {
  const text = lines.join('\n');
  if (text.length <= LONGEST_LIST) return text;
  const kept = text.slice(0, text.lastIndexOf('\n', LONGEST_LIST)).split('\n');
  return [...kept, `- and ${lines.length - kept.length} more`].join('\n');
}
