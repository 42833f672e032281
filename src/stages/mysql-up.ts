import { hostNamed, type Cluster, type ExternalDatabase, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { planContainer, standing, type Standing, type Wanted } from '../docker/bring-about.ts';
import { containers, type Container } from '../docker/containers.ts';
import { image, serverVersion } from '../docker/facts.ts';
import { ensureImage, imageDifference, knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Command } from '../engine/command.ts';
import { trouble, type Failure } from '../engine/errors.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { writeFile } from '../host/commands.ts';
import { machine } from '../host/facts.ts';
import { file, unlikeSecret, type HostFile } from '../host/files.ts';
import { absolute, folders } from '../kuscia/names.ts';
import { logInOnce } from '../mysql/client.ts';
import { createDatabase, DATA_TARGET, runDatabase } from '../mysql/commands.ts';
import { databaseState } from '../mysql/facts.ts';
import { inUseText } from '../mysql/in-use.ts';
import { askDatabase, databasePlace, stateFailures, unanswered, whyNot, type DatabaseFacts } from './database.ts';
import { describeGreeting, isGreeted, SHA2, unreached } from './database-reach.ts';
import { upgradeOf, upgradeRefusal, type Upgrade } from './database-upgrade.ts';
import { refuseTakenPorts } from './preflight.ts';

interface Facts extends Omit<DatabaseFacts, 'container'> {
  /** Its container and a former one, where the database is ours. */
  readonly container: Fact<Standing>;
  readonly image: Fact<string>;
  /** Version of the server in the image; asked only where the container was made of another. */
  readonly newVersion: Fact<string>;
  /** The clock of the database's host, in milliseconds. */
  readonly clock: Fact<number>;
  /** Where the password file is or will be, absolute. */
  readonly passwordFile: Fact<string>;
  /** That file; asked only where the database is ours. */
  readonly password: Fact<HostFile>;
}

/** The database of the domain, reached from a container on every replica's host. */
export function mysqlUp(deployment: Deployment): Stage {
  const { database } = deployment.cluster;
  return stage<Facts>({
    name: 'mysql-up',
    purpose: database.kind === 'managed' ? `MySQL on ${database.host}, reached by every replica` : `the database at ${database.address}, reached by every replica`,
    needs: ['network-create'],
    // The server takes long to start; that the replicas' hosts reach it can be seen only over the network. One that runs elsewhere is asked over it.
    ...(database.kind === 'managed' && { beginsAfter: ['preflight'] }),
    settleMs: 120_000,
    early: async (_, act) => void (database.kind === 'managed' && (await ensureImage(act, database.host, database.image, deployment))),
    gather: (ask) => gather(ask, deployment),
    plan: (facts) => planDatabase(deployment, facts),
  });
}

async function gather(ask: Ask, deployment: Deployment): Promise<Facts> {
  const { cluster } = deployment;
  const { asks } = databasePlace(cluster);
  const managed = cluster.database.kind === 'managed' ? cluster.database : undefined;
  const [database, onContainer, onImage, properties, password] = await Promise.all([
    askDatabase(ask, deployment),
    managed ? ask.ask(asks.name, containers).then((all) => standing(all, managed.container)) : absent,
    managed ? ask.ask(asks.name, image(managed.image)) : absent,
    ask.ask(asks.name, machine),
    managed ? ask.ask(asks.name, file(folders(cluster).databasePassword)) : absent,
  ]);
  const changes = managed !== undefined && changesImage(managed, valueOf(onContainer)?.current, onImage);
  const newVersion = changes ? await ask.ask(asks.name, serverVersion(managed.image)) : absent;
  return { ...database, container: onContainer, newVersion, clock: mapFact(properties, ({ clock }) => clock), image: onImage, passwordFile: mapFact(properties, ({ home }) => absolute(home, folders(cluster).databasePassword)), password };
}

/** The container where it is ours to run, or else the first login at the server; then what the server says of itself; then whether every replica's host reaches it. */
export function planDatabase(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const { database } = deployment.cluster;
  if (database.kind === 'managed') planDatabaseContainer(plan, deployment, database, facts);
  else planLogin(plan, deployment, database, facts);
  if (plan.failures.length > 0) return plan;
  if (plan.steps.length > 0) {
    plan.later.push({ host: databasePlace(deployment.cluster).asks.name, what: 'version, login and owner of the database; reached from every replica', why: database.kind === 'managed' ? 'after it was started' : 'after that' });
    if (database.kind === 'managed') planAfterStart(plan, database, deployment, facts);
    return plan;
  }
  planState(plan, deployment, facts);
  if (plan.failures.length === 0 && plan.steps.length === 0) planReach(plan, deployment.cluster, facts);
  return plan;
}

/** What may be missing once the server can be asked. */
function planAfterStart(plan: Plan, database: ManagedDatabase, { secrets }: Deployment, { container, password, state }: Facts): void {
  const isThere = state.is === 'present' && state.value.login === 'accepted' && state.value.exists;
  if (!isThere) plan.later.push({ host: database.host, what: `database schema ${database.name}`, why: 'where the server has none' });
  const found = valueOf(container);
  // One that is made anew is given the file; a former one that is put back finds what is there.
  const isWritten = found?.current === undefined && found?.former === undefined;
  if (!isWritten && unlikeSecret(password, secrets.databasePassword) !== undefined) plan.later.push({ host: database.host, what: PASSWORD_FILE, why: 'once the server takes it' });
}

const PASSWORD_FILE = 'file with the database password';

/**
 * A server is asked only once it is in use, which this begins. One without a CA is then logged in to as Kuscia itself does: it may want that once before challenges do.
 * What comes of it is judged by the questions that follow.
 */
function planLogin(plan: Plan, deployment: Deployment, database: ExternalDatabase, { inUse, state }: Facts): void {
  const { cluster, secrets } = deployment;
  const { asks } = databasePlace(cluster);
  if (inUse.is === 'unknown') plan.failures.push({ code: 'fact-unknown', host: asks.name, what: inUse.why, remedy: 'Fix the reported problem, then run again.' });
  const forgotten = state.is === 'present' && state.value.login === 'withheld' && state.value.method === SHA2;
  if (inUse.is !== 'absent' && !forgotten) return;
  const what = `login as ${database.user} at ${database.address}:${database.port}${database.ca === undefined ? '' : ', which proves itself by the CA'}`;
  const apply = async (act: Act): Promise<void> => {
    await act.run(asks.name, writeFile('write down which database is in use', folders(cluster).databaseInUse, '0600', inUseText(database)));
    if (database.ca === undefined) await act.attempt(asks.name, logInOnce(cluster, database, secrets.databasePassword));
  };
  plan.steps.push({ host: asks.name, change: forgotten ? '~' : '+', what, why: forgotten ? 'the server has forgotten it' : 'this deployment does not use it yet', ...(forgotten && { momentary: true }), apply });
}

function planDatabaseContainer(plan: Plan, deployment: Deployment, database: ManagedDatabase, facts: Facts): void {
  const { passwordFile, container, image, password } = facts;
  const unknowns = [container, image, passwordFile, password].flatMap((fact) => (fact.is === 'unknown' ? [fact.why] : []));
  plan.failures.push(...unknowns.map((why) => ({ code: 'fact-unknown' as const, host: database.host, what: why, remedy: 'Fix what the line names, then run again.' })));
  if (unknowns.length > 0 || passwordFile.is !== 'present' || container.is !== 'present') return;
  const { current, former } = container.value;
  const upgrade = changesImage(database, current, image) ? upgradeOf(runningVersion(facts), database.image, facts.newVersion) : undefined;
  const refusal = upgrade && upgradeRefusal(database, upgrade, deployment.upgradesDatabase);
  if (refusal) plan.failures.push(refusal);
  if (upgrade && !refusal && upgrade.is !== 'reversible') plan.warnings.push(irreversible(database, upgrade));
  const found = planContainer(plan, wantedDatabase(deployment, database, facts, passwordFile.value), { current, former });
  if (found) plan.satisfied.push({ host: database.host, what: `database ${database.container}`, why: `${found.state}, port ${database.port}, volume ${database.volume}` });
}

const changesImage = (database: ManagedDatabase, current: Container | undefined, image: Fact<string>): boolean =>
  current !== undefined && (imageDifference(current, database.image, image) !== undefined || movedImage(current, database.image, image) !== undefined);

const runningVersion = ({ state }: Facts): string => (state.is === 'present' && state.value.login === 'accepted' ? state.value.version : '');

/** One that replaces another is given longer than the run that made it waits. */
const PATIENCE_MS = 240_000;

function wantedDatabase(deployment: Deployment, database: ManagedDatabase, facts: Facts, passwordFile: string): Wanted {
  const { host, image } = database;
  const current = valueOf(facts.container)?.current;
  const isYoung = current !== undefined && (valueOf(facts.clock) ?? 0) - current.createdAt < PATIENCE_MS;
  return {
    host,
    name: database.container,
    kind: 'database',
    creation: `database ${database.container} on port ${database.port}, volume ${database.volume}`,
    stopping: { seconds: 60, holdsData: true },
    difference: (container) => differenceOf(database, container, facts.image),
    moved: (container) => movedImage(container, image, facts.image),
    image: knownImage(deployment, image, facts.image),
    state: facts.state.is === 'present' ? 'works' : isYoung ? 'starting' : 'broken',
    prepare: async (act) => {
      await ensureImage(act, host, image, deployment);
      await confirmUpgrade(act, deployment, database, facts);
    },
    rehearsal: (present) => ({ image, ports: portsToTry({ '3306/tcp': database.port }, present), options: [] }),
    refused: (act) => refuseTakenPorts(act, deployment.cluster, hostNamed(deployment.cluster, host)),
    create: async (act) => {
      await act.run(host, writePassword(deployment, passwordFile));
      await act.run(host, runDatabase(database, passwordFile));
    },
    fault: async (act) => {
      const state = await act.ask(host, databaseState(deployment.cluster, deployment.secrets.databasePassword));
      return state.is === 'present' ? undefined : whyNot(state);
    },
  };
}

/** Once the image is there its version is known: what the plan could not know is refused now, before anything is stopped. */
async function confirmUpgrade(act: Act, deployment: Deployment, database: ManagedDatabase, facts: Facts): Promise<void> {
  if (!changesImage(database, valueOf(facts.container)?.current, facts.image)) return;
  const upgrade = upgradeOf(runningVersion(facts), database.image, await act.ask(database.host, serverVersion(database.image)));
  const refusal = upgradeRefusal(database, upgrade, deployment.upgradesDatabase);
  if (refusal) throw trouble(refusal);
}

const irreversible = (database: ManagedDatabase, { from, to }: Upgrade): Failure => ({
  code: 'database-upgrade-unconfirmed',
  host: database.host,
  what: `replacing ${database.container} upgrades the files in volume ${database.volume} and cannot be undone`,
  evidence: `${from || 'an unknown version'} -> ${to || 'an unknown version'}`,
  remedy: 'See that there is a backup before this plan is applied.',
});

const writePassword = ({ secrets }: Deployment, path: string): Command => writeFile('write the database password', path, '0600', secrets.databasePassword);

/** The file from which the container takes the password whenever it is started; written anew only with a password that the database was seen to accept. */
function planPassword(plan: Plan, deployment: Deployment, { password, passwordFile }: Facts): void {
  const { database } = deployment.cluster;
  const difference = unlikeSecret(password, deployment.secrets.databasePassword);
  if (database.kind !== 'managed' || difference === undefined || passwordFile.is !== 'present') return;
  const apply = async (act: Act): Promise<void> => void (await act.run(database.host, writePassword(deployment, passwordFile.value)));
  plan.steps.push({ host: database.host, change: password.is === 'absent' ? '+' : '~', what: PASSWORD_FILE, why: difference, apply });
}

/** Why the container is not as the cluster file says; undefined when it is. */
function differenceOf(database: ManagedDatabase, current: Container, image: Fact<string>): string | undefined {
  const otherImage = imageDifference(current, database.image, image);
  if (otherImage !== undefined) return otherImage;
  if (current.ports['3306/tcp'] !== database.port) return `port ${current.ports['3306/tcp'] ?? 'none'} -> ${database.port}`;
  if (current.mounts[DATA_TARGET] !== database.volume) return `volume ${current.mounts[DATA_TARGET] ?? 'none'} -> ${database.volume}`;
  return undefined;
}

function planState(plan: Plan, deployment: Deployment, facts: Facts): void {
  const { state } = facts;
  const { cluster } = deployment;
  const { database } = cluster;
  const { asks, address } = databasePlace(cluster);
  const where = `${address}:${database.port}`;
  if (state.is !== 'present') {
    const failure = unanswered(cluster, state);
    plan.awaited.push({ host: asks.name, what: 'database answers', why: failure.evidence, failure });
    return;
  }
  plan.failures.push(...stateFailures(cluster, state.value));
  if (state.value.login !== 'accepted' || plan.failures.length > 0) return;
  planPassword(plan, deployment, facts);
  if (!state.value.exists && database.kind === 'managed') {
    const make = async (act: Act): Promise<void> => void (await act.run(asks.name, createDatabase(database, deployment.secrets.databasePassword)));
    plan.steps.push({ host: asks.name, change: '+', what: `database schema ${database.name}`, why: 'absent on the server', apply: make });
    return;
  }
  plan.satisfied.push({ host: asks.name, what: `database ${database.name} at ${where}`, why: `${state.value.version}, login as ${database.user}` });
}

function planReach(plan: Plan, cluster: Cluster, { reached }: Facts): void {
  const { database } = cluster;
  const { address } = databasePlace(cluster);
  const what = 'reaches the database from a container';
  for (const each of reached) {
    const { host, fact } = each;
    if (isGreeted(fact)) {
      plan.satisfied.push({ host: host.name, what, why: `${address}:${database.port}` });
      continue;
    }
    const failure = unreached(cluster, address, each);
    if (failure.definite) plan.failures.push(failure);
    else plan.awaited.push({ host: host.name, what, why: describeGreeting(fact), failure });
  }
}

