import { actor } from './actor.ts';
import { applyStage, StageAbandoned } from './apply-stage.ts';
import { DeploymentError, failuresOf, type Failure } from './errors.ts';
import { hostsToChange, type Step } from './plan.ts';
import type { Run } from './run.ts';
import { RunCache } from './run-cache.ts';
import { stateOf, type ScheduledStage } from './schedule.ts';

/**
 * Applies each stage as soon as its schedule lets it begin; once one fails, no other begins (docs/adr/0018). Returns
 * the applied steps by stage. Throws a DeploymentError.
 */
export async function applyStages(stages: readonly ScheduledStage[], run: Run): Promise<Map<string, readonly Step[]>> {
  const applied = new Map<string, readonly Step[]>();
  const failures: Failure[] = [];
  const cache = new RunCache();
  const stagesNamed = (names: readonly string[]): ScheduledStage[] =>
    stages.filter(({ stage }) => names.includes(stage.name));
  const stagesIn = (state: ScheduledStage['state']): ScheduledStage[] => stages.filter((each) => each.state === state);

  const begin = async (scheduled: ScheduledStage): Promise<void> => {
    const { stage, schedule } = scheduled;
    const before = stagesNamed(schedule.settlesAfter);
    const next = stages.find((each) => each.stage.name === schedule.plansAlong);
    const changing = (): void => stages.forEach((each) => (each.plan = undefined));
    scheduled.state = 'under way';
    try {
      applied.set(stage.name, await applyStage(scheduled, { ...run, cache, before, next, changing }));
      scheduled.end('settled');
    } catch (thrown) {
      if (!(thrown instanceof StageAbandoned)) failures.push(...failuresOf(thrown));
      scheduled.end(thrown instanceof StageAbandoned ? 'abandoned' : 'failed');
    }
  };

  for (const { stage, plan } of stages) {
    if (plan && hostsToChange(plan).length > 0) stage.prefetch?.(plan, actor(stage, run, cache)).catch(() => undefined);
  }
  for (;;) {
    for (const scheduled of stagesIn('waiting')) {
      if (failures.length > 0) scheduled.end('abandoned');
      else if (stateOf(stagesNamed(scheduled.schedule.beginsAfter)) === 'settled') void begin(scheduled);
    }
    if (stagesIn('under way').length === 0) break;
    await Promise.race(stagesIn('under way').map(({ ended }) => ended));
  }
  if (failures.length > 0) throw new DeploymentError(failures);
  return applied;
}
