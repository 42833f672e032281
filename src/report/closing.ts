import { count, duration } from './layout.ts';
import { stillWorks, verdict } from './matrix.ts';
import type { StageStory, Story } from './story.ts';

/** The last lines of a run: what was done, what was not, and in the very last what is true now. */
export function closingLines(story: Story): string[] {
  const { subject, failures } = story;
  if (!subject) return ['Nothing was started and nothing was changed.'];
  if (subject.mode === 'plan') return [planned(story), ...seen(story)];
  if (subject.mode === 'verify') return [looked(story)];
  if (subject.mode === 'look') return [recorded(story)];
  if (subject.mode === 'unlock') return ['Nothing but the lock was touched (mode: unlock).'];
  return failures.length > 0 ? stopped(story) : [done(story), ...(story.matrix ? [verdict(story.matrix)] : [])];
}

function planned(story: Story): string {
  if (story.failures.length === 0) return 'Nothing was changed (mode: plan).';
  return (
    `Nothing was changed (mode: plan); ${count(story.failures.length, 'finding')} must be mended before these ` +
    'changes can be made.'
  );
}

function looked(story: Story): string {
  if (story.matrix) return verdict(story.matrix);
  return (
    `Whether ${story.subject?.cluster.domain} is healthy is not known: it could not be checked. Nothing was ` +
    'changed (mode: verify).'
  );
}

/** What works, where the run was refused because not every host answers. */
const seen = ({ seen: matrix }: Story): string[] => (matrix ? [stillWorks(matrix)] : []);

function recorded({ subject, failures, handedOver }: Story): string {
  const kept =
    failures.length > 0 || handedOver === 0
      ? 'Nothing was handed over'
      : `${subject?.cluster.domain}: what was answered is handed over, sealed`;
  return `${kept}; nothing was changed (mode: look).`;
}

function done(story: Story): string {
  const { cluster, stages } = story.subject ?? { cluster: { domain: '' }, stages: [] };
  const last = story.matrix ? '' : `; ${stages.join(', ')} settled, other stages were not looked at`;
  return `${cluster.domain}: ${count(story.made, 'change')} made in ${duration(story.ms)}${last}`;
}

function stopped(story: Story): string[] {
  const failed = story.stages.find(({ state }) => state === 'failed');
  const waiting = story.stages.filter(({ state }) => state === 'waiting').map(({ stage }) => stage);
  const notStarted =
    failed && waiting.length > 0 ? [`Nothing after ${failed.stage} was started (${waiting.join(', ')}).`] : [];
  return [
    ...notStarted,
    whatStays(story),
    ...(story.matrix && !story.matrix.healthy ? [verdict(story.matrix)] : []),
    ...seen(story),
  ];
}

function whatStays(story: Story): string {
  const by = (part: StageStory): string => `${part.stage} ${part.made.length}`;
  const stages = story.stages.filter(({ made }) => made.length > 0).map(by);
  const stays =
    stages.length === 0
      ? ''
      : `${count(story.made, 'change')} made before (${stages.join(', ')}) ` +
        `${story.made === 1 ? 'stays and is' : 'stay and are'} found again by the next run.`;
  const undone =
    story.undone === 0
      ? ''
      : `${count(story.undone, 'change')} undone: what ${story.undone === 1 ? 'it' : 'they'} replaced runs again.`;
  const broken =
    story.broken === 0
      ? ''
      : `${count(story.broken, 'change')} did not end well; the next run looks again at what ` +
        `${story.broken === 1 ? 'it' : 'they'} left.`;
  return [stays, undone, broken].filter((text) => text !== '').join(' ') || 'Nothing was changed.';
}

/** The closing line of a stage: `swarm-join: 2 changes in 0.9 s`. */
export function stageClosing({ stage, state, made, broken, undone, ms = 0, settled }: StageStory): string {
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
