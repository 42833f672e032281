import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Act } from '../engine/ask.ts';
import { deploymentError, type Failure, type DeploymentError } from '../engine/errors.ts';
import { mapFact, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { registry, type Registry } from '../kuscia/registry.ts';
import { tasksInWords, tasksOn, type OnReplica } from '../kuscia/tasks.ts';

/** How often tasks are checked while waiting for them, and how often that is reported, in milliseconds. */
const CHECK_EVERY_MS = 5_000;
const REPORT_EVERY_MS = 30_000;

/** The clock used while waiting for tasks; tests have their own. */
export interface Clock {
  now(): number;
}

/**
 * The warning of a plan that stops a replica on which tasks run; undefined if none does, or if no API answers. All
 * replicas share one registry, so the first known answer is used.
 */
export function tasksWarning(
  { cluster, taskWaitMs }: Deployment,
  host: Host,
  replica: string,
  registries: readonly Fact<Registry>[],
): Failure | undefined {
  const known = registries.flatMap((fact) => valueOf(fact) ?? [])[0];
  if (known === undefined) return undefined;
  const { tasks, reported } = tasksOn(known, replica);
  if (tasks.length === 0) return undefined;
  return {
    code: 'tasks-running',
    host: host.name,
    what: `tasks are running on ${replica}, which this plan stops`,
    evidence: `kubectl get pods -n ${cluster.domain}: ${tasksInWords(tasks)}`,
    remedy: remedyOf(taskWaitMs, reported),
  };
}

function remedyOf(taskWaitMs: number, reported: boolean): string {
  if (!reported)
    return 'Its node is not Ready, so their end cannot be observed: they are not waited for, and end with the replica.';
  if (taskWaitMs === 0)
    return (
      'They end with the replica, at once (task-wait: 0). Set task-wait to a number of minutes to wait for them, or ' +
      'run again when no job is running.'
    );
  return (
    `The replica is stopped once they have ended, after ${inWords(taskWaitMs)} at most (task-wait); tasks ` +
    'still running then end with it. Set task-wait to more minutes if they take longer.'
  );
}

/**
 * Before a running replica is stopped: waits until no task runs on it, and reports what it waits for and which tasks it
 * ends when `task-wait` is over. `works` says whether the replica was found to work. If no API answers about tasks, a
 * replica that does not work is stopped anyway; for one that works a DeploymentError is thrown in the end, because no
 * task may be ended unseen. New tasks that are scheduled to the replica meanwhile are waited for as well.
 */
export async function awaitTasks(
  act: Act,
  deployment: Deployment,
  host: Host,
  replica: string,
  works = true,
  clock: Clock = Date,
): Promise<void> {
  const { cluster, taskWaitMs } = deployment;
  const deadline = clock.now() + taskWaitMs;
  for (let reportedAt = -Infinity; ;) {
    const seen = await findTasks(act, cluster, host, replica);
    const leftMs = deadline - clock.now();
    if (seen.is === 'present' && seen.value.tasks.length === 0) {
      if (reportedAt > -Infinity) act.say(host.name, `no tasks are left on ${replica}`);
      return;
    }
    const noAnswer = whyNot(seen);
    const reason = reasonToStop(seen, works, leftMs, taskWaitMs);
    if (reason !== undefined) {
      if (seen.is !== 'present' && works && taskWaitMs > 0) throw tasksUnknown(host, replica, noAnswer);
      act.say(
        host.name,
        seen.is === 'present'
          ? `ends ${tasksInWords(seen.value.tasks)} (${reason})`
          : `stops ${replica} without knowing which tasks run on it (${reason})`,
      );
      return;
    }
    if (clock.now() - reportedAt >= REPORT_EVERY_MS) {
      reportedAt = clock.now();
      const what =
        seen.is === 'present'
          ? `for ${tasksInWords(seen.value.tasks)}`
          : `until it is known which tasks run on ${replica} (${noAnswer})`;
      act.say(host.name, `waits ${what}; ${inWords(leftMs)} left`);
    }
    await act.pause(Math.min(CHECK_EVERY_MS, leftMs));
  }
}

/** Why the replica is stopped although tasks may run on it; undefined while waiting for them. */
function reasonToStop(seen: Fact<OnReplica>, works: boolean, leftMs: number, taskWaitMs: number): string | undefined {
  if (seen.is === 'present' && !seen.value.reported) return 'its node is not Ready, so their end cannot be observed';
  if (seen.is !== 'present' && !works) return 'no API answers, and the replica does not work anyway';
  if (leftMs > 0) return undefined;
  return taskWaitMs === 0 ? 'task-wait: 0' : 'task-wait is over';
}

/**
 * The tasks on the host's own replica, as reported by it or, if it does not answer, by any other replica: they share
 * one database.
 */
async function findTasks(act: Act, cluster: Cluster, host: Host, replica: string): Promise<Fact<OnReplica>> {
  const own = await act.ask(host.name, registry(cluster.domain));
  const others =
    own.is === 'present'
      ? []
      : hostsWith(cluster, 'replica').filter(({ name }) => name !== host.name && act.reaches(name));
  const answers = await Promise.all(others.map(({ name }) => act.ask(name, registry(cluster.domain))));
  return mapFact(answers.find(({ is }) => is === 'present') ?? own, (known) => tasksOn(known, replica));
}

const tasksUnknown = (host: Host, replica: string, evidence: string): DeploymentError =>
  deploymentError({
    code: 'tasks-running',
    host: host.name,
    what: `cannot tell whether tasks are running on ${replica}, which is to be stopped`,
    evidence,
    remedy:
      `Check that the API of a replica answers (docker exec CONTAINER kubectl get nodes on ${host.name}), which ` +
      'needs the database, then run again. With task-wait: 0 the replica is stopped without waiting, whatever runs ' +
      'on it.',
  });

/** `9 min 30 s`, `45 s`. */
function inWords(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  const rest = seconds % 60 === 0 && seconds > 0 ? '' : `${seconds % 60} s`;
  return [seconds >= 60 ? `${Math.floor(seconds / 60)} min` : '', rest].filter((part) => part !== '').join(' ');
}
