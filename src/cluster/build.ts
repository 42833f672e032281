import type { Cluster, Host, SshRoute } from './cluster.ts';
import { bytesOf } from './kinds.ts';
import { bastionParts } from './kinds-network.ts';
import type { BastionEntry, ClusterFile, HostEntry } from './schema.ts';

/** The cluster described by a valid file, with every default filled in. */
export function buildCluster(file: ClusterFile): Cluster {
  const balancer = file['load-balancer'];
  return {
    domain: file.domain,
    image: file.image,
    hosts: Object.entries(file.hosts).map(([name, host]) => buildHost(name, host, file.ssh)),
    network: {
      name: 'kuscia-exchange-cluster',
      subnet: file.network.subnet,
      allowPublicSubnet: file.network['allow-public-subnet'],
      ...(file.network.mtu !== undefined && { mtu: file.network.mtu }),
      ...(file.network.encrypted !== undefined && { encrypted: file.network.encrypted }),
      probeImage: file.network['probe-image'] ?? balancer.image,
    },
    database: buildDatabase(file),
    ports: {
      gateway: file.ports.gateway,
      internal: file.ports.internal,
      api: file.ports.api,
      apiGrpc: file.ports['api-grpc'],
      metrics: file.ports.metrics,
    },
    memory: required(bytesOf(file.memory), 'memory'),
    protocol: file.protocol,
    loadBalancer: {
      host: hostOf(file, 'load-balancer'),
      port: balancer.port,
      scheme: balancer.scheme,
      image: balancer.image,
      container: `${file.domain}-nginx-lb`,
    },
    ...(file.registry ? { registry: file.registry } : {}),
    directory: file.directory ?? `kuscia-swarm/${file.domain}`,
  };
}

function buildHost(name: string, host: HostEntry, ssh: ClusterFile['ssh']): Host {
  const { address, roles } = host;
  const { runner } = host;
  const sudo = (host.sudo ?? ssh.sudo) ? ({ sudo: true } as const) : {};
  if (host.via === 'local')
    return {
      name,
      address,
      roles,
      route: {
        via: 'local',
        ...sudo,
        ...(runner !== undefined && { runner: typeof runner === 'string' ? [runner] : runner }),
      },
    };
  const user = host.user ?? ssh.user;
  const bastion = buildBastion(host.bastion ?? ssh.bastion, ssh.user);
  return {
    name,
    address,
    roles,
    route: { via: 'ssh', user, port: host.port ?? ssh.port, ...sudo, ...(bastion ? { bastion } : {}) },
  };
}

function buildBastion(entry: BastionEntry | undefined, user: string): SshRoute['bastion'] {
  if (entry === undefined || entry === 'none') return undefined;
  const parts = typeof entry === 'string' ? required(bastionParts(entry), 'bastion') : entry;
  return { address: parts.address, user: parts.user ?? user, port: parts.port ?? 22 };
}

function buildDatabase(file: ClusterFile): Cluster['database'] {
  const { image, port, listen, name, user, volume, external, tls } = file.database;
  if (external) return { kind: 'external', ...external, ...(tls !== 'off' && { ca: tls.ca.trim() }) };
  const container = `${file.domain}-mysql`;
  const host = hostOf(file, 'database');
  return {
    kind: 'managed',
    host,
    image,
    container,
    volume: volume ?? container,
    port,
    listen: listen ?? required(file.hosts[host], host).address,
    name,
    user,
  };
}

function hostOf(file: ClusterFile, role: 'database' | 'load-balancer'): string {
  return required(
    Object.keys(file.hosts).find((name) => file.hosts[name]?.roles.includes(role)),
    role,
  );
}

/** A value that earlier checks guarantee. */
function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`a checked cluster file has no ${what}`);
  return value;
}
