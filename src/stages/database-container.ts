import { hostNamed, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { planContainer, planRemoval } from '../docker/bring-about.ts';
import type { Container } from '../docker/containers.ts';
import { serverVersion } from '../docker/facts.ts';
import { differenceFrom } from '../docker/difference.ts';
import { ensureImage, knownImage, movedImage } from '../docker/images.ts';
import { portsToTry } from '../docker/replacement.ts';
import type { Removable, Wanted } from '../docker/wanted.ts';
import { seen, type Difference } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { valueOf, whyNot, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { holds } from '../host/files.ts';
import { DATA_TARGET, ROOT_PASSWORD_TARGET, runDatabase, type PasswordFiles } from '../mysql/commands.ts';
import { databaseState } from '../mysql/facts.ts';
import { keepRootPassword, makeRootPassword } from '../mysql/root.ts';
import { notOwnAddress, listenAddress } from './database-listen.ts';
import { writePassword } from './database-passwords.ts';
import { planProvision, aboutUser } from './database-root.ts';
import { upgradeOf, upgradeRefusal, type Upgrade } from './database-upgrade.ts';
import { lacksUser, stateFailures } from './database.ts';
import { changesImage, type MysqlFacts } from './mysql-facts.ts';
import { refuseTakenPorts } from './ports.ts';

/** Plans the database container that we run, and the user that it lacks. */
export function planDatabaseContainer(
  plan: Plan,
  deployment: Deployment,
  database: ManagedDatabase,
  facts: MysqlFacts,
): void {
  const { passwordFiles, container, image, password, rootPassword, listen, state, root } = facts;
  const unknowns = [container, image, passwordFiles, password, rootPassword, listen];
  plan.failures.push(...unknownFailures(database.host, unknowns));
  if (plan.failures.length > 0 || passwordFiles.is !== 'present' || container.is !== 'present') return;
  const address = listenAddress(listen);
  if (address === undefined) plan.failures.push(notOwnAddress(database, listen));
  const userMissing = lacksUser(state, root);
  // The user gets the password of the input, and so does the file: if root still accepted the file's password, root
  // could not be closed later.
  const fileMatchesInput =
    valueOf(root)?.login !== 'given' ||
    password.is !== 'present' ||
    holds(password.value, deployment.secrets.databasePassword);
  // What the input cannot fix is reported before anything is stopped for another reason.
  if (state.is === 'present' && state.value.login === 'refused' && !(userMissing && fileMatchesInput))
    plan.failures.push(...stateFailures(deployment.cluster, state.value));
  if (plan.failures.length > 0 || address === undefined) return;
  const { current, former } = container.value;
  const upgrade = changesImage(database, current, image)
    ? upgradeOf(runningVersion(facts), database.image, facts.newVersion)
    : undefined;
  const refusal = upgrade && upgradeRefusal(database, upgrade, deployment.upgradesDatabase);
  if (refusal) plan.failures.push(refusal);
  if (upgrade && !refusal && upgrade.is !== 'reversible') plan.warnings.push(irreversible(database, upgrade));
  // The user comes first, so that it exists for a replica that restarts while the container is being replaced.
  const serialGroup = userMissing ? database.container : undefined;
  if (serialGroup !== undefined) planProvision(plan, deployment, database, root, aboutUser(database), serialGroup);
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

/** Plans the removal of the database's container; its volume and its password files are kept. */
export function planNoDatabase(plan: Plan, database: ManagedDatabase, facts: MysqlFacts): void {
  const { container, passwordFiles, rootPassword } = facts;
  plan.failures.push(...unknownFailures(database.host, [container, passwordFiles, rootPassword]));
  if (plan.failures.length > 0 || container.is !== 'present' || passwordFiles.is !== 'present') return;
  const { root } = passwordFiles.value;
  const beforeStop = (act: Act): Promise<void> => saveRootPassword(act, database, facts, root);
  const remains = `volume ${database.volume} and the password files are kept`;
  planRemoval(plan, { ...containerOf(database), beforeStop }, container.value, remains);
}

const containerOf = ({ host, container }: ManagedDatabase): Removable => ({
  host,
  name: container,
  kind: 'database',
  stopping: { seconds: 60, holdsData: true },
});

/**
 * Copies root's own password out of the container if its file on the host is missing: a regenerated password would not
 * be root's.
 */
async function saveRootPassword(act: Act, database: ManagedDatabase, facts: MysqlFacts, path: string): Promise<void> {
  const current = valueOf(facts.container)?.current;
  if (
    facts.rootPassword.is === 'absent' &&
    current?.state === 'running' &&
    current.mounts[ROOT_PASSWORD_TARGET] !== undefined
  )
    await act.run(database.host, keepRootPassword(database, path));
}

const runningVersion = ({ state, root }: MysqlFacts): string =>
  [valueOf(state), valueOf(root)].flatMap((each) => (each && 'version' in each ? each.version : []))[0] ?? '';

/** How long a replacement may take to work, in milliseconds: longer than the run that created it waits. */
const PATIENCE_MS = 240_000;

/** What the container is started with, and the serial group of its steps if other steps must go first. */
interface StartOptions {
  readonly files: PasswordFiles;
  readonly address: string;
  readonly serialGroup: string | undefined;
}

function wantedDatabase(
  deployment: Deployment,
  database: ManagedDatabase,
  facts: MysqlFacts,
  started: StartOptions,
): Wanted {
  const { host, image } = database;
  const { files, address, serialGroup } = started;
  const current = valueOf(facts.container)?.current;
  const isRecent = current !== undefined && (valueOf(facts.clock) ?? 0) - current.createdAt < PATIENCE_MS;
  return {
    ...containerOf(database),
    details: { address, port: `${database.port}`, volume: database.volume },
    ...(serialGroup !== undefined && { serialGroup }),
    difference: (container) => differenceOf(database, container, facts.image, started),
    moved: (container) => movedImage(container, image, facts.image),
    image: knownImage(deployment, image, facts.image),
    state: facts.state.is === 'present' ? 'works' : isRecent ? 'starting' : 'broken',
    prepare: async (act) => {
      await ensureImage(act, host, image, deployment);
      await confirmUpgrade(act, deployment, database, facts);
      await saveRootPassword(act, database, facts, files.root);
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
 * Once the image is on the host, its version is known: an upgrade that the plan could not judge is refused now, before
 * anything is stopped.
 */
async function confirmUpgrade(
  act: Act,
  deployment: Deployment,
  database: ManagedDatabase,
  facts: MysqlFacts,
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
  remedy: 'Make sure that a backup exists before this plan is applied.',
});

/** How the container differs from the cluster file; undefined if it does not. */
const differenceOf = (
  { image, port, volume }: ManagedDatabase,
  current: Container,
  imageOnHost: Fact<string>,
  { address, files }: StartOptions,
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
