import type { Cluster } from '../cluster/cluster.ts';
import type { MatrixRow } from '../cluster/matrix.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { replicaContainer } from '../kuscia/names.ts';
import type { OnHost, VerifyFacts } from './verify-facts.ts';

/** What is known where a check is judged. */
export interface Scene {
  readonly cluster: Cluster;
  readonly facts: VerifyFacts;
  readonly onHost: OnHost;
  readonly row: MatrixRow;
  /** What of the database (for this replica) and of the load balancer does not work, in words; '' where it does. */
  readonly database: string;
  readonly loadBalancer: string;
}

/** What explains a check that is not ok. */
export type Explanation = Pick<Failure, 'cause' | 'evidence' | 'remedy'>;

/** Begins what to do about whatever an apply mends. */
export const APPLY = 'Run the deployment again (mode: apply)';

/** Name of the replica's container. */
export const nameOn = ({ cluster, onHost }: Scene): string =>
  replicaContainer(cluster, valueOf(onHost.machine)?.user ?? '');

/** How to see why a replica that runs does not do this. */
export const logsOf = (scene: Scene): string =>
  `Look at docker logs ${nameOn(scene)} on ${scene.onHost.host.name} and, in the container, ` +
  `/home/kuscia/var/logs; ${APPLY.toLowerCase()} restarts a replica that does not work.`;
