import type { Api } from './api.ts';
import { ApiError, isForbidden } from './refusal.ts';
import type { GithubReporter } from './reporter.ts';

interface Artifact {
  readonly id: number;
  readonly name: string;
}

/**
 * Deletes the artifacts of this run whose names begin with the prefix. Where the permission is missing, or GitHub does
 * not do it, it says so and leaves them: what the run was for is done.
 */
export async function cleanUp(prefix: string, api: Api, teller: GithubReporter): Promise<void> {
  const deleted: Artifact[] = [];
  try {
    for (const artifact of await artifactsOf(api, prefix))
      if (await removed(artifact, prefix, api)) deleted.push(artifact);
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    if (isForbidden(thrown)) teller.notice('artifacts stay', left(thrown, prefix));
    else teller.warning('artifacts stay', left(thrown, prefix));
  }
  teller.say(
    deleted.length === 0
      ? `no artifact was deleted (prefix ${prefix})`
      : `deleted ${deleted.map(({ name }) => name).join(', ')}`,
  );
  teller.output('deleted', String(deleted.length));
}

/**
 * Whether it was there and is gone. One that somebody else deleted meanwhile looks like one that may not be deleted.
 */
async function removed({ id }: Artifact, prefix: string, api: Api): Promise<boolean> {
  const { owner, repo } = api.place;
  try {
    await api.rest.actions.deleteArtifact({ owner, repo, artifact_id: id });
    return true;
  } catch (thrown) {
    if (!isForbidden(thrown) || (await artifactsOf(api, prefix)).some((artifact) => artifact.id === id)) throw thrown;
    return false;
  }
}

async function artifactsOf(
  { paginate, rest, place: { owner, repo, runId } }: Api,
  prefix: string,
): Promise<Artifact[]> {
  const artifacts = await paginate(rest.actions.listWorkflowRunArtifacts, {
    owner,
    repo,
    run_id: runId,
    per_page: 100,
  });
  return artifacts.filter(({ name, expired }) => name.startsWith(prefix) && !expired);
}

const left = ({ failures }: ApiError, prefix: string): string =>
  `The artifacts of this run that begin with ${prefix} could not be deleted: ` +
  `${failures.map(({ what, evidence = '', remedy }) => `${what} (${evidence}). ${remedy}`).join(' ')} They are ` +
  'sealed, and expire after a day.';
