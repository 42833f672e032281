import type { Registry, Task } from './registry.ts';

/**
 * What is known of the tasks on one replica: it reports them, or it has stopped reporting, so that nothing tells when
 * they end.
 */
export interface OnReplica {
  readonly tasks: readonly Task[];
  /**
   * Whether its node is Ready: an agent that does not report cannot say that a task has ended (seen: such a pod stays
   * Running for ever).
   */
  readonly reported: boolean;
}

/** The tasks of the domain on one replica, by its name. */
export function tasksOn({ tasks, nodes }: Pick<Registry, 'tasks' | 'nodes'>, replica: string): OnReplica {
  return {
    tasks: tasks.filter((task) => task.replica === replica),
    reported: nodes.some(({ name, ready }) => name === replica && ready),
  };
}

/** So many jobs are named; of more it is only said how many. */
const NAMED = 8;

/**
 * `2 tasks of 2 jobs: job-a (job-a-t1), job-b (job-b-t1, Pending)`; a job that is not known any more is left out of the
 * names, its tasks are not.
 */
export function tasksInWords(tasks: readonly Task[]): string {
  const jobs = [...Map.groupBy(tasks, ({ job, task }) => job || task).values()];
  const named = jobs.slice(0, NAMED).map((some) => jobInWords(some));
  const more = jobs.length - named.length;
  return (
    `${counted(tasks.length, 'task')} of ${counted(jobs.length, 'job')}: ` +
    `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  );
}

function jobInWords(tasks: readonly Task[]): string {
  const [first] = tasks;
  const each = tasks.map(({ task, phase }) => `${task}${phase === 'Running' ? '' : `, ${phase}`}`).join('; ');
  return first?.job ? `${first.job} (${each})` : `the job of ${each}`;
}

const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
