import type { Secret } from '../engine/secret.ts';
import type { Archive } from './archives.ts';
import type { Cluster } from './cluster.ts';
import type { ReceivedOutputs } from './job-outputs.ts';

/** What a run is to bring about: the cluster and the secrets that its stages need. */
export interface Deployment {
  readonly cluster: Cluster;
  readonly secrets: {
    readonly databasePassword: Secret;
    readonly registryPassword?: Secret;
    /** The domain's Kuscia configuration (YAML), where the caller keeps it. */
    readonly kusciaConfig?: Secret;
    /** PEM certificate chain and private key of an https load balancer. */
    readonly loadBalancerCertificate?: Secret;
    readonly loadBalancerKey?: Secret;
  };
  /** Whether stages may mend what is in the way (a network of the wrong type) by removing it. */
  readonly repair: boolean;
  /**
   * Whether a database may be replaced by one that changes its files for good: what cannot be undone wants a word of
   * its own.
   */
  readonly upgradesDatabase: boolean;
  /**
   * How long tasks are waited for before the replica that runs them is stopped, in milliseconds; 0 ends them with it at
   * once.
   */
  readonly taskWaitMs: number;
  /** Archives whose images hosts need not pull. */
  readonly archives?: readonly Archive[];
  /** What earlier jobs of a workflow handed over; without it, hosts are asked. */
  readonly received?: ReceivedOutputs;
}
