import { z } from 'zod';
import { reading, script } from '../engine/command.ts';
import type { Secret } from '../engine/secret.ts';
import { absent, failedTo, present, unknown, type Query } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';
import { compareJoinToken } from './commands.ts';
import { jsonLines } from './listing.ts';
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

const rawServer = z.object({
  ServerErrors: z.array(z.string()).nullish(),
  ServerVersion: z.string().nullish(),
  host: z.object({}).nullish(),
});

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

/** The engine of the host; never absent: an engine that does not answer is unknown. */
export const engine: Query<Engine> = {
  command: reading("read the engine's state", ['docker', 'info', '--format', '{{json .}}']),
  read(outcome) {
    // Exit code of shells if a program does not exist (POSIX).
    if (outcome.code === 127) return unknown(NO_DOCKER);
    if (outcome.code !== 0) return failedTo("read the engine's state", outcome);
    // Without an engine, docker info still prints what the client knows about itself and exits with 0.
    const { ServerVersion = '', ServerErrors, host } = jsonOf(outcome.stdout, rawServer);
    if (!ServerVersion && host) return unknown(PODMAN);
    if (!ServerVersion)
      return unknown(`could not read the engine's state: ${ServerErrors?.join('; ') ?? 'it reports no version'}`);
    const { Swarm, ...raw } = jsonOf(outcome.stdout, rawInfo);
    return present({
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
    });
  },
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

/** All nodes of the swarm; to be queried on a manager, unknown elsewhere. */
export const swarmNodes: Query<readonly SwarmNode[]> = {
  command: reading(
    'list the nodes of the swarm',
    script(`ids=$(docker node ls -q) && docker node inspect --format '{{json .}}' $ids`),
  ),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the nodes of the swarm', outcome);
    return present(
      jsonLines(outcome.stdout, rawNode).map((raw) => ({
        id: raw.ID,
        hostname: raw.Description?.Hostname ?? '',
        role: raw.Spec.Role,
        state: raw.Status.State,
        availability: raw.Spec.Availability,
        address: raw.Status.Addr ?? '',
        labels: raw.Spec.Labels ?? {},
      })),
    );
  },
};

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

/** ID (`sha256:...`) of the image with that name, a tag or a digest, on the host. One command lists all images. */
export const image = (name: string): Query<string> => ({
  command: reading('list the images', [
    'docker',
    'image',
    'ls',
    '--no-trunc',
    '--digests',
    '--format',
    '{{.ID}} {{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}',
  ]),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the images', outcome);
    const wanted = localName(name);
    const found = outcome.stdout
      .split('\n')
      .map((line) => line.split(' '))
      .find(([, tagged, digested]) => tagged === wanted || digested === wanted);
    return found?.[0] === undefined ? absent : present(found[0]);
  },
});

/** An image by its content, whatever its name. */
export interface ImageIdentity {
  readonly id: string;
  /** Digests by which registries know it; empty for an image that was loaded. */
  readonly digests: readonly string[];
}

const rawImage = z.object({ Id: z.string(), RepoDigests: z.array(z.string()).nullish() });

/** The image with that name on the host. */
export const imageIdentity = (name: string): Query<ImageIdentity> => ({
  command: reading(
    'identify the image',
    script(
      'docker image inspect --format "{{json .}}" "$1" || { docker image ls -q >/dev/null && echo absent; }',
      name,
    ),
  ),
  read(outcome) {
    if (outcome.stdout.trim() === 'absent') return absent;
    if (outcome.code !== 0) return failedTo('identify the image', outcome);
    const { Id, RepoDigests } = jsonOf(outcome.stdout, rawImage);
    return present({ id: Id, digests: (RepoDigests ?? []).map((digest) => digest.replace(/^.*@/, '')) });
  },
});

/**
 * Version of the database server in an image, as the official images of MySQL and MariaDB state it; absent if the image
 * states none or is not on the host.
 */
export const serverVersion = (name: string): Query<string> => ({
  command: reading('read the version of the database image', script(VERSION_OF, name)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read the version of the database image', outcome);
    const version = /^(?:MYSQL|MARIADB)_VERSION=(?:\d+:)?(\d+(?:\.\d+){1,3})/m.exec(outcome.stdout)?.[1];
    return version === undefined ? absent : present(version);
  },
});

/** Prints nothing else from an image's environment. */
const VERSION_OF =
  'all=$(docker image inspect --format "{{range .Config.Env}}{{println .}}{{end}}" "$1") || { docker image ls -q ' +
  '>/dev/null && exit 0; exit 1; }; echo "$all" | grep -E "^(MYSQL|MARIADB)_VERSION=" || :';

/**
 * Two hosts may give the same image different IDs, because their engines store it differently; its digest in a registry
 * is the same.
 */
export const sameImage = (a: ImageIdentity, b: ImageIdentity): boolean =>
  a.id === b.id || a.digests.some((digest) => b.digests.includes(digest));
