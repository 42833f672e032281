import { DeploymentError, type Failure } from '../engine/errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The repository and run, from GitHub's variables. */
export interface Place {
  readonly owner: string;
  readonly repo: string;
  readonly apiUrl: string;
  /** Host name of the GitHub server, for `gh --repo`. */
  readonly server: string;
  readonly runId: number;
  readonly attempt: number;
  /** The page of this run. */
  readonly runUrl: string;
}

const URL_ONLY = /^https?:\/\/[\w.:[\]-]+(\/[\w./-]+)?$/;

/**
 * Reads the place from the variables that GitHub sets for every step. Throws a DeploymentError for each missing
 * variable.
 */
export function readPlace(env: Environment): Place {
  const faults: Failure[] = [];
  const variable = (name: string, pattern: RegExp, otherwise = ''): string => {
    const value = (env[name] ?? '') || otherwise;
    if (!pattern.test(value))
      faults.push({
        code: 'input-invalid',
        what: `${name} is ${value === '' ? 'not set' : 'not a valid value'}`,
        remedy: 'Run this as a step of a GitHub job.',
      });
    return value;
  };
  const [owner = '', repo = ''] = variable('GITHUB_REPOSITORY', /^[\w.-]+\/[\w.-]+$/).split('/');
  const server = variable('GITHUB_SERVER_URL', URL_ONLY, 'https://github.com');
  const apiUrl = variable('GITHUB_API_URL', URL_ONLY, 'https://api.github.com');
  const runId = variable('GITHUB_RUN_ID', /^\d+$/);
  const attempt = variable('GITHUB_RUN_ATTEMPT', /^\d+$/, '1');
  if (faults.length > 0) throw new DeploymentError(faults);
  return {
    owner,
    repo,
    apiUrl,
    server: new URL(server).host,
    runId: Number(runId),
    attempt: Number(attempt),
    runUrl: `${server}/${owner}/${repo}/actions/runs/${runId}`,
  };
}

/** The number of the run's pull request. Throws a DeploymentError if there is none. */
export function pullRequestOf(env: Environment, read: (path: string) => string): number {
  const event = env['GITHUB_EVENT_NAME'] ?? '';
  const wrong = (what: string): DeploymentError =>
    new DeploymentError([
      {
        code: 'input-invalid',
        what,
        remedy: "Run this step only on the event pull_request: `if: github.event_name == 'pull_request'`.",
      },
    ]);
  if (event !== 'pull_request')
    throw wrong(`there is no pull request to comment on: the event of this run is ${event === '' ? 'unknown' : event}`);
  const number = numberIn(() => read(env['GITHUB_EVENT_PATH'] ?? ''));
  if (number === undefined) throw wrong('the event of this run has no pull request (GITHUB_EVENT_PATH)');
  return number;
}

function numberIn(payload: () => string): number | undefined {
  try {
    const { pull_request: about } = JSON.parse(payload()) as { readonly pull_request?: { readonly number?: unknown } };
    return typeof about?.number === 'number' ? about.number : undefined;
  } catch {
    return undefined;
  }
}
