import { OPERATIONS, type Mode } from '../operations/index.ts';
import type { StageName } from '../stages/names.ts';
import type { INPUTS } from './catalogue.ts';

/**
 * Inputs that are a secret of the cluster itself: those of SSH go with the hosts that are reached, the key of the seal
 * with what is sealed.
 */
export type ClusterSecret = keyof Pick<
  typeof INPUTS,
  'database-password' | 'registry-password' | 'kuscia-config' | 'load-balancer-certificate' | 'load-balancer-key'
>;

const PAIR = ['load-balancer-certificate', 'load-balancer-key'] as const;

/**
 * What a stage's own questions and steps take. Preflight takes what any stage after it must have, to say what is
 * missing before anything is changed, and whatever the plan of all stages depends on, which it compares with the
 * approved one.
 */
export const STAGE_SECRETS: Readonly<Record<StageName, readonly ClusterSecret[]>> = {
  preflight: ['database-password', 'registry-password', 'kuscia-config', ...PAIR],
  'swarm-init': [],
  'swarm-join': [],
  'network-create': ['registry-password'],
  'mysql-up': ['database-password', 'registry-password'],
  'kuscia-init': ['database-password', 'registry-password', 'kuscia-config'],
  // While gateways move to another port, it leads the load balancer to them.
  'kuscia-start': ['registry-password', ...PAIR],
  'nginx-lb': ['registry-password', ...PAIR],
  verify: ['database-password', ...PAIR],
};

/**
 * What the questions of a whole deployment take: for a plan, and for a job that records what its host answers to the
 * jobs of others.
 */
export const QUERY_SECRETS: readonly ClusterSecret[] = ['database-password', ...PAIR];

/** What a run must be given. A job on a host's own runner (`here`) records its host's answers, whatever its stage. */
export function secretsUsed(mode: Mode, stages: readonly StageName[], here: boolean): ReadonlySet<ClusterSecret> {
  const { secrets } = OPERATIONS[mode];
  if (secrets === 'none') return new Set();
  const ofStages = secrets === 'to record' ? [] : stages.flatMap((stage) => STAGE_SECRETS[stage]);
  return new Set([
    // A question pulls nothing.
    ...ofStages.filter((name) => secrets === 'to change' || name !== 'registry-password'),
    ...(here ? QUERY_SECRETS : []),
  ]);
}
