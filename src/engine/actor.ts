import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, Fleet } from './ask.ts';
import { asker } from './asker.ts';
import type { Command } from './command.ts';
import { commandFailure } from './command-failure.ts';
import { deploymentError } from './errors.ts';
import { succeeded, type Outcome } from './outcome.ts';
import { stopIfCancelled, type Run } from './run.ts';
import type { RunCache } from './run-cache.ts';
import type { Stage } from './stage.ts';

/** What a step of this stage may do on the hosts. */
export function actor(stage: Stage, run: Run, cache: RunCache): Act {
  const attempt = (host: string, command: Command): Promise<Outcome> => run.fleet.run(host, command, stage.name);
  const fleet: Fleet = { run: attempt };
  const unsent = asker(fleet, run.emit, run.snapshots, 'until sent');
  return {
    ask: (host, query) => unsent.ask(host, query),
    reaches: (host) => run.snapshots?.reaches(host) ?? true,
    learn: (secret) => run.emit({ is: 'secret', secret }),
    attempt,
    async run(host, command) {
      const outcome = await attempt(host, command);
      if (succeeded(outcome)) return outcome.stdout;
      throw deploymentError(commandFailure(host, command, outcome));
    },
    pause: (ms) => sleep(ms, undefined, run.signal && { signal: run.signal }).catch(() => stopIfCancelled(stage, run)),
    say: (host, text) => run.emit({ is: 'said', stage: stage.name, host, text }),
    cached: (host, make) => cache.of(host, make),
  };
}
