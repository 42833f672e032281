import type { Failure } from './errors.ts';
import type { Note, Plan, Step } from './plan.ts';

/** One change that is agreed to. */
export interface Change {
  /** Stage, host and change: by this it is known again. */
  readonly line: string;
  /** The ids that its image may have; absent where there is none, or nobody knew it. */
  readonly image?: readonly string[];
}

/**
 * The changes of a plan as they are agreed to. What is known only after apply belongs to them. What changes or removes
 * something is agreed to for its reason: to replace a replica for more memory is not to replace it for another image.
 * What is made anew has but one reason.
 */
export function changesIn(
  planned: readonly { readonly stage: { readonly name: string }; readonly plan: Plan }[],
): Change[] {
  return planned.flatMap(({ stage, plan }) => [
    ...plan.steps.map((step) => change(lineOf(stage.name, step), step)),
    ...plan.later.map((note) => change(laterLine(stage.name, note.host, note.what), note)),
  ]);
}

const change = (line: string, { image }: Pick<Step, 'image'>): Change => ({ line, ...(image && { image }) });

const lineOf = (stage: string, { host, change, what, why, transient }: Step): string =>
  `${stage} ${host} ${change} ${what}${change === '+' || transient ? '' : ` (${why})`}`;

/** The line of something that is known only after apply. */
export const laterLine = (stage: string, host: string, what: string): string => `${stage} ${host} ? ${what}`;

/**
 * Nothing when the changes to make now are those that were agreed to, of the same images; otherwise one failure that
 * names what differs.
 */
export function movedSince(agreed: readonly Change[], now: readonly Change[]): Failure[] {
  const among = (changes: readonly Change[], { line }: Change): Change | undefined =>
    changes.find((each) => each.line === line);
  const added = now.filter((each) => !among(agreed, each));
  const gone = agreed.filter((each) => !among(now, each));
  const others = now.flatMap((each) => imageMoved(among(agreed, each), each.image)?.concat(`: ${each.line}`) ?? []);
  if (added.length + gone.length + others.length === 0) return [];
  const told = [
    ...added.map(({ line }) => `now also: ${line}`),
    ...gone.map(({ line }) => `no longer: ${line}`),
    ...others,
  ];
  const images = others.length > 0 ? `, ${others.length} would use another image` : '';
  return [
    {
      code: 'plan-moved',
      what:
        `the hosts are not as they were when the plan was made: ${added.length} of its changes are new, ` +
        `${gone.length} are gone${images}`,
      evidence: told.join('; '),
      remedy:
        'Run the whole workflow again: it makes a new plan, to be looked at anew. Nothing was changed by this run.',
    },
  ];
}

/**
 * How the image that a change would use now is another than the one that was agreed to; undefined where it is not, or
 * none was known.
 */
function imageMoved(agreed: Change | undefined, now: readonly string[] | undefined): string | undefined {
  if (!agreed?.image || now?.some((id) => agreed.image?.includes(id))) return undefined;
  return `another image: ${now?.join(' or ') ?? 'none that is known'}, not ${agreed.image.join(' or ')}`;
}

/** A failure for each step that is not among what was agreed to; none where nothing was to be agreed to. */
export function notApproved(agreed: readonly Change[] | undefined, stage: string, steps: readonly Step[]): Failure[] {
  if (agreed === undefined) return [];
  return steps.flatMap((step) => {
    if (step.revokes) return [];
    const same = agreed.filter(({ line }) => line === lineOf(stage, step));
    const covering = same.length > 0 ? same : agreed.filter((each) => covers(each, stage, step));
    const moved = covering.map((each) => imageMoved(each, step.image));
    if (moved.includes(undefined)) return [];
    return [unforeseen(stage, step, moved[0] ?? step.why)];
  });
}

/**
 * Whether who agreed to the change agreed to the step, though it is not that very change. What only brings back or
 * finishes what is there is agreed to with whatever else its stage does on that host.
 */
function covers({ line }: Change, stage: string, step: Step): boolean {
  const { host, what, change, transient, foretold } = step;
  if (line === foretold) return true;
  if (transient && ['+', '~'].some((sign) => line.startsWith(`${stage} ${host} ${sign} `))) return true;
  const later = laterLine(stage, host, '');
  return change !== '-' && line.startsWith(later) && ` ${what}`.endsWith(` ${line.slice(later.length)}`);
}

const unforeseen = (stage: string, { host, change, what }: Step, evidence: Note['why']): Failure => ({
  code: 'plan-moved',
  host,
  what: `${stage}: "${change} ${what}" is not in the plan that was agreed to, so it was not done`,
  evidence,
  remedy:
    'Run the whole workflow again: it makes a new plan, to be looked at anew. What was done before this stays, ' +
    'and is found.',
});
