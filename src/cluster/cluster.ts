/** What a host is for. A host may have several roles; one with none of `manager` is a swarm worker. */
export const ROLES = ['manager', 'worker', 'database', 'replica', 'load-balancer'] as const;
export type Role = (typeof ROLES)[number];

/** How a host is reached over SSH. */
export interface SshRoute {
  readonly via: 'ssh';
  readonly user: string;
  readonly port: number;
  /** Whether sudo gives each command the group docker. */
  readonly sudo?: true;
  /** A host through which this one is reached; its key is checked like any other. */
  readonly bastion?: { readonly address: string; readonly user: string; readonly port: number };
}

/** A host on which kuscia-swarm itself runs. */
export interface LocalRoute {
  readonly via: 'local';
  readonly sudo?: true;
  /** Labels of the self-hosted runner on it, where the cluster file names them. */
  readonly runner?: readonly string[];
}

/** A machine of the deployment. */
export interface Host {
  /** Its name in the cluster file; any report says this. */
  readonly name: string;
  /** IP address (or DNS name) under which the other hosts and the runner reach it. */
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
  /** IPv4 address or DNS name of the host's own at which that port is published, and at no other. */
  readonly listen: string;
  readonly name: string;
  readonly user: string;
}

/** A MySQL server that somebody else runs. */
export interface ExternalDatabase {
  readonly kind: 'external';
  readonly address: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  /** Certificates (PEM) by which the server proves itself before it is given a password. */
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
  /** What peers speak to it. `https` needs the certificate inputs. */
  readonly scheme: 'http' | 'https';
  readonly image: string;
  readonly container: string;
}

/** A deployment as the cluster file describes it, every default filled in. Holds no secret. */
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
    /** Largest packet of the overlay in bytes; without it Docker chooses, and an existing network may have any. */
    readonly mtu?: number;
    /** Whether what goes from host to host is encrypted; without it not, and an existing network may be either. */
    readonly encrypted?: boolean;
    /** Image of the probe that tries the data path on every host: must hold nginx, curl and bash. */
    readonly probeImage: string;
  };
  readonly database: ManagedDatabase | ExternalDatabase;
  readonly ports: Ports;
  /** Memory limit of a replica in bytes. */
  readonly memory: number;
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancer;
  /** Registry that wants a login before images are pulled; the password is an input. */
  readonly registry?: { readonly server: string; readonly username: string };
  /** Folder on each host for the deployment's files: absolute, or relative to the login's home. */
  readonly directory: string;
}

/** The hosts that have the role, in the order of the cluster file. */
export const hostsWith = (cluster: Cluster, role: Role): Host[] =>
  cluster.hosts.filter((host) => host.roles.includes(role));

/** The host of that name. Throws when there is none: names are checked when the cluster file is read. */
export function hostNamed(cluster: Cluster, name: string): Host {
  const host = cluster.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`no host ${name} in the cluster file`);
  return host;
}

/** The manager that is initialised first and asked about the swarm. */
export function firstManager(cluster: Cluster): Host {
  const [manager] = hostsWith(cluster, 'manager');
  if (!manager) throw new Error('no manager in the cluster file');
  return manager;
}
