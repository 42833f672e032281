import { reading, script } from '../engine/command.ts';
import { absent, failedTo, present, unknown, type Question } from '../engine/fact.ts';

/** What an engine says of itself and of the swarm it is in. */
export interface Engine {
  readonly version: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly rootDir: string;
  readonly securityOptions: readonly string[];
  readonly swarm: {
    /** inactive, pending, active, error or locked. */
    readonly state: string;
    readonly nodeId: string;
    readonly address: string;
    readonly isManager: boolean;
    /** Known on managers only. */
    readonly clusterId: string | undefined;
    readonly managers: readonly string[];
    readonly error: string;
  };
}

interface RawInfo {
  ServerErrors?: string[];
  ServerVersion?: string;
  NCPU: number;
  MemTotal: number;
  DockerRootDir: string;
  SecurityOptions?: string[] | null;
  Swarm: {
    LocalNodeState: string;
    NodeID: string;
    NodeAddr: string;
    ControlAvailable: boolean;
    Cluster?: { ID?: string } | null;
    RemoteManagers?: { Addr: string }[] | null;
    Error?: string;
  };
}

/** The engine of the host; never absent: an engine that does not answer is unknown. */
export const engine: Question<Engine> = {
  command: reading("read the engine's state", ['docker', 'info', '--format', '{{json .}}']),
  read(outcome) {
    if (outcome.code !== 0) return failedTo("read the engine's state", outcome);
    const raw = JSON.parse(outcome.stdout) as RawInfo;
    // Without an engine, docker info still prints what it knows of itself and ends with 0.
    if (raw.ServerVersion === undefined || raw.ServerVersion === '') return unknown(`could not read the engine's state: ${raw.ServerErrors?.join('; ') ?? 'it gives no version'}`);
    const { Swarm } = raw;
    return present({
      version: raw.ServerVersion,
      cpus: raw.NCPU,
      memory: raw.MemTotal,
      rootDir: raw.DockerRootDir,
      securityOptions: raw.SecurityOptions ?? [],
      swarm: {
        state: Swarm.LocalNodeState,
        nodeId: Swarm.NodeID,
        address: Swarm.NodeAddr,
        isManager: Swarm.ControlAvailable,
        clusterId: Swarm.Cluster?.ID,
        managers: (Swarm.RemoteManagers ?? []).map((manager) => manager.Addr),
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
}

interface RawNode {
  ID: string;
  Spec: { Role: string; Availability: string };
  Description?: { Hostname?: string };
  Status: { State: string; Addr?: string };
}

/** All nodes of the swarm; to be asked of a manager, unknown elsewhere. */
export const swarmNodes: Question<readonly SwarmNode[]> = {
  command: reading('list the nodes of the swarm', script(`ids=$(docker node ls -q) && docker node inspect --format '{{json .}}' $ids`)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the nodes of the swarm', outcome);
    return present(
      jsonLines<RawNode>(outcome.stdout).map((raw) => ({
        id: raw.ID,
        hostname: raw.Description?.Hostname ?? '',
        role: raw.Spec.Role,
        state: raw.Status.State,
        availability: raw.Spec.Availability,
        address: raw.Status.Addr ?? '',
      })),
    );
  },
};

/** A network as the host sees it; a worker sees an overlay only while a container is attached there (moby#36197). */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: string;
  readonly attachable: boolean;
  readonly subnets: readonly string[];
}

interface RawNetwork {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Attachable: boolean;
  IPAM?: { Config?: { Subnet?: string }[] | null };
}

/** All networks of the host. A network that goes while they are read makes the answer unknown. */
export const networks: Question<readonly Network[]> = {
  command: reading('list the networks', script(`ids=$(docker network ls -q --no-trunc) && docker network inspect --format '{{json .}}' $ids`)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the networks', outcome);
    return present(
      jsonLines<RawNetwork>(outcome.stdout).map((raw) => ({
        id: raw.Id,
        name: raw.Name,
        driver: raw.Driver,
        scope: raw.Scope,
        attachable: raw.Attachable,
        subnets: (raw.IPAM?.Config ?? []).flatMap((config) => (config.Subnet ? [config.Subnet] : [])),
      })),
    );
  },
};

/** A container as `docker inspect` shows it, as far as stages look at it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** Id of its image, `sha256:...`. */
  readonly imageId: string;
  /** created, running, restarting, exited, paused, dead. */
  readonly state: string;
  readonly error: string;
  readonly exitCode: number;
  /** Milliseconds since the epoch; 0 when it never started. */
  readonly startedAt: number;
  readonly restarts: number;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly memory: number;
  readonly restartPolicy: string;
  /** Host port by container port: `{ '1080/tcp': 20000 }`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Source by target path of its mounts; for a volume its name. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Address by network name; '' while it does not run. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly networkMode: string;
}

interface RawContainer {
  Id: string;
  Name: string;
  Image: string;
  RestartCount: number;
  State: { Status: string; Error: string; ExitCode: number; StartedAt: string };
  Config: { Hostname: string; Labels?: Record<string, string> | null };
  HostConfig: {
    Memory: number;
    NetworkMode: string;
    RestartPolicy: { Name: string };
    PortBindings?: Record<string, { HostPort: string }[] | null> | null;
  };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
  NetworkSettings: { Networks?: Record<string, { IPAddress: string }> | null };
}

/** The container of exactly that name, in whatever state. */
export const container = (name: string): Question<Container> => ({
  command: reading(
    `inspect the container ${name}`,
    script(`ids=$(docker container ls -aq --no-trunc --filter "name=^/$1\\$") && { [ -z "$ids" ] || docker container inspect --format '{{json .}}' $ids; }`, name),
  ),
  read(outcome) {
    if (outcome.code !== 0) return failedTo(`inspect the container ${name}`, outcome);
    const raw = jsonLines<RawContainer>(outcome.stdout).find((candidate) => candidate.Name === `/${name}`);
    return raw ? present(fromRaw(raw)) : absent;
  },
});

function fromRaw(raw: RawContainer): Container {
  const started = Date.parse(raw.State.StartedAt);
  return {
    id: raw.Id,
    name: raw.Name.slice(1),
    imageId: raw.Image,
    state: raw.State.Status,
    error: raw.State.Error,
    exitCode: raw.State.ExitCode,
    startedAt: started > 0 ? started : 0,
    restarts: raw.RestartCount,
    hostname: raw.Config.Hostname,
    labels: raw.Config.Labels ?? {},
    memory: raw.HostConfig.Memory,
    restartPolicy: raw.HostConfig.RestartPolicy.Name,
    ports: Object.fromEntries(Object.entries(raw.HostConfig.PortBindings ?? {}).map(([port, bindings]) => [port, Number(bindings?.[0]?.HostPort ?? 0)])),
    mounts: Object.fromEntries(raw.Mounts.map((mount) => [mount.Destination, mount.Type === 'volume' ? (mount.Name ?? '') : mount.Source])),
    addresses: Object.fromEntries(Object.entries(raw.NetworkSettings.Networks ?? {}).map(([name, network]) => [name, network.IPAddress])),
    networkMode: raw.HostConfig.NetworkMode,
  };
}

/** Id of the image (`sha256:...`) under that name on the host. */
export const image = (name: string): Question<string> => ({
  command: reading(`look for the image ${name}`, ['docker', 'image', 'ls', '--quiet', '--no-trunc', name]),
  read(outcome) {
    if (outcome.code !== 0) return failedTo(`look for the image ${name}`, outcome);
    const [id] = outcome.stdout.split('\n').filter((line) => line !== '');
    return id === undefined ? absent : present(id);
  },
});

/** Host ports that running containers publish, by container name. */
export const publishedPorts: Question<ReadonlyMap<number, string>> = {
  command: reading('list the published ports', ['docker', 'container', 'ls', '--format', '{{.Names}}\t{{.Ports}}']),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the published ports', outcome);
    const lines = outcome.stdout.split('\n').map((line) => line.split('\t'));
    return present(new Map(lines.flatMap(([name = '', ports = '']) => hostPorts(ports).map((port) => [port, name] as const))));
  },
};

/** Host ports in docker's column: `0.0.0.0:20000->1080/tcp, :::20001-20003->80-82/tcp`. */
function hostPorts(column: string): number[] {
  return [...column.matchAll(/:(\d+)(?:-(\d+))?->/g)].flatMap(([, first, last]) => {
    const from = Number(first);
    return Array.from({ length: Number(last ?? first) - from + 1 }, (_, i) => from + i);
  });
}

function jsonLines<T>(text: string): T[] {
  return text.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as T);
}
