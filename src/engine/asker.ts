import type { Ask, Fleet } from './ask.ts';
import { bundle, travels } from './bundle.ts';
import type { Command } from './command.ts';
import type { Emit } from './events.ts';
import { answer, type Fact, type Query } from './fact.ts';
import type { Outcome } from './outcome.ts';
import { Secret } from './secret.ts';
import type { Snapshots } from './snapshots.ts';

interface Pending {
  readonly command: Command;
  readonly settle: (outcome: Outcome) => void;
  /** Ends the waiting where there will be no outcome at all, which is a defect. */
  readonly fail: (thrown: unknown) => void;
}

/**
 * Asks through a fleet, for one look at the hosts. Questions put to one host in the same turn travel together; the same
 * command is run once, and what it answered stands for the whole look, so that all stages judge the same state.
 */
export function asker(fleet: Fleet, emit: Emit, snapshots?: Snapshots): Ask {
  const outcomes = new Map<string, Promise<Outcome>>();
  const queues = new Map<string, Pending[]>();

  const flush = (host: string): void => {
    const pending = queues.get(host) ?? [];
    queues.delete(host);
    for (const group of travelGroups(pending))
      send(fleet, host, group).catch((thrown: unknown) => group.forEach((p) => p.fail(thrown)));
  };

  const put = (host: string, command: Command): Promise<Outcome> =>
    new Promise((settle, fail) => {
      const queue = queues.get(host);
      if (queue) queue.push({ command, settle, fail });
      else {
        queues.set(host, [{ command, settle, fail }]);
        setImmediate(flush, host);
      }
    });

  const reaches = (host: string): boolean => snapshots?.reaches(host) ?? true;

  const answered = async (host: string, command: Command): Promise<Outcome> => {
    if (snapshots && !reaches(host)) return snapshots.answered(host, command);
    const outcome = await put(host, command);
    snapshots?.record(host, command, outcome);
    return outcome;
  };

  return {
    ask<T>(host: string, question: Query<T>): Promise<Fact<T>> {
      const { command } = question;
      if (!command.reads) throw new Error(`asked with a command that changes something: ${command.purpose}`);
      if (command.stdout) throw new Error(`asked with a command whose output goes elsewhere: ${command.purpose}`);
      const stdin = command.stdin instanceof Secret ? command.stdin.reveal() : command.stdin;
      const key = JSON.stringify([host, command.program, command.args, stdin]);
      const outcome = outcomes.get(key) ?? answered(host, command);
      outcomes.set(key, outcome);
      return outcome.then((ended) => answer(question, ended));
    },
    learn: (secret) => emit({ is: 'secret', secret }),
    reaches,
  };
}

/** Those that can share a round trip first, then each of the others by itself. */
function travelGroups(pending: readonly Pending[]): Pending[][] {
  const together = pending.filter(({ command }) => travels(command));
  return [
    ...(together.length > 0 ? [together] : []),
    ...pending.filter(({ command }) => !travels(command)).map((p) => [p]),
  ];
}

async function send(fleet: Fleet, host: string, group: readonly Pending[]): Promise<void> {
  const [first, ...others] = group;
  if (first === undefined) return;
  if (others.length === 0) return first.settle(await fleet.run(host, first.command));
  const bundled = bundle(group.map(({ command }) => command));
  const outcomes = bundled.split(await fleet.run(host, bundled.command));
  group.forEach((p, i) => p.settle(outcomes[i] ?? { ended: 'lost', reason: 'no answer', stdout: '', stderr: '' }));
}
