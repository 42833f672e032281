import type { Cluster } from '../cluster/cluster.ts';
import type { Jobs } from '../cluster/jobs.ts';
import type { Failure } from '../engine/errors.ts';
import type { Run } from '../engine/run.ts';
import type { Planned } from '../engine/runner.ts';
import type { Stage } from '../engine/stage.ts';

/** A text of the docs, in their two languages. */
interface Texts {
  readonly english: string;
  readonly chinese: string;
}

/** What every operation says of itself: inputs are read and checked by it. */
interface About {
  /** What it does, as an instruction without a full stop. */
  readonly does: Texts;
  /** Whom it is for besides whoever runs the action: workflows that deploy, or the jobs of a workflow alone. */
  readonly offered?: 'to workflows' | 'to jobs';
  /** The stages it is about: those that are selected, in their order, or the proof alone, whatever is selected. */
  readonly stages: 'selected' | 'proof';
  /** The hosts for which it must be given what reaching them takes. */
  readonly hosts: 'all' | 'first manager' | 'none';
  /** The secrets of the cluster that it must be given: what its stages take for that, what a host's record takes. */
  readonly secrets: 'to change' | 'to ask' | 'to record' | 'none';
  /**
   * The action that does it in a job of a workflow: its folder under actions/, what it brings about, in a line without
   * an end, and what one should know of it. Without it, stages' actions do.
   */
  readonly action?: { readonly name: string; readonly brings: Texts; readonly detail: Texts };
}

/** An operation that only answers what the cluster file says. */
export interface Offline extends About {
  /** `jobs` is how the jobs of a workflow divide the cluster. */
  readonly answer: (cluster: Cluster, jobs: Jobs) => Answer;
}

/** What is told of a cluster file: a line for people, outputs for the jobs of a workflow. */
export interface Answer {
  readonly line: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** An operation on the hosts. */
export interface OnHosts extends About {
  /** Whether it may change them: only then can it have the lock. */
  readonly changes: boolean;
  /** What it takes of what earlier jobs sealed: what their stages left, and what the hosts of others answered. */
  readonly takes: 'outputs and snapshots' | 'snapshots' | 'nothing';
  /** What it seals for later jobs. */
  readonly leaves: 'outputs and a snapshot' | 'a plan' | 'a snapshot' | 'nothing';
  /** What becomes of it where some hosts do not answer, but others do. */
  readonly silentHosts: 'are judged' | 'end it' | 'end it, once the others are judged';
  /** What becomes of the lock that its workflow's run may hold: the next job has it, and none after the proof. */
  readonly lock: 'handed on' | 'released' | 'left alone';
  /** What of it the report shows. */
  readonly shows: 'a plan and changes' | 'only a plan' | 'a proof' | 'nothing';
  /** Does it. Gives what does not hold at its end, and throws a DeploymentError where it does not come to that. */
  readonly run: (task: Task) => Promise<readonly Failure[]>;
  /** The last lines of the report, what is true now in the very last. */
  readonly closing: (ended: Ended) => readonly string[];
}

export type Operation = Offline | OnHosts;

/** What an operation on the hosts is given. */
export interface Task {
  readonly domain: string;
  /** The stages it is about. */
  readonly stages: readonly Stage[];
  /** Those of a whole deployment. */
  readonly all: readonly Stage[];
  readonly run: Run;
  /** Seals something for later jobs, where they take any. */
  readonly save: {
    readonly plan: (planned: readonly Planned[]) => Promise<void>;
    /** What its stages leave, and the snapshot. */
    readonly outputs: () => Promise<void>;
    /** What the host of this job answers now. */
    readonly snapshot: () => Promise<void>;
  };
  /** Lets the lock of this run end. Gives in how many seconds it does; undefined where the run holds none. */
  readonly releaseLock: () => Promise<number | undefined>;
  /** One line of the report. */
  readonly say: (line: string) => void;
}

/** What became of a run, as the report puts it: an operation says what of it stands last. */
export interface Ended {
  readonly domain: string;
  /** How many failures there were, in words; undefined for none. */
  readonly findings?: string;
  /** How many files were sealed for later jobs. */
  readonly saved: number;
  /** What was changed, and where it failed what stays and what was not begun. */
  readonly account: readonly string[];
  /** What was proven last, where it says how things are now. */
  readonly proof?: { readonly healthy: boolean; readonly verdict: string };
  /** What works, where it ended because some hosts do not answer. */
  readonly works: readonly string[];
}
