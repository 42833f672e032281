import { deploymentError, DeploymentError, type Failure } from '../engine/errors.ts';

/** An answer of the API, as contained in octokit's errors. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data: unknown;
}

/** The GitHub API rejected a request, or its outcome is unknown. */
export class ApiError extends DeploymentError {
  /**
   * Status of the rejection, 429 for every rate limit; undefined if it is unknown whether the request took effect.
   */
  readonly refused: number | undefined;

  constructor(failure: Failure, refused?: number) {
    super([failure]);
    this.refused = refused;
  }
}

/**
 * Whether the API rejected the request because of a missing permission. A private repository that a token may not see
 * returns 404.
 */
export const isForbidden = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError && (thrown.refused === 403 || thrown.refused === 404);

/**
 * Used if the answer does not say how long to wait;
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
const DEFAULT_WAIT_MS = 60_000;

/** How long a rate limit requires to wait, in milliseconds; undefined for other answers. */
export function limitOf({ status, headers, data }: Answer, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = seconds(headers['retry-after']);
  if (after !== undefined) return Math.max(after, 1) * 1000;
  const spent = String(headers['x-ratelimit-remaining']) === '0';
  const reset = seconds(headers['x-ratelimit-reset']);
  // By GitHub's clock if given, because the runner's may be wrong.
  if (spent && reset !== undefined)
    return Math.max(reset * 1000 - (Date.parse(String(headers['date'])) || now), 0) + 1000;
  return spent || status === 429 || /rate-limit/.test(field(data, 'documentation_url')) ? DEFAULT_WAIT_MS : undefined;
}

const seconds = (value: string | number | undefined): number | undefined =>
  /^\d+$/.test(String(value)) ? Number(value) : undefined;

/** The failure for a rate limit that lasts too long. */
export function limited(asked: string, { status, headers, data }: Answer, until: number): ApiError {
  const at = `${new Date(until).toISOString().slice(0, 19)}Z`;
  const left =
    headers['x-ratelimit-limit'] === undefined
      ? ''
      : `; ${headers['x-ratelimit-remaining']} of ${headers['x-ratelimit-limit']} requests left`;
  return new ApiError(
    {
      code: 'github-refused',
      what: `the GitHub API rate limit of this token is exceeded until ${at}`,
      evidence: `${asked}: ${status} ${field(data, 'message')}${left}`,
      remedy: `Run again after ${at}.`,
    },
    429,
  );
}

/** The failure for a rejection. `needs` is the permission that the job needs: `issues: write`. */
export function refusal(asked: string, answer: Answer, needs: string): ApiError {
  const { status, headers, data } = answer;
  const accepted = headers['x-accepted-github-permissions'];
  const required = accepted === undefined ? '' : ` (GitHub requires ${accepted})`;
  const permission = `Give the job the permission ${needs}${required}`;
  const remedies: Readonly<Record<number, string>> = {
    401: 'Set the input token to a valid token; github.token expires with its job.',
    403: `${permission}.`,
    404:
      `${permission}, and check that the requested item exists: without the permission GitHub reports it as ` +
      `missing.`,
    410: "Enable issues in the repository's settings: General, Features, Issues.",
  };
  return new ApiError(
    {
      code: 'github-refused',
      what: `the GitHub API rejects ${asked}: ${status}`,
      evidence: errorText(data),
      remedy: remedies[status] ?? 'Fix the problem shown in the evidence, then run again.',
    },
    status,
  );
}

/** The failure for a missing or unusable answer. */
export function silence(asked: string, evidence: string, apiUrl: string): ApiError {
  return new ApiError({
    code: 'github-unreachable',
    what: `the GitHub API does not respond to ${asked} at ${apiUrl}`,
    evidence,
    remedy: 'Check that the runner can reach it (proxy, GITHUB_API_URL), check githubstatus.com, then run again.',
  });
}

/** The failure for a server error (5xx). */
export function breakdown(asked: string, { status, data }: Answer): ApiError {
  return new ApiError({
    code: 'github-unreachable',
    what: `the GitHub API fails on ${asked}: ${status}`,
    evidence: errorText(data),
    remedy: 'Check githubstatus.com, then run again.',
  });
}

/** The failure for a run that was cancelled or took too long. */
export function ended(signal: AbortSignal): DeploymentError {
  const late = (signal.reason as { readonly name?: unknown } | undefined)?.name === 'TimeoutError';
  if (late)
    return new ApiError({
      code: 'github-unreachable',
      what: 'the GitHub API was too slow: not all requests completed in time',
      remedy: 'Check githubstatus.com, then run again.',
    });
  return deploymentError({
    code: 'cancelled',
    what: 'cancelled before the end',
    remedy: 'Run again. Completed requests are found and not repeated.',
  });
}

/** The message in an error body, with validation errors. */
function errorText(data: unknown): string {
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
