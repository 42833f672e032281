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

/** What a run needs: the hosts, somewhere to tell what happens, and a signal that cancels it. */
export interface Run {
  readonly fleet: Fleet;
  readonly emit: Emit;
  readonly signal?: AbortSignal;
  /** Time between two looks while something settles, in milliseconds; 500 unless told. */
  readonly lookEveryMs?: number;
  /** Hosts whose part of each stage this run takes; all of them unless told. */
  readonly hosts?: ReadonlySet<string>;
  /** What is known of hosts that the fleet does not reach; it reaches all unless told. */
  readonly snapshots?: Snapshots;
  /**
   * Asked before the first change: whether the plan still holds, or others may have changed something since it was
   * made. Throws a DeploymentError when nothing may be changed.
   */
  readonly permit?: () => Promise<'as planned' | 'plan again'>;
  /** The changes that were agreed to: no other is made. Any may be made unless told. */
  readonly approved?: readonly Change[];
  /** Makes words of steps for failures that name them; they are named by their data unless told. */
  readonly words?: Words;
}

/**
 * Looks at the stages side by side. A connection lost meanwhile is thrown: what it left unknown says nothing of the
 * host. Stages that tolerate it judge what the other hosts say.
 */
export async function planStages(stages: readonly Stage[], run: Run, forWhat?: string): Promise<Plan[]> {
  const lost = new Map<string, Failure>();
  const watched: Fleet = {
    async run(host, command) {
      const outcome = await run.fleet.run(host, command, forWhat);
      if (outcome.ended === 'lost') lost.set(host, outcome.failure ?? lostWhileLooking(host, outcome.reason));
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

/** Looks at one stage, as `look` does; at another along with it, where that is given. */
export async function planStage(
  stage: Stage,
  run: Run,
  along?: Stage,
): Promise<readonly [plan: Plan, along: Plan | undefined]> {
  const [plan, other] = await planStages(along ? [stage, along] : [stage], run, stage.name);
  if (!plan) throw new Error(`${stage.name} gave no plan`);
  return [plan, other];
}

const lostWhileLooking = (host: string, reason: string): Failure => ({
  code: 'connection-lost',
  host,
  what: 'the connection was lost while its state was read',
  evidence: reason,
  remedy: LOST_REMEDY,
});

/**
 * Until the next look, sooner after the first ones. Beside other work, on which the hosts' time is better spent, it is
 * longer, and over when that is. A run that is cancelled meanwhile ends.
 */
export async function pause(stage: Stage, run: Run, looks = Infinity, beside?: Promise<unknown>): Promise<void> {
  const everyMs = run.lookEveryMs ?? 500;
  const over = new AbortController();
  void beside?.then(() => over.abort());
  const signal = AbortSignal.any([over.signal, ...(run.signal ? [run.signal] : [])]);
  await sleep(beside ? 4 * everyMs : Math.min(everyMs, 100 * looks), undefined, { signal }).catch(() =>
    stopIfCancelled(stage, run),
  );
}

/** A failure that may pass, as what is waited for. */
export const asNote = (failure: Failure): Note => ({
  host: failure.host ?? '',
  about: { kind: 'pass', thing: 'failure', name: failure.what },
  why: seen(failure.evidence ?? failure.code),
});

/** Throws when the run was cancelled. */
export function stopIfCancelled(stage: Stage, run: Run): void {
  if (run.signal?.aborted !== true) return;
  throw deploymentError({
    code: 'cancelled',
    what: `cancelled in ${stage.name}`,
    remedy: 'Run again. Completed changes are kept; the next run applies the rest.',
  });
}
