import { isTransient, sameAbout, sameDetails, sameReason, type About, type Reason, type Words } from './about.ts';
import type { Failure } from './errors.ts';
import type { Plan, Step } from './plan.ts';

/** One change, as it is approved. */
export interface Change {
  readonly stage: string;
  readonly host: string;
  /** As in a step; `?` for a change that is only known after apply. */
  readonly change: Step['change'] | '?';
  readonly about: About;
  /** The reason for which it is approved, if the approval depends on one. */
  readonly why?: Reason;
  /** The ids that its image may have; absent if it has no image or the ids were not known. */
  readonly image?: readonly string[];
}

/**
 * The changes of a plan as they are approved, including those that are only known after apply. A change or removal is
 * approved for its reason: approval to replace a replica for more memory does not cover replacing it for another image.
 * Reasons of creations, which have only one, and transient reasons, which may differ at the next reading, are left out.
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
  const approvedWhy = { because, ...(of !== undefined && { of }), ...(differs && { differs }) };
  return {
    stage,
    host,
    change,
    about,
    ...(change !== '+' && !isTransient(why) && { why: approvedWhy }),
    ...(image && { image }),
  };
}

/** Whether the same is done for the same reason; images are compared separately. */
const sameChange = (a: Change, b: Change): boolean =>
  a.stage === b.stage &&
  a.host === b.host &&
  a.change === b.change &&
  sameAbout(a.about, b.about) &&
  sameDetails(a.about, b.about) &&
  sameReason(a.why, b.why);

/**
 * No failure if the changes needed now are the approved ones, with the same images; otherwise one failure that names
 * the differences.
 */
export function movedSince(approved: readonly Change[], now: readonly Change[], words: Words): Failure[] {
  const find = (changes: readonly Change[], change: Change): Change | undefined =>
    changes.find((each) => sameChange(each, change));
  const described = ({ stage, host, change, about, why }: Change): string =>
    `${stage} ${host} ${change} ${words.what(about)}${why ? ` (${words.why(why)})` : ''}`;
  const added = now.filter((each) => !find(approved, each));
  const gone = approved.filter((each) => !find(now, each));
  const otherImages = now.flatMap(
    (each) => imageMoved(find(approved, each), each.image)?.concat(`: ${described(each)}`) ?? [],
  );
  if (added.length + gone.length + otherImages.length === 0) return [];
  const images = otherImages.length > 0 ? `, ${otherImages.length} with another image` : '';
  return [
    {
      code: 'plan-moved',
      what:
        `the hosts have changed since the plan was made (changes: ${added.length} new, ` +
        `${gone.length} no longer needed${images})`,
      evidence: [
        ...added.map((each) => `now also: ${described(each)}`),
        ...gone.map((each) => `no longer: ${described(each)}`),
        ...otherImages,
      ].join('; '),
      remedy: 'Run the whole workflow again: it makes a new plan for you to review. This run changed nothing.',
    },
  ];
}

/**
 * How the image that a change would use now differs from the approved one; undefined if it does not, or if no image was
 * known.
 */
function imageMoved(approved: Change | undefined, now: readonly string[] | undefined): string | undefined {
  if (!approved?.image || now?.some((id) => approved.image?.includes(id))) return undefined;
  return `another image: ${now?.join(' or ') ?? 'unknown'}, not ${approved.image.join(' or ')}`;
}

/** A failure for each step that was not approved; none if no approval is required. */
export function notApproved(
  approved: readonly Change[] | undefined,
  stage: string,
  steps: readonly Step[],
  words: Words,
): Failure[] {
  if (approved === undefined) return [];
  return steps.flatMap((step) => {
    if (step.revokes) return [];
    const same = approved.filter((each) => sameChange(each, changeOf(stage, step)));
    const covering = same.length > 0 ? same : approved.filter((each) => covers(each, stage, step));
    const moved = covering.map((each) => imageMoved(each, step.image));
    if (moved.includes(undefined)) return [];
    return [
      {
        code: 'plan-moved',
        host: step.host,
        what: `${stage}: "${step.change} ${words.what(step.about)}" is not in the approved plan, so it was not done`,
        evidence: moved[0] ?? words.why(step.why),
        remedy: 'Run the whole workflow again: it makes a new plan for you to review. Completed changes are kept.',
      },
    ];
  });
}

/**
 * Whether approval of the change also covers the step, although the step is not that exact change. A step that only
 * restores or completes something that exists is covered by any approved creation or change of its stage on that host.
 */
function covers(approved: Change, stage: string, { host, change, about, why }: Step): boolean {
  if (approved.stage !== stage || approved.host !== host) return false;
  if (isTransient(why) && ['+', '~'].includes(approved.change)) return true;
  return approved.change === '?' && change !== '-' && foretells(approved.about, about);
}

/** A thing that was to be created may turn out to need creation, replacement or a start. */
const foretells = (later: About, now: About): boolean =>
  later.thing === now.thing &&
  (later.name === undefined || later.name === now.name) &&
  (later.kind === 'create' || later.kind === now.kind);
