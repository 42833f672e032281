import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { describeStop } from '../docker/containers.ts';
import { probeName } from '../docker/probe.ts';
import type { Failure } from '../engine/errors.ts';
import { valueOf, whyNot } from '../engine/fact.ts';
import { unknownFailures } from '../engine/unknown.ts';
import { isGateway } from '../kuscia/facts.ts';
import { loadBalancerFiles } from '../nginx/configuration.ts';
import { pairFailuresOf, probeFailures } from './data-path.ts';
import { databaseFailures, databasePlace, type DatabaseFacts } from './database.ts';
import { isGreeted, reachFailure } from './database-reach.ts';
import { leadManager, engineFailures, NODE_REMEDY } from './swarm.ts';
import { changedFiles } from './nginx-facts.ts';
import { hiddenBecause, isSilent, type VerifyFacts } from './verify-facts.ts';
import { isTried, nodeOf } from './verify-matrix.ts';

/**
 * What does not work besides the replicas and may explain their failures: the database first, then the load balancer.
 */
export const otherFailures = (deployment: Deployment, facts: VerifyFacts): Failure[] => [
  ...databaseOf(deployment.cluster, facts),
  ...loadBalancerFailures(deployment, facts),
];

/**
 * What is wrong with the database, for all replicas or only for that of one host. While the host that queries it, or
 * its engine, does not answer, a replica's host that gets the greeting proves that it works.
 */
function databaseOf(cluster: Cluster, facts: VerifyFacts, only?: string): Failure[] {
  const { queryHost, address } = databasePlace(cluster);
  if (hiddenBecause(facts, queryHost.name) === '') return databaseFailures(cluster, reachable(cluster, facts, only));
  const { reached } = reachable(cluster, facts, only);
  const greeted = facts.database.reached.some(({ fact }) => isGreeted(fact));
  return greeted ? reached.flatMap((each) => (isGreeted(each.fact) ? [] : [reachFailure(cluster, address, each)])) : [];
}

/** What is wrong with the database and the load balancer that explains a failed replica, in words; '' if they work. */
export function otherCauses(
  deployment: Deployment,
  facts: VerifyFacts,
  host: string,
): { readonly database: string; readonly loadBalancer: string } {
  const { cluster } = deployment;
  const { queryHost } = databasePlace(cluster);
  const greeted = facts.database.reached.some(({ fact }) => isGreeted(fact));
  const databaseHidden =
    cluster.database.kind === 'managed' && hiddenBecause(facts, queryHost.name) !== '' && !greeted
      ? `the database is on ${queryHost.name}, ${hiddenBecause(facts, queryHost.name)}`
      : '';
  const { host: balancer } = cluster.loadBalancer;
  const answers = valueOf(facts.answers)?.some((answer) => isGateway(cluster, answer)) === true;
  const balancerHidden =
    hiddenBecause(facts, balancer) !== '' && !answers
      ? `the load balancer is on ${balancer}, ${hiddenBecause(facts, balancer)}`
      : '';
  return {
    database: databaseOf(cluster, facts, host)[0]?.what ?? databaseHidden,
    loadBalancer: loadBalancerFailures(deployment, facts)[0]?.what ?? balancerHidden,
  };
}

/** Skips hosts without a running probe to try it from: the pairs of that host report it. */
function reachable(cluster: Cluster, { database, containers }: VerifyFacts, only?: string): DatabaseFacts {
  const hasProbe = (host: string): boolean =>
    containers.get(host)?.some(({ name, state }) => name === probeName(cluster) && state === 'running') === true;
  return {
    ...database,
    reached: database.reached.filter(({ host: { name } }) => hasProbe(name) && (only === undefined || only === name)),
  };
}

/** Whether it runs, with the files it should have. Whether it forwards to every replica is in the matrix. */
function loadBalancerFailures(
  deployment: Deployment,
  { loadBalancer: facts, machines, engines }: VerifyFacts,
): Failure[] {
  const { cluster } = deployment;
  const { host, container: name } = cluster.loadBalancer;
  if (hiddenBecause({ machines, engines }, host) !== '') return [];
  const { digest } = loadBalancerFiles(deployment);
  const unknowns = [facts.container, facts.configuration, ...facts.secrets.values()];
  const failures = unknownFailures(host, unknowns, 'Fix the reported problem, then verify again.');
  if (failures.length > 0) return failures;
  const state = facts.container.is === 'present' ? describeStop(facts.container.value) : 'absent';
  if (state !== undefined)
    return [
      {
        code: 'load-balancer-unhealthy',
        host,
        what: `the load balancer is not running: its container ${name} is ${state}`,
        evidence: `docker inspect ${name}: ${state}`,
        cause: 'the load balancer was stopped, or exited by itself',
        remedy:
          'Run the deployment again (mode: apply): it starts the load balancer. If it stops again, docker logs ' +
          `${name} on ${host} shows why.`,
      },
    ];
  const changed = changedFiles(deployment, facts);
  if (changed.length > 0) {
    const evidence = changed.map(([file, why]) => `${folders(cluster).nginx}/${file}: ${why}`).join(', ');
    return [
      {
        code: 'load-balancer-configuration',
        host,
        what: 'the files of the load balancer are not those of this deployment',
        evidence,
        cause: 'they were changed on the host, or the cluster file or an input was changed and not applied',
        remedy:
          'Run the deployment again (mode: apply): it rewrites the files and reloads nginx. Manual changes are ' +
          'lost, but nginx.conf.last-good beside the files keeps the previous configuration.',
      },
    ];
  }
  if (valueOf(facts.loaded) === digest) return [];
  const evidence =
    facts.loaded.is === 'present'
      ? `loaded ${facts.loaded.value.slice(0, 12)}, wanted ${digest.slice(0, 12)}`
      : whyNot(facts.loaded);
  return [
    {
      code: 'load-balancer-configuration',
      host,
      what: 'nginx is not running with the configuration in its files',
      evidence,
      cause: 'its files were replaced without a reload, or it refused to load them',
      remedy:
        `Run the deployment again (mode: apply): it reloads nginx. If that fails, docker logs ${name} on ${host} ` +
        'shows why.',
    },
  ];
}

/**
 * Hosts that answer but do not give the requested facts, and engines that do not answer or are stuck, as in a locked
 * swarm.
 */
export function hostFailures(facts: VerifyFacts): Failure[] {
  const unreadable = [...facts.machines].flatMap(([host, fact]) =>
    isSilent(facts, host)
      ? []
      : unknownFailures(host, [fact], `Check that the login has a POSIX shell on ${host}, then verify again.`),
  );
  return [...unreadable, ...engineFailures(new Map([...facts.engines].filter(([host]) => !isSilent(facts, host))))];
}

/**
 * Nodes that are not Ready, except those of hosts in `known`, about which more is reported: the host or its engine does
 * not answer.
 */
export function nodeFailures(cluster: Cluster, facts: VerifyFacts, known: ReadonlySet<string>): Failure[] {
  if (facts.nodes.is !== 'present') {
    const { name } = leadManager(cluster, facts.engines);
    return known.has(name)
      ? []
      : [
          {
            code: 'node-not-ready',
            host: name,
            what: 'the state of the swarm nodes is not known',
            evidence: whyNot(facts.nodes),
            remedy: `Check docker node ls on ${name}, then verify again.`,
          },
        ];
  }
  return cluster.hosts
    .filter(({ name }) => !known.has(name))
    .flatMap((host): Failure[] => {
      const node = nodeOf(facts, host);
      if (node?.state === 'ready') return [];
      const evidence = node ? `node ${node.id} is ${node.state}` : 'not a node of the swarm';
      return [
        {
          code: 'node-not-ready',
          host: host.name,
          what: 'its swarm node is not Ready',
          evidence,
          remedy: node ? NODE_REMEDY : 'Run the deployment again (mode: apply): it joins the host to the swarm.',
        },
      ];
    });
}

/** Pairs that were tried and whose path is blocked. */
export const pairFailures = (cluster: Cluster, facts: VerifyFacts): Failure[] => [
  ...probeFailures(cluster, facts.probes),
  ...pairFailuresOf(
    cluster,
    facts.paths.filter((path) => path.connected || isTried(facts, path)),
  ),
];
