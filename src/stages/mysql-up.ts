import type { Cluster, ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { removeContainer, startContainer } from '../docker/commands.ts';
import type { Container } from '../docker/containers.ts';
import { image } from '../docker/facts.ts';
import { ensureImage } from '../docker/images.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Command } from '../engine/command.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { writeFile } from '../host/commands.ts';
import { machine } from '../host/facts.ts';
import { file, unlikeSecret, type HostFile } from '../host/files.ts';
import { absolute, folders } from '../kuscia/names.ts';
import { createDatabase, DATA_TARGET, runDatabase } from '../mysql/commands.ts';
import { askDatabase, databasePlace, stateFailures, unanswered, type DatabaseFacts } from './database.ts';
import { describeGreeting, isGreeted, unreached } from './database-reach.ts';

interface Facts extends DatabaseFacts {
  readonly image: Fact<string>;
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
    // The server takes long to start; that the replicas' hosts reach it can be seen only over the network.
    beginsAfter: ['preflight'],
    settleMs: 120_000,
    early: async (_, act) => void (database.kind === 'managed' && (await ensureImage(act, database.host, database.image, deployment))),
    gather: (ask) => gather(ask, deployment),
    plan: (facts) => planDatabase(deployment, facts),
  });
}

async function gather(ask: Ask, deployment: Deployment): Promise<Facts> {
  const { cluster } = deployment;
  const { asks } = databasePlace(cluster);
  const [database, onImage, properties, password] = await Promise.all([
    askDatabase(ask, deployment),
    ask.ask(asks.name, image(cluster.database.image)),
    ask.ask(asks.name, machine),
    cluster.database.kind === 'managed' ? ask.ask(asks.name, file(folders(cluster).databasePassword)) : absent,
  ]);
  return { ...database, image: onImage, passwordFile: mapFact(properties, ({ home }) => absolute(home, folders(cluster).databasePassword)), password };
}

/** The container where it is ours to run, or else the image whose client asks; then what the server says of itself; then whether every replica's host reaches it. */
export function planDatabase(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const { database } = deployment.cluster;
  if (database.kind === 'managed') planContainer(plan, deployment, database, facts);
  else if (facts.image.is === 'absent' && facts.state.is !== 'present') planClient(plan, deployment);
  if (plan.failures.length > 0) return plan;
  if (plan.steps.length > 0) {
    plan.later.push({ host: databasePlace(deployment.cluster).asks.name, what: 'version, login and owner of the database; reached from every replica', why: database.kind === 'managed' ? 'after it was started' : 'after that' });
    return plan;
  }
  planState(plan, deployment, facts);
  if (plan.failures.length === 0 && plan.steps.length === 0) planReach(plan, deployment.cluster, facts);
  return plan;
}

/** A question waits for no image to be brought, so a step brings it. */
function planClient(plan: Plan, deployment: Deployment): void {
  const { cluster } = deployment;
  const { asks } = databasePlace(cluster);
  plan.steps.push({ host: asks.name, change: '+', what: `image ${cluster.database.image}, whose client asks the database`, why: 'absent', apply: (act) => ensureImage(act, asks.name, cluster.database.image, deployment) });
}

function planContainer(plan: Plan, deployment: Deployment, database: ManagedDatabase, facts: Facts): void {
  const { passwordFile } = facts;
  const unknowns = [facts.container, facts.image, passwordFile, facts.password].flatMap((fact) => (fact.is === 'unknown' ? [fact.why] : []));
  plan.failures.push(...unknowns.map((why) => ({ code: 'fact-unknown' as const, host: database.host, what: why, remedy: 'Mend what the line names, then run again.' })));
  if (unknowns.length > 0 || passwordFile.is !== 'present') return;
  const start = async (act: Act): Promise<void> => {
    await ensureImage(act, database.host, database.image, deployment);
    await act.run(database.host, writePassword(deployment, passwordFile.value));
    await act.run(database.host, runDatabase(database, passwordFile.value));
  };
  const current = valueOf(facts.container);
  const difference = current && differenceOf(database, current, valueOf(facts.image));
  if (current === undefined) {
    plan.steps.push({ host: database.host, change: '+', what: `database ${database.container} on port ${database.port}, volume ${database.volume}`, why: 'absent', apply: start });
  } else if (difference !== undefined) {
    const recreate = async (act: Act): Promise<void> => {
      await ensureImage(act, database.host, database.image, deployment);
      await act.run(database.host, removeContainer(database.container));
      await start(act);
    };
    plan.steps.push({ host: database.host, change: '~', what: `recreate database ${database.container}, its volume kept`, why: difference, apply: recreate });
  } else if (current.state !== 'running' && current.state !== 'restarting') {
    const why = `${current.state}${current.error ? `: ${current.error}` : ''}`;
    plan.steps.push({ host: database.host, change: '~', what: `start database ${database.container}`, why, momentary: true, apply: async (act) => void (await act.run(database.host, startContainer(database.container, current.state))) });
  } else {
    plan.satisfied.push({ host: database.host, what: `database ${database.container}`, why: `${current.state}, port ${database.port}, volume ${database.volume}` });
  }
}

const writePassword = ({ secrets }: Deployment, path: string): Command => writeFile('write the database password', path, '0600', secrets.databasePassword);

/** The file from which the container takes the password whenever it is started; written anew only with a password that the database was seen to accept. */
function planPassword(plan: Plan, deployment: Deployment, { password, passwordFile }: Facts): void {
  const { database } = deployment.cluster;
  const difference = unlikeSecret(password, deployment.secrets.databasePassword);
  if (database.kind !== 'managed' || difference === undefined || passwordFile.is !== 'present') return;
  const apply = async (act: Act): Promise<void> => void (await act.run(database.host, writePassword(deployment, passwordFile.value)));
  plan.steps.push({ host: database.host, change: password.is === 'absent' ? '+' : '~', what: 'file with the database password', why: difference, apply });
}

/** Why the container is not as the cluster file says; undefined when it is. */
function differenceOf(database: ManagedDatabase, current: Container, imageId: string | undefined): string | undefined {
  if (current.state === 'created') return `left behind by a failed start: ${current.error || 'never started'}`;
  if (imageId === undefined || current.imageId !== imageId) return `image is not ${database.image}`;
  if (current.ports['3306/tcp'] !== database.port) return `port ${current.ports['3306/tcp'] ?? 'none'} -> ${database.port}`;
  if (current.mounts[DATA_TARGET] !== database.volume) return `volume ${current.mounts[DATA_TARGET] ?? 'none'} -> ${database.volume}`;
  if (current.restartPolicy !== 'always') return `restart policy ${current.restartPolicy} -> always`;
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

