import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { JobOutput, OutputKind, ReceivedOutputs } from '../cluster/job-outputs.ts';
import type { Division } from '../cluster/jobs.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Plan } from '../engine/plan.ts';
import type { Secret } from '../engine/secret.ts';
import { stage, type Stage, type Wish } from '../engine/stage.ts';

/**
 * Secret inputs of the cluster itself. SSH inputs depend on the hosts reached; the seal key depends on what is sealed.
 */
export const CLUSTER_SECRETS = [
  'database-password',
  'registry-password',
  'kuscia-config',
  'load-balancer-certificate',
  'load-balancer-key',
] as const;
export type ClusterSecret = (typeof CLUSTER_SECRETS)[number];

/** Inputs that a stage takes only if it declares them; every stage takes all others. */
export type StageInput = ClusterSecret | 'images' | 'repair' | 'upgrade-database' | 'task-wait';

/** A text of the docs in both languages. */
interface Texts {
  readonly english: string;
  readonly chinese: string;
}

/** What a stage leaves to later jobs once it has settled. */
interface Leaves {
  readonly kinds: readonly OutputKind[];
  /**
   * Reads it from the hosts, if it lies on a host that this run covers. Throws a DeploymentError when it cannot be
   * read.
   */
  readonly read: (
    ask: Ask & Pick<Act, 'run'>,
    deployment: Deployment,
    takes: (host: string) => boolean,
  ) => Promise<readonly JobOutput[]>;
  /** The secrets in it that the receiving jobs must mask. */
  readonly secrets: (received: ReceivedOutputs) => readonly Secret[];
}

/** Everything about a stage: what it does, which jobs run it, what they take and leave, and its docs. */
export interface StageDefinition<Name extends string = string> {
  /** Also the folder under actions/, the job, the log group and the value of the `stage` input. */
  readonly name: Name;
  /** What it brings about, in one line without a full stop. */
  readonly purpose: Texts;
  /** What readers should know about it, in a few sentences. */
  readonly detail: Texts;
  /** Stages that must have settled before this one can be applied. */
  readonly needs: readonly string[];
  /** Whether a cluster needs it; by default, every cluster does. */
  readonly appliesTo?: (cluster: Cluster) => boolean;
  /** The jobs it is divided into; by default, one job does everything. */
  readonly jobs?: Division;
  /** Time limit of each of its jobs; 30 by default. */
  readonly minutes?: number;
  readonly inputs: readonly StageInput[];
  /** Outputs of its action besides those of every stage's action. */
  readonly outputs?: readonly ('verify' | 'load-balancer-url')[];
  /** What it takes from earlier jobs, besides the plan, which every job that changes something must follow. */
  readonly takes?: readonly OutputKind[];
  readonly leaves?: Leaves;
  /** True if its job runs in mode verify: it judges the cluster as it is, and takes neither plan nor lock. */
  readonly judges?: true;
  /** True if what it creates can also be removed; data, configurations and passwords stay. */
  readonly removable?: true;
  /** The stage for one deployment. Throws when asked to remove what is not removable. */
  readonly of: (deployment: Deployment, wish?: Wish) => Stage;
}

/** How a stage works on one deployment: `gather` reads the hosts, `plan` is pure. */
type Work<Facts> = Omit<Stage, 'name' | 'purpose' | 'needs' | 'plan'> & {
  readonly gather: (ask: Ask) => Promise<Facts>;
  readonly plan: (facts: Facts) => Plan;
};

/** Defines a stage as one value. */
export function defineStage<Facts, const Name extends string>({
  work,
  ...definition
}: Omit<StageDefinition<Name>, 'of'> & {
  readonly work: (deployment: Deployment, wish: Wish) => Work<Facts>;
}): StageDefinition<Name> {
  const { name, purpose, needs, removable } = definition;
  const of = (deployment: Deployment, wish: Wish = 'present'): Stage => {
    if (wish === 'absent' && !removable) throw new Error(`${name} is not removable`);
    const all = work(deployment, wish);
    const { settleMs, gather, plan } = all;
    // Prefetching and an early start only serve what is to be created.
    const asked = wish === 'present' ? all : { settleMs, gather, plan };
    return stage({ name, purpose: purpose.english, needs, ...asked });
  };
  return { ...definition, of };
}
