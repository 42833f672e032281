import type { Failure } from '../engine/errors.ts';
import { distinct } from './failures.ts';

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
