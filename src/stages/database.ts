import { hostNamed, hostsWith, type Cluster, type ExternalDatabase, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { container, describeStop, type Container } from '../docker/containers.ts';
import type { Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, unknown, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { compareVersions } from '../engine/versions.ts';
import { REQUIRED } from '../kuscia/requirements.ts';
import { databaseState, type DatabaseState } from '../mysql/facts.ts';
import { greeting, hostReaches } from '../mysql/greeting.ts';
import { databaseInUse, type InUse } from '../mysql/in-use.ts';
import type { RootAccess } from '../mysql/root.ts';
import { answersLost, isGreeted, reachFailure, untrusted, wantsTls, withheld, type Reached } from './database-reach.ts';
import { askRoot, rootOpen } from './database-root.ts';

/** What shows whether the database works. */
export interface DatabaseFacts {
  /** Its container, if we run it. */
  readonly container: Fact<Container>;
  /**
   * Whether the deployment already uses an external database; one that is not in use is neither queried nor connected
   * to.
   */
  readonly inUse: Fact<InUse>;
  readonly state: Fact<DatabaseState>;
  /** From where its root can log in, if we run it. */
  readonly root: Fact<RootAccess>;
  /** How the server answers a container on each replica's host. */
  readonly reached: readonly Reached[];
}

/** The host from which the database server is queried, and the address at which replicas reach it. */
export function databasePlace(cluster: Cluster): { readonly queryHost: Host; readonly address: string } {
  const { database } = cluster;
  if (database.kind === 'managed') {
    const host = hostNamed(cluster, database.host);
    return { queryHost: host, address: host.address };
  }
  const [replica] = hostsWith(cluster, 'replica');
  if (!replica) throw new Error('no replica in the cluster file');
  return { queryHost: replica, address: database.address };
}

/** Queries the server from its own host, and tries to reach it from each replica's host. */
export async function askDatabase(ask: Ask, deployment: Deployment): Promise<DatabaseFacts> {
  const { cluster } = deployment;
  const { database } = cluster;
  const { queryHost } = databasePlace(cluster);
  const [onContainer, inUse, state, root, reached] = await Promise.all([
    database.kind === 'managed' ? ask.ask(queryHost.name, container(database.container)) : absent,
    database.kind === 'external' ? askInUse(ask, cluster, database, queryHost) : absent,
    askState(ask, deployment),
    askRoot(ask, deployment),
    Promise.all(hostsWith(cluster, 'replica').map((host) => askReached(ask, cluster, host))),
  ]);
  return { container: onContainer, inUse, state, root, reached };
}

/** Queries the state of the server, with the password; an external one only if this deployment already uses it. */
export async function askState(ask: Ask, { cluster, secrets }: Deployment): Promise<Fact<DatabaseState>> {
  const { database } = cluster;
  const { queryHost } = databasePlace(cluster);
  if (database.kind === 'external' && (await askInUse(ask, cluster, database, queryHost)).is !== 'present')
    return NOT_IN_USE;
  return ask.ask(queryHost.name, databaseState(cluster, secrets.databasePassword));
}

const askInUse = (ask: Ask, cluster: Cluster, database: ExternalDatabase, host: Host): Promise<Fact<InUse>> =>
  ask.ask(host.name, databaseInUse(database, folders(cluster)));

const NOT_IN_USE = unknown('this deployment does not use it yet, so it was not queried');

/**
 * If no connection succeeds, the host itself is tried too: a problem that affects only its containers lies on that
 * host.
 */
async function askReached(ask: Ask, cluster: Cluster, host: Host): Promise<Reached> {
  const { database } = cluster;
  const { port } = database;
  const { queryHost, address } = databasePlace(cluster);
  if (database.kind === 'external') {
    const known = await Promise.all(
      [...new Set([host, queryHost])].map((each) => askInUse(ask, cluster, database, each)),
    );
    if (!known.some(({ is }) => is === 'present')) return { host, fact: NOT_IN_USE, fromHost: absent };
  }
  const fact = await ask.ask(host.name, greeting(cluster, address, port));
  const noConnection = ['silent', 'refused', 'no route'].some((each) => each === valueOf(fact));
  return { host, fact, fromHost: noConnection ? await ask.ask(host.name, hostReaches(address, port)) : absent };
}

/** The failure of a server that does not answer. */
export function noAnswer(cluster: Cluster, state: Fact<DatabaseState>): Failure & { readonly evidence: string } {
  const { queryHost, address } = databasePlace(cluster);
  return {
    code: 'database-unreachable',
    host: queryHost.name,
    what: `the database at ${address}:${cluster.database.port} does not answer`,
    evidence: whyNot(state),
    remedy: databaseRemedy(cluster),
  };
}

const databaseRemedy = (cluster: Cluster): string =>
  cluster.database.kind === 'managed'
    ? `Check docker logs ${cluster.database.container} on ${cluster.database.host}, then run again.`
    : 'Check that the server is running, that its address and port in the cluster file are right, and that it ' +
      'accepts connections from the hosts; then run again.';

/** What is wrong with a server that answers. An external one does not change while we wait for it. */
export const stateFailures = (cluster: Cluster, state: DatabaseState): Failure[] =>
  failuresOf(cluster, state).map((failure) =>
    cluster.database.kind === 'external' ? { ...failure, definite: true } : failure,
  );

function failuresOf(cluster: Cluster, state: DatabaseState): Failure[] {
  const { database, domain } = cluster;
  const { queryHost } = databasePlace(cluster);
  if (state.login === 'wants TLS') return [wantsTls(cluster, queryHost, state.said)];
  if (state.login === 'cut short') return [answersLost(cluster, queryHost)];
  if (state.login === 'withheld') return [withheld(cluster, queryHost, state.method)];
  if (state.login === 'untrusted') return [untrusted(cluster, queryHost, state.said)];
  if (state.login === 'refused') {
    const hint =
      database.kind === 'managed'
        ? ` The right password is the one that volume ${database.volume} was initialised with, or the one set in ` +
          'the database since: a new input does not change it there.'
        : ` A user created with REQUIRE SSL is refused in the same way: ALTER USER ${database.user} REQUIRE NONE.`;
    return [
      {
        code: 'database-login-refused',
        host: queryHost.name,
        what: `the database refuses the login as ${database.user}`,
        evidence: state.said,
        remedy: `Correct the input database-password.${hint}`,
      },
    ];
  }
  const failures: Failure[] = [];
  const mariadb = /mariadb/i.test(state.version);
  const minimum = mariadb ? REQUIRED.mariadb : REQUIRED.mysql;
  if (compareVersions(state.version.replace(/^5\.5\.5-/, ''), minimum) < 0) {
    failures.push({
      code: 'database-unfit',
      host: queryHost.name,
      what: `the database server is ${state.version}; at least ${minimum} is required`,
      remedy: 'Use a newer server (kuscia#505).',
    });
  }
  if (!state.exists && database.kind === 'external') {
    failures.push({
      code: 'database-unfit',
      host: queryHost.name,
      what: `the server has no database ${database.name}`,
      remedy: `Run CREATE DATABASE ${database.name}, and allow ${database.user} to create, read and write its tables.`,
    });
  }
  const owners = [...new Set(state.gateways.map((gateway) => gateway.domain))].filter((owner) => owner !== domain);
  if (owners.length > 0) {
    failures.push({
      code: 'database-owned',
      host: queryHost.name,
      what: `the database ${database.name} belongs to domain ${owners.join(', ')}, not to ${domain}`,
      evidence: state.gateways.map((gateway) => gateway.name).join(', '),
      remedy: 'Give each domain a database of its own: set database.name or another server in the cluster file.',
    });
  }
  return failures;
}

/**
 * What is wrong with the database according to its own answers and those of the replicas' hosts. If it does not answer
 * at all, that is the only failure.
 */
export function databaseFailures(
  cluster: Cluster,
  { container, inUse, state, root, reached }: DatabaseFacts,
): Failure[] {
  const { address } = databasePlace(cluster);
  if (cluster.database.kind === 'external' && inUse.is === 'absent') return [notInUse(cluster)];
  if (cluster.database.kind === 'managed' && lacksUser(state, root))
    return [rootOpen(cluster.database, `, and its user ${cluster.database.user} does not exist yet`)];
  if (state.is !== 'present') return [notRunning(cluster, container) ?? noAnswer(cluster, state)];
  return [
    ...stateFailures(cluster, state.value),
    ...schemaMissing(cluster, state.value),
    ...reached.flatMap((each) => (isGreeted(each.fact) ? [] : [reachFailure(cluster, address, each)])),
  ];
}

/** The failure of a server that nothing in the deployment uses: its state is unknown until something does. */
function notInUse(cluster: Cluster): Failure {
  const { queryHost, address } = databasePlace(cluster);
  const remedy =
    'Run the deployment (mode: apply) to start using the database. If it is the wrong one, correct the address, ' +
    'the port or the CA in the cluster file.';
  return {
    code: 'fact-unknown',
    host: queryHost.name,
    what:
      `cannot tell whether the database at ${address}:${cluster.database.port} works: this deployment does not ` +
      'use it yet',
    evidence: `${folders(cluster).config} and ${folders(cluster).databaseInUse} on ${queryHost.name} do not name it`,
    remedy,
  };
}

/**
 * Whether the login is refused because the user was never created: root can log in, and no user of that name exists.
 */
export function lacksUser(state: Fact<DatabaseState>, root: Fact<RootAccess>): boolean {
  const access = valueOf(root);
  return valueOf(state)?.login === 'refused' && access !== undefined && access.login !== 'refused' && !access.knowsUser;
}

function schemaMissing({ database }: Cluster, state: DatabaseState): Failure[] {
  if (database.kind !== 'managed' || state.login !== 'accepted' || state.exists) return [];
  return [
    {
      code: 'database-unfit',
      host: database.host,
      what: `the server has no database ${database.name}`,
      evidence: 'not in information_schema',
      cause: 'it was dropped, or never created',
      remedy:
        'If the domain is new, run the deployment again (mode: apply): it creates the database. If the domain had ' +
        'replicas, restore a backup: the database held its data.',
    },
  ];
}

function notRunning({ database }: Cluster, container: Fact<Container>): Failure | undefined {
  if (database.kind !== 'managed' || container.is === 'unknown') return undefined;
  const evidence = container.is === 'absent' ? 'absent' : describeStop(container.value);
  if (evidence === undefined) return undefined;
  return {
    code: 'database-unreachable',
    host: database.host,
    what: `the database is not running: its container ${database.container} is ${evidence}`,
    evidence: `docker inspect ${database.container}: ${evidence}`,
    cause: 'the database was stopped, or exited by itself',
    remedy:
      'Run the deployment again (mode: apply): it starts the database, with the data of its volume. If it exits ' +
      `again, docker logs ${database.container} on ${database.host} says why.`,
  };
}
