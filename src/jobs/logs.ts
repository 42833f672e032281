import { writeArtifact } from '../artifacts/folder.ts';
import { diagnose, worthAsking } from '../diagnosis/diagnose.ts';
import { logText, type Log } from '../diagnosis/logs.ts';
import type { Fleet } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';
import type { Job } from '../inputs/job.ts';
import type { Inputs } from '../inputs/read.ts';
import type { Report } from '../report/report.ts';

/**
 * Seconds before the start of the run from which the engine's log is read: earlier problems did not cause the present
 * failure.
 */
const MARGIN = 2;

/** The failures with the causes found in the logs of the hosts; the logs are kept if that was requested. */
export async function explained(
  failures: readonly Failure[],
  { deployment: { cluster }, job }: Pick<Inputs, 'deployment' | 'job'>,
  fleet: Fleet,
  ms: number,
  report: Pick<Report, 'say' | 'masked' | 'keptLogs'>,
): Promise<readonly Failure[]> {
  if (!worthAsking(failures)) return failures;
  const hosts = cluster.hosts.filter(({ name }) => job.reaches.includes(name));
  report.say(`searching the logs of ${hosts.map(({ name }) => name).join(', ')} for the cause`);
  const diagnosis = await diagnose(failures, { cluster, hosts, fleet, seconds: Math.ceil(ms / 1000) + MARGIN });
  report.keptLogs(await keepLogs(job, diagnosis.logs, (text) => report.masked(text)));
  return diagnosis.failures;
}

/** Returns the number of files written. */
async function keepLogs(
  { logs, origin, here }: Pick<Job, 'logs' | 'origin' | 'here'>,
  read: readonly Log[],
  masked: (text: string) => string,
): Promise<number> {
  if (logs === undefined || read.length === 0) return 0;
  await writeArtifact(
    logs.folder,
    { kind: 'logs', host: here ?? '', content: new Secret('logs', masked(logText(read))), origin, made: Date.now() },
    logs.key,
  );
  return 1;
}
