import { posix } from 'node:path';
import { hostNamed, type Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { absolute, folders } from '../cluster/folders.ts';
import { container } from '../docker/containers.ts';
import { ensureImage } from '../docker/images.ts';
import type { Act } from '../engine/ask.ts';
import { deploymentError } from '../engine/errors.ts';
import { valueOf } from '../engine/fact.ts';
import { lastLine, succeeded } from '../engine/outcome.ts';
import { writeFile } from '../host/commands.ts';
import { machine } from '../host/facts.ts';
import {
  checkConfiguration,
  installConfiguration,
  loadedConfiguration,
  reloadConfiguration,
} from '../nginx/commands.ts';
import { movingFiles, type LoadBalancerFiles } from '../nginx/configuration.ts';

/**
 * Replaces the files in use with these. They are first written to a separate folder and checked there by the image's
 * nginx. Throws a DeploymentError.
 */
export async function replaceConfiguration(
  act: Act,
  deployment: Deployment,
  host: Host,
  home: string,
  files: LoadBalancerFiles,
): Promise<void> {
  const { cluster } = deployment;
  const inUse = folders(cluster).nginx;
  const candidate = `${inUse}.new`;
  await ensureImage(act, host.name, cluster.loadBalancer.image, deployment);
  await act.run(
    host.name,
    writeFile('write the nginx configuration', posix.join(candidate, 'nginx.conf'), '0644', files.configuration),
  );
  for (const [name, content] of Object.entries(files.secrets))
    await act.run(host.name, writeFile(`write ${name}`, posix.join(candidate, name), '0600', content));
  const checked = await act.attempt(
    host.name,
    checkConfiguration(cluster.loadBalancer.image, absolute(home, candidate)),
  );
  if (!succeeded(checked)) {
    throw deploymentError({
      code: checked.ended === 'lost' ? 'connection-lost' : 'load-balancer-configuration',
      host: host.name,
      what: 'nginx rejects the new configuration; the one in use was kept',
      evidence: lastLine(checked),
      remedy:
        'Check that the certificate and key inputs belong together and are PEM, and that this host can resolve ' +
        'every replica address.',
    });
  }
  await act.run(host.name, installConfiguration(candidate, inUse));
}

/**
 * Makes a running load balancer forward to each replica on its new gateway port and on all former ones, before the
 * first replica moves. The load balancer's own stage follows when all have moved. Does nothing if nginx does not run,
 * or if this run does not reach its host.
 */
export async function forwardToAllPorts(act: Act, deployment: Deployment, former: readonly number[]): Promise<void> {
  const { host: name, container: nginx } = deployment.cluster.loadBalancer;
  if (!act.reaches(name)) return;
  const [properties, current, loaded] = await Promise.all([
    act.ask(name, machine),
    act.ask(name, container(nginx)),
    act.ask(name, loadedConfiguration(nginx)),
  ]);
  const files = movingFiles(deployment, former);
  if (properties.is !== 'present' || valueOf(current)?.state !== 'running' || valueOf(loaded) === files.digest) return;
  await replaceConfiguration(act, deployment, hostNamed(deployment.cluster, name), properties.value.home, files);
  await act.run(name, reloadConfiguration(nginx, files.digest));
  act.say(
    name,
    `nginx forwards to the gateway ports ${[...former, deployment.cluster.ports.gateway].join(' and ')} until all ` +
      'replicas have moved',
  );
}
