import type { KubeObject } from './kine.ts';
import { newObject, seconds } from './objects.ts';
import type { Replica } from './replica.ts';
import { keyOf, keyPrefix, resource } from './resources.ts';

/** A task that only takes time: what the lab has in place of a computation. */
export interface TaskWish {
  readonly job: string;
  readonly domain: string;
  /** The replica it runs on. */
  readonly node: string;
  /** How long, from when it begins to run. */
  readonly seconds: number;
  /** It never runs, for its image is missing. */
  readonly imageMissing: boolean;
}

const wholeTime = 'kuscia-swarm.lab/seconds';
const noImage = 'kuscia-swarm.lab/image-missing';
const [pods, tasks, jobs] = [resource('pods'), resource('kusciatasks'), resource('kusciajobs')];
const exchange = 'cross-domain';
const taskOf = (job: string): string => `${job}-t1`;

/** The objects of one job with one task, as they stand once it was scheduled: job, task, pod. */
export function taskObjects({ job, domain, node, seconds: time, imageMissing }: TaskWish): {
  readonly job: KubeObject;
  readonly task: KubeObject;
  readonly pod: KubeObject;
} {
  const task = taskOf(job);
  const party = { domainID: domain };
  const annotations = {
    'kuscia.secretflow/initiator': domain,
    'kuscia.secretflow/interconn-self-parties': domain,
    'kuscia.secretflow/self-cluster-as-initiator': 'true',
  };
  const madeJob = newObject(jobs, job, exchange, {
    spec: {
      initiator: domain,
      maxParallelism: 2,
      scheduleMode: 'BestEffort',
      tasks: [
        {
          alias: 't1',
          appImage: 'tiny',
          parties: [party],
          priority: 100,
          taskID: task,
          taskInputConfig: '{}',
          tolerable: false,
        },
      ],
    },
    status: { phase: 'Running', startTime: seconds(), taskStatus: { [task]: 'Running' } },
  });
  madeJob.metadata.annotations = annotations;
  const madeTask = newObject(tasks, task, exchange, {
    labels: { 'kuscia.secretflow/controller': 'kuscia-job', 'kuscia.secretflow/job-uid': madeJob.metadata.uid ?? '' },
    spec: {
      initiator: domain,
      parties: [{ appImageRef: 'tiny', domainID: domain }],
      scheduleConfig: {},
      taskInputConfig: '{}',
    },
    status: { partyTaskStatus: [{ domainID: domain, phase: 'Pending' }], phase: 'Pending', startTime: seconds() },
  });
  madeTask.metadata.annotations = {
    ...annotations,
    'kuscia.secretflow/job-id': job,
    'kuscia.secretflow/task-alias': 't1',
  };
  const pod = newObject(pods, `${task}-0`, domain, {
    labels: {
      'kuscia.secretflow/controller': 'kusciatask',
      'kuscia.secretflow/pod-role': '',
      'kuscia.secretflow/task-uid': madeTask.metadata.uid ?? '',
    },
    spec: podSpec(domain, node),
    status: { ...waiting('ContainerCreating'), phase: 'Pending', qosClass: 'BestEffort', startTime: seconds() },
  });
  pod.metadata.annotations = {
    'kuscia.secretflow/initiator': domain,
    'kuscia.secretflow/task-id': task,
    'kuscia.secretflow/task-resource-group': task,
    [wholeTime]: String(time),
    ...(imageMissing ? { [noImage]: 'true' } : {}),
  };
  return { job: madeJob, task: madeTask, pod };
}

function podSpec(domain: string, node: string): Record<string, unknown> {
  const tolerated = (key: string) => ({ effect: 'NoExecute', key, operator: 'Exists', tolerationSeconds: 300 });
  return {
    automountServiceAccountToken: false,
    // Real tasks carry what they were told, secrets too, so whoever reads pods can be seen to leave it alone.
    containers: [
      {
        command: ['sh', '-c', 'sleep'],
        env: [
          { name: 'KUSCIA_PORT_SVC_NUMBER', value: '31810' },
          { name: 'STAND_IN_SECRET', value: 'not-to-be-read' },
        ],
        image: 'docker.io/lab/tiny:1.0',
        name: 'tiny',
      },
    ],
    nodeName: node,
    nodeSelector: { 'kuscia.secretflow/namespace': domain },
    restartPolicy: 'Never',
    schedulerName: 'kuscia-scheduler',
    tolerations: [
      { effect: 'NoSchedule', key: 'kuscia.secretflow/agent', operator: 'Exists' },
      tolerated('node.kubernetes.io/not-ready'),
      tolerated('node.kubernetes.io/unreachable'),
    ],
  };
}

const container = (state: object, more: object = {}) => [
  {
    image: 'docker.io/lab/tiny:1.0',
    imageID: '',
    lastState: {},
    name: 'tiny',
    ready: false,
    restartCount: 0,
    started: false,
    state,
    ...more,
  },
];
const readiness = (status: 'True' | 'False', reason?: string) =>
  ['Ready', 'ContainersReady'].map((type) => ({
    lastProbeTime: null,
    lastTransitionTime: seconds(),
    ...(reason ? { reason } : {}),
    status,
    type,
  }));
const waiting = (reason: string): Record<string, unknown> => ({
  conditions: readiness('False', 'ContainersNotReady'),
  containerStatuses: container({ waiting: { reason } }),
});
const ended = (exitCode: number, reason: string, podReason: string): Record<string, unknown> => ({
  conditions: readiness('False', podReason),
  containerStatuses: container({ terminated: { exitCode, finishedAt: seconds(), reason } }),
});

const podKey = ({ metadata }: KubeObject): string => keyOf(pods, metadata.name, metadata.namespace);
const withStatus = (
  replica: Replica,
  pod: KubeObject,
  phase: string,
  status: Record<string, unknown>,
): Promise<unknown> =>
  replica.kine.edit(podKey(pod), (before) => ({ ...before, status: { ...before.status, ...status, phase } }));

/** What one replica's agent does with the tasks on its node, to be called every two seconds; one of each process. */
export function createAgent(replica: Replica, now: () => number = Date.now): { round(): Promise<void> } {
  const own = new Map<string, number>();
  return {
    round: async () => {
      for (const pod of await replica.kine.list(keyPrefix(pods, replica.domain))) {
        if (pod.spec?.nodeName === replica.place.hostname) await tend(replica, pod, own, now);
      }
    },
  };
}

async function tend(replica: Replica, pod: KubeObject, own: Map<string, number>, now: () => number): Promise<void> {
  const { uid = '', annotations = {} } = pod.metadata;
  const since = own.get(uid);
  const time = Number(annotations[wholeTime]) * 1000;
  const phase = String(pod.status?.phase);
  // What a former process ran has ended with it.
  if (phase === 'Running' && (since === undefined || pod.metadata.deletionTimestamp !== undefined)) {
    await withStatus(replica, pod, 'Failed', ended(137, 'ContainerStatusUnknown', 'PodFailed'));
    await tell(replica, pod, 'Failed');
  } else if (phase === 'Pending' && since === undefined) {
    own.set(uid, now());
    const running = {
      conditions: readiness('True'),
      containerStatuses: container({ running: { startedAt: seconds() } }, { ready: true, started: true }),
      podIP: replica.place.address,
    };
    await (annotations[noImage]
      ? withStatus(replica, pod, 'Pending', waiting('ErrImagePull'))
      : withStatus(replica, pod, 'Running', running));
    if (!annotations[noImage]) await tell(replica, pod, 'Running');
  } else if (['Pending', 'Running'].includes(phase) && since !== undefined && now() - since >= time) {
    const good = phase === 'Running';
    await withStatus(
      replica,
      pod,
      good ? 'Succeeded' : 'Failed',
      good ? ended(0, 'Completed', 'PodCompleted') : ended(1, 'Error', 'PodFailed'),
    );
    await tell(replica, pod, good ? 'Succeeded' : 'Failed');
  } else if (['Succeeded', 'Failed'].includes(phase)) {
    await replica.kine.remove(podKey(pod));
  }
}

/** Writes into task and job what has become of the pod. */
async function tell(
  { kine, domain }: Replica,
  pod: KubeObject,
  phase: 'Running' | 'Succeeded' | 'Failed',
): Promise<void> {
  const name = pod.metadata.annotations?.['kuscia.secretflow/task-id'] ?? '';
  const over = phase === 'Running' ? {} : { completionTime: seconds() };
  const message =
    'The remaining no-failed party task counts 0 are less than the task success threshold 1. ' +
    `pending party[], running party[], successful party[], failed party[${domain}]`;
  const task = await kine.edit(keyOf(tasks, name, exchange), (before) => ({
    ...before,
    status: {
      ...before.status,
      ...over,
      ...(phase === 'Failed' ? { message } : {}),
      partyTaskStatus: [{ domainID: domain, phase }],
      phase,
    },
  }));
  const job = task?.metadata.annotations?.['kuscia.secretflow/job-id'] ?? '';
  await kine.edit(keyOf(jobs, job, exchange), (before) => ({
    ...before,
    status: { ...before.status, ...over, phase, taskStatus: { [name]: phase } },
  }));
}

const quarantine = 40_000;
const tolerance = 300_000;

/** What the leader does with pods whose node is away, to be called every two seconds. */
export function createPodKeeper(replica: Replica, now: () => number = Date.now): { round(): Promise<void> } {
  const missed = new Map<string, number>();
  const cut = new Map<string, number>();
  return {
    round: async () => {
      const nodes = new Map(
        (await replica.kine.list(keyPrefix(resource('nodes')))).map((node) => [node.metadata.name, node]),
      );
      for (const pod of await replica.kine.list(keyPrefix(pods, replica.domain))) {
        const { uid = '' } = pod.metadata;
        const node = nodes.get(String(pod.spec?.nodeName));
        if (node) missed.delete(uid);
        else if (!missed.has(uid)) missed.set(uid, now());
        else if (now() - (missed.get(uid) ?? 0) >= quarantine) {
          await replica.kine.remove(podKey(pod));
          await tell(replica, pod, 'Failed');
        }
        if (node) await evict(replica, pod, node, cut, now);
      }
    },
  };
}

/** A pod on a node that is unreachable for five minutes is to be deleted, and stays until the node is gone or back. */
async function evict(
  { kine }: Replica,
  pod: KubeObject,
  node: KubeObject,
  cut: Map<string, number>,
  now: () => number,
): Promise<void> {
  const { uid = '' } = pod.metadata;
  const unreachable = (node.spec?.taints as { key: string; effect: string }[] | undefined)?.some(
    ({ key, effect }) => key === 'node.kubernetes.io/unreachable' && effect === 'NoExecute',
  );
  if (!unreachable) return void cut.delete(uid);
  if (!cut.has(uid)) {
    cut.set(uid, now());
    await kine.edit(podKey(pod), (before) => ({
      ...before,
      status: { ...before.status, conditions: readiness('False', 'NodeNotReady') },
    }));
  }
  if (now() - (cut.get(uid) ?? 0) < tolerance || pod.metadata.deletionTimestamp !== undefined) return;
  const target = {
    lastProbeTime: null,
    lastTransitionTime: seconds(),
    reason: 'DeletionByTaintManager',
    status: 'True',
    type: 'DisruptionTarget',
  };
  await kine.edit(podKey(pod), (before) => ({
    ...before,
    metadata: { ...before.metadata, deletionTimestamp: seconds() },
    status: { ...before.status, conditions: [...(before.status?.conditions as object[]), target] },
  }));
}
