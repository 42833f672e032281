import { hostsWith, type ExternalDatabase, type ManagedDatabase } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { ensureImage } from '../docker/images.ts';
import { seen } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { valueOf } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import type { Wish } from '../engine/stage.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { writeFile } from '../host/commands.ts';
import { logInOnce } from '../mysql/client.ts';
import { ROOT_PASSWORD_TARGET } from '../mysql/commands.ts';
import { inUseText } from '../mysql/in-use.ts';
import { planDatabaseContainer, planNoDatabase } from './database-container.ts';
import { announcePasswordFiles, planPasswords } from './database-passwords.ts';
import { planReach, SHA2 } from './database-reach.ts';
import { planProvision, rootInaccessible, aboutSchema, aboutUser } from './database-root.ts';
import { defineStage } from './definition.ts';
import { databasePlace, lacksUser, noAnswer, stateFailures } from './database.ts';
import { gatherDatabase, type MysqlFacts } from './mysql-facts.ts';

/** The domain's database, reachable from a container on every replica's host. */
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
  removable: true,
  work: (deployment, wish) => {
    const { database } = deployment.cluster;
    return {
      // The server takes long to start; whether the replicas' hosts reach it can only be seen over the network. An
      // external server is queried over the network.
      ...(database.kind === 'managed' && { startAfter: ['preflight'] }),
      settleMs: 120_000,
      prefetch: async (_, act) =>
        void (database.kind === 'managed' && (await ensureImage(act, database.host, database.image, deployment))),
      gather: (ask) => gatherDatabase(ask, deployment),
      plan: (facts) => planDatabase(deployment, facts, wish),
    };
  },
});

/**
 * First the container if we run the database, otherwise the first login at the server; then what the server reports
 * about itself; then whether every replica's host reaches it. Removal removes only the container, if it is ours.
 */
export function planDatabase(deployment: Deployment, facts: MysqlFacts, wish: Wish = 'present'): Plan {
  const plan = new Plan();
  const { database } = deployment.cluster;
  if (wish === 'absent') {
    if (database.kind === 'managed') planNoDatabase(plan, database, facts);
    return plan;
  }
  if (database.kind === 'managed') planDatabaseContainer(plan, deployment, database, facts);
  else planLogin(plan, deployment, database, facts);
  if (plan.failures.length > 0) return plan;
  if (plan.steps.length > 0) {
    plan.later.push({
      host: databasePlace(deployment.cluster).queryHost.name,
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

/** Announces what may turn out to be missing once the server can be queried. */
function planAfterStart(plan: Plan, database: ManagedDatabase, deployment: Deployment, facts: MysqlFacts): void {
  const { container, state } = facts;
  const schemaExists = state.is === 'present' && state.value.login === 'accepted' && state.value.exists;
  if (!schemaExists && !lacksUser(state, facts.root))
    plan.later.push({ host: database.host, about: aboutSchema(database), why: { because: 'if-lacking' } });
  // A new container is given the files; one that is started or put back uses those that exist.
  const found = valueOf(container);
  const existing = [found?.current, found?.former].flatMap((each) => each ?? []);
  if (state.is !== 'present' && (existing.length > 0 || facts.password.is !== 'absent'))
    plan.later.push({ host: database.host, about: aboutUser(database), why: { because: 'if-lacking' } });
  if (existing.length > 0)
    announcePasswordFiles(
      plan,
      database.host,
      deployment,
      facts,
      existing.some(({ mounts }) => mounts[ROOT_PASSWORD_TARGET] !== undefined),
    );
}

/**
 * A server is queried only once it is in use, which starts here. Without a CA, the login is then made as Kuscia itself
 * does it: the server may require that once before it accepts challenges. The queries that follow judge the result.
 */
function planLogin(plan: Plan, deployment: Deployment, database: ExternalDatabase, { inUse, state }: MysqlFacts): void {
  const { cluster, secrets } = deployment;
  const { queryHost } = databasePlace(cluster);
  plan.failures.push(...unknownFailures(queryHost.name, [inUse]));
  const passwordForgotten = state.is === 'present' && state.value.login === 'withheld' && state.value.method === SHA2;
  if (inUse.is !== 'absent' && !passwordForgotten) return;
  const apply = async (act: Act): Promise<void> => {
    await act.run(
      queryHost.name,
      writeFile('write down which database is in use', folders(cluster).databaseInUse, '0600', inUseText(database)),
    );
    if (database.ca === undefined)
      await act.attempt(queryHost.name, logInOnce(cluster, database, secrets.databasePassword));
  };
  plan.steps.push({
    host: queryHost.name,
    change: passwordForgotten ? '~' : '+',
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
    why: { because: passwordForgotten ? 'forgotten' : 'not-in-use' },
    apply,
  });
}

function planState(plan: Plan, deployment: Deployment, facts: MysqlFacts): void {
  const { state } = facts;
  const { cluster } = deployment;
  const { database } = cluster;
  const { queryHost, address } = databasePlace(cluster);
  if (state.is !== 'present') {
    const failure = noAnswer(cluster, state);
    plan.awaited.push({
      host: queryHost.name,
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
    planProvision(plan, deployment, database, facts.root, aboutSchema(database));
    return;
  }
  if (database.kind === 'managed') planRootAccess(plan, database, facts);
  plan.satisfied.push({
    host: queryHost.name,
    about: { kind: 'serve', thing: 'database', name: database.name, details: { address, port: `${database.port}` } },
    why: seen(`${state.value.version}, login as ${database.user}`),
  });
}

/** A server that answers shows how its root logs in; that matters to the stage that closes root. */
function planRootAccess(plan: Plan, database: ManagedDatabase, { root }: MysqlFacts): void {
  const failure = rootInaccessible(database, root);
  if (root.is === 'unknown')
    plan.awaited.push({
      host: database.host,
      about: { kind: 'be-known', thing: 'root' },
      why: seen(root.why),
      failure: { ...failure, code: 'fact-unknown', what: root.why },
    });
  if (root.is === 'present' && root.value.login === 'refused') plan.warnings.push(failure);
}
