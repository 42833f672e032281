import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { show } from '../cluster/problem.ts';
import type { Failure } from '../engine/errors.ts';
import type { Holder } from '../host/lease.ts';
import { given, invalidInput, type Environment } from './given.ts';
import { readWait } from './minutes.ts';

/** How a run acquires the lock of its domain. */
export interface LockInputs {
  readonly holder: Holder;
  /** How long to wait for another holder, in milliseconds. */
  readonly waitMs: number;
  /** Id of the holder whose lock to break. */
  readonly breaks?: string;
}

/** Reads it from the environment; adds what is wrong to `failures`. */
export function readLock(env: Environment, failures: Failure[]): LockInputs {
  const [waitMs, breaks] = [readWait(env, 'lock-wait', failures), given(env, 'break-lock')];
  if (breaks !== undefined && !/^\S+#\d+$/.test(breaks))
    failures.push(
      invalidInput(
        'break-lock',
        `is ${show(breaks)}; must be a holder as shown in the message about the lock, such as ` +
          `OWNER/REPOSITORY/RUN#ATTEMPT`,
      ),
    );
  return { holder: holderIn(env), waitMs, ...(breaks !== undefined && { breaks }) };
}

/** All jobs of a workflow run are one holder; outside GitHub every process is a separate holder. */
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
