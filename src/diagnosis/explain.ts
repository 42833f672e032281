import type { Code, Failure } from '../engine/errors.ts';
import { FAULTS, type KnownFault, type Speaker } from './faults.ts';
import { withoutCredentials, type Log } from './logs.ts';

/** Whose log tells most of such a failure, where no line of it is known. */
const SPEAKERS: Partial<Readonly<Record<Code, Speaker>>> = {
  'replica-unhealthy': 'replica',
  'database-unreachable': 'database',
  'database-unfit': 'database',
  'load-balancer-unhealthy': 'load-balancer',
  'load-balancer-configuration': 'load-balancer',
  'engine-unreachable': 'engine',
  'command-failed': 'engine',
  'command-timed-out': 'engine',
  'node-not-ready': 'engine',
  'data-path-cut': 'engine',
};

/** Failures that only know where they came about: what to do follows from the cause alone. Of the others the own remedy stays, after it. */
const GENERAL: readonly Code[] = ['command-failed', 'command-timed-out', 'fact-unknown', 'not-settled', 'replica-unhealthy', 'database-unreachable', 'load-balancer-unhealthy'];

/** So many last lines are shown of a log in which nothing is known. */
const LAST_LINES = 5;
const LONGEST_LINE = 300;

/** The failures, each with its cause, its evidence line and its remedy where the logs give it away; where they do not, with the last lines of the log that is nearest. */
export const explained = (failures: readonly Failure[], logs: readonly Log[]): Failure[] => failures.map((failure) => explain(failure, logs));

function explain(failure: Failure, logs: readonly Log[]): Failure {
  if (failure.cause !== undefined) return failure;
  const known = inEvidence(failure) ?? inLogs(failure, logs);
  if (known) return { ...failure, cause: known.fault.cause, evidence: withLine(failure.evidence, known.line), remedy: GENERAL.includes(failure.code) ? known.fault.remedy : `${known.fault.remedy} ${failure.remedy}` };
  return withLastLines(failure, logs);
}

interface Known {
  readonly fault: KnownFault;
  /** Where it stands and what it says; '' where the failure's own evidence says it already. */
  readonly line: string;
}

const explains = (fault: KnownFault, { code }: Failure): boolean => fault.explains.includes(code);

function inEvidence(failure: Failure): Known | undefined {
  const fault = FAULTS.find((each) => explains(each, failure) && each.line.test(failure.evidence ?? ''));
  return fault && { fault, line: '' };
}

/** The known line that was said last where it matters most: on the failure's own host first, then at the other end. */
function inLogs(failure: Failure, logs: readonly Log[]): Known | undefined {
  const ownFirst = failure.host === undefined ? [logs] : [logs.filter(({ host }) => host === failure.host), logs.filter(({ host }) => host !== failure.host)];
  for (const some of ownFirst) {
    for (const fault of FAULTS.filter((each) => explains(each, failure))) {
      for (const log of some.filter(({ speaker }) => speaker === fault.speaker)) {
        const line = log.lines.findLast((each) => fault.line.test(each));
        if (line !== undefined) return { fault, line: told(log, line) };
      }
    }
  }
  return undefined;
}

const told = ({ host, name }: Log, line: string): string => `${name} on ${host}: ${shortened(line)}`;

const shortened = (line: string): string => withoutCredentials(line).slice(0, LONGEST_LINE);

const withLine = (evidence: string | undefined, line: string): string => [evidence ?? '', line].filter((part) => part !== '').join('\n');

function withLastLines(failure: Failure, logs: readonly Log[]): Failure {
  const speaker = SPEAKERS[failure.code];
  const log = logs.find(({ host, speaker: whose, lines }) => host === failure.host && whose === speaker && lines.length > 0);
  if (speaker === undefined || log === undefined) return failure;
  const lines = log.lines.slice(-LAST_LINES).map(shortened);
  return { ...failure, cause: `not known; last lines of ${log.name}:\n${lines.join('\n')}` };
}
