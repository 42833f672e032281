import type { DocsPage } from '../report/failures.ts';
import { planFigures, type PlanDocument } from '../report/plan.ts';
import type { Api } from './api.ts';
import { comment, commentsOn, type Comment } from './comments.ts';
import { findingLines } from './findings.ts';
import { fitted, isMarked, MAX_BODY_LENGTH, prose, table } from './markdown.ts';
import { isForbidden, type ApiError } from './refusal.ts';
import type { GithubReporter } from './reporter.ts';

/**
 * Maintains one comment with the plan on the pull request. If the token may not write, the plan is written to the job's
 * summary.
 */
export async function commentPlan(
  plan: PlanDocument,
  pullRequest: number,
  api: Api,
  reporter: GithubReporter,
): Promise<void> {
  const mark = `<!-- kuscia-swarm plan: ${plan.domain} -->`;
  const longest = MAX_BODY_LENGTH - mark.length - 1;
  const text = fitted((most) => planText(plan, api.place.runUrl, reporter.docs, most), longest);
  try {
    const { html_url: url } = await keepOne(pullRequest, mark, text, api);
    reporter.say(`the plan of ${plan.domain} is in ${url}`);
    reporter.output('comment-url', url);
  } catch (thrown) {
    if (!isForbidden(thrown)) throw thrown;
    await reporter.summary(text);
    reporter.notice('the plan is in the summary', unwritten(thrown));
    reporter.output('comment-url', '');
  }
}

async function keepOne(pullRequest: number, mark: string, text: string, api: Api): Promise<Comment> {
  const { owner, repo } = api.place;
  const [first, ...more] = (await commentsOn(api, pullRequest)).filter(
    (candidate) => isMarked(candidate.body, mark) && isOurs(candidate),
  );
  if (!first) return comment(api, pullRequest, mark, text);
  const { data } = await api.rest.issues.updateComment({ owner, repo, comment_id: first.id, body: `${mark}\n${text}` });
  for (const { id } of more) await api.rest.issues.deleteComment({ owner, repo, comment_id: id });
  return data;
}

/**
 * Written by an app or a member of the repository. Marks by others are ignored, because authors can edit their comments
 * later.
 */
const isOurs = ({ user, author_association: association }: Comment): boolean =>
  user?.type === 'Bot' || ['OWNER', 'MEMBER', 'COLLABORATOR'].includes(association);

const unwritten = ({ failures }: ApiError): string =>
  'The token may not comment on this pull request, for example because it comes from a fork. The plan is in the ' +
  'summary of ' +
  `this job: ${failures.map(({ what, evidence = '', remedy }) => `${what} (${evidence}). ${remedy}`).join(' ')}`;

/** The plan as Markdown, with at most that many entries of each kind. */
export function planText(plan: PlanDocument, runUrl: string, docs: DocsPage, most: number): string {
  const changes = [
    ...plan.changes.map(({ stage, host, change, what, why }) => [stage, host, `${change} ${what}`, why]),
    ...plan.later.map(({ stage, host, what, why }) => [stage, host, `? ${what}`, `after apply: ${why}`]),
  ];
  const left = changes.length - most;
  return [
    `### ${plan.failures.length === 0 ? '' : '❌ '}${prose(plan.domain)}: ${prose(planFigures(plan))}`,
    '',
    ...(plan.failures.length === 0 ? [] : ['#### Fix these first', '', ...findingLines(plan.failures, docs, most)]),
    ...table(
      ['stage', 'host', 'change', 'why'],
      changes.slice(0, most).map((row) => row.map(prose)),
    ),
    ...(left > 0 ? [`${left} more are in the log of the run.`, ''] : []),
    ...(plan.warnings.length === 0 ? [] : ['#### Warnings', '', ...findingLines(plan.warnings, docs, most)]),
    `Nothing was changed. The full plan is in [the run](${runUrl}) that made it; the next run updates this comment.`,
    '',
  ].join('\n');
}
