import type { Host } from '../cluster/cluster.ts';
import type { Code, Failure } from '../engine/errors.ts';
import { FAULTS, type KnownFault, type LogSource } from './faults.ts';
import type { Log } from './logs.ts';
import { withoutCredentials } from './credentials.ts';

const ENGINE = ['engine'] as const;
const ANY = ['replica', 'load-balancer', 'database', 'engine'] as const;
/** The failure is its own explanation: no log could add to it. */
const ITSELF = [] as const;

/** The logs shown for a failure without a known line, most relevant first. */
const LOG_SOURCES: Readonly<Record<Code, readonly LogSource[]>> = {
  'input-invalid': ITSELF,
  'cluster-file-invalid': ITSELF,
  'cluster-file-unfit': ITSELF,
  'host-unreachable': ITSELF,
  'host-key-unknown': ITSELF,
  'host-key-mismatch': ITSELF,
  'host-key-revoked': ITSELF,
  'login-refused': ITSELF,
  'connection-lost': ENGINE,
  'command-failed': ENGINE,
  'command-timed-out': ENGINE,
  'fact-unknown': ['engine', 'replica', 'load-balancer', 'database'],
  'not-settled': ANY,
  cancelled: ITSELF,
  'lock-held': ITSELF,
  'lock-lost': ITSELF,
  'right-missing': ITSELF,
  'login-unusable': ITSELF,
  'login-incomplete': ITSELF,
  'no-common-algorithm': ITSELF,
  'bastion-refuses': ITSELF,
  'host-unfit': ITSELF,
  'engine-unreachable': ENGINE,
  'swarm-foreign': ITSELF,
  'data-path-cut': ENGINE,
  'network-wrong-type': ITSELF,
  'subnet-unfit': ITSELF,
  'node-not-ready': ENGINE,
  'port-taken': ITSELF,
  'image-unavailable': ENGINE,
  'hostname-clash': ITSELF,
  'image-differs': ITSELF,
  'replacement-impossible': ENGINE,
  'replacement-not-undone': ANY,
  'address-elsewhere': ITSELF,
  'folder-open': ITSELF,
  'data-path-narrow': ITSELF,
  'name-unresolved': ITSELF,
  'probe-unfit': ITSELF,
  'database-unreachable': ['database', 'engine'],
  'database-login-refused': ITSELF,
  'database-unfit': ITSELF,
  'database-owned': ITSELF,
  'database-root': ITSELF,
  'database-upgrade-unconfirmed': ITSELF,
  'database-wants-tls': ITSELF,
  'database-path-narrow': ITSELF,
  'database-login-withheld': ITSELF,
  'database-untrusted': ITSELF,
  'domain-key-conflict': ITSELF,
  'domain-key-missing': ITSELF,
  'configuration-invalid': ITSELF,
  'replica-unhealthy': ['replica', 'engine'],
  'tasks-running': ITSELF,
  'load-balancer-configuration': ['load-balancer', 'engine'],
  'load-balancer-unhealthy': ['load-balancer', 'engine'],
  'cluster-unhealthy': ANY,
  'not-described': ITSELF,
  'artifact-missing': ITSELF,
  'artifact-foreign': ITSELF,
  'artifact-damaged': ITSELF,
  'artifact-key-wrong': ITSELF,
  'artifact-forged': ITSELF,
  'artifact-ahead': ITSELF,
  'plan-moved': ITSELF,
  'join-token-invalid': ITSELF,
  'host-changed': ITSELF,
  'github-refused': ITSELF,
  'github-unreachable': ITSELF,
  'approval-unguarded': ITSELF,
  'runner-not-approved': ITSELF,
  internal: ITSELF,
};

/**
 * Failures whose remedy depends on the cause alone. The others keep their own remedy after that of the cause.
 */
const GENERAL: readonly Code[] = [
  'command-failed',
  'command-timed-out',
  'fact-unknown',
  'not-settled',
  'replica-unhealthy',
  'database-unreachable',
  'load-balancer-unhealthy',
];

/** Failures whose own cause is only presumed: a known log line takes precedence. */
const PRESUMED: readonly Code[] = ['data-path-cut'];

/** Number of last lines shown from a log without a known line. */
const LAST_LINES = 5;
const MAX_LINE_LENGTH = 300;

/**
 * The failures with cause, evidence line and remedy if the logs reveal them; otherwise with a note and the last lines
 * of the most relevant log.
 */
export const explained = (failures: readonly Failure[], logs: readonly Log[], hosts: readonly Host[] = []): Failure[] =>
  failures.map((failure) => explain(failure, logsFor(failure, logs), hosts));

/** The log of a removed container, if the failure has one. */
export function removedLog({ code, host = '', removed }: Failure, logs: readonly Log[]): Log | undefined {
  if (removed === undefined) return undefined;
  const { container, lines } = removed;
  const speaker = logs.find((log) => log.host === host && log.container === container)?.speaker ?? LOG_SOURCES[code][0];
  return { host, name: `docker logs ${container} (before it was removed)`, container, speaker, lines };
}

/**
 * The logs that can be evidence of the failure: for a removed container its own log, not that of its replacement.
 */
function logsFor(failure: Failure, logs: readonly Log[]): readonly Log[] {
  const removed = removedLog(failure, logs);
  return removed
    ? [removed, ...logs.filter(({ host, container }) => host !== removed.host || container !== removed.container)]
    : logs;
}

function explain(failure: Failure, logs: readonly Log[], hosts: readonly Host[]): Failure {
  if (failure.cause !== undefined && !PRESUMED.includes(failure.code)) return failure;
  const seen = inEvidence(failure);
  const known = seen && !seen.fault.vague ? seen : (inLogs(failure, logs, hosts) ?? seen);
  if (known)
    return {
      ...failure,
      cause: known.fault.cause,
      evidence: withLine(failure.evidence, known.line),
      remedy: GENERAL.includes(failure.code) ? known.fault.remedy : `${known.fault.remedy} ${failure.remedy}`,
    };
  return failure.cause === undefined ? withLastLines(failure, logs) : failure;
}

interface Known {
  readonly fault: KnownFault;
  /** The line with its source; '' if it is already in the failure's own evidence. */
  readonly line: string;
}

const explains = (fault: KnownFault, { code }: Failure): boolean => fault.explains.includes(code);

function inEvidence(failure: Failure): Known | undefined {
  const fault = FAULTS.find((each) => explains(each, failure) && each.line.test(failure.evidence ?? ''));
  return fault && { fault, line: '' };
}

/** The last known line, on the failure's own host first, then on the others. */
function inLogs(failure: Failure, logs: readonly Log[], hosts: readonly Host[]): Known | undefined {
  const ownFirst =
    failure.host === undefined
      ? [logs]
      : [logs.filter(({ host }) => host === failure.host), logs.filter(({ host }) => host !== failure.host)];
  for (const some of ownFirst) {
    for (const fault of FAULTS.filter((each) => explains(each, failure))) {
      for (const log of some.filter(
        ({ speaker, host }) =>
          speaker === fault.speaker && (fault.ownHost !== true || failure.host === undefined || host === failure.host),
      )) {
        const line = log.lines.findLast((each) => fault.line.test(each) && concerns(failure, fault, log, each, hosts));
        if (line !== undefined) return { fault, line: quoted(log, line) };
      }
    }
  }
  return undefined;
}

/**
 * Whether the line can be about what failed: a replica's log is about itself, and nginx's messages about an
 * unresponsive replica are about that replica, unless the line names another.
 */
function concerns(
  failure: Failure,
  { speaker, named }: KnownFault,
  log: Log,
  line: string,
  hosts: readonly Host[],
): boolean {
  if (failure.host === undefined) return true;
  if (speaker === 'replica')
    return (
      log.host === failure.host ||
      isNamed(failure.what, log.subject) ||
      isNamed(line, /\S+-kuscia-autonomy-[a-z0-9-]+/.exec(failure.what)?.[0])
    );
  return (
    named !== true ||
    log.host === failure.host ||
    [failure.host, hosts.find(({ name }) => name === failure.host)?.address].some((name) => isNamed(line, name))
  );
}

/** Whether a text contains the name as a whole word. */
const isNamed = (text: string, name = ''): boolean =>
  name !== '' && text.split(/[^\w.-]+/).some((word) => word === name || word.replace(/[.:]+$/, '') === name);

const quoted = ({ host, name }: Log, line: string): string => `${name} on ${host}: ${shortened(line)}`;

const shortened = (line: string): string => withoutCredentials(line).slice(0, MAX_LINE_LENGTH);

const withLine = (evidence: string | undefined, line: string): string =>
  [evidence ?? '', line].filter((part) => part !== '').join('\n');

/**
 * Sets the cause to unknown, with the last lines of the most relevant log: from the failure's own host, or from the
 * component responsible.
 */
function withLastLines(failure: Failure, logs: readonly Log[]): Failure {
  const [first, ...others] = LOG_SOURCES[failure.code];
  if (first === undefined) return failure;
  const own = failure.host === undefined ? logs : logs.filter(({ host }) => host === failure.host);
  const log =
    logFrom(own, first) ??
    logFrom(first === 'database' || first === 'load-balancer' ? logs : [], first) ??
    others.map((speaker) => logFrom(own, speaker)).find((found) => found !== undefined);
  if (log === undefined) {
    const whose = failure.host ?? 'any host';
    return {
      ...failure,
      cause:
        own.length === 0
          ? `unknown; no log of ${whose} could be read`
          : `unknown; the logs of ${whose} have no entries from that time`,
    };
  }
  const place = log.host === failure.host ? log.name : `${log.name} on ${log.host}`;
  return {
    ...failure,
    cause: `unknown; last lines of ${place}:\n${log.lines.slice(-LAST_LINES).map(shortened).join('\n')}`,
  };
}

/** The first log of that source that has any lines. */
const logFrom = (logs: readonly Log[], speaker: LogSource): Log | undefined =>
  logs.find((log) => log.speaker === speaker && log.lines.length > 0);
