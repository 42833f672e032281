import { count, duration } from './layout.ts';
import { stillWorks, verdict } from './matrix.ts';
import type { StageState, RunState } from './run-state.ts';

/** The last lines of a run: what was done, what was not, and in the very last what is true now. */
export function closingLines(runState: RunState): string[] {
  const { subject, failures } = runState;
  if (!subject) return ['Nothing was started and nothing was changed.'];
  if (subject.mode === 'plan') return [planned(runState), ...seen(runState)];
  if (subject.mode === 'verify') return [looked(runState)];
  if (subject.mode === 'snapshot') return [recorded(runState)];
  if (subject.mode === 'unlock') return ['Nothing but the lock was touched (mode: unlock).'];
  return failures.length > 0
    ? stopped(runState)
    : [done(runState), ...(runState.matrix ? [verdict(runState.matrix)] : [])];
}

function planned(runState: RunState): string {
  if (runState.failures.length === 0) return 'Nothing was changed (mode: plan).';
  return (
    `Nothing was changed (mode: plan); ${count(runState.failures.length, 'finding')} must be mended before these ` +
    'changes can be made.'
  );
}

function looked(runState: RunState): string {
  if (runState.matrix) return verdict(runState.matrix);
  return (
    `Whether ${runState.subject?.cluster.domain} is healthy is not known: it could not be checked. Nothing was ` +
    'changed (mode: verify).'
  );
}

/** What works, where the run was refused because not every host answers. */
const seen = ({ seen: matrix }: RunState): string[] => (matrix ? [stillWorks(matrix)] : []);

function recorded({ subject, failures, handedOver }: RunState): string {
  const kept =
    failures.length > 0 || handedOver === 0
      ? 'Nothing was handed over'
      : `${subject?.cluster.domain}: what was answered is handed over, sealed`;
  return `${kept}; nothing was changed (mode: snapshot).`;
}

function done(runState: RunState): string {
  const { cluster, stages } = runState.subject ?? { cluster: { domain: '' }, stages: [] };
  const last = runState.matrix ? '' : `; ${stages.join(', ')} settled, other stages were not looked at`;
  return `${cluster.domain}: ${count(runState.made, 'change')} made in ${duration(runState.ms)}${last}`;
}

function stopped(runState: RunState): string[] {
  const failed = runState.stages.find(({ state }) => state === 'failed');
  const waiting = runState.stages.filter(({ state }) => state === 'waiting').map(({ stage }) => stage);
  const notStarted =
    failed && waiting.length > 0 ? [`Nothing after ${failed.stage} was started (${waiting.join(', ')}).`] : [];
  return [
    ...notStarted,
    whatStays(runState),
    ...(runState.matrix && !runState.matrix.healthy ? [verdict(runState.matrix)] : []),
    ...seen(runState),
  ];
}

function whatStays(runState: RunState): string {
  const by = (part: StageState): string => `${part.stage} ${part.made.length}`;
  const stages = runState.stages.filter(({ made }) => made.length > 0).map(by);
  const stays =
    stages.length === 0
      ? ''
      : `${count(runState.made, 'change')} made before (${stages.join(', ')}) ` +
        `${runState.made === 1 ? 'stays and is' : 'stay and are'} found again by the next run.`;
  const undone =
    runState.undone === 0
      ? ''
      : `${count(runState.undone, 'change')} undone: what ${runState.undone === 1 ? 'it' : 'they'} replaced runs again.`;
  const broken =
    runState.broken === 0
      ? ''
      : `${count(runState.broken, 'change')} did not end well; the next run looks again at what ` +
        `${runState.broken === 1 ? 'it' : 'they'} left.`;
  return [stays, undone, broken].filter((text) => text !== '').join(' ') || 'Nothing was changed.';
}

/** The closing line of a stage: `swarm-join: 2 changes in 0.9 s`. */
export function stageClosing({ stage, state, made, broken, undone, ms = 0, settled }: StageState): string {
  const changes = count(made.length, 'change');
  if (state === 'failed')
    return (
      `${stage}: failed after ${duration(ms)}, ${changes} ` +
      `made${undone.length > 0 ? `, ${undone.length} undone` : ''}${broken.length > 0 ? `, ${broken.length} did not end well` : ''}`
    );
  if (state === 'left') return `${stage}: left off after ${duration(ms)}, ${changes} made`;
  return made.length > 0
    ? `${stage}: ${changes} in ${duration(ms)}`
    : `${stage}: nothing to change, ${settled?.satisfied.length ?? 0} satisfied (${duration(ms)})`;
}
