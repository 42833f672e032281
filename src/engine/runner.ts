import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, Fleet } from './ask.ts';
import { asker } from './asker.ts';
import { ending, lastLine, succeeded, type Outcome } from './outcome.ts';
import type { Command } from './command.ts';
import { failuresOf, Trouble, trouble, withoutConsequences, type Failure } from './errors.ts';
import type { Emit } from './events.ts';
import { ownPart } from './part.ts';
import { sameStep, type Note, type Plan, type Step } from './plan.ts';
import type { Stage } from './stage.ts';
import type { Views } from './views.ts';

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
  readonly views?: Views;
  /** Asked before the first change: whether the plan still holds, or others may have changed something since it was made. Throws a Trouble when nothing may be changed. */
  readonly permit?: () => Promise<'as planned' | 'plan again'>;
}

/** A stage with the plan that was made for it. */
export interface Planned {
  readonly stage: Stage;
  readonly plan: Plan;
}

/** Gathers the facts of all stages side by side and plans each. Changes nothing. */
export async function plan(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const plans = await look(stages, run);
  const planned = stages.flatMap((stage, i) => (plans[i] ? [{ stage, plan: plans[i] }] : []));
  for (const [i, { plan }] of planned.entries()) {
    if (planned.slice(0, i).some((before) => before.plan.steps.length > 0)) postpone(plan);
  }
  for (const { stage, plan } of planned) run.emit({ is: 'planned', stage: stage.name, plan });
  return planned;
}

/** What is awaited behind changes that are still to be made cannot be known yet. */
function postpone(plan: Plan): void {
  const awaited = plan.awaited.splice(0);
  const notes = awaited.filter((note, i) => awaited.findIndex((other) => sameStep(other, note)) === i);
  plan.later.push(...notes.map(({ host, what }) => ({ host, what, why: 'after the changes before it' })));
}

/**
 * Applies what is missing, stage by stage, until each stage's plan is empty. Nothing is changed when any stage already
 * knows that it cannot go on. Gives the steps that were applied, by stage. Throws a Trouble.
 */
export async function apply(stages: readonly Stage[], run: Run): Promise<Map<string, readonly Step[]>> {
  let planned = await planOnceOthersAllow(stages, run);
  if (planned.some(({ plan }) => !plan.empty) && (await permitted(run)) === 'plan again') planned = await planOnceOthersAllow(stages, run);
  const applied = new Map<string, readonly Step[]>();
  let stale = false;
  for (const { stage, plan } of planned) {
    const steps = await applyStage(stage, stale ? undefined : plan, run);
    applied.set(stage.name, steps);
    stale ||= steps.length > 0;
  }
  return applied;
}

const permitted = async (run: Run): Promise<'as planned' | 'plan again'> => (run.permit ? run.permit() : 'as planned');

/** The plans of stages that can go on. Where a run takes some hosts' part, others may be in the middle of theirs: they are given as long as the stages themselves. */
async function planOnceOthersAllow(stages: readonly Stage[], run: Run): Promise<Planned[]> {
  const deadline = Date.now() + Math.max(...stages.map(({ settleMs }) => settleMs));
  for (;;) {
    const planned = await plan(stages, run);
    const failures = withoutConsequences(planned.flatMap(({ plan }) => plan.failures));
    if (failures.length === 0) return planned;
    // What looks wrong may be another run in the middle of its work.
    if ((await permitted(run)) === 'plan again') continue;
    const leftMs = deadline - Date.now();
    const ofOthers = failures.every(({ host }) => host !== undefined && run.hosts?.has(host) === false);
    const [first] = planned;
    if (!ofOthers || leftMs <= 0 || !first) throw new Trouble(failures);
    run.emit({ is: 'waiting', stage: first.stage.name, notes: failures.map(asNote), leftMs });
    await pause(first.stage, run);
  }
}

async function applyStage(stage: Stage, known: Plan | undefined, run: Run): Promise<readonly Step[]> {
  const started = Date.now();
  const applied: Step[] = [];
  run.emit({ is: 'stage-started', stage: stage.name });
  try {
    let current = known ?? (await lookAt(stage, run));
    if (current.failures.length > 0) throw new Trouble(current.failures);
    while (!current.empty) {
      const batch = nextBatch(current.steps);
      await applyBatch(stage, batch, applied, run);
      current = await settle(stage, batch, run);
    }
    run.emit({ is: 'stage-settled', stage: stage.name, plan: current, applied, ms: Date.now() - started });
    return applied;
  } catch (thrown) {
    run.emit({ is: 'stage-failed', stage: stage.name, failures: failuresOf(thrown), applied, ms: Date.now() - started });
    throw thrown;
  }
}

/** Looks at the stages side by side. A connection lost meanwhile is thrown: what it left unknown says nothing of the host. */
async function look(stages: readonly Stage[], run: Run): Promise<Plan[]> {
  const lost = new Map<string, Failure>();
  const watched: Fleet = {
    async run(host, command) {
      const outcome = await run.fleet.run(host, command);
      if (outcome.ended === 'lost') lost.set(host, lostWhileLooking(host, outcome.reason));
      return outcome;
    },
  };
  const ask = asker(watched, run.emit, run.views);
  const plans = await Promise.all(stages.map((stage) => stage.look(ask)));
  if (lost.size > 0) throw new Trouble([...lost.values()]);
  return plans.map((plan) => ownPart(plan, run.hosts, run.views));
}

async function lookAt(stage: Stage, run: Run): Promise<Plan> {
  const [plan] = await look([stage], run);
  if (!plan) throw new Error(`${stage.name} gave no plan`);
  return plan;
}

const lostWhileLooking = (host: string, reason: string): Failure => ({
  code: 'connection-lost',
  host,
  what: 'the connection was lost while its state was read',
  evidence: reason,
  remedy: LOST_REMEDY,
});

const LOST_REMEDY = 'See that the host is up and reachable, then run again: the state is gathered anew and the rest is done.';

/** Every step that has no lane, and the first of each lane. */
function nextBatch(steps: readonly Step[]): Step[] {
  const lanes = new Set<string>();
  return steps.filter((step) => {
    if (step.lane === undefined) return true;
    if (lanes.has(step.lane)) return false;
    lanes.add(step.lane);
    return true;
  });
}

/** Applies the steps side by side; all of them finish, then all failures are thrown together. */
async function applyBatch(stage: Stage, batch: readonly Step[], applied: Step[], run: Run): Promise<void> {
  const again = batch.filter((step) => applied.some((done) => sameStep(done, step)));
  if (again.length > 0) throw new Trouble(again.map((step) => unsettled(stage, { host: step.host, what: step.what, why: `needed again: ${step.why}` })));
  stopIfCancelled(stage, run);
  const results = await Promise.allSettled(batch.map((step) => applyStep(stage, step, run)));
  results.forEach((result, i) => {
    const step = batch[i];
    if (result.status === 'fulfilled' && step) applied.push(step);
  });
  const failures = results.flatMap((result) => (result.status === 'rejected' ? failuresOf(result.reason) : []));
  if (failures.length > 0) throw new Trouble(failures);
}

async function applyStep(stage: Stage, step: Step, run: Run): Promise<void> {
  const started = Date.now();
  run.emit({ is: 'step-started', stage: stage.name, step });
  try {
    await step.apply(actor(stage, run));
    run.emit({ is: 'step-done', stage: stage.name, step, ms: Date.now() - started });
  } catch (thrown) {
    run.emit({ is: 'step-failed', stage: stage.name, step, ms: Date.now() - started, failures: failuresOf(thrown) });
    throw thrown;
  }
}

/** Looks until the applied steps are no longer missing and nothing is awaited; past the deadline that is a failure. */
async function settle(stage: Stage, batch: readonly Step[], run: Run): Promise<Plan> {
  const deadline = Date.now() + stage.settleMs;
  for (;;) {
    const current = await lookAt(stage, run);
    const missing = current.steps.filter((step) => batch.some((done) => sameStep(done, step)));
    if (missing.length === 0 && current.awaited.length === 0 && current.failures.length === 0) return current;
    stopIfCancelled(stage, run);
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      throw new Trouble([...current.failures, ...current.awaited.map((note) => note.failure), ...missing.map((step) => unsettled(stage, step))]);
    }
    const notes = [...missing, ...current.awaited, ...current.failures.map(asNote)];
    run.emit({ is: 'waiting', stage: stage.name, notes, leftMs });
    await pause(stage, run);
  }
}

/** Until the next look; a run that is cancelled meanwhile ends. */
async function pause(stage: Stage, run: Run): Promise<void> {
  await sleep(run.lookEveryMs ?? 500, undefined, { ...(run.signal && { signal: run.signal }) }).catch(() => stopIfCancelled(stage, run));
}

const asNote = (failure: Failure): Note => ({ host: failure.host ?? '', what: failure.what, why: failure.evidence ?? failure.code });

function unsettled(stage: Stage, note: Note): Failure {
  return {
    code: 'not-settled',
    host: note.host,
    what: `${stage.name}: "${note.what}" was carried out, but is still missing after ${stage.settleMs / 1000} s`,
    evidence: note.why,
    remedy: 'Look at the host, then run again: what is done stays and is found again.',
  };
}

function stopIfCancelled(stage: Stage, run: Run): void {
  if (run.signal?.aborted !== true) return;
  throw trouble({ code: 'cancelled', what: `cancelled in ${stage.name}`, remedy: 'Run again: what was done stays, and the rest is done then.' });
}

/** What a step of this stage may do on the hosts. */
function actor(stage: Stage, run: Run): Act {
  const attempt = (host: string, command: Command): Promise<Outcome> => run.fleet.run(host, command);
  return {
    // Each question of a step is asked anew: what it did meanwhile may have changed the answer.
    ask: (host, question) => asker(run.fleet, run.emit, run.views).ask(host, question),
    reaches: (host) => run.views?.reaches(host) ?? true,
    learn: (secret) => run.emit({ is: 'secret', secret }),
    attempt,
    async run(host, command) {
      const outcome = await attempt(host, command);
      if (succeeded(outcome)) return outcome.stdout;
      throw trouble(commandFailure(host, command, outcome));
    },
    say: (host, text) => run.emit({ is: 'said', stage: stage.name, host, text }),
  };
}

/** The failure of a command that did not exit with 0. */
export function commandFailure(host: string, command: Command, outcome: Outcome): Failure {
  const what = `could not ${command.purpose}: ${ending(outcome)}`;
  const evidence = lastLine(outcome);
  const shared = { host, what, ...(evidence !== '' && { evidence }) };
  switch (outcome.ended) {
    case 'lost':
      return { ...shared, code: 'connection-lost', remedy: LOST_REMEDY };
    case 'timed-out':
      return { ...shared, code: 'command-timed-out', remedy: 'See what keeps the host busy, then run again.' };
    case 'killed':
    case 'exited':
      return { ...shared, code: 'command-failed', remedy: 'Mend what the evidence names, then run again.' };
  }
}
