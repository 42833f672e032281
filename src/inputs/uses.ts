import type { StageName } from '../stages/names.ts';
import type { INPUTS } from './catalogue.ts';

/**
 * Secret inputs of the cluster itself. SSH inputs depend on the hosts reached, and the seal key on what is sealed.
 */
export type ClusterSecret = keyof Pick<
  typeof INPUTS,
  'database-password' | 'registry-password' | 'kuscia-config' | 'load-balancer-certificate' | 'load-balancer-key'
>;

const PAIR = ['load-balancer-certificate', 'load-balancer-key'] as const;

/**
 * The secrets that a stage's queries and steps use. Preflight uses those required by any later stage, so that missing
 * ones are reported before anything is changed, and those that the plan of all stages depends on, because it compares
 * that plan with the approved one.
 */
export const STAGE_SECRETS: Readonly<Record<StageName, readonly ClusterSecret[]>> = {
  preflight: ['database-password', 'registry-password', 'kuscia-config', ...PAIR],
  'swarm-init': [],
  'swarm-join': [],
  'network-create': ['registry-password'],
  'mysql-up': ['database-password', 'registry-password'],
  'kuscia-init': ['database-password', 'registry-password', 'kuscia-config'],
  // While gateways move to another port, it reconfigures the load balancer.
  'kuscia-start': ['registry-password', ...PAIR],
  'nginx-lb': ['registry-password', ...PAIR],
  verify: ['database-password', ...PAIR],
};

/**
 * The secrets used by the queries of a whole deployment: for a plan, and for a job that records its host's answers for
 * other jobs.
 */
export const QUERY_SECRETS: readonly ClusterSecret[] = ['database-password', ...PAIR];

/** The secrets that a run requires. A job on a host's own runner (`here`) records its host's answers in every stage. */
export function secretsUsed(mode: string, stages: readonly StageName[], here: boolean): ReadonlySet<ClusterSecret> {
  if (mode === 'divide' || mode === 'unlock') return new Set();
  const ofStages =
    mode === 'look'
      ? []
      : stages
          .flatMap((stage) => STAGE_SECRETS[stage])
          .filter((name) => mode !== 'plan' || name !== 'registry-password');
  return new Set([...ofStages, ...(here ? QUERY_SECRETS : [])]);
}
