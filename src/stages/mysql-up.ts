import { hostNamed, hostsWith, type Cluster, type Host, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { removeContainer, startContainer } from '../docker/commands.ts';
import { container, type Container } from '../docker/containers.ts';
import { image } from '../docker/facts.ts';
import { ensureImage } from '../docker/images.ts';
import type { Act, Ask } from '../engine/ask.ts';
import type { Failure } from '../engine/errors.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { stage, type Stage } from '../engine/stage.ts';
import { writeFile } from '../host/commands.ts';
import { machine } from '../host/facts.ts';
import { absolute, folders } from '../kuscia/names.ts';
import { compareVersions } from '../kuscia/requirements.ts';
import { createDatabase, DATA_TARGET, runDatabase } from '../mysql/commands.ts';
import { databaseState, greeting, type DatabaseState } from '../mysql/facts.ts';

interface Facts {
  readonly container: Fact<Container>;
  readonly image: Fact<string>;
  /** Where the password file is or will be, absolute. */
  readonly passwordFile: Fact<string>;
  readonly state: Fact<DatabaseState>;
  /** Whether a container on each replica's host is greeted by the server. */
  readonly reached: readonly { readonly host: Host; readonly fact: Fact<true> }[];
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

/** The host from which the database server is asked, and the address at which replicas find it. */
export function databasePlace(cluster: Cluster): { readonly asks: Host; readonly address: string } {
  const { database } = cluster;
  if (database.kind === 'managed') {
    const host = hostNamed(cluster, database.host);
    return { asks: host, address: host.address };
  }
  const [replica] = hostsWith(cluster, 'replica');
  if (!replica) throw new Error('no replica in the cluster file');
  return { asks: replica, address: database.address };
}

async function gather(ask: Ask, { cluster, secrets }: Deployment): Promise<Facts> {
  const { database } = cluster;
  const { asks, address } = databasePlace(cluster);
  const managed = database.kind === 'managed';
  const [onContainer, onImage, properties, state, reached] = await Promise.all([
    managed ? ask.ask(asks.name, container(database.container)) : absent,
    ask.ask(asks.name, image(database.image)),
    ask.ask(asks.name, machine),
    ask.ask(asks.name, databaseState(cluster, secrets.databasePassword)),
    Promise.all(hostsWith(cluster, 'replica').map(async (host) => ({ host, fact: await ask.ask(host.name, greeting(cluster, address, database.port)) }))),
  ]);
  return { container: onContainer, image: onImage, passwordFile: mapFact(properties, ({ home }) => absolute(home, folders(cluster).databasePassword)), state, reached };
}

/** The container where it is ours to run; then what the server says of itself; then whether every replica's host reaches it. */
export function planDatabase(deployment: Deployment, facts: Facts): Plan {
  const plan = new Plan();
  const { database } = deployment.cluster;
  if (database.kind === 'managed') planContainer(plan, deployment, database, facts);
  if (plan.failures.length > 0) return plan;
  if (plan.steps.length > 0) {
    plan.later.push({ host: databasePlace(deployment.cluster).asks.name, what: 'version, login and owner of the database; reached from every replica', why: 'after it was started' });
    return plan;
  }
  planState(plan, deployment, facts.state);
  if (plan.failures.length === 0 && plan.steps.length === 0) planReach(plan, deployment.cluster, facts);
  return plan;
}

function planContainer(plan: Plan, deployment: Deployment, database: ManagedDatabase, facts: Facts): void {
  const { passwordFile } = facts;
  const unknowns = [facts.container, facts.image, passwordFile].flatMap((fact) => (fact.is === 'unknown' ? [fact.why] : []));
  plan.failures.push(...unknowns.map((why) => ({ code: 'fact-unknown' as const, host: database.host, what: why, remedy: 'Mend what the line names, then run again.' })));
  if (unknowns.length > 0 || passwordFile.is !== 'present') return;
  const start = async (act: Act): Promise<void> => {
    await ensureImage(act, database.host, database.image, deployment);
    await act.run(database.host, writeFile('write the database password', passwordFile.value, '0600', deployment.secrets.databasePassword));
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
    plan.steps.push({ host: database.host, change: '~', what: `start database ${database.container}`, why, apply: async (act) => void (await act.run(database.host, startContainer(database.container, current.state))) });
  } else {
    plan.satisfied.push({ host: database.host, what: `database ${database.container}`, why: `${current.state}, port ${database.port}, volume ${database.volume}` });
  }
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

function planState(plan: Plan, deployment: Deployment, state: Fact<DatabaseState>): void {
  const { cluster } = deployment;
  const { database } = cluster;
  const { asks, address } = databasePlace(cluster);
  const where = `${address}:${database.port}`;
  if (state.is !== 'present') {
    const why = state.is === 'unknown' ? state.why : 'no answer';
    plan.awaited.push({ host: asks.name, what: 'database answers', why, failure: { code: 'database-unreachable', host: asks.name, what: `the database at ${where} does not answer`, evidence: why, remedy: databaseRemedy(cluster) } });
    return;
  }
  plan.failures.push(...stateFailures(cluster, state.value));
  if (state.value.login === 'refused' || plan.failures.length > 0) return;
  if (!state.value.exists && database.kind === 'managed') {
    const make = async (act: Act): Promise<void> => void (await act.run(asks.name, createDatabase(database, deployment.secrets.databasePassword)));
    plan.steps.push({ host: asks.name, change: '+', what: `database schema ${database.name}`, why: 'absent on the server', apply: make });
    return;
  }
  plan.satisfied.push({ host: asks.name, what: `database ${database.name} at ${where}`, why: `${state.value.version}, login as ${database.user}` });
}

const databaseRemedy = (cluster: Cluster): string =>
  cluster.database.kind === 'managed'
    ? `See docker logs ${cluster.database.container} on ${cluster.database.host}, then run again.`
    : 'See that the server runs, that its address and port in the cluster file are right, and that it lets the hosts in; then run again.';

/** Oldest servers that work. Source: Kuscia docs/deployment/deploy_check.md, kuscia#505; MariaDB 10.11 was seen to work. */
const FLOOR = { mysql: '8.0.23', mariadb: '10.5' };

function stateFailures(cluster: Cluster, state: DatabaseState): Failure[] {
  const { database, domain } = cluster;
  const { asks } = databasePlace(cluster);
  if (state.login === 'refused') {
    const kept = database.kind === 'managed' ? ` The password of a volume is the one it was first started with: volume ${database.volume} was not made with this one.` : '';
    return [{ code: 'database-login-refused', host: asks.name, what: `the database refuses the login as ${database.user}`, evidence: state.said, remedy: `Give the right database-password.${kept}` }];
  }
  const failures: Failure[] = [];
  const mariadb = /mariadb/i.test(state.version);
  const floor = mariadb ? FLOOR.mariadb : FLOOR.mysql;
  if (compareVersions(state.version.replace(/^5\.5\.5-/, ''), floor) < 0) {
    failures.push({ code: 'database-unfit', host: asks.name, what: `the database server is ${state.version}, at least ${floor} is needed`, remedy: 'Use a newer server (kuscia#505).' });
  }
  if (!state.exists && database.kind === 'external') {
    failures.push({ code: 'database-unfit', host: asks.name, what: `the server has no database ${database.name}`, remedy: `Create it: CREATE DATABASE ${database.name}; and let ${database.user} create, read and write tables in it.` });
  }
  const owners = [...new Set(state.gateways.map((gateway) => gateway.domain))].filter((owner) => owner !== domain);
  if (owners.length > 0) {
    failures.push({ code: 'database-owned', host: asks.name, what: `the database ${database.name} belongs to domain ${owners.join(', ')}, not to ${domain}`, evidence: state.gateways.map((gateway) => gateway.name).join(', '), remedy: 'Give each domain a database of its own: set database.name or another server in the cluster file.' });
  }
  return failures;
}

function planReach(plan: Plan, cluster: Cluster, { reached }: Facts): void {
  const { database } = cluster;
  const { address } = databasePlace(cluster);
  for (const { host, fact } of reached) {
    if (fact.is === 'present') {
      plan.satisfied.push({ host: host.name, what: 'reaches the database from a container', why: `${address}:${database.port}` });
      continue;
    }
    const why = fact.is === 'unknown' ? fact.why : 'no answer';
    const remedy = `Open ${database.port}/tcp from ${host.name} to ${address}. Replicas connect from containers: a firewall between the container network and the host counts too.`;
    plan.awaited.push({ host: host.name, what: 'reaches the database from a container', why, failure: { code: 'database-unreachable', host: host.name, what: `a container on ${host.name} cannot reach the database at ${address}:${database.port}`, evidence: why, remedy } });
  }
}
