/** What a host is for. A host may have several roles; a host without `manager` is a swarm worker. */
export const ROLES = ['manager', 'worker', 'database', 'replica', 'load-balancer'] as const;
export type Role = (typeof ROLES)[number];

/** How a host is reached over SSH. */
export interface SshRoute {
  readonly via: 'ssh';
  readonly user: string;
  readonly port: number;
  /** Whether to run each command with the group docker through sudo. */
  readonly sudo?: true;
  /** The jump host through which this host is reached; its host key is verified too. */
  readonly bastion?: { readonly address: string; readonly user: string; readonly port: number };
}

/** The host on which kuscia-swarm itself runs. */
export interface LocalRoute {
  readonly via: 'local';
  readonly sudo?: true;
  /** Labels of its self-hosted runner, if given in the cluster file. */
  readonly runner?: readonly string[];
}

/** A machine in the deployment. */
export interface Host {
  /** Its name in the cluster file, used in all reports. */
  readonly name: string;
  /** IP address (or DNS name) at which the other hosts and the runner reach it. */
  readonly address: string;
  readonly roles: readonly Role[];
  readonly route: SshRoute | LocalRoute;
}

/** Values of Kuscia's `protocol` key (docs/kuscia.md#protocol): what the gateway's port 1080 speaks. */
export const PROTOCOLS = ['NOTLS', 'TLS', 'MTLS'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** MySQL run by kuscia-swarm on one of the hosts. */
export interface ManagedDatabase {
  readonly kind: 'managed';
  /** Name of the host with role database. */
  readonly host: string;
  readonly image: string;
  readonly container: string;
  readonly volume: string;
  readonly port: number;
  /** The only address at which the port is published: an IPv4 address or DNS name of the host itself. */
  readonly listen: string;
  readonly name: string;
  readonly user: string;
}

/** A MySQL server that kuscia-swarm does not manage. */
export interface ExternalDatabase {
  readonly kind: 'external';
  readonly address: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  /** CA certificates (PEM) that the server must be verified against before it is sent a password. */
  readonly ca?: string;
}

/** Host ports of a replica (docs/kuscia.md#arguments-and-environment). */
export interface Ports {
  readonly gateway: number;
  readonly internal: number;
  readonly api: number;
  readonly apiGrpc: number;
  readonly metrics: number;
}

/** nginx in front of the replicas. */
export interface LoadBalancer {
  readonly host: string;
  readonly port: number;
  /** Scheme that peers use to connect. `https` needs the certificate inputs. */
  readonly scheme: 'http' | 'https';
  readonly image: string;
  readonly container: string;
}

/** A deployment as described by the cluster file, with every default filled in. Contains no secrets. */
export interface Cluster {
  readonly domain: string;
  /** Kuscia image, with a tag or digest. */
  readonly image: string;
  readonly hosts: readonly Host[];
  readonly network: {
    /** Fixed by kuscia.sh. */
    readonly name: 'kuscia-exchange-cluster';
    readonly subnet: string;
    readonly allowPublicSubnet: boolean;
    /** MTU of the overlay network in bytes. If absent, Docker chooses, and an existing network may have any. */
    readonly mtu?: number;
    /** Whether traffic between hosts is encrypted. If absent: not encrypted, and an existing network may be either. */
    readonly encrypted?: boolean;
    /** Image of the probe that tests the data path on every host; must contain nginx, curl and bash. */
    readonly probeImage: string;
  };
  readonly database: ManagedDatabase | ExternalDatabase;
  readonly ports: Ports;
  /** Memory limit of a replica in bytes. */
  readonly memory: number;
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancer;
  /** Registry that requires a login to pull images; the password is an input. */
  readonly registry?: { readonly server: string; readonly username: string };
  /** Directory on each host for the deployment's files: absolute, or relative to the login's home directory. */
  readonly directory: string;
}

/** The hosts with the role, in cluster file order. */
export const hostsWith = (cluster: Cluster, role: Role): Host[] =>
  cluster.hosts.filter((host) => host.roles.includes(role));

/** The host with that name. Throws if there is none, which earlier checks rule out. */
export function hostNamed(cluster: Cluster, name: string): Host {
  const host = cluster.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`the cluster file has no host ${name}`);
  return host;
}

/** The manager that initialises the swarm and answers queries about it. */
export function firstManager(cluster: Cluster): Host {
  const [manager] = hostsWith(cluster, 'manager');
  if (!manager) throw new Error('the cluster file has no manager');
  return manager;
}
