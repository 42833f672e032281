import { deploymentError, DeploymentError, type Failure } from '../engine/errors.ts';

/** An answer of the API, as octokit hands it over with its errors. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data: unknown;
}

/** GitHub's API refused, or nobody knows what became of a request. */
export class ApiError extends DeploymentError {
  /**
   * Status of the refusal, 429 for every rate limit; undefined where it is not known whether the request was carried
   * out.
   */
  readonly refused: number | undefined;

  constructor(failure: Failure, refused?: number) {
    super([failure]);
    this.refused = refused;
  }
}

/**
 * Whether the API refused for want of a permission. A private repository that a token may not see is one that is not
 * there.
 */
export const isForbidden = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError && (thrown.refused === 403 || thrown.refused === 404);

/**
 * Where no answer says how long to wait; https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
const UNTOLD_WAIT_MS = 60_000;

/** How long an answer asks to wait, in milliseconds, where it is the answer of a rate limit; undefined otherwise. */
export function limitOf({ status, headers, data }: Answer, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = seconds(headers['retry-after']);
  if (after !== undefined) return Math.max(after, 1) * 1000;
  const spent = String(headers['x-ratelimit-remaining']) === '0';
  const reset = seconds(headers['x-ratelimit-reset']);
  // By GitHub's own clock, where it tells: the runner's may be wrong.
  if (spent && reset !== undefined)
    return Math.max(reset * 1000 - (Date.parse(String(headers['date'])) || now), 0) + 1000;
  return spent || status === 429 || /rate-limit/.test(field(data, 'documentation_url')) ? UNTOLD_WAIT_MS : undefined;
}

const seconds = (value: string | number | undefined): number | undefined =>
  /^\d+$/.test(String(value)) ? Number(value) : undefined;

/** The refusal of a rate limit that lasts longer than may be waited. */
export function limited(asked: string, { status, headers, data }: Answer, until: number): ApiError {
  const at = `${new Date(until).toISOString().slice(0, 19)}Z`;
  const left =
    headers['x-ratelimit-limit'] === undefined
      ? ''
      : `; ${headers['x-ratelimit-remaining']} of ${headers['x-ratelimit-limit']} requests left`;
  return new ApiError(
    {
      code: 'github-refused',
      what: `GitHub's API has no requests left for this token until ${at}`,
      evidence: `${asked}: ${status} ${field(data, 'message')}${left}`,
      remedy: `Run again after ${at}.`,
    },
    429,
  );
}

/** A refusal as a failure. `needs` is the permission that the job asks for: `issues: write`. */
export function refusal(asked: string, answer: Answer, needs: string): ApiError {
  const { status, headers, data } = answer;
  const accepted = headers['x-accepted-github-permissions'];
  const asksFor = accepted === undefined ? '' : ` (GitHub asks for ${accepted})`;
  const permission = `Give the job the permission ${needs}${asksFor}`;
  const remedies: Readonly<Record<number, string>> = {
    401: 'Give the input token a token that is valid; github.token lives as long as its job.',
    403: `${permission}.`,
    404:
      `${permission}, and look whether what is asked for is there: without the permission it looks as if it were ` +
      'not.',
    410: "Turn issues on in the repository's settings: General, Features, Issues.",
  };
  return new ApiError(
    {
      code: 'github-refused',
      what: `GitHub's API refuses ${asked}: ${status}`,
      evidence: told(data),
      remedy: remedies[status] ?? 'Correct what the answer names.',
    },
    status,
  );
}

/** That there was no answer, or one that says nothing of what was asked. */
export function silence(asked: string, evidence: string, apiUrl: string): ApiError {
  return new ApiError({
    code: 'github-unreachable',
    what: `GitHub's API does not answer ${asked} at ${apiUrl}`,
    evidence,
    remedy: 'Look whether the runner reaches it (proxy, GITHUB_API_URL) and at githubstatus.com, then run again.',
  });
}

/** That the API failed by itself (5xx). */
export function breakdown(asked: string, { status, data }: Answer): ApiError {
  return new ApiError({
    code: 'github-unreachable',
    what: `GitHub's API fails at ${asked}: ${status}`,
    evidence: told(data),
    remedy: 'Look at githubstatus.com and run again.',
  });
}

/** That the run was cancelled or took too long. */
export function ended(signal: AbortSignal): DeploymentError {
  const late = (signal.reason as { readonly name?: unknown } | undefined)?.name === 'TimeoutError';
  if (late)
    return new ApiError({
      code: 'github-unreachable',
      what: "GitHub's API was too slow: not everything was said in time",
      remedy: 'Look at githubstatus.com and run again.',
    });
  return deploymentError({
    code: 'cancelled',
    what: 'cancelled before the end',
    remedy: 'Run again: what was said to GitHub stays and is found.',
  });
}

/** What an error's body says: its message, and each error of a validation. */
function told(data: unknown): string {
  const errors = typeof data === 'object' && data !== null && 'errors' in data ? JSON.stringify(data.errors) : '';
  return [field(data, 'message') || (typeof data === 'string' ? data : ''), errors]
    .filter((text) => text !== '')
    .join(' ');
}

function field(data: unknown, name: string): string {
  const value =
    typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>)[name] : undefined;
  return typeof value === 'string' ? value : '';
}
