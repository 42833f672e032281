import type { Failure } from '../engine/errors.ts';
import { distinct } from './failures.ts';

/**
 * The failures, starting with the hosts that could not be reached; these replace the failures of connections that were
 * lost to them. Remedies that cannot work before those hosts answer say so.
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
  const explained = rest.map((failure) =>
    silent.length > 0 && /\bmode:? (plan|apply)\b/.test(failure.remedy)
      ? {
          ...failure,
          remedy:
            `${failure.remedy} These modes work only once ${silent.join(', ')} ` +
            `${silent.length === 1 ? 'answers' : 'answer'} again.`,
        }
      : failure,
  );
  return [...distinct([...unreached.values()].flat()), ...explained];
}
