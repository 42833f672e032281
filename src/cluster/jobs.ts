import { firstManager, type Cluster, type Host } from './cluster.ts';

/** One leg of a job's matrix. */
export interface Leg {
  /** The host whose part it does; '' for all hosts. */
  readonly host: string;
  /** The host on which it runs; '' where it matters not, because every host is reached over SSH. */
  readonly here: string;
  /** What `runs-on` takes, as JSON. */
  readonly runner: string;
}

/**
 * The jobs of a deployment that are no stage: the hosts looked at for what is asked elsewhere, what is judged as a
 * whole, and who lets go of the lock where not every job can.
 */
type OtherJob = 'snapshot' | 'whole' | 'unlock';

/** The matrix of every job, those of the stages by their names. */
export type Jobs<Stage extends string = string> = Readonly<Record<Stage | OtherJob, readonly Leg[]>>;

/** How a stage is divided into jobs: one for the host on which it acts, or one for each of several. */
export type Division = { readonly host: (cluster: Cluster) => Host } | HostByHost;

/** A job for each of several hosts; where one runner reaches every host, one job does all unless it says `always`. */
interface HostByHost {
  /** In the order in which their jobs go, where one must follow the other. */
  readonly hosts: (cluster: Cluster) => readonly Host[];
  readonly order: 'one at a time' | 'side by side';
  readonly always?: true;
  /** True where a cluster may have no such host. */
  readonly mayBeNone?: true;
  /** A last job for all hosts together, by its name: what is left to do when each has done its part. */
  readonly last?: string;
}

/** A stage, as far as its jobs go. */
interface Divided<Name extends string> {
  readonly name: Name;
  readonly jobs?: Division;
  readonly appliesTo?: (cluster: Cluster) => boolean;
}

/** Whether a cluster has any use for a stage. */
export const applies = ({ appliesTo }: Pick<Divided<string>, 'appliesTo'>, cluster: Cluster): boolean =>
  appliesTo?.(cluster) ?? true;

/** Hosts that only a runner on them reaches: with several of them no job reaches all hosts. */
export function ownRunners(cluster: Cluster): readonly Host[] {
  const local = cluster.hosts.filter(({ route }) => route.via === 'local');
  return local.length > 1 ? local : [];
}

/** Labels of runners, by host. */
export type Runners = Readonly<Record<string, readonly string[]>>;

/** The runners that the cluster file names. */
export const runnersOf = ({ hosts }: Cluster): Runners =>
  Object.fromEntries(
    hosts.flatMap(({ name, route }) => (route.via === 'local' && route.runner ? [[name, route.runner]] : [])),
  );

/** The cluster with the runners that were agreed to in place of those that its file names. */
export function withRunners(cluster: Cluster, agreed: Runners): Cluster {
  const hosts = cluster.hosts.map((host): Host => {
    if (host.route.via !== 'local') return host;
    const { via, sudo } = host.route;
    const runner = Object.hasOwn(agreed, host.name) ? agreed[host.name] : undefined;
    return { ...host, route: { via, ...(sudo && { sudo }), ...(runner && { runner }) } };
  });
  return { ...cluster, hosts };
}

/**
 * How the jobs of a workflow divide the cluster: by stage and whole where one runner reaches every host, else host by
 * host. `runner` is what `runs-on` takes where no host says otherwise, as JSON.
 */
export function jobsOf<Name extends string>(
  cluster: Cluster,
  runner: string,
  stages: readonly Divided<Name>[],
): Jobs<Name> {
  const apart = ownRunners(cluster);
  const [onlyLocal] = cluster.hosts.filter(({ route }) => route.via === 'local');
  const manager = firstManager(cluster);
  const seat = apart.includes(manager) ? manager : apart[0];
  const leg = (host: Host | undefined): Leg => {
    const sits = host && apart.includes(host) ? host : (seat ?? onlyLocal);
    return {
      host: host?.name ?? '',
      here: seat === undefined ? '' : (sits?.name ?? ''),
      runner: runnerOf(sits) ?? runner,
    };
  };
  const whole = [leg(undefined)];
  const legsOf = (stage: Divided<Name>): readonly Leg[] => {
    if (!applies(stage, cluster)) return [];
    if (stage.jobs === undefined) return whole;
    if ('host' in stage.jobs) return apart.length === 0 ? whole : [leg(stage.jobs.host(cluster))];
    const { hosts, always } = stage.jobs;
    return apart.length === 0 && !always ? whole : [...new Set(hosts(cluster))].map(leg);
  };
  return {
    snapshot: apart.map(leg),
    whole,
    ...(Object.fromEntries(stages.map((stage) => [stage.name, legsOf(stage)])) as Record<Name, readonly Leg[]>),
    unlock: apart.includes(manager) ? [leg(manager)] : [],
  };
}

const runnerOf = (host: Host | undefined): string | undefined =>
  host?.route.via === 'local' && host.route.runner ? JSON.stringify(host.route.runner) : undefined;
