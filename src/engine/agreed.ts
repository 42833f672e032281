import type { Failure } from './errors.ts';
import type { Planned } from './runner.ts';

/**
 * The changes of a plan in the lines in which they are agreed to: stage, host, change. What is known only after apply belongs to it. What changes or removes
 * something is agreed to for its reason: to replace a replica for more memory is not to replace it for another image. What is made anew has but one reason.
 */
export function changesIn(planned: readonly Planned[]): string[] {
  return planned.flatMap(({ stage, plan }) => [
    ...plan.steps.map(({ host, change, what, why, momentary }) => `${stage.name} ${host} ${change} ${what}${change === '+' || momentary ? '' : ` (${why})`}`),
    ...plan.later.map(({ host, what }) => `${stage.name} ${host} ? ${what}`),
  ]);
}

/** Nothing when the changes to make now are those that were agreed to; otherwise one failure that names what differs. */
export function movedSince(agreed: readonly string[], now: readonly string[]): Failure[] {
  const added = now.filter((line) => !agreed.includes(line));
  const gone = agreed.filter((line) => !now.includes(line));
  if (added.length === 0 && gone.length === 0) return [];
  const told = [...added.map((line) => `now also: ${line}`), ...gone.map((line) => `no longer: ${line}`)];
  return [
    {
      code: 'plan-moved',
      what: `the hosts are not as they were when the plan was made: ${added.length} of its changes are new, ${gone.length} are gone`,
      evidence: told.join('; '),
      remedy: 'Run the whole workflow again: it makes a new plan, to be looked at anew. Nothing was changed by this run.',
    },
  ];
}
