import type { Api } from './api.ts';
import { ApiError, isForbidden } from './refusal.ts';
import type { GithubReporter } from './reporter.ts';

interface Artifact {
  readonly id: number;
  readonly name: string;
}

/**
 * Deletes the artifacts of this run whose names start with the prefix. If the permission is missing or GitHub fails,
 * reports it and leaves them, because the run's actual work is done.
 */
export async function cleanUp(prefix: string, api: Api, reporter: GithubReporter): Promise<void> {
  const deleted: Artifact[] = [];
  try {
    for (const artifact of await artifactsOf(api, prefix))
      if (await removed(artifact, prefix, api)) deleted.push(artifact);
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    if (isForbidden(thrown)) reporter.notice('artifacts not deleted', left(thrown, prefix));
    else reporter.warning('artifacts not deleted', left(thrown, prefix));
  }
  reporter.say(
    deleted.length === 0
      ? `no artifact was deleted (prefix ${prefix})`
      : `deleted ${deleted.map(({ name }) => name).join(', ')}`,
  );
  reporter.output('deleted', String(deleted.length));
}

/**
 * Whether the artifact was deleted now. One deleted by something else meanwhile looks like one that may not be deleted.
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
  `The artifacts of this run with the prefix ${prefix} could not be deleted: ` +
  `${failures.map(({ what, evidence = '', remedy }) => `${what} (${evidence}). ${remedy}`).join(' ')} ` +
  'They are sealed and expire after a day.';
