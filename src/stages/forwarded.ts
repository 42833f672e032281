import { hostNamed } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { container, type Container } from '../docker/containers.ts';
import type { Ask } from '../engine/ask.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, mapFact, valueOf, type Fact } from '../engine/fact.ts';
import { file, type HostFile } from '../host/files.ts';
import { isGateway, loadBalancerAnswers, requestsFor, type Answer } from '../kuscia/facts.ts';
import { INSIDE_PORT, loadedConfiguration } from '../nginx/commands.ts';
import { configurationFile, isMoving, loadBalancerFiles } from '../nginx/configuration.ts';

/**
 * Replicas that the load balancer forwards to; absent while it does not run with the wanted configuration. The next
 * replica is left alone until peers reach the previous one: nginx skips for some seconds any server that did not
 * answer.
 */
export async function askForwarded(ask: Ask, deployment: Deployment): Promise<Fact<ReadonlySet<string>>> {
  const { cluster } = deployment;
  const { host, container: name } = cluster.loadBalancer;
  // The load balancer is queried as any peer would, from a host that this run reaches.
  const asking = ask.reaches(host) ? host : (cluster.hosts.find((other) => ask.reaches(other.name))?.name ?? host);
  const [onContainer, loaded, onFile, answers] = await Promise.all([
    ask.ask(host, container(name)),
    ask.ask(host, loadedConfiguration(name)),
    ask.ask(host, file(configurationFile(cluster))),
    ask.ask(asking, loadBalancerAnswers(cluster, hostNamed(cluster, host), requestsFor(cluster))),
  ]);
  return forwardedReplicas(deployment, onContainer, loaded, onFile, answers);
}

/**
 * The load balancer's own stage comes later: until then it may listen on another port, or run with another
 * configuration. A file edited by hand still carries our digest, so the file itself must match too.
 */
export function forwardedReplicas(
  deployment: Deployment,
  onContainer: Fact<Container>,
  loaded: Fact<string>,
  onFile: Fact<HostFile>,
  answers: Fact<readonly Answer[]>,
): Fact<ReadonlySet<string>> {
  const { configuration, digest } = loadBalancerFiles(deployment);
  if (valueOf(onContainer)?.ports[INSIDE_PORT] !== deployment.cluster.loadBalancer.port) return absent;
  if (
    !isMoving(deployment, valueOf(loaded)) &&
    (valueOf(loaded) !== digest || valueOf(onFile)?.sha256 !== sha256(configuration))
  )
    return absent;
  return mapFact(
    answers,
    (all) => new Set(all.filter((answer) => isGateway(deployment.cluster, answer)).map(({ instance }) => instance)),
  );
}
