import type { Details, Difference } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { mapFact, type Fact } from '../engine/fact.ts';
import type { Container } from './containers.ts';
import { formerName, type Rehearsal, type Stopping } from './replacement.ts';

/** The container with a name, and the former one that an interrupted replacement left aside. */
export interface ContainerPair {
  readonly current: Container | undefined;
  readonly former: Container | undefined;
}

/** Both of them, out of all containers of a host. */
export const pairOf = (all: Fact<readonly Container[]>, name: string): Fact<ContainerPair> =>
  mapFact(all, (each) => ({
    current: each.find((one) => one.name === name),
    former: each.find((one) => one.name === formerName(name)),
  }));

/** A container that a stage wants on a host. */
export interface Wanted {
  readonly host: string;
  readonly name: string;
  readonly kind: 'probe' | 'database' | 'replica' | 'load balancer';
  /** What a plan says about its creation. */
  readonly details?: Details;
  readonly serialGroup?: string;
  readonly stopping: Stopping;
  /** How a container differs from its description; undefined if it does not. */
  readonly difference: (container: Container) => Difference | undefined;
  /** How its image differs from the one that its tag refers to now, if that is the only difference: both digests. */
  readonly moved?: (container: Container) => Difference | undefined;
  /** The IDs that its image may have, if known. */
  readonly image: readonly string[] | undefined;
  /**
   * State of the container in use: it is seen to work; it is given time (longer than its stage waits, because the run
   * that created it judges it); or it does not work.
   */
  readonly state: 'works' | 'starting' | 'broken';
  /** Everything that must be on the host before a container can be created. Throws a DeploymentError. */
  readonly prepare: (act: Act) => Promise<void>;
  readonly rehearsal: (current: Container | undefined) => Rehearsal;
  /** Proves what a rehearsal cannot. Throws a DeploymentError. */
  readonly proof?: (act: Act) => Promise<void>;
  /**
   * What must be done, or must have ended, right before the present one is stopped for good. Throws a DeploymentError.
   */
  readonly beforeStop?: (act: Act) => Promise<void>;
  /** Creates the container. Throws a DeploymentError. */
  readonly create: (act: Act) => Promise<void>;
  /** Starts a stopped one, if that takes more than docker start. */
  readonly start?: (act: Act, current: Container) => Promise<void>;
  /**
   * What is wrong with the container that has the name now; undefined if it works. Checked after a former one was put
   * back.
   */
  readonly fault: (act: Act) => Promise<string | undefined>;
  /** Undoes what was prepared for the new one when the former one stays. Throws a DeploymentError. */
  readonly takeBack?: (act: Act, former: Container) => Promise<void>;
  /** Judges a failed rehearsal if more is known than docker's message. Throws a DeploymentError. */
  readonly refused?: (act: Act) => Promise<void>;
}

/** What must be known of a container to remove it. */
export type Removable = Pick<Wanted, 'host' | 'name' | 'kind' | 'serialGroup' | 'stopping' | 'beforeStop'>;
