import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Container } from '../docker/containers.ts';
import { image } from '../docker/facts.ts';
import { probeName } from '../docker/probe.ts';
import { pairOf, type ContainerPair } from '../docker/wanted.ts';
import type { Ask } from '../engine/ask.ts';
import type { Fact } from '../engine/fact.ts';
import { machine, type Machine } from '../host/facts.ts';
import { askPaths, type Paths } from './data-path.ts';
import { askEngines, type Engines } from './swarm.ts';
import { networks, type Network } from '../docker/networks.ts';
import { hostContainers } from './own-containers.ts';

/** What is known of the network on one host. */
export interface OnHost {
  readonly host: Host;
  readonly networks: Fact<readonly Network[]>;
  readonly containers: Fact<readonly Container[]>;
  readonly probe: Fact<ContainerPair>;
  readonly probeImage: Fact<string>;
  readonly machine: Fact<Machine>;
}

/** What is known of the network. */
export interface NetworkFacts {
  readonly engines: Engines;
  readonly hosts: readonly OnHost[];
  readonly paths: Paths;
}

/** Queries every host, and every probe for its path to the others. */
export async function gatherNetwork(ask: Ask, cluster: Cluster): Promise<NetworkFacts> {
  const [engines, paths, hosts] = await Promise.all([
    askEngines(ask, cluster),
    askPaths(
      ask,
      cluster,
      cluster.hosts.filter(({ name }) => ask.reaches(name)),
    ),
    Promise.all(
      cluster.hosts.map(async (host): Promise<OnHost> => {
        const [nets, all, probeImage, properties] = await Promise.all([
          ask.ask(host.name, networks),
          hostContainers(ask, cluster, host),
          ask.ask(host.name, image(cluster.network.probeImage)),
          ask.ask(host.name, machine),
        ]);
        return {
          host,
          networks: nets,
          containers: all,
          probe: pairOf(all, probeName(cluster)),
          probeImage,
          machine: properties,
        };
      }),
    ),
  ]);
  return { engines, hosts, paths };
}
