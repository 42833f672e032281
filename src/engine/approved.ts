import {
  isMomentary,
  PLAIN,
  sameAbout,
  sameDetails,
  sameReason,
  type About,
  type Reason,
  type Words,
} from './about.ts';
import type { Failure } from './errors.ts';
import type { Plan, Step } from './plan.ts';

/** One change that is agreed to. */
export interface Change {
  readonly stage: string;
  readonly host: string;
  /** As of a step; `?` is known only after apply. */
  readonly change: Step['change'] | '?';
  readonly about: About;
  /** The reason for which it is agreed to, where it is held to one. */
  readonly why?: Reason;
  /** The ids that its image may have; absent where there is none, or nobody knew it. */
  readonly image?: readonly string[];
}

/**
 * The changes of a plan as they are agreed to. What is known only after apply belongs to them. What changes or removes
 * something is agreed to for its reason: to replace a replica for more memory is not to replace it for another image.
 * What is made anew has but one reason, and one that tells of the moment may be another at the next look.
 */
export function changesIn(
  planned: readonly { readonly stage: { readonly name: string }; readonly plan: Plan }[],
): Change[] {
  return planned.flatMap(({ stage, plan }) => [
    ...plan.steps.map((step) => changeOf(stage.name, step)),
    ...plan.later.map(({ stage: of = stage.name, host, about, image }): Change => ({
      stage: of,
      host,
      change: '?',
      about,
      ...(image && { image }),
    })),
  ]);
}

function changeOf(stage: string, { host, change, about, why, image }: Step): Change {
  const { because, of, differs } = why;
  const heldTo = { because, ...(of !== undefined && { of }), ...(differs && { differs }) };
  return {
    stage,
    host,
    change,
    about,
    ...(change !== '+' && !isMomentary(why) && { why: heldTo }),
    ...(image && { image }),
  };
}

/** Whether the same is done for the same reason; of which image is another question. */
const sameChange = (a: Change, b: Change): boolean =>
  a.stage === b.stage &&
  a.host === b.host &&
  a.change === b.change &&
  sameAbout(a.about, b.about) &&
  sameDetails(a.about, b.about) &&
  sameReason(a.why, b.why);

/**
 * Nothing when the changes to make now are those that were agreed to, of the same images; otherwise one failure that
 * names what differs.
 */
export function movedSince(agreed: readonly Change[], now: readonly Change[], words: Words = PLAIN): Failure[] {
  const among = (changes: readonly Change[], change: Change): Change | undefined =>
    changes.find((each) => sameChange(each, change));
  const told = ({ stage, host, change, about, why }: Change): string =>
    `${stage} ${host} ${change} ${words.what(about)}${why ? ` (${words.why(why)})` : ''}`;
  const added = now.filter((each) => !among(agreed, each));
  const gone = agreed.filter((each) => !among(now, each));
  const others = now.flatMap((each) => imageMoved(among(agreed, each), each.image)?.concat(`: ${told(each)}`) ?? []);
  if (added.length + gone.length + others.length === 0) return [];
  const images = others.length > 0 ? `, ${others.length} would use another image` : '';
  return [
    {
      code: 'plan-moved',
      what:
        `the hosts are not as they were when the plan was made: ${added.length} of its changes are new, ` +
        `${gone.length} are gone${images}`,
      evidence: [
        ...added.map((each) => `now also: ${told(each)}`),
        ...gone.map((each) => `no longer: ${told(each)}`),
        ...others,
      ].join('; '),
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
export function notApproved(
  agreed: readonly Change[] | undefined,
  stage: string,
  steps: readonly Step[],
  words: Words = PLAIN,
): Failure[] {
  if (agreed === undefined) return [];
  return steps.flatMap((step) => {
    if (step.revokes) return [];
    const same = agreed.filter((each) => sameChange(each, changeOf(stage, step)));
    const covering = same.length > 0 ? same : agreed.filter((each) => covers(each, stage, step));
    const moved = covering.map((each) => imageMoved(each, step.image));
    if (moved.includes(undefined)) return [];
    return [
      {
        code: 'plan-moved',
        host: step.host,
        what:
          `${stage}: "${step.change} ${words.what(step.about)}" is not in the plan that was agreed to, so it was not ` +
          'done',
        evidence: moved[0] ?? words.why(step.why),
        remedy:
          'Run the whole workflow again: it makes a new plan, to be looked at anew. What was done before this stays, ' +
          'and is found.',
      },
    ];
  });
}

/**
 * Whether who agreed to the change agreed to the step, though it is not that very change. What only brings back or
 * finishes what is there is agreed to with whatever else its stage does on that host.
 */
function covers(agreed: Change, stage: string, { host, change, about, why }: Step): boolean {
  if (agreed.stage !== stage || agreed.host !== host) return false;
  if (isMomentary(why) && ['+', '~'].includes(agreed.change)) return true;
  return agreed.change === '?' && change !== '-' && foretells(agreed.about, about);
}

/** A thing that comes to be there may have to be made, replaced or started for it. */
const foretells = (later: About, now: About): boolean =>
  later.thing === now.thing &&
  (later.name === undefined || later.name === now.name) &&
  (later.kind === 'create' || later.kind === now.kind);
