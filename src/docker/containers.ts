import { z } from 'zod';
import { reading, script } from '../engine/command.ts';
import { absent, failedTo, mapFact, present, type Fact, type Query } from '../engine/fact.ts';
import { inspectAll, jsonLines } from './listing.ts';

/** A container as `docker inspect` shows it, reduced to what stages need. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The name of its image when it was created. */
  readonly image: string;
  /** ID of its image, `sha256:...`. */
  readonly imageId: string;
  /** created, running, restarting, exited, paused, dead. */
  readonly state: string;
  readonly error: string;
  readonly exitCode: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch; 0 when it never started. */
  readonly startedAt: number;
  readonly restarts: number;
  readonly hostname: string;
  readonly memory: number;
  readonly restartPolicy: string;
  /** Host port by container port: `{ '1080/tcp': 20000 }`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Host address by container port, for those published at a single address: `{ '3306/tcp': '10.0.0.11' }`. */
  readonly hostAddresses: Readonly<Record<string, string>>;
  /** Source of each mount by its target path; for a volume, its name. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Address by network name, for the networks it is attached to; '' while it does not run. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly networkMode: string;
}

const rawContainer = z.object({
  Id: z.string(),
  Created: z.string(),
  Name: z.string(),
  Image: z.string(),
  ImageName: z.string(),
  RestartCount: z.number(),
  State: z.object({ Status: z.string(), Error: z.string(), ExitCode: z.number(), StartedAt: z.string() }),
  Hostname: z.string(),
  Memory: z.number(),
  NetworkMode: z.string(),
  RestartPolicy: z.string(),
  PortBindings: z
    .record(z.string(), z.array(z.object({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullable())
    .nullable(),
  Mounts: z.array(
    z.object({ Type: z.string(), Name: z.string().nullish(), Source: z.string(), Destination: z.string() }),
  ),
  Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullable(),
});
type RawContainer = z.output<typeof rawContainer>;

/** Only what stages need: the rest contains other people's settings, including secrets. */
const CONTAINER_FORMAT = `{${[
  ['Id', '.Id'],
  ['Created', '.Created'],
  ['Name', '.Name'],
  ['Image', '.Image'],
  ['ImageName', '.Config.Image'],
  ['RestartCount', '.RestartCount'],
  ['State', '.State'],
  ['Hostname', '.Config.Hostname'],
  ['Memory', '.HostConfig.Memory'],
  ['NetworkMode', '.HostConfig.NetworkMode'],
  ['RestartPolicy', '.HostConfig.RestartPolicy.Name'],
  ['PortBindings', '.HostConfig.PortBindings'],
  ['Mounts', '.Mounts'],
  ['Networks', '.NetworkSettings.Networks'],
]
  .map(([key, path]) => `"${key}":{{json ${path}}}`)
  .join(',')}}`;

/** All containers of the host, in any state. */
export const containers: Query<readonly Container[]> = {
  command: reading(
    'list the containers',
    inspectAll('container', 'docker container ls -aq --no-trunc', CONTAINER_FORMAT),
  ),
  read: (outcome) =>
    outcome.code === 0
      ? present(jsonLines(outcome.stdout, rawContainer).map(fromRaw))
      : failedTo('list the containers', outcome),
};

/** The container of exactly that name, out of all. */
export function containerNamed(all: Fact<readonly Container[]>, name: string): Fact<Container> {
  if (all.is !== 'present') return all;
  const found = all.value.find((candidate) => candidate.name === name);
  return found ? present(found) : absent;
}

/**
 * The container of exactly that name. All queries about containers of one host share one command, so many cost no more
 * than one.
 */
export const container = (name: string): Query<Container> => ({
  command: containers.command,
  read: (outcome) => containerNamed(containers.read(outcome), name),
});

/** The last lines of a container's log, 100 at most, each truncated to 1000 characters. */
export const lastLogLines = (name: string): Query<readonly string[]> => ({
  command: reading(
    'read the end of the container log',
    script('docker logs --tail 100 "$1" 2>&1 | tr -d "\\r" | grep . | cut -c 1-1000', name),
  ),
  read: (outcome) =>
    outcome.code === 0
      ? present(
          outcome.stdout
            .trim()
            .split('\n')
            .filter((line) => line !== ''),
        )
      : failedTo('read the end of the container log', outcome),
});

/**
 * How a container that does not run ended, in words; undefined for one that runs, or that docker is about to restart.
 */
export const describeStop = ({ state, exitCode, error }: Container): string | undefined =>
  ['running', 'restarting'].includes(state) ? undefined : `${state} (${exitCode})${error === '' ? '' : `: ${error}`}`;

/** Host ports that running containers publish, with the container's name. */
export const publishedPorts: Query<ReadonlyMap<number, string>> = {
  command: containers.command,
  read: (outcome) =>
    mapFact(containers.read(outcome), (all) => {
      const running = all.filter(({ state }) => state === 'running' || state === 'restarting');
      return new Map(running.flatMap(({ name, ports }) => Object.values(ports).map((port) => [port, name] as const)));
    }),
};

/**
 * Host ports of stopped containers that docker restarts by itself, with the container's name. A container on an overlay
 * is started only after the engine answers and the swarm is joined: until then its ports are in use although it does
 * not run.
 */
export const restartedPorts: Query<ReadonlyMap<number, string>> = {
  command: containers.command,
  read: (outcome) =>
    mapFact(containers.read(outcome), (all) => {
      const restarted = all.filter(
        ({ state, restartPolicy }) =>
          (state === 'created' || state === 'exited') && ['always', 'unless-stopped'].includes(restartPolicy),
      );
      return new Map(restarted.flatMap(({ name, ports }) => Object.values(ports).map((port) => [port, name] as const)));
    }),
};

function fromRaw(raw: RawContainer): Container {
  const started = Date.parse(raw.State.StartedAt);
  return {
    id: raw.Id,
    name: raw.Name.slice(1),
    image: raw.ImageName,
    imageId: raw.Image,
    state: raw.State.Status,
    error: raw.State.Error,
    exitCode: raw.State.ExitCode,
    createdAt: Date.parse(raw.Created) || 0,
    startedAt: started > 0 ? started : 0,
    restarts: raw.RestartCount,
    hostname: raw.Hostname,
    memory: raw.Memory,
    restartPolicy: raw.RestartPolicy,
    ports: Object.fromEntries(
      Object.entries(raw.PortBindings ?? {}).map(([port, bindings]) => [port, portOf(bindings?.[0]?.HostPort)]),
    ),
    hostAddresses: Object.fromEntries(
      Object.entries(raw.PortBindings ?? {}).flatMap(([port, bindings]) =>
        addressOf(bindings ?? []).map((address) => [port, address]),
      ),
    ),
    mounts: Object.fromEntries(
      raw.Mounts.map((mount) => [mount.Destination, mount.Type === 'volume' ? (mount.Name ?? '') : mount.Source]),
    ),
    addresses: Object.fromEntries(
      Object.entries(raw.Networks ?? {}).map(([name, network]) => [name, network.IPAddress]),
    ),
    networkMode: raw.NetworkMode,
  };
}

/** The address, if there is exactly one; undefined if docker publishes at all of them, or at several. */
const addressOf = (bindings: readonly { readonly HostIp?: string | null | undefined }[]): string[] => {
  const addresses = [...new Set(bindings.map(({ HostIp }) => HostIp ?? ''))];
  return addresses.length === 1 ? addresses.filter((address) => !['', '0.0.0.0', '::'].includes(address)) : [];
};

/** The port, if it is fixed; 0 if docker chooses it, freely or from a range. */
const portOf = (text: string | null | undefined): number => (/^\d{1,5}$/.test(text ?? '') ? Number(text) : 0);
