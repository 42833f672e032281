import type { Failure } from './engine/errors.ts';
import type { Proof } from './engine/proof.ts';
import type { Run } from './engine/run.ts';
import { plan } from './engine/runner.ts';
import type { Stage } from './engine/stage.ts';
import { distinct } from './report/failures.ts';

/** One look at what there is now. */
export async function verified(stages: readonly Stage[], run: Run): Promise<readonly Failure[]> {
  const plans = await plan(stages, run);
  const failures = plans.flatMap(({ stage, plan }) => [
    ...plan.failures,
    ...plan.awaited.map(({ failure }) => failure),
    ...plan.later.map((note) => notJudged(stage.name, note)),
    ...plan.steps.map((step) => notJudged(stage.name, step)),
  ]);
  return failures.length > 0
    ? failures
    : unproven(plans.map(({ plan }) => plan.proof).find((proof) => proof !== undefined));
}

/** A failure unless the proof says that all is well. */
export function unproven(proof: Proof | undefined): Failure[] {
  if (proof?.healthy === true) return [];
  const what = proof ? 'not every check of the matrix is ok' : 'the verification ended without a result';
  return [
    {
      code: 'cluster-unhealthy',
      what,
      remedy: 'Run mode plan to see what differs from the cluster file, or mode apply to bring it about.',
    },
  ];
}

/** The failure of something that must be known and is not. */
export function notJudged(
  stage: string,
  { host, what, why }: { readonly host: string; readonly what: string; readonly why: string },
): Failure {
  return {
    code: 'fact-unknown',
    host,
    what: `${stage}: "${what}" could not be judged on ${host}`,
    evidence: why,
    remedy: 'Apply the stages it needs first, or stage: all.',
  };
}

/**
 * The failures with those of the hosts that could not be reached first, in the place of connections to them that were
 * lost. Advice that cannot work before they answer says so.
 */
export function withUnreached(
  failures: readonly Failure[],
  unreached: ReadonlyMap<string, readonly Failure[]>,
): readonly Failure[] {
  const rest = failures.filter(({ code, host = '' }) => code !== 'connection-lost' || !unreached.has(host));
  const silent = [
    ...new Set([
      ...unreached.keys(),
      ...rest.flatMap(({ code, host }) => (code === 'connection-lost' && host !== undefined ? [host] : [])),
    ]),
  ];
  const told = rest.map((failure) =>
    silent.length > 0 && /\bmode:? (plan|apply)\b/.test(failure.remedy)
      ? {
          ...failure,
          remedy:
            `${failure.remedy} These modes go on only once ${silent.join(', ')} ` +
            `${silent.length === 1 ? 'answers' : 'answer'} again.`,
        }
      : failure,
  );
  return [...distinct([...unreached.values()].flat()), ...told];
}
