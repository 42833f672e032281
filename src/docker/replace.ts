import type { Act } from '../engine/ask.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { valueOf, whyNot } from '../engine/fact.ts';
import type { Step } from '../engine/plan.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { ending, lastLine, succeeded } from '../engine/outcome.ts';
import { startContainer } from './commands.ts';
import { container, lastLogLines, describeStop, type Container } from './containers.ts';
import { discard, formerName, putBack, rehearse, setAside } from './replacement.ts';
import type { ContainerPair, Wanted } from './wanted.ts';

/** Starts the stopped container. */
export const startStopped = async (act: Act, wanted: Wanted, current: Container): Promise<void> =>
  wanted.start
    ? wanted.start(act, current)
    : void (await act.run(wanted.host, startContainer(wanted.name, current.state)));

/** Creates the new container after a rehearsal has shown that it can be created; the present one is kept aside. */
export function replacement(
  wanted: Wanted,
  { current, former }: ContainerPair,
): Pick<Step, 'apply' | 'undo' | 'conclude' | 'image'> {
  const { host, name, stopping } = wanted;
  const image = wanted.image && { image: wanted.image };
  // A container that never ran is not kept, and an unproven one is not kept in place of its predecessor.
  const kept = former ?? (current?.state === 'created' ? undefined : current);
  if (kept === undefined) return { ...image, apply: (act) => recreate(act, wanted, current) };
  let hasStopped = kept === former;
  return {
    ...image,
    async apply(act) {
      await wanted.prepare(act);
      await rehearseFirst(act, wanted, kept === current ? current : undefined);
      await wanted.proof?.(act);
      await wanted.beforeStop?.(act);
      hasStopped = true;
      if (current) await act.run(host, kept === current ? setAside(name, stopping) : discard(name, stopping));
      await wanted.create(act);
    },
    async undo(act) {
      const lines = (hasStopped && valueOf(await act.ask(host, lastLogLines(name)))) || [];
      const words = hasStopped
        ? await restoreFormer(act, wanted, kept === former || ['running', 'restarting', 'paused'].includes(kept.state))
        : undefined;
      await wanted.takeBack?.(act, kept);
      if (words === undefined) return undefined;
      const last = lines.at(-1)?.slice(0, 300);
      return last === undefined
        ? { words }
        : { words: `${words}; last log line of the new one: ${last}`, removed: { container: name, lines } };
    },
    conclude: async (act) => void (await act.run(host, discard(formerName(name), stopping))),
  };
}

async function recreate(act: Act, wanted: Wanted, current: Container | undefined): Promise<void> {
  await wanted.prepare(act);
  if (current) await act.run(wanted.host, discard(wanted.name, wanted.stopping));
  await wanted.create(act);
}

async function rehearseFirst(act: Act, wanted: Wanted, current: Container | undefined): Promise<void> {
  const { host, name, kind } = wanted;
  const command = rehearse(name, wanted.rehearsal(current));
  const outcome = await act.attempt(host, command);
  if (succeeded(outcome)) return;
  if (outcome.ended === 'lost') throw deploymentError(commandFailure(host, command, outcome));
  await wanted.refused?.(act);
  throw deploymentError({
    code: 'replacement-impossible',
    host,
    what: `the new ${kind} ${name} could not be started, so the current one was kept`,
    evidence: `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: 'Fix the problem shown in the evidence, then run again.',
  });
}

/** How long a container that was put back may take to work, in milliseconds. */
const RESTORE_MS = 150_000;
const CHECK_EVERY_MS = 1_000;

/**
 * Puts the former container back and waits until it works. Returns the resulting state in words. Throws a
 * DeploymentError if it does not work.
 */
export async function restoreFormer(act: Act, wanted: Wanted, starts: boolean): Promise<string> {
  const { host, name, kind, stopping } = wanted;
  const command = putBack(name, stopping, starts);
  const outcome = await act.attempt(host, command);
  if (outcome.ended === 'lost')
    throw deploymentError({
      ...commandFailure(host, command, outcome),
      remedy: `Once ${host} answers, run again: the next run finishes or undoes the replacement.`,
    });
  if (!succeeded(outcome)) throw deploymentError(notRestored(wanted, `${ending(outcome)}: ${lastLine(outcome)}`));
  if (outcome.stdout.trim() === 'nothing') return 'there was no container before';
  if (!starts) return `the former ${kind} is back; it was not running before either`;
  for (const deadline = Date.now() + RESTORE_MS; ; await act.pause(CHECK_EVERY_MS)) {
    const fault = await wanted.fault(act);
    if (fault === undefined) return `the former ${kind} ${name} runs again and works`;
    if (Date.now() > deadline) throw deploymentError(notRestored(wanted, fault));
  }
}

const notRestored = ({ host, name, kind }: Wanted, evidence: string): Failure => ({
  code: 'replacement-not-undone',
  host,
  what: `the former ${kind} ${name} was put back but does not work`,
  evidence,
  remedy:
    `Check docker ps --all and docker logs ${name} on ${host}. The next run (mode: apply) puts it back or ` +
    'replaces it.',
});

/** What is wrong with a container according to its own state; undefined if it runs. */
export async function notRunning(act: Act, host: string, name: string): Promise<string | undefined> {
  const fact = await act.ask(host, container(name));
  if (fact.is !== 'present') return whyNot(fact, 'absent');
  return fact.value.state === 'running' ? undefined : (describeStop(fact.value) ?? fact.value.state);
}
