import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import Handlebars from 'handlebars/dist/cjs/handlebars.runtime.js';
import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import type { Secret } from '../engine/secret.ts';
import { gatewayScheme } from '../kuscia/facts.ts';
import { NGINX_TEMPLATE } from './template.ts';

/** Directory of the load balancer's files inside its container. */
export const FOLDER = '/etc/nginx/kuscia-swarm';

/** Path of nginx's configuration on the load balancer's host. */
export const configurationFile = (cluster: Cluster): string => posix.join(folders(cluster).nginx, 'nginx.conf');

const render = Handlebars.template(NGINX_TEMPLATE);

/** The files for nginx: its configuration, other files, and a digest to recognise the loaded configuration. */
export interface LoadBalancerFiles {
  readonly configuration: string;
  readonly digest: string;
  /** By name, mode 0600. */
  readonly secrets: Readonly<Record<string, Secret>>;
}

/**
 * The load balancer's files for this deployment. The digest covers certificate and key, so that new ones are loaded
 * too.
 */
export function loadBalancerFiles({ cluster, secrets }: Deployment): LoadBalancerFiles {
  const { loadBalancerCertificate, loadBalancerKey } = secrets;
  const withKey = cluster.loadBalancer.scheme === 'https' && loadBalancerCertificate && loadBalancerKey;
  const files = withKey ? { 'certificate.pem': loadBalancerCertificate, 'certificate.key': loadBalancerKey } : {};
  const hash = createHash('sha256').update(configuration(cluster, ''));
  for (const file of Object.values(files)) hash.update(file.reveal());
  const digest = hash.digest('hex').slice(0, 32);
  return { configuration: configuration(cluster, digest), digest, secrets: files };
}

/**
 * The load balancer's files while gateways move to another port: it forwards to each replica on the new port and on all
 * ports still in use.
 */
export function movingFiles(deployment: Deployment, former: readonly number[]): LoadBalancerFiles {
  const { cluster } = deployment;
  const settled = loadBalancerFiles(deployment);
  const digest = `${settled.digest}${MOVING}${former.join('-')}`;
  return { ...settled, digest, configuration: configuration(cluster, digest, [cluster.ports.gateway, ...former]) };
}

/** Whether nginx has loaded `movingFiles` of this deployment. */
export const isMoving = (deployment: Deployment, loaded: string | undefined): boolean =>
  loaded?.startsWith(`${loadBalancerFiles(deployment).digest}${MOVING}`) === true;

const MOVING = '.moving-from-';

function configuration(cluster: Cluster, digest: string, ports: readonly number[] = [cluster.ports.gateway]): string {
  const scheme = gatewayScheme(cluster);
  return render({
    domain: cluster.domain,
    replicas: hostsWith(cluster, 'replica').flatMap((host) =>
      ports.map((port) => ({ address: `${host.address}:${port}` })),
    ),
    https: cluster.loadBalancer.scheme === 'https',
    tls: scheme === 'https',
    scheme,
    folder: FOLDER,
    digest,
  });
}
