import { apply } from './apply.ts';
import { check } from './check.ts';
import { divide } from './divide.ts';
import type { OnHosts, Operation } from './operation.ts';
import { plan } from './plan.ts';
import { snapshot } from './snapshot.ts';
import { unlock } from './unlock.ts';
import { verify } from './verify.ts';

/** Everything that a run can be asked to do. Each name is also the value of the input `mode`. */
export const OPERATIONS = { apply, plan, verify, check, divide, snapshot, unlock };

export type Mode = keyof typeof OPERATIONS;

/** The modes in which hosts are asked. */
export type HostMode = { [M in Mode]: (typeof OPERATIONS)[M] extends OnHosts ? M : never }[Mode];

/** Whether hosts are asked in that mode. */
export const asksHosts = (mode: Mode): mode is HostMode => 'run' in OPERATIONS[mode];

/** The modes of the operations that are so. */
export const modes = (are: (operation: Operation) => boolean): readonly Mode[] =>
  (Object.keys(OPERATIONS) as Mode[]).filter((mode) => are(OPERATIONS[mode]));
