import type { Cluster } from '../cluster/cluster.ts';
import type { MatrixRow } from '../cluster/matrix.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { replicaContainer } from '../kuscia/names.ts';
import type { OnHost, VerifyFacts } from './verify-facts.ts';

/** What is known when a check is judged. */
export interface Scene {
  readonly cluster: Cluster;
  readonly facts: VerifyFacts;
  readonly onHost: OnHost;
  readonly row: MatrixRow;
  /** What is wrong with the database (for this replica) and with the load balancer, in words; '' if they work. */
  readonly database: string;
  readonly loadBalancer: string;
}

/** What explains a failed check. */
export type Explanation = Pick<Failure, 'cause' | 'evidence' | 'remedy'>;

/** The beginning of each remedy that is another apply. */
export const APPLY = 'Run the deployment again (mode: apply)';

/** Name of the replica's container. */
export const nameIn = ({ cluster, onHost }: Scene): string =>
  replicaContainer(cluster, valueOf(onHost.machine)?.user ?? '');

/** How to find out why a running replica fails the check. */
export const logsRemedy = (scene: Scene): string =>
  `Check docker logs ${nameIn(scene)} on ${scene.onHost.host.name} and, in the container, ` +
  '/home/kuscia/var/logs. Another run with mode: apply restarts a replica that does not work.';
