import { deploymentError } from '../engine/errors.ts';
import type { Api } from './api.ts';
import { isForbidden, type ApiError } from './refusal.ts';
import type { GithubReporter } from './reporter.ts';

/** Rejects an environment without reviewers. If its rules cannot be read, emits a notice and continues. */
export async function checkApproval(environment: string, api: Api, reporter: GithubReporter): Promise<void> {
  const { owner, repo } = api.place;
  try {
    const { data } = await api.rest.repos.getEnvironment({ owner, repo, environment_name: environment });
    const reviewers = (data.protection_rules ?? []).flatMap((rule) =>
      'reviewers' in rule ? (rule.reviewers ?? []) : [],
    );
    if (reviewers.length === 0) throw unguarded(environment);
    reporter.say(
      `the environment ${environment} requires approval by ` +
        `${reviewers.length === 1 ? 'one reviewer' : `one of ${reviewers.length} reviewers`}`,
    );
    reporter.output('reviewers', String(reviewers.length));
  } catch (thrown) {
    if (!isForbidden(thrown)) throw thrown;
    reporter.notice('reviewers could not be checked', unseen(environment, thrown));
    reporter.output('reviewers', '');
  }
}

const unguarded = (environment: string) =>
  deploymentError({
    code: 'approval-unguarded',
    what: `the environment ${environment} has no required reviewers`,
    cause: 'the name may be misspelt: GitHub creates a missing environment without any rules',
    remedy:
      'Correct the input environment, or add required reviewers to that environment (Settings, Environments). ' +
      'Then run again.',
  });

const unseen = (environment: string, { failures }: ApiError): string =>
  `Could not check whether the environment ${environment} requires approval: ` +
  `${failures.map(({ what, evidence = '', remedy }) => `${what} (${evidence}). ${remedy}`).join(' ')}`;
