import type { Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { JobOutput } from '../cluster/job-outputs.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { deploymentError } from '../engine/errors.ts';
import { whyNot, type Fact } from '../engine/fact.ts';
import type { StageDefinition } from './definition.ts';

/**
 * Reads from the hosts what these stages hand on, as far as it lies on a host whose part this run takes. Throws a
 * DeploymentError when something cannot be read, or the tokens not be marked.
 */
export async function readJobOutputs(
  stages: readonly Pick<StageDefinition, 'leaves'>[],
  deployment: Deployment,
  ask: Ask & Pick<Act, 'run'>,
  takes: (host: string) => boolean,
): Promise<JobOutput[]> {
  const outputs: JobOutput[] = [];
  for (const { leaves } of stages) outputs.push(...((await leaves?.read(ask, deployment, takes)) ?? []));
  return outputs;
}

/** What must be there for it to be handed on. */
export function mustKnow<T>(fact: Fact<T>, host: Host): T {
  if (fact.is === 'present') return fact.value;
  throw deploymentError({
    code: 'fact-unknown',
    host: host.name,
    what: 'what later jobs need could not be read',
    evidence: whyNot(fact, 'it no longer exists'),
    remedy: 'Fix the reported problem, then run this job again.',
  });
}
