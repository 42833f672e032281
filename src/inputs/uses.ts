import { OPERATIONS, type Mode } from '../operations/index.ts';
import { CLUSTER_SECRETS, type ClusterSecret } from '../stages/definition.ts';
import { definitionOf, type StageName } from '../stages/index.ts';

/**
 * The secrets used by the queries of a whole deployment: for a plan, and for a job that records its host's answers for
 * other jobs.
 */
export const QUERY_SECRETS: readonly ClusterSecret[] = [
  'database-password',
  'load-balancer-certificate',
  'load-balancer-key',
];

/** The secrets that a run requires. A job on a host's own runner (`here`) records its host's answers in every stage. */
export function secretsUsed(mode: Mode, stages: readonly StageName[], here: boolean): ReadonlySet<ClusterSecret> {
  const { secrets } = OPERATIONS[mode];
  if (secrets === 'none') return new Set();
  const ofStages =
    secrets === 'to record'
      ? []
      : stages.flatMap((stage) => CLUSTER_SECRETS.filter((name) => definitionOf(stage).inputs.includes(name)));
  return new Set([
    // Queries pull no images.
    ...ofStages.filter((name) => secrets === 'to change' || name !== 'registry-password'),
    ...(here ? QUERY_SECRETS : []),
  ]);
}
