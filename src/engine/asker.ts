import type { Ask, Fleet } from './ask.ts';
import { bundle, travels } from './bundle.ts';
import type { Command } from './command.ts';
import type { Emit } from './events.ts';
import { gather } from './fact.ts';
import type { Outcome } from './outcome.ts';
import { answered } from './request.ts';
import { Secret } from './secret.ts';
import type { Snapshots } from './snapshots.ts';

interface Pending {
  readonly command: Command;
  readonly settle: (outcome: Outcome) => void;
  /** Rejects if there will be no outcome at all, which is a bug. */
  readonly fail: (thrown: unknown) => void;
}

/**
 * Asks hosts through a fleet. Queries to one host in the same turn share a round trip, and the same command is sent
 * only once. Its answer is reused, so that all stages that are planned together judge the same state; or, for steps
 * that change it meanwhile, only until it is sent.
 */
export function asker(
  fleet: Fleet,
  emit: Emit,
  snapshots?: Snapshots,
  reused: 'always' | 'until sent' = 'always',
): Ask {
  const outcomes = new Map<string, Promise<Outcome>>();
  const queues = new Map<string, Pending[]>();

  const flush = (host: string): void => {
    const pending = queues.get(host) ?? [];
    queues.delete(host);
    if (reused === 'until sent') for (const { command } of pending) outcomes.delete(keyOf(host, command));
    for (const group of roundTrips(pending))
      send(fleet, host, group).catch((thrown: unknown) => group.forEach((p) => p.fail(thrown)));
  };

  const enqueue = (host: string, command: Command): Promise<Outcome> =>
    new Promise((settle, fail) => {
      const queue = queues.get(host);
      if (queue) queue.push({ command, settle, fail });
      else {
        queues.set(host, [{ command, settle, fail }]);
        setImmediate(flush, host);
      }
    });

  const reaches = (host: string): boolean => snapshots?.reaches(host) ?? true;

  const outcomeOf = async (host: string, command: Command): Promise<Outcome> => {
    if (snapshots && !reaches(host)) return snapshots.answered(host, command);
    const outcome = await enqueue(host, command);
    snapshots?.record(host, command, outcome);
    return outcome;
  };

  const once = (host: string, command: Command): Promise<Outcome> => {
    refuseIfUnsuitable(command);
    const key = keyOf(host, command);
    const outcome = outcomes.get(key) ?? outcomeOf(host, command);
    outcomes.set(key, outcome);
    return outcome;
  };

  return {
    ask(host, query) {
      // At once, where the mistake is.
      refuseIfUnsuitable(query.command);
      return gather(query, (command) => once(host, command));
    },
    learn: (secret) => emit({ is: 'secret', secret }),
    reaches,
  };
}

function refuseIfUnsuitable({ reads, stdout, purpose }: Command): void {
  if (!reads) throw new Error(`asked with a command that changes something: ${purpose}`);
  if (stdout) throw new Error(`asked with a command whose output goes elsewhere: ${purpose}`);
}

function keyOf(host: string, { program, args, stdin }: Command): string {
  return JSON.stringify([host, program, args, stdin instanceof Secret ? stdin.reveal() : stdin]);
}

/** First one group of all that can share a round trip, then each of the others alone. */
function roundTrips(pending: readonly Pending[]): Pending[][] {
  const together = pending.filter(({ command }) => travels(command));
  return [
    ...(together.length > 0 ? [together] : []),
    ...pending.filter(({ command }) => !travels(command)).map((p) => [p]),
  ];
}

async function send(fleet: Fleet, host: string, group: readonly Pending[]): Promise<void> {
  const [first, ...others] = group;
  if (first === undefined) return;
  if (others.length === 0) return first.settle(await answered(first.command, (command) => fleet.run(host, command)));
  const bundled = bundle(group.map(({ command }) => command));
  const outcomes = bundled.split(await fleet.run(host, bundled.command));
  group.forEach((p, i) => p.settle(outcomes[i] ?? { ended: 'lost', reason: 'no answer', stdout: '', stderr: '' }));
}
