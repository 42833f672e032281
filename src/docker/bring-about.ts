import type { Act } from '../engine/ask.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { mapFact, valueOf, type Fact } from '../engine/fact.ts';
import type { Plan, Step } from '../engine/plan.ts';
import { commandFailure } from '../engine/command-failure.ts';
import { ending, lastLine, succeeded } from '../engine/outcome.ts';
import { startContainer } from './commands.ts';
import { among, containers, lastLogLines, stoppedAs, type Container } from './containers.ts';
import {
  discard,
  formerName,
  putBack,
  rehearse,
  restoreRestartPolicy,
  setAside,
  type Rehearsal,
  type Stopping,
} from './replacement.ts';

/** What stands under a container's name, and what an interrupted replacement left aside. */
export interface ContainerPair {
  readonly current: Container | undefined;
  readonly former: Container | undefined;
}

/** Both of them among all containers of a host. */
export const standing = (all: Fact<readonly Container[]>, name: string): Fact<ContainerPair> =>
  mapFact(all, (each) => ({
    current: each.find((one) => one.name === name),
    former: each.find((one) => one.name === formerName(name)),
  }));

/** A container that a stage wants on a host. */
export interface Wanted {
  readonly host: string;
  readonly name: string;
  /** What it is, in words that go before its name: `replica`. */
  readonly kind: string;
  /** What the first start of it is called in a plan. */
  readonly creation: string;
  readonly serialGroup?: string;
  readonly stopping: Stopping;
  /** Why a container is not as described; undefined when it is. */
  readonly difference: (container: Container) => string | undefined;
  /** How its image differs from the one that its tag means now, where only that is so: both digests, in words. */
  readonly moved?: (container: Container) => string | undefined;
  /** The ids that its image may have, where they are known. */
  readonly image: readonly string[] | undefined;
  /**
   * Of the container in use: whether it is seen to work, is given time (longer than its stage waits, for the run that
   * made it judges it), or does not work.
   */
  readonly state: 'works' | 'starting' | 'broken';
  /** Everything that must be on the host before a container can be made. Throws a DeploymentError. */
  readonly prepare: (act: Act) => Promise<void>;
  readonly rehearsal: (current: Container | undefined) => Rehearsal;
  /** Proves what a rehearsal cannot. Throws a DeploymentError. */
  readonly proof?: (act: Act) => Promise<void>;
  /** Makes the container. Throws a DeploymentError. */
  readonly create: (act: Act) => Promise<void>;
  /** Starts the one that has stopped, where that takes more than docker start. */
  readonly start?: (act: Act, current: Container) => Promise<void>;
  /**
   * What is wrong with the container under the name now; undefined when it works. Asked after a former one was put
   * back.
   */
  readonly fault: (act: Act) => Promise<string | undefined>;
  /** Takes back what was prepared for the new one, once the former one stays. Throws a DeploymentError. */
  readonly takeBack?: (act: Act, former: Container) => Promise<void>;
  /** Judges a rehearsal that failed, where more is known than what docker said. Throws a DeploymentError. */
  readonly refused?: (act: Act) => Promise<void>;
}

/**
 * Plans one container: absent, to be started, to be replaced, or as described. One that works is replaced only by one
 * that was tried before, stays aside until the new one is proven, and comes back when that fails; what an interrupted
 * run left is finished or undone. Gives the container where nothing is to be done to it.
 */
export function planContainer(plan: Plan, wanted: Wanted, { current, former }: ContainerPair): Container | undefined {
  const steps = stepsFor(wanted, { current, former });
  plan.steps.push(...steps);
  return steps.some(({ change }) => change !== '-') ? undefined : current;
}

function stepsFor(wanted: Wanted, found: ContainerPair): Step[] {
  const { current, former } = found;
  if (current === undefined)
    return [
      former === undefined
        ? make(wanted, '+', wanted.creation, 'absent', replacement(wanted, found))
        : resumed(wanted, found, former),
    ];
  if (former !== undefined) return interrupted(wanted, found, current);
  const { name, kind } = wanted;
  const differs =
    current.state === 'created'
      ? `left behind by a failed start: ${current.error || 'never started'}`
      : wanted.difference(current);
  const digests = wanted.moved?.(current);
  const leftBehind = current.state === 'created' && ({ transient: true } as const);
  const replaces = [
    ...(differs === undefined
      ? []
      : [make(wanted, '~', `replace ${kind} ${name}`, differs, { ...replacement(wanted, found), ...leftBehind })]),
    ...(digests === undefined
      ? []
      : [
          make(
            wanted,
            '~',
            `replace ${kind} ${name}: its tag means another image now`,
            digests,
            replacement(wanted, found),
          ),
        ]),
  ];
  if (replaces.length > 0) return replaces.map((step) => (replaces.length > 1 ? { serialGroup: name, ...step } : step));
  const stopped = stoppedAs(current);
  if (stopped !== undefined)
    return [
      make(wanted, '~', `start ${kind} ${name}`, stopped, {
        apply: (act) => started(act, wanted, current),
        transient: true,
      }),
    ];
  if (current.restartPolicy === 'always') return [];
  return [
    make(wanted, '~', `restore the restart policy of ${kind} ${name}`, `${current.restartPolicy} -> always`, {
      apply: async (act) => void (await act.run(wanted.host, restoreRestartPolicy(name))),
      transient: true,
    }),
  ];
}

/**
 * Where a run was interrupted after it had set the container aside: its work is finished, or undone where the container
 * is as described after all.
 */
function resumed(wanted: Wanted, found: ContainerPair, former: Container): Step {
  const { name, kind } = wanted;
  const differs = wanted.difference(former);
  if (differs !== undefined)
    return make(
      wanted,
      '~',
      `replace ${kind} ${name}`,
      `${differs}; an interrupted run has set the present one aside`,
      { ...replacement(wanted, found), transient: true },
    );
  return make(wanted, '~', `put back ${kind} ${name}`, 'an interrupted run has set it aside', {
    apply: async (act) => void (await putItBack(act, wanted, true)),
    transient: true,
  });
}

/**
 * Where both are there: the former one goes once the new one is seen to work, and comes back where the new one has
 * failed and fails again.
 */
function interrupted(wanted: Wanted, found: ContainerPair, current: Container): Step[] {
  const { name, kind, host, stopping, state } = wanted;
  if (current.state === 'running' && state === 'works') {
    const apply = async (act: Act): Promise<void> => void (await act.run(host, discard(formerName(name), stopping)));
    return [make(wanted, '-', `remove ${formerName(name)}`, 'its replacement works', { apply, transient: true })];
  }
  if (state === 'starting' && ['running', 'restarting'].includes(current.state)) return [];
  return [
    make(
      wanted,
      '~',
      `replace ${kind} ${name}`,
      `its replacement does not work (${stoppedAs(current) ?? current.state}); ${formerName(name)} waits`,
      { ...replacement(wanted, found), transient: true },
    ),
  ];
}

type Parts = Pick<Step, 'apply' | 'undo' | 'conclude' | 'transient' | 'image'>;

const make = (
  { host, serialGroup }: Wanted,
  change: Step['change'],
  what: string,
  why: string,
  parts: Parts,
): Step => ({ host, change, what, why, ...(serialGroup !== undefined && { serialGroup }), ...parts });

const started = async (act: Act, wanted: Wanted, current: Container): Promise<void> =>
  wanted.start
    ? wanted.start(act, current)
    : void (await act.run(wanted.host, startContainer(wanted.name, current.state)));

/** Makes the new container once it is known that it can be made, with the present one kept aside. */
function replacement(wanted: Wanted, { current, former }: ContainerPair): Parts {
  const { host, name, stopping } = wanted;
  const image = wanted.image && { image: wanted.image };
  // One that never ran is worth nothing, and one that has yet to be proven is not worth more than the one before it.
  const kept = former ?? (current?.state === 'created' ? undefined : current);
  if (kept === undefined) return { ...image, apply: (act) => createAnew(act, wanted, current) };
  let touched = kept === former;
  return {
    ...image,
    async apply(act) {
      await wanted.prepare(act);
      await tryFirst(act, wanted, kept === current ? current : undefined);
      await wanted.proof?.(act);
      touched = true;
      if (current) await act.run(host, kept === current ? setAside(name, stopping) : discard(name, stopping));
      await wanted.create(act);
    },
    async undo(act) {
      const lines = (touched && valueOf(await act.ask(host, lastLogLines(name)))) || [];
      const words = touched
        ? await putItBack(act, wanted, kept === former || ['running', 'restarting', 'paused'].includes(kept.state))
        : undefined;
      await wanted.takeBack?.(act, kept);
      if (words === undefined) return undefined;
      const last = lines.at(-1)?.slice(0, 300);
      return last === undefined
        ? { words }
        : { words: `${words}; the last the new one said: ${last}`, removed: { container: name, lines } };
    },
    conclude: async (act) => void (await act.run(host, discard(formerName(name), stopping))),
  };
}

async function createAnew(act: Act, wanted: Wanted, current: Container | undefined): Promise<void> {
  await wanted.prepare(act);
  if (current) await act.run(wanted.host, discard(wanted.name, wanted.stopping));
  await wanted.create(act);
}

async function tryFirst(act: Act, wanted: Wanted, current: Container | undefined): Promise<void> {
  const { host, name, kind } = wanted;
  const command = rehearse(name, wanted.rehearsal(current));
  const outcome = await act.attempt(host, command);
  if (succeeded(outcome)) return;
  if (outcome.ended === 'lost') throw deploymentError(commandFailure(host, command, outcome));
  await wanted.refused?.(act);
  throw deploymentError({
    code: 'replacement-impossible',
    host,
    what: `the new ${kind} ${name} could not be started here, so the present one was left as it is`,
    evidence: `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy: 'Fix what the evidence names, then run again.',
  });
}

/** How long what was put back may take until it works, in milliseconds. */
const BACK_MS = 150_000;
const LOOK_EVERY_MS = 1_000;

/**
 * Puts the former container back and waits until it works. Gives in words what is true then. Throws a DeploymentError
 * when it does not.
 */
async function putItBack(act: Act, wanted: Wanted, starts: boolean): Promise<string> {
  const { host, name, kind, stopping } = wanted;
  const command = putBack(name, stopping, starts);
  const outcome = await act.attempt(host, command);
  if (outcome.ended === 'lost')
    throw deploymentError({
      ...commandFailure(host, command, outcome),
      remedy: `Once ${host} answers, run again: that finishes the replacement or undoes it.`,
    });
  if (!succeeded(outcome)) throw deploymentError(notBack(wanted, `${ending(outcome)}: ${lastLine(outcome)}`));
  if (outcome.stdout.trim() === 'nothing') return 'nothing was there before';
  if (!starts) return `the former ${kind} is back; it did not run before, either`;
  for (const deadline = Date.now() + BACK_MS; ; await act.pause(LOOK_EVERY_MS)) {
    const fault = await wanted.fault(act);
    if (fault === undefined) return `the former ${kind} ${name} runs again and works`;
    if (Date.now() > deadline) throw deploymentError(notBack(wanted, fault));
  }
}

const notBack = ({ host, name, kind }: Wanted, evidence: string): Failure => ({
  code: 'replacement-not-undone',
  host,
  what: `the former ${kind} ${name} was put back, but does not work as before`,
  evidence,
  remedy:
    `Look at docker ps --all and docker logs ${name} on ${host}. The next run (mode: apply) puts it back or ` +
    'replaces it.',
});

/** What is wrong with a container by its own state; undefined when it runs. */
export async function notRunning(act: Act, host: string, name: string): Promise<string | undefined> {
  const fact = among(await act.ask(host, containers), name);
  if (fact.is !== 'present') return fact.is === 'unknown' ? fact.why : 'absent';
  return fact.value.state === 'running' ? undefined : (stoppedAs(fact.value) ?? fact.value.state);
}
