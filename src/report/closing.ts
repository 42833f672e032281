import { OPERATIONS } from '../operations/index.ts';
import type { Ended, OnHosts } from '../operations/operation.ts';
import { count, duration } from './layout.ts';
import { stillWorks, verdict } from './matrix.ts';
import type { StageState, RunState } from './run-state.ts';

/** The last lines of a run: what was done, what was not and, on the very last line, the resulting state. */
export function closingLines(runState: RunState): readonly string[] {
  const { subject } = runState;
  if (!subject) return ['Nothing was started and nothing was changed.'];
  const operation: OnHosts = OPERATIONS[subject.mode];
  return operation.closing(ended(runState, subject.cluster.domain));
}

function ended(runState: RunState, domain: string): Ended {
  const { failures, handedOver, matrix, seen } = runState;
  return {
    domain,
    ...(failures.length > 0 && { findings: count(failures.length, 'finding') }),
    saved: handedOver,
    account: failures.length > 0 ? stopped(runState) : [done(runState)],
    ...(matrix && { proof: { healthy: matrix.healthy, verdict: verdict(matrix) } }),
    works: seen ? [stillWorks(seen)] : [],
  };
}

function done(runState: RunState): string {
  const { cluster, stages } = runState.subject ?? { cluster: { domain: '' }, stages: [] };
  const unchecked = runState.matrix ? '' : `; ${stages.join(', ')} settled, other stages were not checked`;
  return `${cluster.domain}: ${count(runState.made, 'change')} made in ${duration(runState.ms)}${unchecked}`;
}

function stopped(runState: RunState): string[] {
  const failed = runState.stages.find(({ state }) => state === 'failed');
  const waiting = runState.stages.filter(({ state }) => state === 'waiting').map(({ stage }) => stage);
  const notStarted =
    failed && waiting.length > 0 ? [`No stage after ${failed.stage} was started (${waiting.join(', ')}).`] : [];
  return [...notStarted, whatRemains(runState)];
}

function whatRemains(runState: RunState): string {
  const perStage = (part: StageState): string => `${part.stage} ${part.made.length}`;
  const stages = runState.stages.filter(({ made }) => made.length > 0).map(perStage);
  const stays =
    stages.length === 0
      ? ''
      : `${count(runState.made, 'change')} made before the failure ${runState.made === 1 ? 'is' : 'are'} kept ` +
        `(${stages.join(', ')}).`;
  const undone =
    runState.undone === 0
      ? ''
      : `${count(runState.undone, 'change')} undone: ` +
        `what ${runState.undone === 1 ? 'it' : 'they'} replaced is back in place.`;
  const broken =
    runState.broken === 0
      ? ''
      : `${count(runState.broken, 'change')} failed; the next run checks what ` +
        `${runState.broken === 1 ? 'it' : 'they'} left behind.`;
  return [stays, undone, broken].filter((text) => text !== '').join(' ') || 'Nothing was changed.';
}

/** The closing line of a stage: `swarm-join: 2 changes in 0.9 s`. */
export function stageClosing({ stage, state, made, broken, undone, ms = 0, settled }: StageState): string {
  const changes = count(made.length, 'change');
  if (state === 'failed')
    return (
      `${stage}: failed after ${duration(ms)}, ${changes} made` +
      (undone.length > 0 ? `, ${undone.length} undone` : '') +
      (broken.length > 0 ? `, ${broken.length} failed` : '')
    );
  if (state === 'left') return `${stage}: abandoned after ${duration(ms)}, ${changes} made`;
  return made.length > 0
    ? `${stage}: ${changes} in ${duration(ms)}`
    : `${stage}: nothing to change, ${settled?.satisfied.length ?? 0} satisfied (${duration(ms)})`;
}
