import type { Cluster, Host } from '../cluster/cluster.ts';
import { publishedPorts, restartedPorts } from '../docker/containers.ts';
import { hostContainers } from './own-containers.ts';
import { engine, type Engine, type SwarmNode } from '../docker/facts.ts';
import { networks, type Network } from '../docker/networks.ts';
import type { Ask } from '../engine/ask.ts';
import { mapFact, present, valueOf, type Fact } from '../engine/fact.ts';
import { disk, machine, type Disk, type Machine } from '../host/facts.ts';
import { othersOn, type ExposedPath } from '../host/ownership.ts';
import { firewallRules, setup, type Setup } from '../host/setup.ts';
import { missingRules } from './preflight-engine.ts';
import { askSwarm } from './swarm.ts';

/** What preflight knows of one host. */
export interface OnHost {
  readonly host: Host;
  readonly engine: Fact<Engine>;
  readonly machine: Fact<Machine>;
  readonly setup: Fact<Setup>;
  readonly networks: Fact<readonly Network[]>;
  readonly published: Fact<ReadonlyMap<number, string>>;
  readonly restarted: Fact<ReadonlyMap<number, string>>;
  readonly disk: Fact<Disk>;
  /** Who else can change the deployment's folder, the lock's location, and their parents. */
  readonly others: Fact<readonly ExposedPath[]>;
  /** Our own clock before and after the query, in milliseconds; undefined if an earlier job made it. */
  readonly asked: readonly [number, number] | undefined;
}

/** What preflight knows of all hosts. */
export interface PreflightFacts {
  readonly hosts: readonly OnHost[];
  /** Nodes of the swarm as seen by its first manager; unknown without a swarm. */
  readonly nodes: Fact<readonly SwarmNode[]>;
}

/** Where an engine keeps its data by default. */
const ENGINE_DATA = '/var/lib/docker';

/** Queries all hosts at once, mostly with the same queries as later stages: a repeated query runs once. */
export async function gatherHosts(ask: Ask, cluster: Cluster): Promise<PreflightFacts> {
  const gathering = Promise.all(cluster.hosts.map((host) => gatherHost(ask, cluster, host)));
  const [hosts, [, nodes]] = await Promise.all([gathering, askSwarm(ask, cluster)]);
  return { hosts, nodes };
}

async function gatherHost(ask: Ask, cluster: Cluster, host: Host): Promise<OnHost> {
  const before = Date.now();
  const properties = ask.ask(host.name, machine).then((fact) => [fact, Date.now()] as const);
  const [onEngine, [onMachine, after], onSetup, onNetworks, onContainers, usual, others] = await Promise.all([
    ask.ask(host.name, engine),
    properties,
    ask.ask(host.name, setup),
    ask.ask(host.name, networks),
    hostContainers(ask, cluster, host),
    ask.ask(host.name, disk(ENGINE_DATA)),
    ask.ask(host.name, othersOn(cluster.directory)),
  ]);
  const rootDir = valueOf(onEngine)?.rootDir ?? ENGINE_DATA;
  const space = rootDir === ENGINE_DATA ? usual : await ask.ask(host.name, disk(rootDir));
  const settled = await rereadRules(ask, host, onSetup, onNetworks);
  return {
    host,
    engine: onEngine,
    machine: onMachine,
    setup: settled,
    networks: onNetworks,
    published: mapFact(onContainers, publishedPorts),
    restarted: mapFact(onContainers, restartedPorts),
    disk: space,
    others,
    asked: ask.reaches(host.name) ? [before, after] : undefined,
  };
}

/**
 * Rules are read before the networks are listed; those of a network that Docker created in between did not exist yet.
 * If some seem to be missing, they are read again.
 */
async function rereadRules(
  ask: Ask,
  host: Host,
  found: Fact<Setup>,
  networks: Fact<readonly Network[]>,
): Promise<Fact<Setup>> {
  const read = valueOf(found);
  if (read?.rules === undefined || missingRules(read.rules, valueOf(networks) ?? []).length === 0) return found;
  const reread = valueOf(await ask.ask(host.name, firewallRules));
  return reread === undefined ? found : present({ ...read, rules: reread });
}
