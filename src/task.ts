import type { Deployment } from './cluster/deployment.ts';
import type { Run } from './engine/run.ts';
import type { Stage } from './engine/stage.ts';
import type { Inputs } from './inputs/read.ts';
import type { Lock } from './jobs/lock.ts';
import type { LockRequest } from './jobs/lock-life.ts';
import { isTaken, outputContents, planContents, seal, snapshotContents } from './jobs/outputs.ts';
import { openReceived, type Received } from './jobs/received.ts';
import { OPERATIONS, type HostMode } from './operations/index.ts';
import type { OnHosts, Task } from './operations/operation.ts';
import type { Report } from './report/report.ts';
import { PLAN_WORDS } from './report/words.ts';

/** What is known about a run before it connects to any host. */
export interface Prepared {
  readonly operation: OnHosts;
  readonly request: Inputs;
  readonly received: Received;
  /** All stages of the deployment, created once per run. */
  readonly all: readonly Stage[];
  /** Those that the operation uses, in their order. */
  readonly stages: readonly Stage[];
}

/** Opens what earlier jobs handed over, creates the stages and begins the report. Throws a DeploymentError. */
export async function prepare(
  mode: HostMode,
  request: Inputs,
  stagesOf: (deployment: Deployment) => Stage[],
  report: Report,
): Promise<Prepared> {
  const operation: OnHosts = OPERATIONS[mode];
  const { deployment, job } = request;
  const { cluster } = deployment;
  const received = await openReceived({ takes: operation.takes, stages: request.stages, cluster, job });
  report.hide(received.secrets);
  const all = stagesOf({ ...deployment, ...(received.outputs && { received: received.outputs }) });
  const stages = selected(request.stages, all);
  report.begin({ mode, cluster, asked: job.reaches, stages: stages.map(({ name }) => name) });
  return { operation, request, received, all, stages };
}

/** The selected stages in their order. Throws if none is selected: doing nothing must not count as success. */
function selected(names: Inputs['stages'], all: readonly Stage[]): Stage[] {
  const missing = names.filter((name) => !all.some((stage) => stage.name === name));
  if (missing.length > 0 || names.length === 0)
    throw new Error(`no such stage: ${missing.join(', ') || '(none selected)'}`);
  return all.filter(({ name }) => names.some((selected) => selected === name));
}

/** What the lock of its domain needs to know about the run. */
export const lockRequestOf = ({ operation, request: { deployment, lock, stages, job } }: Prepared): LockRequest => ({
  cluster: deployment.cluster,
  wish: lock,
  stages,
  job,
  isShared: job.artifacts !== undefined,
  use: operation.lock,
});

/** The run, as the engine needs it. */
export const runOf = (
  { operation, request: { job }, received: { snapshots, approved } }: Prepared,
  parts: Pick<Run, 'fleet' | 'emit' | 'signal'>,
  lock: Lock,
): Run => ({
  ...parts,
  words: PLAN_WORDS,
  ...(operation.changes && { permit: lock.take }),
  ...(job.host !== undefined && { hosts: new Set([job.host]) }),
  ...(snapshots && { snapshots }),
  ...(approved && { approved }),
});

/** What the operation receives. */
export function taskOf({ request, all, stages }: Prepared, run: Run, lock: Lock, report: Report): Task {
  const { job, deployment } = request;
  const save = async (contents: Parameters<typeof seal>[1]): Promise<void> =>
    report.handedOver(await seal(job, contents));
  const snapshot = (): ReturnType<typeof snapshotContents> => snapshotContents(job, all, run);
  return {
    domain: deployment.cluster.domain,
    stages,
    all,
    run,
    save: {
      plan: (planned) => save(planContents(planned)),
      async outputs() {
        if (isTaken(job))
          await save([...(await outputContents(job, request.stages, deployment, run)), ...(await snapshot())]);
      },
      async snapshot() {
        if (isTaken(job)) await save(await snapshot());
      },
    },
    releaseLock: () => lock.release(),
    say: (line) => report.say(line),
  };
}
