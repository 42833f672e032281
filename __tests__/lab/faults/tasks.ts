import { seenOn } from '../deployment/seen.ts';
import { comesTrue, MORE_MEMORY, REPLICA, REPLICAS, type Fault } from './fault.ts';

/** Lets a task run on node-02 for so long, and waits until it does. */
async function runs(job: string, seconds: number): Promise<void> {
  await seenOn('node-02', `docker exec ${REPLICA} kuscia stand-in-task ${job} ${seconds}`);
  await comesTrue(
    'node-02',
    `docker exec ${REPLICA} kubectl get pods -n alice --no-headers | grep -q '${job}-t1-0 .* Running '`,
  );
}

const warned = (remedy: RegExp, job: string) => ({
  code: 'KS-1405',
  host: 'node-02',
  evidence: new RegExp(`${REPLICA}-node-02.*1 task of 1 job: ${job} \\(${job}-t1\\)`),
  remedy,
});
/** No task is left over for the next row. */
const over = (): Promise<unknown> =>
  comesTrue('node-02', `[ -z "$(docker exec ${REPLICA} kubectl get pods -n alice --no-headers 2>/dev/null)" ]`);

/** Replicas that are to be stopped while tasks run on them. */
export const TASK_FAULTS: readonly Fault[] = [
  {
    name: 'task-on-a-replica-to-be-replaced-planned',
    on: 'deployed cluster',
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    cluster: MORE_MEMORY,
    make: () => runs('job-plan', 40),
    mend: over,
    ends: { completes: /1 warning/, warns: [warned(/after 10 min at most \(task-wait\)/, 'job-plan')] },
  },
  {
    name: 'task-on-a-replica-to-be-replaced',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    cluster: MORE_MEMORY,
    replaces: REPLICAS,
    make: () => runs('job-wait', 60),
    mend: over,
    ends: {
      completes:
        /waits for 1 task of 1 job: job-wait \(job-wait-t1\); \d+ min( \d+ s)? left[^]*no tasks are left on root-kuscia-autonomy-alice-node-02[^]*node-02 +done +replace replica/,
      warns: [warned(/after 10 min at most/, 'job-wait')],
    },
  },
  {
    name: 'task-is-ended-with-its-replica',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    cluster: MORE_MEMORY,
    replaces: REPLICAS,
    inputs: () => Promise.resolve({ 'task-wait': '0' }),
    make: () => runs('job-end', 600),
    mend: over,
    ends: {
      completes: /ends 1 task of 1 job: job-end \(job-end-t1\) \(task-wait: 0\)/,
      warns: [warned(/at once \(task-wait: 0\)/, 'job-end')],
    },
  },
];
