import type { Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { JobOutput } from '../cluster/job-outputs.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { deploymentError } from '../engine/errors.ts';
import { whyNot, type Fact } from '../engine/fact.ts';
import type { StageDefinition } from './definition.ts';

/**
 * Reads from the hosts what these stages pass on, if it lies on a host that this run covers. Throws a DeploymentError
 * when something cannot be read, or the tokens cannot be marked.
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

/** The value to be passed on; throws if it is unknown. */
export function requireValue<T>(fact: Fact<T>, host: Host): T {
  if (fact.is === 'present') return fact.value;
  throw deploymentError({
    code: 'fact-unknown',
    host: host.name,
    what: 'could not read what later jobs need',
    evidence: whyNot(fact, 'it no longer exists'),
    remedy: 'Fix the reported problem, then run this job again.',
  });
}
