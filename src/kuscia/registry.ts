import { reading, script } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';

/** A replica as registered in the shared database. */
export interface Gateway {
  readonly name: string;
  readonly address: string;
  readonly version: string;
  /** Base64 of the domain's public key, PKCS#1 PEM. */
  readonly publicKey: string;
  /** Start of its process and its last heartbeat, in milliseconds since the epoch. */
  readonly uptime: number;
  readonly heartbeat: number;
}

/** A Kubernetes node of the domain. */
export interface KusciaNode {
  readonly name: string;
  readonly ready: boolean;
}

/** A task of a job that a replica runs or is about to run. The partner's part runs elsewhere. */
export interface Task {
  /** Name of its job; '' if no longer known. */
  readonly job: string;
  readonly task: string;
  /** Name of the replica, as in `Gateway`. */
  readonly replica: string;
  /** `Running`, or `Pending` while its image is being pulled or missing. */
  readonly phase: string;
}

/** All replicas of the domain, according to one replica's API server. */
export interface Registry {
  readonly gateways: readonly Gateway[];
  readonly nodes: readonly KusciaNode[];
  readonly tasks: readonly Task[];
}

const field = (path: string): string => `{"\\t"}{${path}}`;
/**
 * One line per object with the same fields, then `end`. The API's own client selects the fields, because pods contain
 * inputs and outputs of their tasks, which must not leave the replica.
 */
const OBJECTS = `{range .items[*]}{.kind}${[
  '.metadata.name',
  '.status.address',
  '.status.version',
  '.status.publicKey',
  '.status.uptime',
  '.status.heartbeatTime',
  '.status.conditions[?(@.type=="Ready")].status',
  '.spec.nodeName',
  '.status.phase',
  '.metadata.annotations.kuscia\\.secretflow/task-id',
]
  .map(field)
  .join('')}{"\\n"}{end}{"end\\n"}`;
/** One line per unfinished task: its name and its job, which is missing in the pod. */
const JOBS = ['Pending', 'Running']
  .map(
    (phase) =>
      `{range .items[?(@.status.phase=="${phase}")]}{.metadata.name}` +
      `${field('.metadata.annotations.kuscia\\.secretflow/job-id')}{"\\n"}{end}`,
  )
  .join('');
const OVER = ['Succeeded', 'Failed'];

/**
 * Queries the login's own replica on a host for the gateways, nodes and tasks of its domain, which come from the shared
 * database and so are the same from every replica. The host fills in the user (kuscia.sh,
 * `${USER}-kuscia-autonomy-${ID}`), so that it need not be known in advance.
 */
export const registry = (domain: string): Query<Registry> => ({
  command: reading(
    'read the gateways, nodes and tasks',
    script(
      [
        'replica="$(id -un)-kuscia-autonomy-$1"',
        'objects=$(docker exec "$replica" kubectl get gateways,nodes,pods -n "$1" -o "jsonpath=$2") || exit; ' +
          'printf "%s\\n" "$objects"',
        'case $objects in *Pod*Running*|*Pod*Pending*) docker exec "$replica" kubectl get kusciatasks -n ' +
          'cross-domain -o "jsonpath=$3" 2>/dev/null || :;; esac',
      ].join('\n'),
      domain,
      OBJECTS,
      JOBS,
    ),
  ),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read the gateways, nodes and tasks', outcome);
    const lines = outcome.stdout.split('\n');
    const end = lines.indexOf('end');
    if (end === -1) throw new Error('the output is incomplete');
    const jobs = new Map(lines.slice(end + 1).map((line) => line.split('\t') as [string, string | undefined]));
    return present(
      registryIn(
        lines.slice(0, end).map((line) => line.split('\t')),
        jobs,
      ),
    );
  },
});

function registryIn(rows: readonly (readonly string[])[], jobs: ReadonlyMap<string, string | undefined>): Registry {
  const found: { gateways: Gateway[]; nodes: KusciaNode[]; tasks: Task[] } = { gateways: [], nodes: [], tasks: [] };
  for (const [
    kind,
    name = '',
    address = '',
    version = '',
    publicKey = '',
    uptime = '',
    heartbeat = '',
    ready,
    replica = '',
    phase = '',
    task,
    ...more
  ] of rows) {
    if (task === undefined || name === '' || more.length > 0) throw new Error('a line has the wrong number of fields');
    if (kind === 'Gateway')
      found.gateways.push({
        name,
        address,
        version,
        publicKey,
        uptime: Date.parse(uptime) || 0,
        heartbeat: Date.parse(heartbeat) || 0,
      });
    else if (kind === 'Node') found.nodes.push({ name, ready: ready === 'True' });
    else if (kind !== 'Pod') throw new Error('unexpected kind of object');
    // Pods of a deployment, which run until they are deleted, have no task.
    else if (task !== '' && replica !== '' && !OVER.includes(phase))
      found.tasks.push({ job: jobs.get(task) ?? '', task, replica, phase });
  }
  return found;
}
