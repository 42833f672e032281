import type { Details, Difference } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { mapFact, type Fact } from '../engine/fact.ts';
import type { Container } from './containers.ts';
import { formerName, type Rehearsal, type Stopping } from './replacement.ts';

/** What stands under a container's name, and what an interrupted replacement left aside. */
export interface ContainerPair {
  readonly current: Container | undefined;
  readonly former: Container | undefined;
}

/** Both of them among all containers of a host. */
export const standing = (all: Fact<readonly Container[]>, name: string): Fact<ContainerPair> =>
  mapFact(all, (each) => ({
    current: each.find((one) => one.name === name),
    former: each.find((one) => one.name === formerName(name)),
  }));

/** A container that a stage wants on a host. */
export interface Wanted {
  readonly host: string;
  readonly name: string;
  readonly kind: 'probe' | 'database' | 'replica' | 'load balancer';
  /** What it is made with that a plan says of its making. */
  readonly details?: Details;
  readonly serialGroup?: string;
  readonly stopping: Stopping;
  /** How a container is not as described; undefined when it is. */
  readonly difference: (container: Container) => Difference | undefined;
  /** How its image differs from the one that its tag means now, where only that is so: both digests. */
  readonly moved?: (container: Container) => Difference | undefined;
  /** The ids that its image may have, where they are known. */
  readonly image: readonly string[] | undefined;
  /**
   * Of the container in use: whether it is seen to work, is given time (longer than its stage waits, for the run that
   * made it judges it), or does not work.
   */
  readonly state: 'works' | 'starting' | 'broken';
  /** Everything that must be on the host before a container can be made. Throws a DeploymentError. */
  readonly prepare: (act: Act) => Promise<void>;
  readonly rehearsal: (current: Container | undefined) => Rehearsal;
  /** Proves what a rehearsal cannot. Throws a DeploymentError. */
  readonly proof?: (act: Act) => Promise<void>;
  /** What must be done, or have ended, right before the present one is stopped for good. Throws a DeploymentError. */
  readonly beforeStop?: (act: Act) => Promise<void>;
  /** Makes the container. Throws a DeploymentError. */
  readonly create: (act: Act) => Promise<void>;
  /** Starts the one that has stopped, where that takes more than docker start. */
  readonly start?: (act: Act, current: Container) => Promise<void>;
  /**
   * What is wrong with the container under the name now; undefined when it works. Asked after a former one was put
   * back.
   */
  readonly fault: (act: Act) => Promise<string | undefined>;
  /** Takes back what was prepared for the new one, once the former one stays. Throws a DeploymentError. */
  readonly takeBack?: (act: Act, former: Container) => Promise<void>;
  /** Judges a rehearsal that failed, where more is known than what docker said. Throws a DeploymentError. */
  readonly refused?: (act: Act) => Promise<void>;
}

/** What must be known of a container to take it away. */
export type Removable = Pick<Wanted, 'host' | 'name' | 'kind' | 'serialGroup' | 'stopping' | 'beforeStop'>;
