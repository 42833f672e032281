import type { Secret } from '../engine/secret.ts';
import type { Archive } from './archives.ts';
import type { Cluster } from './cluster.ts';
import type { ReceivedOutputs } from './job-outputs.ts';

/** What a run should deploy: the cluster, and the secrets its stages need. */
export interface Deployment {
  readonly cluster: Cluster;
  readonly secrets: {
    readonly databasePassword: Secret;
    readonly registryPassword?: Secret;
    /** The domain's Kuscia configuration (YAML), if the caller provides it. */
    readonly kusciaConfig?: Secret;
    /** PEM certificate chain and private key of an https load balancer. */
    readonly loadBalancerCertificate?: Secret;
    readonly loadBalancerKey?: Secret;
  };
  /** Whether stages may remove obstacles, such as a network of the wrong type. */
  readonly repair: boolean;
  /**
   * Whether a new database version may upgrade the data files, which cannot be undone and so needs explicit consent.
   */
  readonly upgradesDatabase: boolean;
  /**
   * How long to wait for running tasks before stopping their replica, in milliseconds; 0 stops it at once.
   */
  readonly taskWaitMs: number;
  /** Archives with images that hosts need not pull. */
  readonly archives?: readonly Archive[];
  /** Outputs of earlier jobs of the workflow; if absent, the hosts are queried. */
  readonly received?: ReceivedOutputs;
}
