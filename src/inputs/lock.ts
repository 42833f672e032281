import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import type { Holder } from '../host/lease.ts';
import { given, givenOrDefault, wrong, type Environment } from './given.ts';

/** How a run comes by the lock of its domain. */
export interface LockWish {
  readonly holder: Holder;
  /** How long it waits for whoever holds it, in milliseconds. */
  readonly waitMs: number;
  /** Id of the holder whose lock is to be broken. */
  readonly breaks?: string;
}

/** The longest that a job of GitHub may take, in minutes. */
const LONGEST = 6 * 60;

/** What the environment tells of it; what is wrong goes to `failures`. */
export function readLock(env: Environment, failures: Failure[]): LockWish {
  const [word, breaks] = [givenOrDefault(env, 'lock-wait'), given(env, 'break-lock')];
  const minutes = /^\d{1,3}$/.test(word) ? Number(word) : NaN;
  if (!(minutes <= LONGEST)) failures.push(wrong('lock-wait', `is ${show(word)}; must be whole minutes from 0 to ${LONGEST}`));
  if (breaks !== undefined && !/^\S+#\d+$/.test(breaks)) failures.push(wrong('break-lock', `is ${show(breaks)}; must be a holder as the message about the lock gives it, such as OWNER/REPOSITORY/RUN#ATTEMPT`));
  return { holder: holderIn(env), waitMs: minutes * 60_000, ...(breaks !== undefined && { breaks }) };
}

/** One run of a workflow is one holder, whatever its jobs; outside GitHub every process is one. */
function holderIn(env: Environment): Holder {
  const [repository, run, server, actor, workflow] = ['GITHUB_REPOSITORY', 'GITHUB_RUN_ID', 'GITHUB_SERVER_URL', 'GITHUB_ACTOR', 'GITHUB_WORKFLOW'].map((name) => (env[name] ?? '').replace(/[^\x21-\x7e]+/g, '-'));
  if (!repository || !run) return { id: `${hostname()}/${process.pid}-${randomBytes(4).toString('hex')}#1`, about: `${env['USER'] ?? 'somebody'} on ${hostname()}` };
  return { id: `${repository}/${run}#${env['GITHUB_RUN_ATTEMPT'] ?? '1'}`, about: `${workflow ?? ''} by ${actor ?? ''}: ${server ?? ''}/${repository}/actions/runs/${run}` };
}
