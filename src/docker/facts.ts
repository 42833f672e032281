import { z } from 'zod';
import type { Secret } from '../engine/secret.ts';
import { absent, failedTo, mapFact, present, unknown, type Query } from '../engine/fact.ts';
import { engineQuery, isMissing, NO_PROGRAM } from './api.ts';
import { compareJoinToken } from './commands.ts';
import { localName } from './names.ts';

/** A range that an engine divides into subnets with that prefix length. */
export interface AddressPool {
  readonly base: string;
  readonly size: number;
}

/** What an engine reports about itself and its swarm. */
export interface Engine {
  readonly version: string;
  readonly cpus: number;
  /** In bytes. */
  readonly memory: number;
  readonly rootDir: string;
  readonly securityOptions: readonly string[];
  /** Whether containers keep running while the engine is stopped (live-restore). */
  readonly liveRestore: boolean;
  /**
   * How it manages its firewall rules: iptables, nftables, or either with firewalld; '' if not reported (before Docker
   * 28).
   */
  readonly firewall: string;
  /** Ranges for networks without a subnet of their own; empty if the built-in ones apply. */
  readonly addressPools: readonly AddressPool[];
  /** Where container logs go by default: json-file, local, none... */
  readonly logDriver: string;
  readonly swarm: {
    /** inactive, pending, active, error or locked. */
    readonly state: string;
    readonly nodeId: string;
    readonly address: string;
    readonly isManager: boolean;
    /** Known on managers only. */
    readonly clusterId: string | undefined;
    readonly managers: readonly string[];
    /** IDs of the manager nodes that it knows. */
    readonly managerIds: readonly string[];
    readonly error: string;
  };
}

const rawInfo = z.object({
  ServerVersion: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  DockerRootDir: z.string(),
  SecurityOptions: z.array(z.string()).nullish(),
  LiveRestoreEnabled: z.boolean().nullish(),
  FirewallBackend: z.object({ Driver: z.string().nullish() }).nullish(),
  DefaultAddressPools: z.array(z.object({ Base: z.string(), Size: z.number() })).nullish(),
  LoggingDriver: z.string().nullish(),
  Swarm: z.object({
    LocalNodeState: z.string(),
    NodeID: z.string(),
    NodeAddr: z.string(),
    ControlAvailable: z.boolean(),
    Cluster: z.object({ ID: z.string().optional() }).nullish(),
    RemoteManagers: z.array(z.object({ Addr: z.string(), NodeID: z.string().optional() })).nullish(),
    Error: z.string().nullish(),
  }),
});

/** Why the engine is unknown if the login's shell finds no program named docker. */
export const NO_DOCKER = 'docker is not on the PATH of a non-interactive login';

/** Why the engine is unknown if docker is Podman's replacement for it, which has no swarm. */
export const PODMAN = 'the command docker is Podman on this host, not Docker';

const info = engineQuery("read the engine's state", '/info', rawInfo, ({ Swarm, ...raw }, { server = '' }) =>
  /^Libpod\//.test(server)
    ? unknown(PODMAN)
    : present<Engine>({
        version: raw.ServerVersion,
        cpus: raw.NCPU,
        memory: raw.MemTotal,
        rootDir: raw.DockerRootDir,
        securityOptions: raw.SecurityOptions ?? [],
        liveRestore: raw.LiveRestoreEnabled ?? false,
        firewall: raw.FirewallBackend?.Driver ?? '',
        addressPools: (raw.DefaultAddressPools ?? []).map(({ Base, Size }) => ({ base: Base, size: Size })),
        logDriver: raw.LoggingDriver ?? '',
        swarm: {
          state: Swarm.LocalNodeState,
          nodeId: Swarm.NodeID,
          address: Swarm.NodeAddr,
          isManager: Swarm.ControlAvailable,
          clusterId: Swarm.Cluster?.ID,
          managers: (Swarm.RemoteManagers ?? []).map((manager) => manager.Addr),
          managerIds: (Swarm.RemoteManagers ?? []).flatMap(({ NodeID }) => NodeID ?? []),
          error: Swarm.Error ?? '',
        },
      }),
);

/** The engine of the host; never absent: an engine that does not answer is unknown. */
export const engine: Query<Engine> = {
  command: info.command,
  read: (outcome) => (outcome.code === NO_PROGRAM ? unknown(NO_DOCKER) : info.read(outcome)),
};

/** A node as seen by the managers. */
export interface SwarmNode {
  readonly id: string;
  readonly hostname: string;
  readonly role: string;
  /** ready, down, unknown or disconnected. */
  readonly state: string;
  readonly availability: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

const rawNode = z.object({
  ID: z.string(),
  Spec: z.object({ Role: z.string(), Availability: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
  Description: z.object({ Hostname: z.string().nullish() }).nullish(),
  Status: z.object({ State: z.string(), Addr: z.string().nullish() }),
});

/** All nodes of the swarm by host name; to be queried on a manager, unknown elsewhere. */
export const swarmNodes: Query<readonly SwarmNode[]> = engineQuery(
  'list the nodes of the swarm',
  '/nodes',
  z.array(rawNode),
  (all) => present(all.map(nodeOf).sort((a, b) => (`${a.hostname} ${a.id}` < `${b.hostname} ${b.id}` ? -1 : 1))),
);

const nodeOf = (raw: z.output<typeof rawNode>): SwarmNode => ({
  id: raw.ID,
  hostname: raw.Description?.Hostname ?? '',
  role: raw.Spec.Role,
  state: raw.Status.State,
  availability: raw.Spec.Availability,
  address: raw.Status.Addr ?? '',
  labels: raw.Spec.Labels ?? {},
});

/** Whether the swarm still accepts that token; to be queried on a manager. */
export const tokenInUse = (role: 'manager' | 'worker', token: Secret): Query<boolean> => ({
  command: compareJoinToken(role, token),
  read(outcome) {
    const said = outcome.stdout.trim();
    if (outcome.code !== 0 || (said !== 'same' && said !== 'other'))
      return failedTo(`compare the ${role} join token`, outcome);
    return present(said === 'same');
  },
});

/** An image by its content, whatever its name. */
export interface ImageIdentity {
  readonly id: string;
  /** Digests by which registries know it; empty for an image that was loaded. */
  readonly digests: readonly string[];
}

const rawImages = z.array(
  z.object({ Id: z.string(), RepoTags: z.array(z.string()).nullish(), RepoDigests: z.array(z.string()).nullish() }),
);

/** The image with that name, a tag or a digest, on the host. One request lists all images. */
export const imageIdentity = (name: string): Query<ImageIdentity> =>
  engineQuery('list the images', '/images/json?digests=1', rawImages, (all) => {
    const wanted = localName(name);
    const found = all.find(({ RepoTags, RepoDigests }) =>
      [RepoTags, RepoDigests].some((names) => names?.includes(wanted)),
    );
    if (!found) return absent;
    return present({ id: found.Id, digests: (found.RepoDigests ?? []).map((digest) => digest.replace(/^.*@/, '')) });
  });

/** ID (`sha256:...`) of that image. */
export function image(name: string): Query<string> {
  const { command, read } = imageIdentity(name);
  return { command, read: (outcome) => mapFact(read(outcome), ({ id }) => id) };
}

/** Variables in which the official images of MySQL and MariaDB state their version. */
const VERSION = /^(?:MYSQL|MARIADB)_VERSION=(?:\d+:)?(\d+(?:\.\d+){1,3})/;

/** Keeps nothing else of an image's environment. */
const rawEnvironment = z.object({
  Config: z
    .object({
      Env: z
        .array(z.string())
        .nullish()
        .transform((all) => all?.filter((each) => VERSION.test(each))),
    })
    .nullish(),
});

/**
 * Version of the database server in an image, as the image states it; absent if the image states none or is not on the
 * host.
 */
export function serverVersion(name: string): Query<string> {
  const purpose = 'read the version of the database image';
  const { command, read } = engineQuery(purpose, `/images/${imagePath(name)}/json`, rawEnvironment, ({ Config }) => {
    const version = VERSION.exec(Config?.Env?.[0] ?? '')?.[1];
    return version === undefined ? absent : present(version);
  });
  return { command, read: (outcome) => (isMissing(outcome) ? absent : read(outcome)) };
}

/** An image's name as part of a path; the engine takes it with its slashes. */
const imagePath = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/**
 * Two hosts may give the same image different IDs, because their engines store it differently; its digest in a registry
 * is the same.
 */
export const sameImage = (a: ImageIdentity, b: ImageIdentity): boolean =>
  a.id === b.id || a.digests.some((digest) => b.digests.includes(digest));
