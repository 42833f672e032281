import type { Registry, Task } from './registry.ts';

/**
 * The tasks on one replica, and whether it still reports; if not, their end cannot be observed.
 */
export interface OnReplica {
  readonly tasks: readonly Task[];
  /**
   * Whether its node is Ready: an agent that does not report cannot report the end of a task (observed: such a pod
   * stays Running forever).
   */
  readonly reported: boolean;
}

/** The domain's tasks on one replica, by its name. */
export function tasksOn({ tasks, nodes }: Pick<Registry, 'tasks' | 'nodes'>, replica: string): OnReplica {
  return {
    tasks: tasks.filter((task) => task.replica === replica),
    reported: nodes.some(({ name, ready }) => name === replica && ready),
  };
}

/** Number of jobs listed by name; further jobs are only counted. */
const NAMED = 8;

/**
 * `2 tasks of 2 jobs: job-a (job-a-t1), job-b (job-b-t1, Pending)`; for an unknown job only its tasks are listed.
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
