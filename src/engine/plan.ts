import { sameAbout, type About, type Reason } from './about.ts';
import type { Act } from './ask.ts';
import type { Failure, RemovedLog } from './errors.ts';
import type { Proof } from './proof.ts';

/** The state after a step was undone. */
export interface Undone {
  /** In words that follow "undone: ". */
  readonly words: string;
  /** The log of the container that was removed to undo the step. */
  readonly removed?: RemovedLog;
}

/** One change on one host, with its reason. */
export interface Step {
  readonly host: string;
  /** `+` creates, `~` changes, `-` removes. */
  readonly change: '+' | '~' | '-';
  /** What is done, and to what. */
  readonly about: About;
  /** Why it is needed. */
  readonly why: Reason;
  /** If it creates a container: the ids that its image may have, if the host or an archive knows them. */
  readonly image?: readonly string[];
  /** True if it only revokes a permission that runs of this deployment granted: it counts as part of every plan. */
  readonly revokes?: true;
  /**
   * Steps of one serial group are applied one at a time, each settled before the next; steps without one, in parallel.
   */
  readonly serialGroup?: string;
  /** The host on which it is carried out, if that is another one: a manager promotes a node. */
  readonly at?: string;
  /** Carries it out. Throws a DeploymentError if it fails. */
  readonly apply: (act: Act) => Promise<void>;
  /**
   * Puts back what the step replaced, after the step or its replacement failed. Returns the state after that, or
   * undefined if nothing had been touched. Throws a DeploymentError if it could not be put back.
   */
  readonly undo?: (act: Act) => Promise<Undone | undefined>;
  /** Discards what the step replaced, once the stage has seen that the replacement works. Throws a DeploymentError. */
  readonly conclude?: (act: Act) => Promise<void>;
}

/** A line of a plan that changes nothing. */
export interface Note {
  readonly host: string;
  readonly about: About;
  readonly why: Reason;
  /** The host on which it is observed, if that is another one: a manager sees whether a node is Ready. */
  readonly at?: string;
  /** As in a step, if a container will be created later. */
  readonly image?: readonly string[];
}

/** A change that cannot be known yet. */
export interface Later extends Note {
  /** The stage that will make it, if that is another one. */
  readonly stage?: string;
}

/**
 * A condition that no step brings about but that must become true before the stage is settled; after the deadline,
 * `failure` is thrown.
 */
export interface Awaited extends Note {
  readonly failure: Failure;
}

/**
 * What a stage found: the missing steps, what is up to date, what cannot be known yet, what is awaited, and the
 * failures that keep it from continuing.
 */
export class Plan {
  readonly steps: Step[] = [];
  readonly satisfied: Note[] = [];
  readonly later: Later[] = [];
  readonly awaited: Awaited[] = [];
  readonly failures: Failure[] = [];
  readonly warnings: Failure[] = [];
  /** The result, if the stage checks the whole deployment. */
  proof?: Proof;

  /** Nothing to change, nothing to wait for, nothing wrong. */
  get empty(): boolean {
    return this.steps.length === 0 && this.awaited.length === 0 && this.failures.length === 0;
  }
}

/** What makes two steps of two plans the same change. */
export const sameStep = (a: Pick<Note, 'host' | 'about'>, b: Pick<Note, 'host' | 'about'>): boolean =>
  a.host === b.host && sameAbout(a.about, b.about);

/** The hosts that a plan changes, or may change once more is known. */
export const hostsToChange = ({ steps, later }: Plan): string[] => [
  ...new Set([...steps, ...later].map(({ host }) => host)),
];
