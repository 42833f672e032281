import type { Cluster, Host, Role } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { Secret } from '../../src/engine/secret.ts';

/** A host reached over SSH as root; the number also ends its address. */
export const hostOf = (number: number, ...roles: Role[]): Host => ({
  name: `node-0${number}`,
  address: `10.77.0.${10 + number}`,
  roles,
  route: { via: 'ssh', user: 'root', port: 22 },
});

/** Three hosts: one manages, two carry replicas. */
export const THREE: readonly Host[] = [
  hostOf(1, 'manager', 'database', 'load-balancer'),
  hostOf(2, 'replica'),
  hostOf(3, 'replica'),
];

/** Two hosts with a replica each, the first with all other roles: the hosts of the tapes. */
export const TWO: readonly Host[] = [
  hostOf(1, 'manager', 'database', 'replica', 'load-balancer'),
  hostOf(2, 'worker', 'replica'),
];

/** A database that kuscia-swarm runs. */
export const MANAGED = {
  kind: 'managed',
  host: 'node-01',
  image: 'mysql:8.0',
  container: 'alice-mysql',
  volume: 'alice-mysql',
  port: 3306,
  name: 'kine',
  user: 'kuscia',
  listen: '10.77.0.11',
} as const;

/** A database run by others. */
export const EXTERNAL = {
  kind: 'external',
  address: '10.77.0.14',
  port: 3307,
  name: 'kine_alice',
  user: 'kuscia',
} as const;

/** The tutorial's cluster on three hosts, with the given replacements. */
export function clusterOf(changes: Partial<Cluster> = {}): Cluster {
  return {
    domain: 'alice',
    image: 'secretflow/kuscia:1.1.0b0',
    hosts: THREE,
    network: {
      name: 'kuscia-exchange-cluster',
      subnet: '10.200.0.0/24',
      allowPublicSubnet: false,
      probeImage: 'nginx:1.26',
    },
    database: MANAGED,
    ports: { gateway: 20000, internal: 20001, api: 20010, apiGrpc: 20011, metrics: 13084 },
    memory: 2 * 1024 ** 3,
    protocol: 'TLS',
    loadBalancer: { host: 'node-01', port: 8080, scheme: 'http', image: 'nginx:1.26', container: 'alice-nginx-lb' },
    directory: 'kuscia-swarm/alice',
    ...changes,
  };
}

/** The password that every test deployment uses; distinct enough to be found wherever it leaks. */
export const PASSWORD = 'Ky9-hidden-Vq2%+pass';

/** A deployment of that cluster. */
export const deploymentOf = (changes: Partial<Cluster> = {}, rest: Partial<Deployment> = {}): Deployment => ({
  cluster: clusterOf(changes),
  secrets: { databasePassword: new Secret('database password', PASSWORD) },
  repair: false,
  upgradesDatabase: false,
  taskWaitMs: 600_000,
  ...rest,
});
