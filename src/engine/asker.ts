import type { Ask, Fleet } from './ask.ts';
import { bundle } from './bundle.ts';
import { shellLine } from './command.ts';
import type { Emit } from './events.ts';
import { answer, type Fact, type Question } from './fact.ts';
import type { Outcome } from './outcome.ts';

interface Pending {
  readonly question: Question<unknown>;
  readonly settle: (outcome: Outcome) => void;
  /** Ends the waiting where there will be no outcome at all, which is a defect. */
  readonly fail: (thrown: unknown) => void;
}

/** Asks through a fleet. Questions put to one host in the same turn travel together, and the same question travels once. */
export function asker(fleet: Fleet, emit: Emit): Ask {
  const waiting = new Map<string, Pending[]>();

  const flush = (host: string): void => {
    const pending = waiting.get(host) ?? [];
    waiting.delete(host);
    for (const group of travelGroups(pending)) send(fleet, host, group).catch((thrown: unknown) => group.forEach((p) => p.fail(thrown)));
  };

  return {
    ask<T>(host: string, question: Question<T>): Promise<Fact<T>> {
      if (!question.command.reads) throw new Error(`asked with a command that changes something: ${question.command.purpose}`);
      return new Promise((resolve, reject) => {
        const pending: Pending = { question, settle: (outcome) => resolve(answer(question, outcome)), fail: reject };
        const queue = waiting.get(host);
        if (queue) queue.push(pending);
        else {
          waiting.set(host, [pending]);
          setImmediate(flush, host);
        }
      });
    },
    learn: (secret) => emit({ is: 'secret', secret }),
  };
}

/** Those that can share a round trip first, then each that needs standard input or a terminal by itself. */
function travelGroups(pending: readonly Pending[]): Pending[][] {
  const alone = (p: Pending): boolean => p.question.command.stdin !== undefined || p.question.command.terminal === true;
  const together = pending.filter((p) => !alone(p));
  return [...(together.length > 0 ? [together] : []), ...pending.filter(alone).map((p) => [p])];
}

async function send(fleet: Fleet, host: string, group: readonly Pending[]): Promise<void> {
  const byLine = Map.groupBy(group, (p) => shellLine(p.question.command));
  const askers = [...byLine.values()];
  const commands = askers.flatMap((same) => same.slice(0, 1)).map((p) => p.question.command);
  const [only] = commands;
  if (only === undefined) return;
  if (commands.length === 1) {
    const outcome = await fleet.run(host, only);
    for (const p of group) p.settle(outcome);
    return;
  }
  const bundled = bundle(commands);
  const outcomes = bundled.split(await fleet.run(host, bundled.command));
  askers.forEach((same, i) => same.forEach((p) => p.settle(outcomes[i] ?? { ended: 'lost', reason: 'no answer', stdout: '', stderr: '' })));
}
