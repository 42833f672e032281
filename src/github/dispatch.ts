import { Secret } from '../engine/secret.ts';
import { openApi, type Api } from './api.ts';
import { JOBS, type JobName } from './catalogue.ts';
import { checkApproval } from './check-approval.ts';
import { cleanUp } from './clean-up.ts';
import { commentPlan } from './comment-plan.ts';
import { pullRequestOf, readPlace, type Environment } from './place.ts';
import { reportHealth, sawNothing } from './report-health.ts';
import { readRequest, tokenIn, type Request } from './request.ts';
import type { GithubReporter } from './reporter.ts';

/** The environment of a run; replaced in tests. */
export interface Surroundings {
  readonly env: Environment;
  readonly read: (path: string) => string;
  readonly reporter: GithubReporter;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Time limit for all requests of a run, including waits for rate limits. */
const ALL_MS = 300_000;

/** Runs the action requested by the environment. Returns the exit code. Never throws. */
export async function run(surroundings: Surroundings): Promise<number> {
  const { env, reporter } = surroundings;
  try {
    const token = tokenIn(env) ?? new Secret('token', '');
    reporter.hide([token]);
    await say(reporter.cleaned(readRequest(env)), token, surroundings);
    return 0;
  } catch (thrown) {
    reporter.fail(thrown);
    return 1;
  }
}

async function say(
  request: Request,
  token: Secret,
  { env, read, reporter, signal, now, pause }: Surroundings,
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ALL_MS)]);
  const api = (job: JobName): Api =>
    openApi({
      place: readPlace(env),
      token,
      needs: JOBS[job].needs,
      signal: deadline,
      say: (text) => reporter.say(text),
      now,
      pause,
    });
  switch (request.do) {
    case 'issue':
      if (sawNothing(request.health))
        return reporter.say(
          `the verification of ${request.health.domain} was ${request.health.result}: ` +
            'the state is unknown, and the issue stays unchanged',
        );
      return reportHealth(request.health, api(request.do), reporter, now());
    case 'clean-up':
      return cleanUp(request.prefix, api(request.do), reporter);
    case 'approval':
      return checkApproval(request.environment, api(request.do), reporter);
    case 'comment': {
      const pullRequest = pullRequestOf(env, read);
      return commentPlan(request.plan, pullRequest, api(request.do), reporter);
    }
  }
}
