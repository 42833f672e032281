import { OPERATIONS, type Mode } from '../operations/index.ts';
import { CLUSTER_SECRETS, type ClusterSecret } from '../stages/definition.ts';
import { definitionOf, type StageName } from '../stages/index.ts';

/**
 * What the questions of a whole deployment take: for a plan, and for a job that records what its host answers to the
 * jobs of others.
 */
export const QUERY_SECRETS: readonly ClusterSecret[] = [
  'database-password',
  'load-balancer-certificate',
  'load-balancer-key',
];

/** What a run must be given. A job on a host's own runner (`here`) records its host's answers, whatever its stage. */
export function secretsUsed(mode: Mode, stages: readonly StageName[], here: boolean): ReadonlySet<ClusterSecret> {
  const { secrets } = OPERATIONS[mode];
  if (secrets === 'none') return new Set();
  const ofStages =
    secrets === 'to record'
      ? []
      : stages.flatMap((stage) => CLUSTER_SECRETS.filter((name) => definitionOf(stage).inputs.includes(name)));
  return new Set([
    // A question pulls nothing.
    ...ofStages.filter((name) => secrets === 'to change' || name !== 'registry-password'),
    ...(here ? QUERY_SECRETS : []),
  ]);
}
