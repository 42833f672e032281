import { hostsWith, type Cluster, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import type { About } from '../engine/about.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import type { Note, Plan } from '../engine/plan.ts';
import { file, holds, type HostFile } from '../host/files.ts';
import { dataSourceUser } from '../kuscia/data-source.ts';
import { closeRoot, provide, rootAccess, type RootAccess } from '../mysql/root.ts';

/** From where root of our database can log in; absent if the database is external. */
export const askRoot = async (ask: Ask, { cluster }: Deployment): Promise<Fact<RootAccess>> =>
  cluster.database.kind === 'managed'
    ? ask.ask(cluster.database.host, rootAccess(cluster.database, folders(cluster).databasePassword))
    : absent;

/** The creation of the database's user, as steps name it. */
export const aboutUser = ({ user, name }: ManagedDatabase): About => ({
  kind: 'create',
  thing: 'user',
  name: user,
  details: { database: name },
});

/** The creation of the database in its server, as steps name it. */
export const aboutSchema = ({ name }: ManagedDatabase): About => ({ kind: 'create', thing: 'schema', name });

/** Plans the database and its user, created as root where root can log in. */
export function planProvision(
  plan: Plan,
  { secrets }: Deployment,
  database: ManagedDatabase,
  root: Fact<RootAccess>,
  about: About,
  serialGroup?: string,
): void {
  const access = valueOf(root);
  if (access === undefined || access.login === 'refused') {
    plan.failures.push(rootInaccessible(database, root));
    return;
  }
  const { login } = access;
  plan.steps.push({
    host: database.host,
    change: '+',
    about,
    why: { because: 'absent-on-server' },
    ...(serialGroup !== undefined && { serialGroup }),
    apply: async (act: Act) => void (await act.run(database.host, provide(database, login, secrets.databasePassword))),
  });
}

const RESTORE_ACCESS =
  'Write the current password of root into the file database-root-password, or reset the password to the one in ' +
  'that file (MySQL manual, "How to Reset the Root Password"). Then run again.';

/** The failure of a database on which we cannot log in as root. */
export const rootInaccessible = (database: ManagedDatabase, root: Fact<RootAccess>): Failure => ({
  code: 'database-root',
  host: database.host,
  what:
    `root of ${database.container} can log in neither with its own password nor with that of ${database.user}, so ` +
    'its access is unknown',
  evidence: whyNot(root, 'ERROR 1045 for both'),
  cause: 'its password was changed by hand, or the file database-root-password belongs to another database',
  remedy: RESTORE_ACCESS,
});

/** The warning about a database whose root can still log in from elsewhere. */
export const rootOpen = ({ host, container, port, listen, user }: ManagedDatabase, besides = ''): Failure => ({
  code: 'database-root',
  host,
  what: `root of ${container} can log in from elsewhere (${listen}:${port})${besides}`,
  evidence: `root has an account for other hosts, or one that accepts the password of ${user}`,
  cause: 'an earlier version of kuscia-swarm created the database this way',
  remedy:
    'Run the deployment again (mode: apply): it creates the user of the cluster file, switches the replicas to it ' +
    'one after the other, and then closes root.',
});

/**
 * The warning that something other than the replicas logs in as root: closing root would break it, and we do not know
 * what it is.
 */
const rootInUse = (database: ManagedDatabase, from: readonly string[]): Failure => ({
  ...rootOpen(database, ', which is left as it is while root is in use'),
  evidence: `logged in as root from ${from.join(', ')}`,
  cause:
    'a client other than the replicas: another domain, a backup, or a session of a host that no longer exists, ' +
    'which the server ends by itself (wait_timeout, 8 h by default)',
  remedy:
    'Make that client log in as a user of its own, or end its session (SHOW PROCESSLIST, KILL), then run the ' +
    'deployment again (mode: apply): it closes root.',
});

/** What must be known to close root of a database. */
export interface ClosingFacts {
  readonly root: Fact<RootAccess>;
  /**
   * The user's password file; root of a database created by an earlier version has the same password. Queried only if
   * we run the database.
   */
  readonly password: Fact<HostFile>;
  /**
   * The user that each host's replica logs in as, according to its configuration; empty if the database is external.
   */
  readonly users: readonly Fact<string>[];
  /** The last replica's host, if one run reaches both it and the database: its job is the last of all replica jobs. */
  readonly last: string | undefined;
}

/** Queries the database and every replica's host. */
export async function askClosing(ask: Ask, deployment: Deployment): Promise<ClosingFacts> {
  const { cluster } = deployment;
  const { database } = cluster;
  const replicas = database.kind === 'managed' ? hostsWith(cluster, 'replica') : [];
  const { config, databasePassword } = folders(cluster);
  const [root, password, ...users] = await Promise.all([
    askRoot(ask, deployment),
    database.kind === 'managed' ? ask.ask(database.host, file(databasePassword)) : absent,
    ...replicas.map(({ name }) => ask.ask(name, dataSourceUser(config))),
  ]);
  const last = replicas.at(-1)?.name;
  return {
    root,
    password,
    users,
    last:
      database.kind === 'managed' && last !== undefined && [database.host, last].every((name) => ask.reaches(name))
        ? last
        : undefined,
  };
}

/**
 * Closes root, on a database created by an earlier version, to all but its own container. Comes last: once every
 * replica logs in as the user of the cluster file, this stage has nothing left to do, and nothing else uses root.
 */
export function planClosing(
  plan: Plan,
  { cluster, secrets }: Deployment,
  { root, password, users, last }: ClosingFacts,
): void {
  const { database } = cluster;
  if (database.kind !== 'managed') return;
  const access = valueOf(root);
  const note: Pick<Note, 'host' | 'about' | 'at'> = {
    host: database.host,
    about: { kind: 'close', thing: 'root', name: database.container },
    ...(last !== undefined && { at: last }),
  };
  if (access === undefined || access.login === 'refused') {
    // An earlier stage may start the server, or write back to its file the password with which root of an earlier
    // version logs in. If that file is absent, no earlier version created the database.
    const rootMayLogIn =
      access === undefined
        ? password.is !== 'absent'
        : password.is !== 'present' || !holds(password.value, secrets.databasePassword);
    if (rootMayLogIn) plan.later.push({ ...note, why: { because: 'if-made-earlier' } });
    return;
  }
  const { login } = access;
  if (!access.isOpen) return;
  if (hasUnfinishedWork(plan) || !users.every((user) => valueOf(user) === database.user)) {
    plan.later.push({ ...note, why: { because: 'after-replicas-log-in', of: database.user } });
    return;
  }
  if (access.usedFrom.length > 0) {
    plan.warnings.push(rootInUse(database, access.usedFrom));
    return;
  }
  plan.steps.push({
    ...note,
    change: '~',
    why: login === 'given' ? { because: 'password-opens-root', of: database.user } : { because: 'accounts-open-root' },
    apply: async (act) =>
      void (await act.run(database.host, closeRoot(database, login, folders(cluster).databasePassword))),
  });
}

const hasUnfinishedWork = ({ steps, awaited, failures }: Plan): boolean =>
  steps.length > 0 || awaited.length > 0 || failures.length > 0;

/** The warnings of verify about root of our database. */
export function rootWarnings({ database }: Cluster, root: Fact<RootAccess>): Failure[] {
  const access = valueOf(root);
  return database.kind === 'managed' && access !== undefined && access.login !== 'refused' && access.isOpen
    ? [rootOpen(database)]
    : [];
}
