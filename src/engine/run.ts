import { setTimeout as sleep } from 'node:timers/promises';
import { seen, type Words } from './about.ts';
import type { Fleet } from './ask.ts';
import { asker } from './asker.ts';
import { LOST_REMEDY } from './command-failure.ts';
import { DeploymentError, deploymentError, type Failure } from './errors.ts';
import type { Change } from './approved.ts';
import type { Emit } from './events.ts';
import { ownPart } from './part.ts';
import type { Note, Plan } from './plan.ts';
import type { Stage } from './stage.ts';
import type { Snapshots } from './snapshots.ts';

/** What a run needs: the hosts, a receiver of its events, the words of its failures, and a signal that cancels it. */
export interface Run {
  readonly fleet: Fleet;
  readonly emit: Emit;
  /** Puts steps into words, for failures that name them. */
  readonly words: Words;
  readonly signal?: AbortSignal;
  /** Milliseconds between two checks while something settles; 500 by default. */
  readonly checkEveryMs?: number;
  /** Hosts for which this run carries out each stage; all by default. */
  readonly hosts?: ReadonlySet<string>;
  /** Recorded answers of hosts that the fleet does not reach; by default it reaches all. */
  readonly snapshots?: Snapshots;
  /**
   * Called before the first change. Says whether the plan still holds, or must be made again because others may have
   * changed something. Throws a DeploymentError if nothing may be changed.
   */
  readonly permit?: () => Promise<'as planned' | 'plan again'>;
  /** The approved changes: no others are made. By default any change may be made. */
  readonly approved?: readonly Change[];
}

/**
 * Plans the stages in parallel. Throws if a connection is lost meanwhile: facts that are unknown for that reason say
 * nothing about the host. Stages that tolerate a lost connection judge what the other hosts answer.
 */
export async function planStages(stages: readonly Stage[], run: Run, forWhat?: string): Promise<Plan[]> {
  const lost = new Map<string, Failure>();
  const watched: Fleet = {
    async run(host, command) {
      const outcome = await run.fleet.run(host, command, forWhat);
      if (outcome.ended === 'lost') lost.set(host, outcome.failure ?? lostWhileReading(host, outcome.reason));
      return outcome;
    },
  };
  const ask = asker(watched, run.emit, run.snapshots);
  const plans = await Promise.all(stages.map((stage) => stage.plan(ask)));
  for (const [i, { proof }] of plans.entries())
    if (proof) run.emit({ is: 'proof', stage: stages[i]?.name ?? '', proof });
  const failures = [...lost.values()];
  if (failures.length > 0 && !stages.every(({ toleratesLoss }) => toleratesLoss)) throw new DeploymentError(failures);
  for (const plan of plans)
    plan.awaited.unshift(
      ...failures.map((failure) => ({
        host: failure.host ?? '',
        about: { kind: 'answer', thing: 'host' } as const,
        why: seen(failure.evidence ?? failure.what),
        failure,
      })),
    );
  return plans.map((plan) => ownPart(plan, run.hosts, run.snapshots));
}

/** Plans one stage, as `planStages` does, together with another one if that is given. */
export async function planStage(
  stage: Stage,
  run: Run,
  along?: Stage,
): Promise<readonly [plan: Plan, along: Plan | undefined]> {
  const [plan, other] = await planStages(along ? [stage, along] : [stage], run, stage.name);
  if (!plan) throw new Error(`${stage.name} returned no plan`);
  return [plan, other];
}

const lostWhileReading = (host: string, reason: string): Failure => ({
  code: 'connection-lost',
  host,
  what: 'the connection was lost while the state of the host was read',
  evidence: reason,
  remedy: LOST_REMEDY,
});

/**
 * Waits until the next check, less after the first ones. While other work is under way, on which the hosts' time is
 * better spent, it waits longer, but no longer than that work takes. Throws if the run is cancelled meanwhile.
 */
export async function pause(stage: Stage, run: Run, attempt = Infinity, otherWork?: Promise<unknown>): Promise<void> {
  const everyMs = run.checkEveryMs ?? 500;
  const otherWorkEnded = new AbortController();
  void otherWork?.then(() => otherWorkEnded.abort());
  const signal = AbortSignal.any([otherWorkEnded.signal, ...(run.signal ? [run.signal] : [])]);
  await sleep(otherWork ? 4 * everyMs : Math.min(everyMs, 100 * attempt), undefined, { signal }).catch(() =>
    stopIfCancelled(stage, run),
  );
}

/** A failure that may go away by itself, as something to wait for. */
export const asNote = (failure: Failure): Note => ({
  host: failure.host ?? '',
  about: { kind: 'pass', thing: 'failure', name: failure.what },
  why: seen(failure.evidence ?? failure.code),
});

/** Throws if the run was cancelled. */
export function stopIfCancelled(stage: Stage, run: Run): void {
  if (run.signal?.aborted !== true) return;
  throw deploymentError({
    code: 'cancelled',
    what: `cancelled in ${stage.name}`,
    remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
  });
}
