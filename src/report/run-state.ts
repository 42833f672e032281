import type { Cluster } from '../cluster/cluster.ts';
import { isMatrix, type Matrix } from '../cluster/matrix.ts';
import type { Failure } from '../engine/errors.ts';
import { sameStep } from '../engine/plan.ts';
import { OPERATIONS, type HostMode } from '../operations/index.ts';
import type { OnHosts } from '../operations/operation.ts';
import { Timeline } from './timeline.ts';
import type { Findings, ReportedEvent, ReportedStep } from './reported.ts';

/** What a run is about, as reported before any host is queried. */
export interface Subject {
  readonly mode: HostMode;
  readonly cluster: Cluster;
  /** Names of the hosts that are queried; by default, all of the cluster. */
  readonly asked?: readonly string[];
  /** The selected stages, in order. */
  readonly stages: readonly string[];
}

/** The state of one stage. */
export interface StageState {
  readonly stage: string;
  /** `left`: it had started when an earlier stage failed. */
  state: 'waiting' | 'started' | 'settled' | 'failed' | 'left';
  /** What it found before anything was changed. */
  found?: Findings;
  /** What it found in the end, once everything was as it should be. */
  settled?: Findings;
  readonly made: ReportedStep[];
  /** Steps that were started and failed: whether they changed their host is unknown. */
  readonly broken: ReportedStep[];
  /** Steps that failed, or that had no effect, and that were undone. */
  readonly undone: ReportedStep[];
  /** How long it took to apply, in milliseconds. */
  ms?: number;
}

const ENDS = { 'stage-settled': 'settled', 'stage-failed': 'failed', 'stage-left': 'left' } as const;

/** Whether the event ends the application of a stage, in whatever way. */
export const isEnd = (event: ReportedEvent): event is Extract<ReportedEvent, { is: keyof typeof ENDS }> =>
  event.is in ENDS;

/**
 * Everything that a run has reported so far; summary, outputs and closing lines are made from it. Contains only clean
 * text.
 */
export class RunState {
  subject?: Subject;
  readonly stages: StageState[] = [];
  /** Time from the first connection to the last fact, in milliseconds. */
  gatheredMs?: number;
  /** The latest proof. */
  matrix?: Matrix;
  /** The state observed although the run could not begin because some of its hosts do not answer. */
  seen?: Matrix;
  failures: readonly Failure[] = [];
  /** Sealed files for later jobs. */
  handedOver = 0;
  /** Sealed files with the logs of the hosts. */
  keptLogs = 0;
  ms = 0;
  /** Every command, by host and time. */
  readonly timeline = new Timeline();

  begin(subject: Subject): void {
    this.subject = subject;
    for (const stage of subject.stages) this.of(stage);
  }

  /** What its operation shows; undefined until the run has begun. */
  get shows(): OnHosts['shows'] | undefined {
    return this.subject && OPERATIONS[this.subject.mode].shows;
  }

  /** The state of that stage. */
  of(stage: string): StageState {
    const known = this.stages.find((part) => part.stage === stage);
    if (known) return known;
    const part: StageState = { stage, state: 'waiting', made: [], broken: [], undone: [] };
    this.stages.push(part);
    return part;
  }

  /** Records an event. */
  record(event: ReportedEvent): void {
    if (event.is === 'proof' && isMatrix(event.proof)) this.matrix = event.proof;
    if (!('stage' in event) || event.is === 'proof') return;
    const part = this.of(event.stage);
    if (event.is === 'planned') part.found = event.plan;
    if (event.is === 'stage-started') part.state = 'started';
    if (event.is === 'step-done') part.made.push(event.step);
    if (event.is === 'step-failed') part.broken.push(event.step);
    if (event.is === 'step-undone') undo(part, event.step);
    if (event.is === 'stage-settled') part.settled = event.plan;
    if (isEnd(event)) {
      part.state = ENDS[event.is];
      part.ms = event.ms;
    }
  }

  /** Number of steps that were made, over all stages. */
  get made(): number {
    return this.stages.reduce((sum, part) => sum + part.made.length, 0);
  }

  /** Number of steps that failed. */
  get broken(): number {
    return this.stages.reduce((sum, part) => sum + part.broken.length, 0);
  }

  /** Number of steps that were undone. */
  get undone(): number {
    return this.stages.reduce((sum, part) => sum + part.undone.length, 0);
  }

  /** Whether any host may differ from before the run. */
  get changed(): boolean {
    return this.made + this.broken + this.undone > 0;
  }

  /** All stages' findings of one kind, each with its stage. */
  found<K extends keyof Findings>(kind: K): { readonly stage: string; readonly finding: Findings[K][number] }[] {
    return this.stages.flatMap(({ stage, found }) => (found?.[kind] ?? []).map((finding) => ({ stage, finding })));
  }
}

/** A step that was undone counts as neither made nor broken: what it replaced is back in place. */
function undo(part: StageState, step: ReportedStep): void {
  for (const list of [part.made, part.broken]) {
    const at = list.findLastIndex((each) => sameStep(each, step));
    if (at !== -1) list.splice(at, 1);
  }
  part.undone.push(step);
}
