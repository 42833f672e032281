import type { StageName } from '../stages/names.ts';
import { firstManager, hostsWith, type Cluster, type Host } from './cluster.ts';

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

/** The matrix of every job. Jobs of one stage on several hosts go in this order, where one must follow the other. */
export type Jobs = Readonly<Record<StageName | OtherJob, readonly Leg[]>>;

/** Stages whose jobs go side by side, host by host; those of the others follow each other. */
export const SIDE_BY_SIDE: readonly StageName[] = ['swarm-join'];

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
export function jobsOf(cluster: Cluster, runner: string): Jobs {
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
  const hosts = (...some: readonly Host[]): readonly Leg[] =>
    apart.length === 0 ? whole : [...new Set(some)].map(leg);
  const replicas = hostsWith(cluster, 'replica');
  return {
    snapshot: apart.map(leg),
    whole,
    preflight: whole,
    'swarm-init': hosts(manager),
    'swarm-join': cluster.hosts.filter((host) => host !== manager).map(leg),
    'network-create': hosts(manager, ...cluster.hosts),
    'mysql-up': hosts(...hostsWith(cluster, 'database'), ...replicas),
    'kuscia-init': hosts(...replicas),
    'kuscia-start': (apart.length === 0 ? replicas : databaseLast(cluster, replicas)).map(leg),
    'nginx-lb': hosts(...hostsWith(cluster, 'load-balancer')),
    verify: whole,
    unlock: apart.includes(manager) ? [leg(manager)] : [],
  };
}

/**
 * Root of the database is closed when every replica has left it, and only a runner on the database's host can do that.
 */
function databaseLast(cluster: Cluster, replicas: readonly Host[]): readonly Host[] {
  const holders = hostsWith(cluster, 'database');
  return [...replicas.filter((host) => !holders.includes(host)), ...holders];
}

const runnerOf = (host: Host | undefined): string | undefined =>
  host?.route.via === 'local' && host.route.runner ? JSON.stringify(host.route.runner) : undefined;
