import { deploymentError } from '../engine/errors.ts';
import type { Api } from './api.ts';
import { isForbidden, type ApiError } from './refusal.ts';
import type { GithubReporter } from './reporter.ts';

/** Refuses an environment that asks nobody. Where its rules cannot be seen it says so, and goes on. */
export async function checkApproval(environment: string, api: Api, teller: GithubReporter): Promise<void> {
  const { owner, repo } = api.place;
  try {
    const { data } = await api.rest.repos.getEnvironment({ owner, repo, environment_name: environment });
    const reviewers = (data.protection_rules ?? []).flatMap((rule) =>
      'reviewers' in rule ? (rule.reviewers ?? []) : [],
    );
    if (reviewers.length === 0) throw unguarded(environment);
    teller.say(
      `the environment ${environment} asks ` +
        `${reviewers.length === 1 ? 'one reviewer' : `one of ${reviewers.length} reviewers`}`,
    );
    teller.output('reviewers', String(reviewers.length));
  } catch (thrown) {
    if (!isForbidden(thrown)) throw thrown;
    teller.notice('who approves was not seen', unseen(environment, thrown));
    teller.output('reviewers', '');
  }
}

const unguarded = (environment: string) =>
  deploymentError({
    code: 'approval-unguarded',
    what: `the environment ${environment} asks nobody for an approval`,
    cause: 'it has no required reviewers; GitHub makes an environment of a name that is mistyped, without any rule',
    remedy:
      'Correct the input environment, or give that environment required reviewers (Settings, Environments). Then ' +
      'run again.',
  });

const unseen = (environment: string, { failures }: ApiError): string =>
  `Whether the environment ${environment} asks for an approval is not known to this run. ` +
  `${failures.map(({ what, evidence = '', remedy }) => `${what} (${evidence}). ${remedy}`).join(' ')}`;
