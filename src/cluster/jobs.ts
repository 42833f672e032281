import { firstManager, type Cluster, type Host } from './cluster.ts';

/** One entry of a job's matrix. */
export interface Leg {
  /** The host it works on; '' for all hosts. */
  readonly host: string;
  /** The host it runs on; '' if that does not matter because every host is reached over SSH. */
  readonly here: string;
  /** Value for `runs-on`, as JSON. */
  readonly runner: string;
}

/**
 * Jobs that are not stages: `snapshot` snapshots each host for the other jobs, `whole` works on the whole cluster,
 * `unlock` releases the lock if not every job can.
 */
type OtherJob = 'snapshot' | 'whole' | 'unlock';

/** The matrix of every job, including one job per stage under its name. */
export type Jobs<Stage extends string = string> = Readonly<Record<Stage | OtherJob, readonly Leg[]>>;

/** How a stage is divided into jobs: one job for the host it works on, or one job per host. */
export type Division = { readonly host: (cluster: Cluster) => Host } | HostByHost;

/** One job per host; if one runner reaches every host, a single job for all unless `always` is set. */
interface HostByHost {
  /** In the order of their jobs, if they must not run side by side. */
  readonly hosts: (cluster: Cluster) => readonly Host[];
  readonly order: 'one at a time' | 'side by side';
  readonly always?: true;
  /** True if a cluster may have no such host. */
  readonly mayBeNone?: true;
  /** Name of a final job for all hosts together, for the work left when every host is done. */
  readonly last?: string;
}

/** What the jobs need to know of a stage. */
interface Divided<Name extends string> {
  readonly name: Name;
  readonly jobs?: Division;
  readonly appliesTo?: (cluster: Cluster) => boolean;
}

/** Whether a stage has anything to do for a cluster. */
export const applies = ({ appliesTo }: Pick<Divided<string>, 'appliesTo'>, cluster: Cluster): boolean =>
  appliesTo?.(cluster) ?? true;

/** Hosts reached only by their own runner, if there are several: then no job reaches all hosts. */
export function ownRunners(cluster: Cluster): readonly Host[] {
  const local = cluster.hosts.filter(({ route }) => route.via === 'local');
  return local.length > 1 ? local : [];
}

/** Runner labels by host. */
export type Runners = Readonly<Record<string, readonly string[]>>;

/** The runners named in the cluster file. */
export const runnersOf = ({ hosts }: Cluster): Runners =>
  Object.fromEntries(
    hosts.flatMap(({ name, route }) => (route.via === 'local' && route.runner ? [[name, route.runner]] : [])),
  );

/** The cluster with the approved runners instead of those in its file. */
export function withRunners(cluster: Cluster, approved: Runners): Cluster {
  const hosts = cluster.hosts.map((host): Host => {
    if (host.route.via !== 'local') return host;
    const { via, sudo } = host.route;
    const runner = Object.hasOwn(approved, host.name) ? approved[host.name] : undefined;
    return { ...host, route: { via, ...(sudo && { sudo }), ...(runner && { runner }) } };
  });
  return { ...cluster, hosts };
}

/**
 * How the jobs of a workflow divide the cluster: one job per stage if one runner reaches every host, otherwise one per
 * host. `runner` is the default for `runs-on`, as JSON.
 */
export function jobsOf<Name extends string>(
  cluster: Cluster,
  runner: string,
  stages: readonly Divided<Name>[],
): Jobs<Name> {
  const withOwnRunner = ownRunners(cluster);
  const [onlyLocal] = cluster.hosts.filter(({ route }) => route.via === 'local');
  const manager = firstManager(cluster);
  const defaultHost = withOwnRunner.includes(manager) ? manager : withOwnRunner[0];
  const leg = (host: Host | undefined): Leg => {
    const runsOn = host && withOwnRunner.includes(host) ? host : (defaultHost ?? onlyLocal);
    return {
      host: host?.name ?? '',
      here: defaultHost === undefined ? '' : (runsOn?.name ?? ''),
      runner: runnerOf(runsOn) ?? runner,
    };
  };
  const whole = [leg(undefined)];
  const legsOf = (stage: Divided<Name>): readonly Leg[] => {
    if (!applies(stage, cluster)) return [];
    if (stage.jobs === undefined) return whole;
    if ('host' in stage.jobs) return withOwnRunner.length === 0 ? whole : [leg(stage.jobs.host(cluster))];
    const { hosts, always } = stage.jobs;
    return withOwnRunner.length === 0 && !always ? whole : [...new Set(hosts(cluster))].map(leg);
  };
  return {
    snapshot: withOwnRunner.map(leg),
    whole,
    ...(Object.fromEntries(stages.map((stage) => [stage.name, legsOf(stage)])) as Record<Name, readonly Leg[]>),
    unlock: withOwnRunner.includes(manager) ? [leg(manager)] : [],
  };
}

const runnerOf = (host: Host | undefined): string | undefined =>
  host?.route.via === 'local' && host.route.runner ? JSON.stringify(host.route.runner) : undefined;
