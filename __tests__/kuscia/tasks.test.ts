import { expect, test } from '@jest/globals';
import type { Task } from '../../src/kuscia/registry.ts';
import { tasksInWords, tasksOn } from '../../src/kuscia/tasks.ts';

const task = (name: string, job = name.replace(/-t\d+$/, ''), phase = 'Running', replica = 'a'): Task => ({
  job,
  task: name,
  replica,
  phase,
});

test.each<[string, Task[], string]>([
  ['one', [task('job-a-t1')], '1 task of 1 job: job-a (job-a-t1)'],
  [
    'two of one job',
    [task('job-a-t1'), task('job-a-t2', 'job-a', 'Pending')],
    '2 tasks of 1 job: job-a (job-a-t1; job-a-t2, Pending)',
  ],
  ['two of two jobs', [task('job-a-t1'), task('job-b-t1')], '2 tasks of 2 jobs: job-a (job-a-t1), job-b (job-b-t1)'],
  ['one whose job is unknown', [task('x-t1', '')], '1 task of 1 job: the job of x-t1'],
  [
    'many',
    Array.from({ length: 11 }, (_, i) => task(`j${i}-t1`)),
    `11 tasks of 11 jobs: ${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `j${i} (j${i}-t1)`).join(', ')} and 3 more`,
  ],
])('tasks in words: %s', (_, tasks, words) => {
  expect(tasksInWords(tasks)).toBe(words);
});

test('the tasks of one replica among all, and whether it reports them', () => {
  const known = {
    tasks: [task('x-t1'), task('y-t1', 'y', 'Running', 'b')],
    nodes: [
      { name: 'a', ready: true },
      { name: 'b', ready: false },
    ],
  };
  expect(tasksOn(known, 'a')).toEqual({ tasks: [task('x-t1')], reported: true });
  expect(tasksOn(known, 'b')).toMatchObject({ tasks: [{ task: 'y-t1' }], reported: false });
  expect(tasksOn(known, 'c')).toEqual({ tasks: [], reported: false });
});
