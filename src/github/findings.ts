import { codeNumber, type Failure } from '../engine/errors.ts';
import { grouped, helpFor, whatHappened, type DocsPage, type FailureGroup } from '../report/failures.ts';
import { count } from '../report/layout.ts';
import { code, prose } from './markdown.ts';

/**
 * Failures as a list with number and link, what happened where, evidence, cause and remedy. Shows at most that many and
 * counts the rest.
 */
export function findingLines(failures: readonly Failure[], docs: DocsPage, most: number): string[] {
  const left = failures.length - most;
  return [
    ...grouped(failures.slice(0, most)).flatMap((group) => groupLines(group, docs)),
    ...(left > 0 ? [`- ${left} more are in the log of the run.`] : []),
    '',
  ];
}

function groupLines(group: FailureGroup, docs: DocsPage): string[] {
  const { cause, remedy, members } = group;
  const [only] = members;
  const alone = members.length === 1 && only !== undefined;
  const help = helpFor(group, docs);
  const linked = help.startsWith('https://');
  const number = linked ? `[${codeNumber(group.code)}](${help})` : codeNumber(group.code);
  return [
    `- **${number} ${group.code}**: ${alone ? prose(whatHappened(only)) : count(members.length, 'finding')}`,
    ...(alone
      ? evidence(only).map((text) => `  - evidence: ${text}`)
      : members.map((member) => `  - ${[prose(whatHappened(member)), ...evidence(member)].join(': ')}`)),
    ...(cause === '' ? [] : [`  - cause: ${prose(cause)}`]),
    `  - **do: ${prose(linked ? remedy : `${remedy} See ${help}`)}**`,
  ];
}

function evidence({ evidence: seen = '' }: Failure): string[] {
  const text = code(seen.trim().replace(/\s*\n\s*/g, '; '));
  return text === '' ? [] : [text];
}
