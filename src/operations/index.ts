import { apply } from './apply.ts';
import { check } from './check.ts';
import { divide } from './divide.ts';
import type { OnHosts, Operation } from './operation.ts';
import { plan } from './plan.ts';
import { snapshot } from './snapshot.ts';
import { unlock } from './unlock.ts';
import { verify } from './verify.ts';

/** All operations. Each name is also a value of the input `mode`. */
export const OPERATIONS = { apply, plan, verify, check, divide, snapshot, unlock };

export type Mode = keyof typeof OPERATIONS;

/** The modes that connect to hosts. */
export type HostMode = { [M in Mode]: (typeof OPERATIONS)[M] extends OnHosts ? M : never }[Mode];

/** Whether the mode connects to hosts. */
export const asksHosts = (mode: Mode): mode is HostMode => 'run' in OPERATIONS[mode];

/** The modes whose operations match. */
export const modes = (matches: (operation: Operation) => boolean): readonly Mode[] =>
  (Object.keys(OPERATIONS) as Mode[]).filter((mode) => matches(OPERATIONS[mode]));
