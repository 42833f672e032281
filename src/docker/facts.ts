import { z } from 'zod';
import { reading, script } from '../engine/command.ts';
import type { Secret } from '../engine/secret.ts';
import { absent, failedTo, present, unknown, type Query } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';
import { compareJoinToken } from './commands.ts';
import { jsonLines } from './listing.ts';
import { localName } from './names.ts';

/** A range that an engine cuts into subnets with a prefix of that size. */
export interface AddressPool {
  readonly base: string;
  readonly size: number;
}

/** What an engine says of itself and of the swarm it is in. */
export interface Engine {
  readonly version: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly rootDir: string;
  readonly securityOptions: readonly string[];
  /** Whether containers outlive a stop of the engine (live-restore). */
  readonly liveRestore: boolean;
  /**
   * What it keeps its firewall rules with: iptables, nftables or either with firewalld; '' where it does not say
   * (before Docker 28).
   */
  readonly firewall: string;
  /** Ranges for networks that name none; none where the built-in ones stand. */
  readonly addressPools: readonly AddressPool[];
  /** Where the logs of containers go unless they say otherwise: json-file, local, none... */
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
    /** Node ids of the managers that it knows. */
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

/** Why the engine is unknown where the login's shell finds no program named docker. */
export const NO_DOCKER = 'docker is not on the PATH of a non-interactive login';

/** Why it is unknown where docker is Podman's stand-in for it, which has no swarm. */
export const PODMAN = 'docker is Podman there, not Docker';

/** The engine of the host; never absent: an engine that does not answer is unknown. */
export const engine: Query<Engine> = {
  command: reading("read the engine's state", ['docker', 'info', '--format', '{{json .}}']),
  read(outcome) {
    // What shells end with where there is no such program (POSIX).
    if (outcome.code === 127) return unknown(NO_DOCKER);
    if (outcome.code !== 0) return failedTo("read the engine's state", outcome);
    // Without an engine, docker info still prints what it knows of itself and ends with 0.
    const { ServerVersion = '', ServerErrors, host } = jsonOf(outcome.stdout, rawServer);
    if (!ServerVersion && host) return unknown(PODMAN);
    if (!ServerVersion)
      return unknown(`could not read the engine's state: ${ServerErrors?.join('; ') ?? 'it gives no version'}`);
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

/** A node as the managers see it. */
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

/** All nodes of the swarm; to be asked of a manager, unknown elsewhere. */
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

/** Whether the swarm still takes that token; to be asked of a manager. */
export const tokenInUse = (role: 'manager' | 'worker', token: Secret): Query<boolean> => ({
  command: compareJoinToken(role, token),
  read(outcome) {
    const said = outcome.stdout.trim();
    if (outcome.code !== 0 || (said !== 'same' && said !== 'other'))
      return failedTo(`compare the ${role} join token`, outcome);
    return present(said === 'same');
  },
});

/**
 * Id of the image (`sha256:...`) under that name, a tag or a digest, on the host. All images are listed by one command.
 */
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

/** An image by what it holds, whatever it is called. */
export interface ImageIdentity {
  readonly id: string;
  /** Digests under which registries know it; none for one that was loaded. */
  readonly digests: readonly string[];
}

const rawImage = z.object({ Id: z.string(), RepoDigests: z.array(z.string()).nullish() });

/** What stands on the host under that name. */
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
 * Version that an image of a database server says it holds, as the official images of MySQL and MariaDB do; absent
 * where it says none, or is not on the host.
 */
export const serverVersion = (name: string): Query<string> => ({
  command: reading('read the version of the database image', script(VERSION_OF, name)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read the version of the database image', outcome);
    const version = /^(?:MYSQL|MARIADB)_VERSION=(?:\d+:)?(\d+(?:\.\d+){1,3})/m.exec(outcome.stdout)?.[1];
    return version === undefined ? absent : present(version);
  },
});

/** Nothing else of an image's environment is told. */
const VERSION_OF =
  'all=$(docker image inspect --format "{{range .Config.Env}}{{println .}}{{end}}" "$1") || { docker image ls -q ' +
  '>/dev/null && exit 0; exit 1; }; echo "$all" | grep -E "^(MYSQL|MARIADB)_VERSION=" || :';

/** Two hosts may name one image by different ids, as their engines store it; what a registry calls it is the same. */
export const sameImage = (a: ImageIdentity, b: ImageIdentity): boolean =>
  a.id === b.id || a.digests.some((digest) => b.digests.includes(digest));
