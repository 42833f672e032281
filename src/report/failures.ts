import { codeNumber, type Code, type Failure } from '../engine/errors.ts';
import { bounded } from './remote.ts';
import { cell, count, labelled, oneLine, type Layout } from './layout.ts';

/** Whether it stopped the run. */
export type Severity = 'error' | 'warning';

/** GitHub cuts an annotation's message at 4096 characters. */
const MAX_ANNOTATION_LENGTH = 4_000;
const ANNOTATED = 12;
const LABEL_WIDTH = 11;
const WORDS = { error: 'Error', warning: 'Warning' } as const;

/**
 * Where to find the error reference: a link if the action's repository is known, otherwise its path in the repository.
 */
export type DocsPage = string;
export const DOCS_PAGE: DocsPage = 'docs/troubleshooting.md';

/**
 * Variables in which a composite action of ours passes its repository and version. GitHub's runner clears its own two
 * variables for the `run` steps of a composite; only the `env` of such a step still sees their values.
 */
export const ACTION_VARIABLES = {
  KUSCIA_SWARM_ACTION_REPOSITORY: '${{ github.action_repository }}',
  KUSCIA_SWARM_ACTION_REF: '${{ github.action_ref }}',
} as const;

/** The error reference of the very version that runs, if GitHub reports that version. */
export function docsPage(env: Readonly<Record<string, string | undefined>>): DocsPage {
  const action = (name: 'REPOSITORY' | 'REF'): string =>
    env[`KUSCIA_SWARM_ACTION_${name}`] || env[`GITHUB_ACTION_${name}`] || '';
  const [server, repository, ref] = [env['GITHUB_SERVER_URL'] ?? '', action('REPOSITORY'), action('REF')];
  if (!/^https:\/\/[\w.:-]+$/.test(server) || !/^[\w.-]+\/[\w.-]+$/.test(repository)) return DOCS_PAGE;
  return `${server}/${repository}/blob/${/^[\w./-]+$/.test(ref) ? ref : 'HEAD'}/${DOCS_PAGE}`;
}

/** `docs/troubleshooting.md#ks-1204` */
export const helpFor = ({ code }: Pick<Failure, 'code'>, docs: DocsPage): string =>
  `${docs}#${codeNumber(code).toLowerCase()}`;

/** What happened and on which host, in one line; the host is not repeated. */
export function whatHappened({ host, what }: Failure): string {
  const line = oneLine(what.split('\n')[0] ?? '');
  return host === undefined || host === '' || line.includes(host) ? line : `${host}: ${line}`;
}

/** Failures of one kind with one remedy: reported together, with a line for each. */
export interface FailureGroup {
  readonly code: Code;
  readonly cause: string;
  readonly remedy: string;
  readonly members: readonly Failure[];
}

/** The failures without repetitions: several stages may report the same one. */
export function distinct<T extends Failure>(failures: readonly T[]): T[] {
  return [
    ...new Map(
      failures.map((failure) => [
        JSON.stringify([failure.code, failure.host, failure.what, failure.evidence]),
        failure,
      ]),
    ).values(),
  ];
}

/** The failures by kind and remedy, in order of first appearance. */
export function grouped(failures: readonly Failure[]): FailureGroup[] {
  const groups = Map.groupBy(distinct(failures), ({ code, cause, remedy }) => JSON.stringify([code, cause, remedy]));
  return [...groups.values()].flatMap((members) =>
    members.slice(0, 1).map(({ code, cause = '', remedy }) => ({ code, cause, remedy, members })),
  );
}

/** The first line of a group: number, name, and what happened or the number of findings. */
export function groupTitle({ code, members }: FailureGroup): string {
  const [only] = members;
  return (
    `${codeNumber(code)} ${code}: ` +
    `${members.length === 1 && only ? whatHappened(only) : count(members.length, 'finding')}`
  );
}

/** A group as a block: what happened and where, then evidence, cause and remedy. */
export function groupLines(group: FailureGroup, severity: Severity, layout: Layout, docs: DocsPage): string[] {
  const { cause, remedy, members } = group;
  const title = groupTitle(group);
  const name = `${codeNumber(group.code)} ${group.code}`;
  const width = Math.max(LABEL_WIDTH, ...members.map(({ host = '' }) => host.length + 2));
  const part = (label: string, text: string): string[] =>
    text.trim() === '' ? [] : labelled(cell(label, 'dim'), text, layout, 2, width);
  return [
    `${layout.paint(severity === 'error' ? 'bad' : 'warn', WORDS[severity])} ` +
      `${layout.paint('strong', name)}${title.slice(name.length)}`,
    ...(members.length === 1
      ? members.flatMap(({ what, evidence = '' }) => [
          ...part('', what.split('\n').slice(1).join('\n')),
          ...part('evidence', evidence),
        ])
      : members.flatMap((member) => part(member.host ?? '', finding(member)))),
    ...part('cause', cause),
    ...part('do', `${remedy} See ${helpFor(group, docs)}`),
  ];
}

/** One finding of several, without its host: what happened, and the evidence. */
export const finding = ({ what, evidence }: Failure): string => oneLine(evidence ? `${what}; ${evidence}` : what);

/** Title and message of the one annotation that names all of them, within GitHub's limit. */
export function annotation(
  failures: readonly Failure[],
  docs: DocsPage,
): { readonly title: string; readonly message: string } {
  const groups = grouped(failures);
  const [first] = groups;
  const title =
    groups.length === 1 && first
      ? `${codeNumber(first.code)} ${first.code}`
      : count(distinct(failures).length, 'finding');
  const blocks = groups.map((group) =>
    [
      groupTitle(group),
      ...annotated(group.members),
      ...(group.cause === '' ? [] : [`cause: ${oneLine(bounded(group.cause, 400))}`]),
      `do: ${oneLine(group.remedy)} See ${helpFor(group, docs)}`,
    ].join('\n'),
  );
  return { title, message: withinLimit(blocks) };
}

/** The members of a group in an annotation: the evidence of a single one, or a line for each of the first few. */
function annotated(members: readonly Failure[]): string[] {
  const [only] = members;
  if (members.length === 1) return only?.evidence ? [`evidence: ${oneLine(bounded(only.evidence, 400))}`] : [];
  const shown = members.slice(0, ANNOTATED).map((member) => bounded(`${member.host ?? '-'}: ${finding(member)}`, 200));
  return members.length > ANNOTATED ? [...shown, `and ${members.length - ANNOTATED} more`] : shown;
}

/** As many whole blocks as fit, and the number of those that do not. */
function withinLimit(blocks: readonly string[]): string {
  const room = MAX_ANNOTATION_LENGTH - 60;
  const kept: string[] = [];
  for (const block of blocks) {
    if ([...kept, block].join('\n\n').length > room) break;
    kept.push(block);
  }
  if (kept.length === 0) kept.push((blocks[0] ?? '').slice(0, room));
  const left = blocks.length - kept.length;
  return [...kept, ...(left > 0 ? [`${left} more in the log and in the job summary.`] : [])].join('\n\n');
}
