import { reading, script } from '../engine/command.ts';
import { absent, failedTo, mapFact, present, unknown, type Question } from '../engine/fact.ts';

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

/** All networks of the host. */
export const networks: Question<readonly Network[]> = {
  command: reading('list the networks', inspectAll('network', 'docker network ls -q --no-trunc', '{{json .}}')),
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
  Hostname: string;
  Memory: number;
  NetworkMode: string;
  RestartPolicy: string;
  PortBindings: Record<string, { HostPort: string }[] | null> | null;
  Mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
  Networks: Record<string, { IPAddress: string }> | null;
}

/** Only what stages look at: the rest holds other people's settings, secrets among them. */
const CONTAINER_FORMAT = `{${[
  ['Id', '.Id'],
  ['Name', '.Name'],
  ['Image', '.Image'],
  ['RestartCount', '.RestartCount'],
  ['State', '.State'],
  ['Hostname', '.Config.Hostname'],
  ['Memory', '.HostConfig.Memory'],
  ['NetworkMode', '.HostConfig.NetworkMode'],
  ['RestartPolicy', '.HostConfig.RestartPolicy.Name'],
  ['PortBindings', '.HostConfig.PortBindings'],
  ['Mounts', '.Mounts'],
  ['Networks', '.NetworkSettings.Networks'],
].map(([key, path]) => `"${key}":{{json ${path}}}`).join(',')}}`;

/** All containers of the host, in whatever state. */
export const containers: Question<readonly Container[]> = {
  command: reading('list the containers', inspectAll('container', 'docker container ls -aq --no-trunc', CONTAINER_FORMAT)),
  read: (outcome) => (outcome.code === 0 ? present(jsonLines<RawContainer>(outcome.stdout).map(fromRaw)) : failedTo('list the containers', outcome)),
};

/** The container of exactly that name. All questions about containers of one host are one command, so they cost one. */
export const container = (name: string): Question<Container> => ({
  command: containers.command,
  read(outcome) {
    const all = containers.read(outcome);
    if (all.is !== 'present') return all;
    const found = all.value.find((candidate) => candidate.name === name);
    return found ? present(found) : absent;
  },
});

/** Host ports that running containers publish, by the container's name. */
export const publishedPorts: Question<ReadonlyMap<number, string>> = {
  command: containers.command,
  read: (outcome) =>
    mapFact(containers.read(outcome), (all) => {
      const running = all.filter(({ state }) => state === 'running' || state === 'restarting');
      return new Map(running.flatMap(({ name, ports }) => Object.values(ports).map((port) => [port, name] as const)));
    }),
};

/** Lists things and inspects each; tries again when one goes between the two. */
function inspectAll(kind: 'container' | 'network', list: string, format: string): readonly [string, ...string[]] {
  const text = [
    'for try in 1 2 3; do',
    `ids=$(${list}) || exit`,
    '[ -n "$ids" ] || exit 0',
    `all=$(docker ${kind} inspect --format "$1" $ids) && { printf '%s\\n' "$all"; exit 0; }`,
    'done; exit 1',
  ].join('\n');
  return script(text, format);
}

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
    hostname: raw.Hostname,
    memory: raw.Memory,
    restartPolicy: raw.RestartPolicy,
    ports: Object.fromEntries(Object.entries(raw.PortBindings ?? {}).map(([port, bindings]) => [port, Number(bindings?.[0]?.HostPort ?? 0)])),
    mounts: Object.fromEntries(raw.Mounts.map((mount) => [mount.Destination, mount.Type === 'volume' ? (mount.Name ?? '') : mount.Source])),
    addresses: Object.fromEntries(Object.entries(raw.Networks ?? {}).map(([name, network]) => [name, network.IPAddress])),
    networkMode: raw.NetworkMode,
  };
}

/** Id of the image (`sha256:...`) under that name, a tag or a digest, on the host. All images are listed by one command. */
export const image = (name: string): Question<string> => ({
  command: reading('list the images', ['docker', 'image', 'ls', '--no-trunc', '--digests', '--format', '{{.ID}} {{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}']),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('list the images', outcome);
    const wanted = localName(name);
    const found = outcome.stdout.split('\n').map((line) => line.split(' ')).find(([, tagged, digested]) => tagged === wanted || digested === wanted);
    return found?.[0] === undefined ? absent : present(found[0]);
  },
});

/** The name as docker lists it: without the default registry, with the default tag; of name:tag@digest only the digest counts. */
function localName(name: string): string {
  const short = name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');
  const [repository = '', digest] = short.split('@');
  if (digest !== undefined) return `${repository.replace(/:[^:/]+$/, '')}@${digest}`;
  return /:[^:/]+$/.test(short) ? short : `${short}:latest`;
}

function jsonLines<T>(text: string): T[] {
  return text.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as T);
}
