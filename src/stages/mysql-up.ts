import { hostNamed, hostsWith, type ExternalDatabase, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import { planContainer } from '../docker/bring-about.ts';
import { containers, type Container } from '../docker/containers.ts';
import { differenceFrom } from '../docker/difference.ts';
import { image, serverVersion } from '../docker/facts.ts';
import { ensureImage, imageDifference, knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import { standing, type ContainerPair, type Wanted } from '../docker/wanted.ts';
import { seen, type Difference } from '../engine/about.ts';
import type { Act, Ask } from '../engine/ask.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { absent, mapFact, valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { writeFile } from '../host/commands.ts';
import { machine, placed, type Placed } from '../host/facts.ts';
import { file, holds } from '../host/files.ts';
import { logInOnce } from '../mysql/client.ts';
import { DATA_TARGET, ROOT_PASSWORD_TARGET, runDatabase, type PasswordFiles } from '../mysql/commands.ts';
import { databaseState } from '../mysql/facts.ts';
import { inUseText } from '../mysql/in-use.ts';
import { keepRootPassword, makeRootPassword } from '../mysql/root.ts';
import { askDatabase, databasePlace, lacksUser, stateFailures, unanswered, type DatabaseFacts } from './database.ts';
import { addressElsewhere, listenAddress } from './database-listen.ts';
import { foretellPasswords, planPasswords, writePassword, type PasswordFacts } from './database-passwords.ts';
import { planReach, SHA2 } from './database-reach.ts';
import { planProvision, rootUnknown, schemaOf, userOf } from './database-root.ts';
import { upgradeOf, upgradeRefusal, type Upgrade } from './database-upgrade.ts';
import { defineStage } from './definition.ts';
import { refuseTakenPorts } from './preflight.ts';

interface Facts extends Omit<DatabaseFacts, 'container'>, PasswordFacts {
  /** Its container and a former one, where the database is ours. */
  readonly container: Fact<ContainerPair>;
  readonly image: Fact<string>;
  /** Version of the server in the image; asked only where the container was made of another. */
  readonly newVersion: Fact<string>;
  /** The clock of the database's host, in milliseconds. */
  readonly clock: Fact<number>;
  /** Which address of its own the host has for the database; asked only where that is ours. */
  readonly listen: Fact<Placed>;
}

/** The database of the domain, reached from a container on every replica's host. */
export const mysqlUp = defineStage({
  name: 'mysql-up',
  purpose: {
    english: 'The database, reachable from a container on every replica’s host',
    chinese: '数据库可用，且可从每台副本主机的容器内访问',
  },
  detail: {
    english: 'Runs MySQL with a volume as the cluster file says. An external server is only checked, never changed.',
    chinese: '按集群文件启动带数据卷的 MySQL；外部数据库只检查，不更改。',
  },
  needs: ['network-create'],
  jobs: {
    hosts: (cluster) => [...hostsWith(cluster, 'database'), ...hostsWith(cluster, 'replica')],
    order: 'one at a time',
  },
  inputs: ['database-password', 'registry-password', 'images', 'upgrade-database'],
  work: (deployment) => {
    const { database } = deployment.cluster;
    return {
      // The server takes long to start; that the replicas' hosts reach it can be seen only over the network. One that
      // runs elsewhere is asked over it.
      ...(database.kind === 'managed' && { startAfter: ['preflight'] }),
      settleMs: 120_000,
      prefetch: async (_, act) =>
        void (database.kind === 'managed' && (await ensureImage(act, database.host, database.image, deployment))),
      gather: (ask) => gather(ask, deployment),
      plan: (facts) => planDatabase(deployment, facts),
    };
  },
});

async function gather(ask: Ask, deployment: Deployment): Promise<Facts> {
  const { cluster } = deployment;
  const { asks } = databasePlace(cluster);
  const managed = cluster.database.kind === 'managed' ? cluster.database : undefined;
  const [database, onContainer, onImage, properties, password, rootPassword, listen] = await Promise.all([
    askDatabase(ask, deployment),
    managed ? ask.ask(asks.name, containers).then((all) => standing(all, managed.container)) : absent,
    managed ? ask.ask(asks.name, image(managed.image)) : absent,
    ask.ask(asks.name, machine),
    managed ? ask.ask(asks.name, file(folders(cluster).databasePassword)) : absent,
    managed ? ask.ask(asks.name, file(folders(cluster).databaseRootPassword)) : absent,
    managed ? ask.ask(asks.name, placed(managed.listen)) : absent,
  ]);
  const changes = managed !== undefined && changesImage(managed, valueOf(onContainer)?.current, onImage);
  const newVersion = changes ? await ask.ask(asks.name, serverVersion(managed.image)) : absent;
  const { databasePassword, databaseRootPassword } = folders(cluster);
  const passwordFiles = mapFact(properties, ({ home }) => ({
    user: absolute(home, databasePassword),
    root: absolute(home, databaseRootPassword),
  }));
  return {
    ...database,
    container: onContainer,
    newVersion,
    clock: mapFact(properties, ({ clock }) => clock),
    image: onImage,
    passwordFiles,
    password,
    rootPassword,
    listen,
  };
}

/**
 * The container where it is ours to run, or else the first login at the server; then what the server says of itself;
 * then whether every replica's host reaches it.
 */
export function planDatabase(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const { database } = deployment.cluster;
  if (database.kind === 'managed') planDatabaseContainer(plan, deployment, database, facts);
  else planLogin(plan, deployment, database, facts);
  if (plan.failures.length > 0) return plan;
  if (plan.steps.length > 0) {
    plan.later.push({
      host: databasePlace(deployment.cluster).asks.name,
      about: { kind: 'serve', thing: 'database' },
      why: { because: database.kind === 'managed' ? 'after-start' : 'after-login' },
    });
    if (database.kind === 'managed') planAfterStart(plan, database, deployment, facts);
    return plan;
  }
  planState(plan, deployment, facts);
  if (plan.failures.length === 0 && plan.steps.length === 0)
    planReach(plan, deployment.cluster, databasePlace(deployment.cluster).address, facts.reached);
  return plan;
}

/** What may be missing once the server can be asked. */
function planAfterStart(plan: Plan, database: ManagedDatabase, deployment: Deployment, facts: Facts): void {
  const { container, state } = facts;
  const isThere = state.is === 'present' && state.value.login === 'accepted' && state.value.exists;
  if (!isThere && !lacksUser(state, facts.root))
    plan.later.push({ host: database.host, about: schemaOf(database), why: { because: 'if-lacking' } });
  // One that is made anew is given the files; one that is started or put back finds what is there.
  const found = valueOf(container);
  const kept = [found?.current, found?.former].flatMap((each) => each ?? []);
  if (state.is !== 'present' && (kept.length > 0 || facts.password.is !== 'absent'))
    plan.later.push({ host: database.host, about: userOf(database), why: { because: 'if-lacking' } });
  if (kept.length > 0)
    foretellPasswords(
      plan,
      database.host,
      deployment,
      facts,
      kept.some(({ mounts }) => mounts[ROOT_PASSWORD_TARGET] !== undefined),
    );
}

/**
 * A server is asked only once it is in use, which this begins. One without a CA is then logged in to as Kuscia itself
 * does: it may want that once before challenges do. What comes of it is judged by the questions that follow.
 */
function planLogin(plan: Plan, deployment: Deployment, database: ExternalDatabase, { inUse, state }: Facts): void {
  const { cluster, secrets } = deployment;
  const { asks } = databasePlace(cluster);
  plan.failures.push(...unknownFailures(asks.name, [inUse]));
  const forgotten = state.is === 'present' && state.value.login === 'withheld' && state.value.method === SHA2;
  if (inUse.is !== 'absent' && !forgotten) return;
  const apply = async (act: Act): Promise<void> => {
    await act.run(
      asks.name,
      writeFile('write down which database is in use', folders(cluster).databaseInUse, '0600', inUseText(database)),
    );
    if (database.ca === undefined) await act.attempt(asks.name, logInOnce(cluster, database, secrets.databasePassword));
  };
  plan.steps.push({
    host: asks.name,
    change: forgotten ? '~' : '+',
    about: {
      kind: 'log-in',
      thing: 'database',
      name: database.user,
      details: {
        address: database.address,
        port: `${database.port}`,
        ...(database.ca !== undefined && { ca: 'given' }),
      },
    },
    why: { because: forgotten ? 'forgotten' : 'not-in-use' },
    apply,
  });
}

function planDatabaseContainer(plan: Plan, deployment: Deployment, database: ManagedDatabase, facts: Facts): void {
  const { passwordFiles, container, image, password, rootPassword, listen, state, root } = facts;
  const unknowns = [container, image, passwordFiles, password, rootPassword, listen];
  plan.failures.push(...unknownFailures(database.host, unknowns));
  if (plan.failures.length > 0 || passwordFiles.is !== 'present' || container.is !== 'present') return;
  const address = listenAddress(listen);
  if (address === undefined) plan.failures.push(addressElsewhere(database, listen));
  const lacking = lacksUser(state, root);
  // The user gets the password of the input, and the file with it: root that still takes that of the file could not be
  // closed later.
  const fits =
    valueOf(root)?.login !== 'given' ||
    password.is !== 'present' ||
    holds(password.value, deployment.secrets.databasePassword);
  // What the input cannot mend is told before anything is stopped for another reason.
  if (state.is === 'present' && state.value.login === 'refused' && !(lacking && fits))
    plan.failures.push(...stateFailures(deployment.cluster, state.value));
  if (plan.failures.length > 0 || address === undefined) return;
  const { current, former } = container.value;
  const upgrade = changesImage(database, current, image)
    ? upgradeOf(runningVersion(facts), database.image, facts.newVersion)
    : undefined;
  const refusal = upgrade && upgradeRefusal(database, upgrade, deployment.upgradesDatabase);
  if (refusal) plan.failures.push(refusal);
  if (upgrade && !refusal && upgrade.is !== 'reversible') plan.warnings.push(irreversible(database, upgrade));
  // The user first: a replica that starts anew while the container is replaced finds it.
  const serialGroup = lacking ? database.container : undefined;
  if (serialGroup !== undefined) planProvision(plan, deployment, database, root, userOf(database), serialGroup);
  const found = planContainer(
    plan,
    wantedDatabase(deployment, database, facts, { files: passwordFiles.value, address, serialGroup }),
    { current, former },
  );
  if (found)
    plan.satisfied.push({
      host: database.host,
      about: { kind: 'be-there', thing: 'database', name: database.container },
      why: seen(`${found.state}, at ${address}:${database.port}, volume ${database.volume}`),
    });
}

const changesImage = (database: ManagedDatabase, current: Container | undefined, image: Fact<string>): boolean =>
  current !== undefined &&
  (imageDifference(current, database.image, image) !== undefined ||
    movedImage(current, database.image, image) !== undefined);

const runningVersion = ({ state, root }: Facts): string =>
  [valueOf(state), valueOf(root)].flatMap((each) => (each && 'version' in each ? each.version : []))[0] ?? '';

/** One that replaces another is given longer than the run that made it waits. */
const PATIENCE_MS = 240_000;

/** With what the container is started, and the serial group of its steps where others go before them. */
interface Started {
  readonly files: PasswordFiles;
  readonly address: string;
  readonly serialGroup: string | undefined;
}

function wantedDatabase(deployment: Deployment, database: ManagedDatabase, facts: Facts, started: Started): Wanted {
  const { host, image } = database;
  const { files, address, serialGroup } = started;
  const current = valueOf(facts.container)?.current;
  const isYoung = current !== undefined && (valueOf(facts.clock) ?? 0) - current.createdAt < PATIENCE_MS;
  return {
    host,
    name: database.container,
    kind: 'database',
    details: { address, port: `${database.port}`, volume: database.volume },
    ...(serialGroup !== undefined && { serialGroup }),
    stopping: { seconds: 60, holdsData: true },
    difference: (container) => differenceOf(database, container, facts.image, started),
    moved: (container) => movedImage(container, image, facts.image),
    image: knownImage(deployment, image, facts.image),
    state: facts.state.is === 'present' ? 'works' : isYoung ? 'starting' : 'broken',
    prepare: async (act) => {
      await ensureImage(act, host, image, deployment);
      await confirmUpgrade(act, deployment, database, facts);
      // One that is made anew would not be root's.
      if (
        facts.rootPassword.is === 'absent' &&
        current?.state === 'running' &&
        current.mounts[ROOT_PASSWORD_TARGET] !== undefined
      )
        await act.run(host, keepRootPassword(database, files.root));
    },
    rehearsal: (present) => ({
      image,
      ports: portsToTry({ '3306/tcp': database.port }, present).map((port) => `${address}:${port}`),
      options: [],
    }),
    refused: (act) => refuseTakenPorts(act, deployment.cluster, hostNamed(deployment.cluster, host)),
    create: async (act) => {
      await act.run(host, writePassword(deployment, files.user));
      await act.run(host, makeRootPassword(files.root));
      await act.run(host, runDatabase(database, files, address));
    },
    fault: async (act) => {
      const state = await act.ask(host, databaseState(deployment.cluster, deployment.secrets.databasePassword));
      return state.is === 'present' ? undefined : whyNot(state);
    },
  };
}

/**
 * Once the image is there its version is known: what the plan could not know is refused now, before anything is
 * stopped.
 */
async function confirmUpgrade(
  act: Act,
  deployment: Deployment,
  database: ManagedDatabase,
  facts: Facts,
): Promise<void> {
  if (!changesImage(database, valueOf(facts.container)?.current, facts.image)) return;
  const upgrade = upgradeOf(
    runningVersion(facts),
    database.image,
    await act.ask(database.host, serverVersion(database.image)),
  );
  const refusal = upgradeRefusal(database, upgrade, deployment.upgradesDatabase);
  if (refusal) throw deploymentError(refusal);
}

const irreversible = (database: ManagedDatabase, { from, to }: Upgrade): Failure => ({
  code: 'database-upgrade-unconfirmed',
  host: database.host,
  what: `replacing ${database.container} upgrades the files in volume ${database.volume} and cannot be undone`,
  evidence: `${from || 'an unknown version'} -> ${to || 'an unknown version'}`,
  remedy: 'See that there is a backup before this plan is applied.',
});

/** Why the container is not as the cluster file says; undefined when it is. */
const differenceOf = (
  { image, port, volume }: ManagedDatabase,
  current: Container,
  imageOnHost: Fact<string>,
  { address, files }: Started,
): Difference | undefined =>
  differenceFrom(
    {
      image,
      ports: { '3306/tcp': port },
      hostAddresses: { '3306/tcp': address },
      mounts: { [DATA_TARGET]: ['volume', volume], [ROOT_PASSWORD_TARGET]: ['root password file', files.root] },
    },
    current,
    imageOnHost,
  );

function planState(plan: Plan, deployment: Deployment, facts: Facts): void {
  const { state } = facts;
  const { cluster } = deployment;
  const { database } = cluster;
  const { asks, address } = databasePlace(cluster);
  if (state.is !== 'present') {
    const failure = unanswered(cluster, state);
    plan.awaited.push({
      host: asks.name,
      about: { kind: 'answer', thing: 'database' },
      why: seen(failure.evidence),
      failure,
    });
    return;
  }
  plan.failures.push(...stateFailures(cluster, state.value));
  if (state.value.login !== 'accepted' || plan.failures.length > 0) return;
  planPasswords(plan, deployment, facts);
  if (!state.value.exists && database.kind === 'managed') {
    planProvision(plan, deployment, database, facts.root, schemaOf(database));
    return;
  }
  if (database.kind === 'managed') planRootSeen(plan, database, facts);
  plan.satisfied.push({
    host: asks.name,
    about: { kind: 'serve', thing: 'database', name: database.name, details: { address, port: `${database.port}` } },
    why: seen(`${state.value.version}, login as ${database.user}`),
  });
}

/** A server that answers tells how its root is let in; what it tells is for the stage that closes it. */
function planRootSeen(plan: Plan, database: ManagedDatabase, { root }: Facts): void {
  const failure = rootUnknown(database, root);
  if (root.is === 'unknown')
    plan.awaited.push({
      host: database.host,
      about: { kind: 'be-known', thing: 'root' },
      why: seen(root.why),
      failure: { ...failure, code: 'fact-unknown', what: root.why },
    });
  if (root.is === 'present' && root.value.login === 'refused') plan.warnings.push(failure);
}
