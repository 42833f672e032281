import type { StageName } from '../stages/names.ts';
import { firstManager, hostsWith, type Cluster, type Host } from './cluster.ts';

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
 * Jobs that are not stages: `look` snapshots each host for the other jobs, `whole` works on the whole cluster, `unlock`
 * releases the lock if not every job can.
 */
type OtherJob = 'look' | 'whole' | 'unlock';

/** The matrix of every job. Jobs of one stage that must not run side by side run in this order. */
export type Jobs = Readonly<Record<StageName | OtherJob, readonly Leg[]>>;

/** Stages whose jobs run side by side on all hosts; jobs of other stages run one after the other. */
export const SIDE_BY_SIDE: readonly StageName[] = ['swarm-join'];

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
export function jobsOf(cluster: Cluster, runner: string): Jobs {
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
  const hosts = (...some: readonly Host[]): readonly Leg[] =>
    withOwnRunner.length === 0 ? whole : [...new Set(some)].map(leg);
  const replicas = hostsWith(cluster, 'replica');
  return {
    look: withOwnRunner.map(leg),
    whole,
    preflight: whole,
    'swarm-init': hosts(manager),
    'swarm-join': cluster.hosts.filter((host) => host !== manager).map(leg),
    'network-create': hosts(manager, ...cluster.hosts),
    'mysql-up': hosts(...hostsWith(cluster, 'database'), ...replicas),
    'kuscia-init': hosts(...replicas),
    'kuscia-start': (withOwnRunner.length === 0 ? replicas : databaseLast(cluster, replicas)).map(leg),
    'nginx-lb': hosts(...hostsWith(cluster, 'load-balancer')),
    verify: whole,
    unlock: withOwnRunner.includes(manager) ? [leg(manager)] : [],
  };
}

/**
 * Root access to the database is closed once no replica uses it, which only a runner on the database's host can do.
 */
function databaseLast(cluster: Cluster, replicas: readonly Host[]): readonly Host[] {
  const holders = hostsWith(cluster, 'database');
  return [...replicas.filter((host) => !holders.includes(host)), ...holders];
}

const runnerOf = (host: Host | undefined): string | undefined =>
  host?.route.via === 'local' && host.route.runner ? JSON.stringify(host.route.runner) : undefined;
