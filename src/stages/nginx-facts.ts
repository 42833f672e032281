import { posix } from 'node:path';
import { hostNamed, hostsWith, type Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';

import { image } from '../docker/facts.ts';
import { pairOf, type ContainerPair } from '../docker/wanted.ts';
import type { Ask } from '../engine/ask.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { machine } from '../host/facts.ts';
import { file, unlikeSecret, type HostFile } from '../host/files.ts';
import { loadBalancerAnswers, requestsFor, type Answer } from '../kuscia/facts.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';
import { loadedConfiguration } from '../nginx/commands.ts';
import { configurationFile, loadBalancerFiles } from '../nginx/configuration.ts';
import { hostContainers } from './own-containers.ts';

/** What is known of the load balancer. */
export interface NginxFacts {
  readonly home: Fact<string>;
  readonly image: Fact<string>;
  readonly clock: Fact<number>;
  readonly standing: Fact<ContainerPair>;
  readonly configuration: Fact<HostFile>;
  /** Certificate and key of an HTTPS load balancer, by name. */
  readonly secrets: ReadonlyMap<string, Fact<HostFile>>;
  readonly loaded: Fact<string>;
  readonly answers: Fact<readonly Answer[]>;
  /** Replica name by host name. */
  readonly replicas: ReadonlyMap<string, Fact<string>>;
}

/** The name that each replica will have, by the name of its host. */
async function askReplicaNames(ask: Ask, cluster: Cluster): Promise<Map<string, Fact<string>>> {
  const names = hostsWith(cluster, 'replica').map(async (host) => {
    const fact = await ask.ask(host.name, machine);
    return [
      host.name,
      mapFact(fact, ({ user, hostname }) => replicaName(replicaContainer(cluster, user), hostname)),
    ] as const;
  });
  return new Map(await Promise.all(names));
}

/** Gathers all of it. */
export async function gatherNginx(ask: Ask, deployment: Deployment): Promise<NginxFacts> {
  const { cluster } = deployment;
  const { host: name, container: lb } = cluster.loadBalancer;
  const host = hostNamed(cluster, name);
  const [onMachine, onImage, onContainers, [configuration, secrets], loaded, answers, replicas] = await Promise.all([
    ask.ask(name, machine),
    ask.ask(name, image(cluster.loadBalancer.image)),
    hostContainers(ask, cluster, host),
    askFiles(ask, deployment),
    ask.ask(name, loadedConfiguration(lb)),
    ask.ask(name, loadBalancerAnswers(cluster, host, requestsFor(cluster))),
    askReplicaNames(ask, cluster),
  ]);
  return {
    home: mapFact(onMachine, ({ home }) => home),
    clock: mapFact(onMachine, ({ clock }) => clock),
    image: onImage,
    standing: pairOf(onContainers, lb),
    configuration,
    secrets,
    loaded,
    answers,
    replicas,
  };
}

/** The load balancer's configuration file, and its certificate and key by name, as they exist on its host. */
export async function askFiles(
  ask: Ask,
  deployment: Deployment,
): Promise<readonly [configuration: Fact<HostFile>, secrets: ReadonlyMap<string, Fact<HostFile>>]> {
  const { cluster } = deployment;
  const { host } = cluster.loadBalancer;
  const names = Object.keys(loadBalancerFiles(deployment).secrets);
  const [configuration, ...secrets] = await Promise.all([
    ask.ask(host, file(configurationFile(cluster))),
    ...names.map((name) => ask.ask(host, file(posix.join(folders(cluster).nginx, name)))),
  ]);
  return [configuration, new Map(names.map((name, i) => [name, secrets[i] ?? absent]))];
}

/** How the load balancer's files differ from the wanted ones: the reason, by file name. */
export function changedFiles(
  deployment: Deployment,
  { configuration, secrets }: Pick<NginxFacts, 'configuration' | 'secrets'>,
): readonly (readonly [name: string, why: string])[] {
  const wanted = loadBalancerFiles(deployment);
  const current = valueOf(configuration);
  const why =
    current === undefined
      ? 'absent'
      : current.sha256 === sha256(wanted.configuration)
        ? undefined
        : 'not as the cluster file describes it';
  const all = [
    ['nginx.conf', why] as const,
    ...Object.entries(wanted.secrets).map(
      ([name, secret]) => [name, unlikeSecret(secrets.get(name) ?? absent, secret)] as const,
    ),
  ];
  return all.flatMap(([name, difference]) => (difference === undefined ? [] : [[name, difference] as const]));
}
