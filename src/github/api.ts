import { getOctokit } from '@actions/github';
import type { Secret } from '../engine/secret.ts';
import { duration } from '../report/layout.ts';
import type { Place } from './place.ts';
import { ApiError, breakdown, ended, limited, limitOf, refusal, silence, type Answer } from './refusal.ts';

type Octokit = ReturnType<typeof getOctokit>;

/** The GitHub API with retries. Throws only DeploymentErrors. */
export interface Api {
  readonly rest: Octokit['rest'];
  readonly paginate: Octokit['paginate'];
  readonly place: Place;
  /**
   * Creates something that must not exist twice. If the outcome of a request is unknown, `find` searches for the result
   * before the next attempt.
   */
  once<T>(make: () => Promise<T>, find: () => Promise<T | undefined>): Promise<T>;
  /** The login of the token. */
  self(): Promise<string>;
}

export interface ApiOptions {
  readonly place: Place;
  readonly token: Secret;
  /** The permission that the job needs, for messages: `issues: write`. */
  readonly needs: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly now: () => number;
  /** Waits that many milliseconds, or throws if the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Pauses between attempts. */
const PAUSES_MS = [1_000, 3_000, 9_000];

/** Longest total wait for rate limits in a run. */
const LIMITS_MS = 60_000;

/** Time limit for one answer; GitHub itself gives up after 10 s. */
const ANSWER_MS = 30_000;

const quiet = (): void => undefined;

/** Opens the API with that token. */
export function openApi(options: ApiOptions): Api {
  const { place, token, say } = options;
  const octokit = getOctokit(token.reveal(), {
    baseUrl: place.apiUrl,
    log: { debug: quiet, info: quiet, warn: say, error: say },
  });
  const patience = new Patience(options);
  octokit.hook.wrap('request', (request, defaults) => {
    const { method } = defaults;
    const { pathname } = new URL(octokit.request.endpoint(defaults).url);
    const headers = { ...defaults.headers, 'x-github-api-version': '2022-11-28' };
    return patience.ask(`${method} ${pathname}`, method !== 'POST' || pathname.endsWith('/graphql'), async (signal) =>
      request({ ...defaults, headers, request: { ...defaults.request, signal } }),
    );
  });
  return {
    rest: octokit.rest,
    paginate: octokit.paginate,
    place,
    once: (make, find) => patience.once(make, find),
    self: () => selfOf(octokit, options),
  };
}

/** From GraphQL, because the REST API answers this only for personal tokens. */
async function selfOf(octokit: Octokit, { needs }: ApiOptions): Promise<string> {
  try {
    return (await octokit.graphql<{ readonly viewer: { readonly login: string } }>('{ viewer { login } }')).viewer
      .login;
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.name === 'GraphqlResponseError')) throw thrown;
    throw refusal('POST /graphql', { status: 200, headers: {}, data: { message: thrown.message } }, needs);
  }
}

class Patience {
  readonly #options: ApiOptions;
  #limitsLeft = LIMITS_MS;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /**
   * Retries until there is an answer, within the limits. A request that must not be repeated is retried only after a
   * rate limit, which rejects it without effect.
   */
  async ask<T extends Answer>(
    asked: string,
    repeatable: boolean,
    request: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let tries = 0; ;) {
      const attempt = await this.#attempt(asked, request);
      if (!('failed' in attempt)) return attempt;
      const { failed, waitMs } = attempt;
      if (waitMs !== undefined) {
        await this.#waitOut(failed, waitMs);
        continue;
      }
      const pauseMs = PAUSES_MS[tries];
      if (failed.refused !== undefined || !repeatable || pauseMs === undefined) throw failed;
      tries += 1;
      await this.#pause(failed, pauseMs);
    }
  }

  async once<T>(make: () => Promise<T>, find: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await make();
      } catch (thrown) {
        const pauseMs = PAUSES_MS[tries];
        if (
          !(thrown instanceof ApiError) ||
          thrown.refused !== undefined ||
          pauseMs === undefined ||
          this.#options.signal.aborted
        )
          throw thrown;
        await this.#pause(thrown, pauseMs);
        const found = await find();
        if (found !== undefined) return found;
      }
    }
  }

  /** The answer, or the failure with the wait requested by a rate limit. */
  async #attempt<T extends Answer>(
    asked: string,
    request: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | { readonly failed: ApiError; readonly waitMs?: number }> {
    const { signal, place, needs, now } = this.#options;
    try {
      const response = await request(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
      if (response.status === 204 || (typeof response.data === 'object' && response.data !== null)) return response;
      // octokit does not report a connection lost in the middle of the body.
      return {
        failed: silence(
          asked,
          `${response.status} with ${response.data === '' ? 'a truncated body' : 'an invalid JSON body'}`,
          place.apiUrl,
        ),
      };
    } catch (thrown) {
      if (signal.aborted) throw ended(signal);
      const answer = answerIn(thrown);
      if (answer === undefined) return { failed: silence(asked, messageOf(thrown), place.apiUrl) };
      const waitMs = limitOf(answer, now());
      if (waitMs !== undefined) return { failed: limited(asked, answer, now() + waitMs), waitMs };
      return { failed: answer.status >= 500 ? breakdown(asked, answer) : refusal(asked, answer, needs) };
    }
  }

  async #waitOut(failed: ApiError, waitMs: number): Promise<void> {
    if (waitMs > this.#limitsLeft) throw failed;
    this.#limitsLeft -= waitMs;
    await this.#pause(failed, waitMs);
  }

  async #pause({ failures }: ApiError, ms: number): Promise<void> {
    const { say, pause, signal } = this.#options;
    say(
      `${failures.map(({ what, evidence = '' }) => `${what} (${evidence})`).join('; ')}; retrying in ${duration(ms)}`,
    );
    try {
      await pause(ms, signal);
    } catch (thrown) {
      throw signal.aborted ? ended(signal) : thrown;
    }
  }
}

/** Error names of octokit and fetch for failed requests; anything else is a bug. */
const ERRORS = ['HttpError', 'AbortError', 'TimeoutError'];

/** The API's answer in a request error; undefined if there was none. */
function answerIn(thrown: unknown): Answer | undefined {
  if (!(thrown instanceof Error && ERRORS.includes(thrown.name))) throw thrown;
  return 'response' in thrown ? (thrown.response as Answer | undefined) : undefined;
}

/** The root cause, because fetch itself only reports "fetch failed". */
function messageOf(thrown: unknown): string {
  const { cause, message, code } = thrown as {
    readonly cause?: unknown;
    readonly message?: string;
    readonly code?: string;
  };
  return typeof cause === 'object' && cause !== null ? messageOf(cause) : message || (code ?? '');
}
