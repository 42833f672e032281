import { sameAbout, type About, type Reason } from './about.ts';
import type { Act } from './ask.ts';
import type { Failure, RemovedLog } from './errors.ts';
import type { Proof } from './proof.ts';

/** What is true after a step was undone. */
export interface Undone {
  /** In words that follow "undone: ". */
  readonly words: string;
  /** What the one said that was taken away for it. */
  readonly removed?: RemovedLog;
}

/** One change on one host, with its reason. */
export interface Step {
  readonly host: string;
  /** `+` makes, `~` changes, `-` removes. */
  readonly change: '+' | '~' | '-';
  /** What is done, and to what. */
  readonly about: About;
  /** Why it is needed. */
  readonly why: Reason;
  /** The ids that the image of which it makes a container may have, where the host or an archive knows it. */
  readonly image?: readonly string[];
  /** True where it only takes back a right that runs of this deployment gave: it belongs to every plan. */
  readonly revokes?: true;
  /** Steps of one serial group are done one at a time, each settled before the next; steps without one side by side. */
  readonly serialGroup?: string;
  /** The host on which it is done, where that is another: a manager promotes a node. */
  readonly at?: string;
  /** Carries it out. Throws a DeploymentError when it did not work. */
  readonly apply: (act: Act) => Promise<void>;
  /**
   * Puts back what the step replaced, when the step or what came of it failed. Gives what is true then, or undefined
   * where nothing had been touched. Throws a DeploymentError when it could not be put back.
   */
  readonly undo?: (act: Act) => Promise<Undone | undefined>;
  /** Lets go of what the step replaced, once the stage has seen that the new one works. Throws a DeploymentError. */
  readonly conclude?: (act: Act) => Promise<void>;
}

/** A line of a plan that changes nothing. */
export interface Note {
  readonly host: string;
  readonly about: About;
  readonly why: Reason;
  /** The host at which it is seen, where that is another: a manager sees whether a node is Ready. */
  readonly at?: string;
  /** As of a step, where what comes later is a container. */
  readonly image?: readonly string[];
}

/** A change that cannot be known yet. */
export interface Later extends Note {
  /** The stage that will make it, where that is another. */
  readonly stage?: string;
}

/**
 * Something that no step brings about but that must come true before the stage is settled; past the deadline it is
 * `failure`.
 */
export interface Awaited extends Note {
  readonly failure: Failure;
}

/**
 * What a stage found: the missing steps, what is already so, what cannot be known yet, what is awaited, and what
 * forbids going on.
 */
export class Plan {
  readonly steps: Step[] = [];
  readonly satisfied: Note[] = [];
  readonly later: Later[] = [];
  readonly awaited: Awaited[] = [];
  readonly failures: Failure[] = [];
  readonly warnings: Failure[] = [];
  /** What a stage that proves the whole found. */
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
