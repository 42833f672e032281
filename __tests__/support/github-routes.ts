import type { Comment, GithubState, Issue, Permissions } from './github-state.ts';
import { BOT } from './github-state.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent unchanged; anything else as JSON. */
  readonly body?: unknown;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
const LONGEST_BODY = 65_536;

/** A refusal as the API words it: message, documentation_url, and the status as text. */
export const refused = (
  status: number,
  message: string,
  documentation: string,
  errors?: readonly unknown[],
): Answer => ({
  status,
  body: { message, ...(errors && { errors }), documentation_url: documentation, status: String(status) },
});

/** The login that the token writes as, which only GraphQL shows to an app: https://docs.github.com/graphql/reference/queries */
export function viewer(state: GithubState, { body }: Asked): Answer {
  return body['query'] === '{ viewer { login } }'
    ? { status: 200, body: { data: { viewer: { login: state.login } } } }
    : { status: 200, body: { errors: [{ message: 'this query is not known here' }] } };
}

type Route = (state: GithubState, asked: Asked, number: number) => Answer;

const REPO = '^/repos/([^/]+/[^/]+)';
const ISSUES = 'https://docs.github.com/rest/issues/issues';
const COMMENTS = 'https://docs.github.com/rest/issues/comments';
const LABELS = 'https://docs.github.com/rest/issues/labels';
const ARTIFACTS = 'https://docs.github.com/rest/actions/artifacts';

const ENVIRONMENTS = 'https://docs.github.com/rest/deployments/environments';

/** The operations, each on the page of GitHub's REST reference that its refusals name. */
export const routes: readonly (readonly [method: string, pattern: RegExp, route: Route])[] = [
  ['GET', new RegExp(`${REPO}/issues$`), listIssues],
  ['POST', new RegExp(`${REPO}/issues$`), createIssue],
  ['PATCH', new RegExp(`${REPO}/issues/(\\d+)$`), updateIssue],
  ['GET', new RegExp(`${REPO}/issues/(\\d+)/comments$`), listComments],
  ['POST', new RegExp(`${REPO}/issues/(\\d+)/comments$`), createComment],
  ['PATCH', new RegExp(`${REPO}/issues/comments/(\\d+)$`), updateComment],
  ['DELETE', new RegExp(`${REPO}/issues/comments/(\\d+)$`), deleteComment],
  ['POST', new RegExp(`${REPO}/labels$`), createLabel],
  ['GET', new RegExp(`${REPO}/actions/runs/(\\d+)/artifacts$`), listArtifacts],
  ['DELETE', new RegExp(`${REPO}/actions/artifacts/(\\d+)$`), deleteArtifact],
  ['GET', new RegExp(`${REPO}/environments/.+$`), getEnvironment],
];

/** https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api, "Resource not accessible" */
function lacking(state: GithubState, wanted: 'read' | 'write', ...scopes: (keyof Permissions)[]): Answer | undefined {
  if (scopes.some((scope) => state.permissions[scope] === 'write' || state.permissions[scope] === wanted))
    return undefined;
  const accepted = scopes.map((scope) => `${scope.replace('-', '_')}=${wanted}`).join('; ');
  return {
    ...refused(403, 'Resource not accessible by integration', `${ISSUES}`),
    headers: { 'x-accepted-github-permissions': accepted },
  };
}

/** Pages as https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api has them: links by the repository's number. */
function paged(
  state: GithubState,
  { pathname, query }: Asked,
  all: readonly unknown[],
  wrap: (page: readonly unknown[]) => unknown = (page) => page,
): Answer {
  const size = Math.min(Number(query.get('per_page') ?? 30), 100);
  const page = Number(query.get('page') ?? 1);
  const last = Math.max(Math.ceil(all.length / size), 1);
  const to = (number: number, rel: string): string => {
    const params = new URLSearchParams(query);
    params.set('page', String(number));
    return `<${state.url}${pathname.replace(`/repos/${state.repository}/`, `/repositories/${state.id}/`)}?${params.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, 'prev')] : []),
    ...(page < last ? [to(page + 1, 'next'), to(last, 'last')] : []),
    ...(page > 1 ? [to(1, 'first')] : []),
  ];
  return {
    status: 200,
    headers: links.length === 0 ? {} : { link: links.join(', ') },
    body: wrap(all.slice((page - 1) * size, page * size)),
  };
}

function issueBody(state: GithubState, issue: Issue): unknown {
  const { number, title, body, user, labels, state: open, state_reason, created_at, isPullRequest } = issue;
  const [url, html] = [
    `${state.url}/repos/${state.repository}/issues/${number}`,
    `https://github.com/${state.repository}/${isPullRequest ? 'pull' : 'issues'}/${number}`,
  ];
  return {
    url,
    html_url: html,
    id: 876000000 + number,
    number,
    title,
    user,
    state: open,
    state_reason,
    locked: false,
    body,
    created_at,
    labels: labels.map((name) => ({ name, color: 'ededed', default: false, description: null })),
    comments: state.comments.filter((comment) => comment.issue === number).length,
    author_association: user.type === 'Bot' ? 'NONE' : 'CONTRIBUTOR',
    ...(isPullRequest && { pull_request: { url: url.replace('/issues/', '/pulls/'), html_url: html } }),
  };
}

function listIssues(state: GithubState, asked: Asked): Answer {
  const refusal = lacking(state, 'read', 'issues', 'pull-requests');
  if (refusal) return refusal;
  const { query } = asked;
  const labels = (query.get('labels') ?? '')
    .split(',')
    .filter((label) => label !== '')
    .map((label) => label.toLowerCase());
  const wanted = query.get('state') ?? 'open';
  const found = state.issues.filter(
    (issue) =>
      (wanted === 'all' || issue.state === wanted) &&
      labels.every((label) => issue.labels.some((name) => name.toLowerCase() === label)),
  );
  const ordered = query.get('direction') === 'asc' ? found : [...found].reverse();
  return paged(
    state,
    asked,
    ordered.map((issue) => issueBody(state, issue)),
  );
}

function createIssue(state: GithubState, { body }: Asked): Answer {
  const page = `${ISSUES}#create-an-issue`;
  if (!state.hasIssues) return refused(410, 'Issues has been disabled in this repository.', page);
  const refusal = lacking(state, 'write', 'issues') ?? tooLong(body['body'], 'Issue', page);
  if (refusal) return refusal;
  const labels = state.setsLabels ? ((body['labels'] as string[] | undefined) ?? []) : [];
  return {
    status: 201,
    body: issueBody(
      state,
      state.addIssue({
        title: String(body['title']),
        body: (body['body'] as string | undefined) ?? null,
        labels,
        user: BOT,
      }),
    ),
  };
}

function updateIssue(state: GithubState, { body }: Asked, number: number): Answer {
  const page = `${ISSUES}#update-an-issue`;
  const issue = state.issues.find((candidate) => candidate.number === number);
  if (!issue) return refused(404, 'Not Found', page);
  const refusal =
    lacking(state, 'write', issue.isPullRequest ? 'pull-requests' : 'issues') ?? tooLong(body['body'], 'Issue', page);
  if (refusal) return refusal;
  Object.assign(
    issue,
    Object.fromEntries(
      ['title', 'body', 'state', 'state_reason'].flatMap((key) => (key in body ? [[key, body[key]]] : [])),
    ),
  );
  return { status: 200, body: issueBody(state, issue) };
}

const tooLong = (body: unknown, resource: string, page: string): Answer | undefined =>
  typeof body === 'string' && [...body].length > LONGEST_BODY
    ? refused(422, 'Validation Failed', page, [
        {
          resource,
          code: 'custom',
          field: 'body',
          message: `body is too long (maximum is ${LONGEST_BODY} characters)`,
        },
      ])
    : undefined;

const commentBody = (state: GithubState, { issue, ...comment }: Comment): unknown => ({
  ...comment,
  url: `${state.url}/repos/${state.repository}/issues/comments/${comment.id}`,
  html_url: `https://github.com/${state.repository}/issues/${issue}#issuecomment-${comment.id}`,
});

function listComments(state: GithubState, asked: Asked, number: number): Answer {
  const page = `${COMMENTS}#list-issue-comments`;
  if (!state.issues.some((issue) => issue.number === number)) return refused(404, 'Not Found', page);
  return (
    lacking(state, 'read', 'issues', 'pull-requests') ??
    paged(
      state,
      asked,
      state.comments.filter(({ issue }) => issue === number).map((comment) => commentBody(state, comment)),
    )
  );
}

function createComment(state: GithubState, { body }: Asked, number: number): Answer {
  const page = `${COMMENTS}#create-an-issue-comment`;
  const issue = state.issues.find((candidate) => candidate.number === number);
  if (!issue) return refused(404, 'Not Found', page);
  const refusal = mayComment(state, issue) ?? tooLong(body['body'], 'IssueComment', page);
  return refusal ?? { status: 201, body: commentBody(state, state.addComment(number, String(body['body']))) };
}

/** On a pull request either permission will do. */
const mayComment = (state: GithubState, issue: Issue): Answer | undefined =>
  issue.isPullRequest ? lacking(state, 'write', 'issues', 'pull-requests') : lacking(state, 'write', 'issues');

const commentOf = (state: GithubState, id: number): { comment: Comment; issue: Issue } | undefined => {
  const comment = state.comments.find((candidate) => candidate.id === id);
  const issue = state.issues.find(({ number }) => number === comment?.issue);
  return comment && issue && { comment, issue };
};

function updateComment(state: GithubState, { body }: Asked, id: number): Answer {
  const page = `${COMMENTS}#update-an-issue-comment`;
  const found = commentOf(state, id);
  if (!found) return refused(404, 'Not Found', page);
  const refusal = mayComment(state, found.issue) ?? tooLong(body['body'], 'IssueComment', page);
  if (refusal) return refusal;
  Object.assign(found.comment, { body: String(body['body']), updated_at: state.time() });
  return { status: 200, body: commentBody(state, found.comment) };
}

function deleteComment(state: GithubState, _asked: Asked, id: number): Answer {
  const found = commentOf(state, id);
  if (!found) return refused(404, 'Not Found', `${COMMENTS}#delete-an-issue-comment`);
  const refusal = mayComment(state, found.issue);
  if (refusal) return refusal;
  state.comments.splice(state.comments.indexOf(found.comment), 1);
  return { status: 204 };
}

function createLabel(state: GithubState, { body }: Asked): Answer {
  const page = `${LABELS}#create-a-label`;
  const refusal = lacking(state, 'write', 'issues', 'pull-requests');
  if (refusal) return refusal;
  const name = String(body['name']);
  if (state.hasLabel(name))
    return refused(422, 'Validation Failed', page, [{ resource: 'Label', code: 'already_exists', field: 'name' }]);
  if (!/^[0-9a-f]{6}$/i.test(String(body['color'])))
    return refused(422, 'Validation Failed', page, [{ resource: 'Label', code: 'invalid', field: 'color' }]);
  const label = {
    name,
    color: String(body['color']),
    description: (body['description'] as string | undefined) ?? null,
  };
  state.labels.push(label);
  return { status: 201, body: { ...label, default: false } };
}

function listArtifacts(state: GithubState, asked: Asked, run: number): Answer {
  const artifacts = state.artifacts
    .filter((artifact) => artifact.run === run)
    .map(({ run: id, ...artifact }) => ({ ...artifact, size_in_bytes: 556, workflow_run: { id } }));
  return (
    lacking(state, 'read', 'actions') ??
    paged(state, asked, artifacts, (page) => ({ total_count: artifacts.length, artifacts: page }))
  );
}

function deleteArtifact(state: GithubState, _asked: Asked, id: number): Answer {
  const refusal = lacking(state, 'write', 'actions');
  if (refusal) return refusal;
  const at = state.artifacts.findIndex((artifact) => artifact.id === id);
  if (at < 0) return refused(404, 'Not Found', `${ARTIFACTS}#delete-an-artifact`);
  state.artifacts.splice(at, 1);
  return { status: 204 };
}

/** https://docs.github.com/rest/deployments/environments#get-an-environment */
function getEnvironment(state: GithubState, { pathname }: Asked): Answer {
  const refusal = lacking(state, 'read', 'actions');
  if (refusal) return refusal;
  const name = pathname.replace(/^.*\/environments\//, '');
  const environment = state.environments.get(name);
  if (!environment) return refused(404, 'Not Found', `${ENVIRONMENTS}#get-an-environment`);
  const { reviewers } = environment;
  const people = Array.from({ length: reviewers ?? 0 }, (_, i) => ({
    type: 'User',
    reviewer: { login: `reviewer-${i}`, id: i },
  }));
  const rules = [
    { id: 1, type: 'branch_policy' },
    ...(reviewers === undefined
      ? []
      : [{ id: 2, type: 'required_reviewers', prevent_self_review: false, reviewers: people }]),
  ];
  return {
    status: 200,
    body: {
      id: 3,
      name,
      html_url: `https://github.com/${state.repository}/deployments/activity_log?environments_filter=${name}`,
      protection_rules: rules,
      deployment_branch_policy: null,
    },
  };
}
