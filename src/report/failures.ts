import { codeNumber, type Failure } from '../engine/errors.ts';
import { bounded } from './remote.ts';
import { cell, count, labelled, oneLine, type Look } from './layout.ts';

/** Whether it stopped the run. */
export type Severity = 'error' | 'warning';

/** GitHub cuts an annotation's message at 4096 characters. */
const LONGEST_ANNOTATION = 4_000;
const LABEL_WIDTH = 11;
const WORDS = { error: 'Error', warning: 'Warning' } as const;

/** Where the reference of errors is: a link where the action's repository is known, its path in the repository otherwise. */
export type DocsPage = string;
export const DOCS_PAGE: DocsPage = 'docs/troubleshooting.md';

/** `docs/troubleshooting.md#ks-1204` */
export const helpFor = (failure: Failure, docs: DocsPage): string => `${docs}#${codeNumber(failure.code).toLowerCase()}`;

/** What happened and on which host, in one line; the host is not said twice. */
export function whatHappened({ host, what }: Failure): string {
  const line = oneLine(what.split('\n')[0] ?? '');
  return host === undefined || host === '' || line.includes(host) ? line : `${host}: ${line}`;
}

/** A failure as a block: what and where, then evidence, cause and what to do. */
export function failureLines(failure: Failure, severity: Severity, look: Look, docs: DocsPage): string[] {
  const word = look.paint(severity === 'error' ? 'bad' : 'warn', WORDS[severity]);
  const [, ...more] = failure.what.split('\n');
  const part = (label: string, text: string | undefined): string[] => (text === undefined || text === '' ? [] : labelled(cell(label, 'dim'), text, look, 2, LABEL_WIDTH));
  return [
    `${word} ${look.paint('strong', `${codeNumber(failure.code)} ${failure.code}`)}: ${whatHappened(failure)}`,
    ...part('', more.join('\n')),
    ...part('evidence', failure.evidence),
    ...part('cause', failure.cause),
    ...part('do', `${failure.remedy} See ${helpFor(failure, docs)}`),
  ];
}

/** Title and message of the one annotation that names all of them, within GitHub's limit. */
export function annotation(failures: readonly Failure[], docs: DocsPage): { readonly title: string; readonly message: string } {
  const [first] = failures;
  const title = failures.length === 1 && first ? `${codeNumber(first.code)} ${first.code}` : count(failures.length, 'finding');
  const blocks = failures.map((failure) =>
    [
      `${codeNumber(failure.code)} ${failure.code}: ${whatHappened(failure)}`,
      ...(failure.evidence ? [`evidence: ${oneLine(bounded(failure.evidence, 400))}`] : []),
      ...(failure.cause ? [`cause: ${oneLine(bounded(failure.cause, 400))}`] : []),
      `do: ${oneLine(failure.remedy)} See ${helpFor(failure, docs)}`,
    ].join('\n'),
  );
  return { title, message: withinLimit(blocks) };
}

/** As many whole blocks as fit; what does not fit is counted. */
function withinLimit(blocks: readonly string[]): string {
  const room = LONGEST_ANNOTATION - 60;
  const kept: string[] = [];
  for (const block of blocks) {
    if ([...kept, block].join('\n\n').length > room) break;
    kept.push(block);
  }
  if (kept.length === 0) kept.push((blocks[0] ?? '').slice(0, room));
  const left = blocks.length - kept.length;
  return [...kept, ...(left > 0 ? [`${left} more in the log and in the job summary.`] : [])].join('\n\n');
}
