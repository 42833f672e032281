import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { JobOutput, OutputKind, ReceivedOutputs } from '../cluster/job-outputs.ts';
import type { Division } from '../cluster/jobs.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Plan } from '../engine/plan.ts';
import type { Secret } from '../engine/secret.ts';
import { stage, type Stage, type Wish } from '../engine/stage.ts';

/** Secret inputs of the cluster itself. SSH inputs depend on the hosts reached, and the seal key on what is sealed. */
export const CLUSTER_SECRETS = [
  'database-password',
  'registry-password',
  'kuscia-config',
  'load-balancer-certificate',
  'load-balancer-key',
] as const;
export type ClusterSecret = (typeof CLUSTER_SECRETS)[number];

/** Inputs that a stage takes only if it says so; every stage takes all others. */
export type StageInput = ClusterSecret | 'images' | 'repair' | 'upgrade-database' | 'task-wait';

/** A text of the docs in their two languages. */
interface Texts {
  readonly english: string;
  readonly chinese: string;
}

/** What a stage leaves to the jobs after it, once it has settled. */
interface Leaves {
  readonly kinds: readonly OutputKind[];
  /**
   * Reads it from the hosts, as far as it lies on one whose part this run takes. Throws a DeploymentError when it
   * cannot be read.
   */
  readonly read: (
    ask: Ask & Pick<Act, 'run'>,
    deployment: Deployment,
    takes: (host: string) => boolean,
  ) => Promise<readonly JobOutput[]>;
  /** What of it the jobs that receive it must mask. */
  readonly secrets: (received: ReceivedOutputs) => readonly Secret[];
}

/** All about a stage: what it does, which jobs do it, what they take and leave, and what the docs say of it. */
export interface StageDefinition<Name extends string = string> {
  /** Also the folder under actions/, the job, the log group and the value of the `stage` input. */
  readonly name: Name;
  /** What it brings about, in a line without an end. */
  readonly purpose: Texts;
  /** What one should know of it, in a few sentences. */
  readonly detail: Texts;
  /** Stages that must have settled before this one can be applied. */
  readonly needs: readonly string[];
  /** Whether a cluster has any use for it; each has unless told otherwise. */
  readonly appliesTo?: (cluster: Cluster) => boolean;
  /** The jobs that it is divided into; without it, one job does all. */
  readonly jobs?: Division;
  /** How long one of its jobs may take; 30 unless told otherwise. */
  readonly minutes?: number;
  readonly inputs: readonly StageInput[];
  /** Outputs of its action beside those that every stage's action has. */
  readonly outputs?: readonly ('verify' | 'load-balancer-url')[];
  /** What it takes of the jobs before it, beside the plan that whatever changes something is held to. */
  readonly takes?: readonly OutputKind[];
  readonly leaves?: Leaves;
  /** True where its job runs in mode verify: it judges the cluster as it is, and takes neither plan nor lock. */
  readonly judges?: true;
  /** True where its thing can also be asked to be gone; data, configurations and passwords stay. */
  readonly removable?: true;
  /** The stage for one deployment. Throws where it is asked for what is not removable to be absent. */
  readonly of: (deployment: Deployment, wish?: Wish) => Stage;
}

/** How a stage works on one deployment: `gather` reads, `plan` is pure. */
type Work<Facts> = Omit<Stage, 'name' | 'purpose' | 'needs' | 'plan'> & {
  readonly gather: (ask: Ask) => Promise<Facts>;
  readonly plan: (facts: Facts) => Plan;
};

/** A stage, in one piece. */
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
    // What is fetched early, and when it may start early, is for what is to come.
    const asked = wish === 'present' ? all : { settleMs, gather, plan };
    return stage({ name, purpose: purpose.english, needs, ...asked });
  };
  return { ...definition, of };
}
