import type { Cluster } from '../cluster/cluster.ts';
import type { Jobs } from '../cluster/jobs.ts';
import type { Failure } from '../engine/errors.ts';
import type { Run } from '../engine/run.ts';
import type { Planned } from '../engine/runner.ts';
import type { Stage } from '../engine/stage.ts';

/** A text of the docs in both languages. */
interface Texts {
  readonly english: string;
  readonly chinese: string;
}

/** What every operation declares; inputs are read and checked accordingly. */
interface About {
  /** What it does, in the imperative and without a full stop. */
  readonly does: Texts;
  /**
   * Who may choose it: by default users of the action, `to workflows` also workflows that deploy, `to jobs` only the
   * jobs of a workflow.
   */
  readonly offered?: 'to workflows' | 'to jobs';
  /** The stages it uses: the selected ones in their order, or only the proof, whatever is selected. */
  readonly stages: 'selected' | 'proof';
  /** The hosts that it connects to: the inputs needed to reach them must be given. */
  readonly hosts: 'all' | 'first manager' | 'none';
  /**
   * The secrets of the cluster that must be given: those that its stages need to change or to query hosts, or those
   * needed to record a host.
   */
  readonly secrets: 'to change' | 'to ask' | 'to record' | 'none';
  /**
   * The action that runs it in a job of a workflow: its folder under actions/, its result in one line without a full
   * stop, and what users should know about it. By default, the actions of the stages run it.
   */
  readonly action?: { readonly name: string; readonly brings: Texts; readonly detail: Texts };
}

/** An operation that only reads the cluster file and connects to no host. */
export interface Offline extends About {
  /** `jobs` says how the jobs of a workflow divide the cluster. */
  readonly answer: (cluster: Cluster, jobs: Jobs) => Answer;
}

/** What is reported about a cluster file: a line for people, outputs for the jobs of a workflow. */
export interface Answer {
  readonly line: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** An operation on the hosts. */
export interface OnHosts extends About {
  /** Whether it may change them; only then can it take the lock. */
  readonly changes: boolean;
  /**
   * What it takes from earlier jobs: the outputs of their stages, and snapshots of hosts that this job does not reach.
   */
  readonly takes: 'outputs and snapshots' | 'snapshots' | 'nothing';
  /** What it seals for later jobs. */
  readonly leaves: 'outputs and a snapshot' | 'a plan' | 'a snapshot' | 'nothing';
  /** What happens if some hosts do not answer but others do. */
  readonly silentHosts: 'are judged' | 'stop the run' | 'stop the run after the others are judged';
  /**
   * What happens to the lock that its workflow run may hold; `handed on` gives it to the next job, except after the
   * proof.
   */
  readonly lock: 'handed on' | 'released' | 'left alone';
  /** What the report shows of it. */
  readonly shows: 'a plan and changes' | 'only a plan' | 'a proof' | 'nothing';
  /** Runs it. Returns the failures found at its end; throws a DeploymentError if it cannot get that far. */
  readonly run: (task: Task) => Promise<readonly Failure[]>;
  /** The last lines of the report; the very last one says what is true now. */
  readonly closing: (ended: Ended) => readonly string[];
}

export type Operation = Offline | OnHosts;

/** What an operation on the hosts is given. */
export interface Task {
  readonly domain: string;
  /** The stages to run. */
  readonly stages: readonly Stage[];
  /** All stages of a deployment. */
  readonly all: readonly Stage[];
  readonly run: Run;
  /** Seals artifacts for later jobs; does nothing if this run hands none over. */
  readonly save: {
    readonly plan: (planned: readonly Planned[]) => Promise<void>;
    /** The outputs of its stages, and the snapshot. */
    readonly outputs: () => Promise<void>;
    /** The present answers of this job's host. */
    readonly snapshot: () => Promise<void>;
  };
  /** Releases the lock of this run. Returns the seconds until it ends; undefined if the run holds none. */
  readonly releaseLock: () => Promise<number | undefined>;
  /** Writes one line of the report. */
  readonly say: (line: string) => void;
}

/** The result of a run in the words of the report; an operation chooses from it what is shown last. */
export interface Ended {
  readonly domain: string;
  /** The number of failures, in words; undefined if there were none. */
  readonly findings?: string;
  /** How many files were sealed for later jobs. */
  readonly saved: number;
  /** What was changed; if the run failed, also what stays and what was not started. */
  readonly account: readonly string[];
  /** The last proof, if it still describes the present state. */
  readonly proof?: { readonly healthy: boolean; readonly verdict: string };
  /** What works, if the run ended because some hosts do not answer. */
  readonly works: readonly string[];
}
