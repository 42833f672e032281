import { differing, seen, type Kind, type Reason } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import type { Plan, Step } from '../engine/plan.ts';
import { describeStop, type Container } from './containers.ts';
import { restoreFormer, replacement, startStopped } from './replace.ts';
import { discard, formerName, restoreRestartPolicy } from './replacement.ts';
import type { ContainerPair, Removable, Wanted } from './wanted.ts';

/**
 * Plans one container: absent, as described, to be started, or to be replaced. A working container is replaced only
 * after a rehearsal of the new one; it is kept aside until the new one is proven, and put back if that fails. What an
 * interrupted run left behind is finished or undone. Returns the container when nothing needs to be done to it.
 */
export function planContainer(plan: Plan, wanted: Wanted, { current, former }: ContainerPair): Container | undefined {
  const steps = stepsFor(wanted, { current, former });
  plan.steps.push(...steps);
  return steps.some(({ change }) => change !== '-') ? undefined : current;
}

/**
 * Plans the removal of a container: each of the pair is stopped gracefully and removed, the one set aside first.
 * `remains` says what is left of it afterwards: volumes and files.
 */
export function planRemoval(plan: Plan, thing: Removable, { current, former }: ContainerPair, remains: string): void {
  const { host, name, kind, stopping, beforeStop } = thing;
  const removal = (found: Container): Step => {
    const apply = async (act: Act): Promise<void> => {
      if (found === current) await beforeStop?.(act);
      await act.run(host, discard(found.name, stopping));
    };
    return stepFor({ ...thing, name: found.name }, '-', 'remove', { because: 'unwanted' }, { apply });
  };
  const steps = [former, current].flatMap((found) => (found ? [removal(found)] : []));
  plan.steps.push(...steps);
  if (steps.length === 0)
    plan.satisfied.push({ host, about: { kind: 'be-absent', thing: kind, name }, why: seen(remains) });
}

function stepsFor(wanted: Wanted, found: ContainerPair): Step[] {
  const { current, former } = found;
  if (current === undefined)
    return [
      former === undefined
        ? stepFor(wanted, '+', 'create', { because: 'absent' }, replacement(wanted, found))
        : resumeReplacement(wanted, found, former),
    ];
  if (former !== undefined) return finishReplacement(wanted, found, current);
  const replacing = replacements(wanted, found, current);
  if (replacing.length > 0) return replacing;
  const stopped = describeStop(current);
  if (stopped !== undefined) {
    const apply = (act: Act): Promise<void> => startStopped(act, wanted, current);
    return [stepFor(wanted, '~', 'start', { because: 'stopped', seen: stopped }, { apply })];
  }
  if (current.restartPolicy === 'always') return [];
  return [
    stepFor(
      wanted,
      '~',
      'restore-restart-policy',
      { because: 'restart-policy', seen: current.restartPolicy },
      { apply: async (act) => void (await act.run(wanted.host, restoreRestartPolicy(wanted.name))) },
    ),
  ];
}

/** One step for each reason to replace it; if there are several, they run one after the other. */
function replacements(wanted: Wanted, found: ContainerPair, current: Container): Step[] {
  const difference = current.state === 'created' ? undefined : wanted.difference(current);
  const moved = wanted.moved?.(current);
  const reasons: readonly (readonly [Kind, Reason])[] = [
    ...(current.state === 'created'
      ? ([['replace', { because: 'left-behind', seen: current.error || 'never started' }]] as const)
      : []),
    ...(difference ? [['replace', differing(difference)] as const] : []),
    ...(moved ? [['replace-image', { because: 'pulled-anew', differs: [moved] }] as const] : []),
  ];
  const steps = reasons.map(([kind, why]) => stepFor(wanted, '~', kind, why, replacement(wanted, found)));
  return steps.length > 1 ? steps.map((step) => ({ serialGroup: wanted.name, ...step })) : steps;
}

/**
 * A run was interrupted after it had set the container aside: its work is finished, or undone if the container turns
 * out to be as described.
 */
function resumeReplacement(wanted: Wanted, found: ContainerPair, former: Container): Step {
  const difference = wanted.difference(former);
  if (difference !== undefined)
    return stepFor(
      wanted,
      '~',
      'replace',
      { because: 'present-set-aside', differs: [difference] },
      replacement(wanted, found),
    );
  const apply = async (act: Act): Promise<void> => void (await restoreFormer(act, wanted, true));
  return stepFor(wanted, '~', 'put-back', { because: 'set-aside' }, { apply });
}

/**
 * Both exist: the former one is removed once the new one is seen to work, and put back if the new one has failed and
 * fails again.
 */
function finishReplacement(wanted: Wanted, found: ContainerPair, current: Container): Step[] {
  const { host, stopping, state } = wanted;
  const former = formerName(wanted.name);
  if (current.state === 'running' && state === 'works') {
    const apply = async (act: Act): Promise<void> => void (await act.run(host, discard(former, stopping)));
    return [stepFor({ ...wanted, name: former }, '-', 'remove', { because: 'replacement-works' }, { apply })];
  }
  if (state === 'starting' && ['running', 'restarting'].includes(current.state)) return [];
  const seen = describeStop(current) ?? current.state;
  return [
    stepFor(wanted, '~', 'replace', { because: 'replacement-fails', seen, of: former }, replacement(wanted, found)),
  ];
}

const stepFor = (
  { host, name, kind: thing, details, serialGroup }: Removable & Pick<Wanted, 'details'>,
  change: Step['change'],
  kind: Kind,
  why: Reason,
  parts: Pick<Step, 'apply' | 'undo' | 'conclude' | 'image'>,
): Step => ({
  host,
  change,
  about: { kind, thing, name, ...(kind === 'create' && details && { details }) },
  why,
  ...(serialGroup !== undefined && { serialGroup }),
  ...parts,
});
