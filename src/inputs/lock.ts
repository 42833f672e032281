import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import type { Holder } from '../host/lease.ts';
import { given, wrong, type Environment } from './given.ts';
import { waitOf } from './minutes.ts';

/** How a run comes by the lock of its domain. */
export interface LockWish {
  readonly holder: Holder;
  /** How long it waits for whoever holds it, in milliseconds. */
  readonly waitMs: number;
  /** Id of the holder whose lock is to be broken. */
  readonly breaks?: string;
}

/** What the environment tells of it; what is wrong goes to `failures`. */
export function readLock(env: Environment, failures: Failure[]): LockWish {
  const [waitMs, breaks] = [waitOf(env, 'lock-wait', failures), given(env, 'break-lock')];
  if (breaks !== undefined && !/^\S+#\d+$/.test(breaks))
    failures.push(
      wrong(
        'break-lock',
        `is ${show(breaks)}; must be a holder as the message about the lock gives it, such as ` +
          'OWNER/REPOSITORY/RUN#ATTEMPT',
      ),
    );
  return { holder: holderIn(env), waitMs, ...(breaks !== undefined && { breaks }) };
}

/** One run of a workflow is one holder, whatever its jobs; outside GitHub every process is one. */
function holderIn(env: Environment): Holder {
  const [repository, run, server, actor, workflow] = [
    'GITHUB_REPOSITORY',
    'GITHUB_RUN_ID',
    'GITHUB_SERVER_URL',
    'GITHUB_ACTOR',
    'GITHUB_WORKFLOW',
  ].map((name) => (env[name] ?? '').replace(/[^\x21-\x7e]+/g, '-'));
  if (!repository || !run)
    return {
      id: `${hostname()}/${process.pid}-${randomBytes(4).toString('hex')}#1`,
      about: `${env['USER'] ?? 'somebody'} on ${hostname()}`,
    };
  return {
    id: `${repository}/${run}#${env['GITHUB_RUN_ATTEMPT'] ?? '1'}`,
    about: `${workflow ?? ''} by ${actor ?? ''}: ${server ?? ''}/${repository}/actions/runs/${run}`,
  };
}
