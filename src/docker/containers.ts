import { z } from 'zod';
import type { Ask } from '../engine/ask.ts';
import { reading, script } from '../engine/command.ts';
import { absent, answer, failedTo, present, unknown, valueOf, type Fact, type Query } from '../engine/fact.ts';
import type { Exited } from '../engine/outcome.ts';
import { engineQuery, isMissing } from './api.ts';

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

/** Only what stages need: the rest contains other people's settings, including secrets. */
const rawContainer = z.object({
  Id: z.string(),
  Created: z.string(),
  Name: z.string(),
  Image: z.string(),
  RestartCount: z.number(),
  State: z.object({ Status: z.string(), Error: z.string(), ExitCode: z.number(), StartedAt: z.string() }),
  Config: z.object({ Image: z.string(), Hostname: z.string() }),
  HostConfig: z.object({
    Memory: z.number(),
    NetworkMode: z.string(),
    RestartPolicy: z.object({ Name: z.string() }),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullable(),
      )
      .nullable(),
  }),
  Mounts: z.array(
    z.object({ Type: z.string(), Name: z.string().nullish(), Source: z.string(), Destination: z.string() }),
  ),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullable() }),
});
type RawContainer = z.output<typeof rawContainer>;

/** The container of exactly that name: the engine would also take the beginning of an id. */
export function container(name: string): Query<Container> {
  const { command, read } = engineQuery(
    `inspect the container ${name}`,
    `/containers/${encodeURIComponent(name)}/json`,
    rawContainer,
    (raw) => (raw.Name === `/${name}` ? present(fromRaw(raw)) : absent),
  );
  return { command, read: (outcome) => (isMissing(outcome) ? absent : read(outcome)) };
}

/** One that is being removed has lost its name already. */
const rawNames = z.array(z.object({ Names: z.array(z.string()).nullish() }));
const listing = engineQuery('list the containers', '/containers/json?all=1', rawNames, (all) =>
  // One that another is linked to has a second name, with two slashes.
  present(all.flatMap(({ Names }) => Names?.find((name) => /^\/[^/]+$/.test(name))?.slice(1) ?? [])),
);
const listed = (outcome: Exited): readonly string[] => valueOf(listing.read(outcome)) ?? [];

/** All containers of the host, in any state. One that disappears before it can be inspected is left out. */
export const containers: Query<readonly Container[]> = {
  command: listing.command,
  details: (outcome) => listed(outcome).map((name) => container(name).command),
  read(outcome, details = []) {
    const names = listing.read(outcome);
    if (names.is !== 'present') return names;
    const all: Container[] = [];
    for (const [i, name] of names.value.entries()) {
      const inspected = details[i];
      const fact = inspected ? answer(container(name), inspected) : unknown(`the container ${name} was not inspected`);
      if (fact.is === 'unknown') return fact;
      if (fact.is === 'present') all.push(fact.value);
    }
    return present(all);
  },
};

/** All containers of a host. Those expected on it are inspected in the round trip that lists them. */
export async function containersOn(
  ask: Ask,
  host: string,
  expected: readonly string[],
): Promise<Fact<readonly Container[]>> {
  const [all] = await Promise.all([
    ask.ask(host, containers),
    ...expected.map((name) => ask.ask(host, container(name))),
  ]);
  return all;
}

/** The container of exactly that name, out of all. */
export function containerNamed(all: Fact<readonly Container[]>, name: string): Fact<Container> {
  if (all.is !== 'present') return all;
  const found = all.value.find((candidate) => candidate.name === name);
  return found ? present(found) : absent;
}

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

const portsOf = (all: readonly Container[]): Map<number, string> =>
  new Map(all.flatMap(({ name, ports }) => Object.values(ports).map((port) => [port, name] as const)));

/** Host ports that running containers publish, with the container's name. */
export const publishedPorts = (all: readonly Container[]): ReadonlyMap<number, string> =>
  portsOf(all.filter(({ state }) => state === 'running' || state === 'restarting'));

/**
 * Host ports of stopped containers that docker restarts by itself, with the container's name. A container on an overlay
 * is started only after the engine answers and the swarm is joined: until then its ports are in use although it does
 * not run.
 */
export const restartedPorts = (all: readonly Container[]): ReadonlyMap<number, string> =>
  portsOf(
    all.filter(
      ({ state, restartPolicy }) =>
        (state === 'created' || state === 'exited') && ['always', 'unless-stopped'].includes(restartPolicy),
    ),
  );

function fromRaw(raw: RawContainer): Container {
  const started = Date.parse(raw.State.StartedAt);
  return {
    id: raw.Id,
    name: raw.Name.slice(1),
    image: raw.Config.Image,
    imageId: raw.Image,
    state: raw.State.Status,
    error: raw.State.Error,
    exitCode: raw.State.ExitCode,
    createdAt: Date.parse(raw.Created) || 0,
    startedAt: started > 0 ? started : 0,
    restarts: raw.RestartCount,
    hostname: raw.Config.Hostname,
    memory: raw.HostConfig.Memory,
    restartPolicy: raw.HostConfig.RestartPolicy.Name,
    ports: Object.fromEntries(
      Object.entries(raw.HostConfig.PortBindings ?? {}).map(([port, bindings]) => [
        port,
        portOf(bindings?.[0]?.HostPort),
      ]),
    ),
    hostAddresses: Object.fromEntries(
      Object.entries(raw.HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
        addressOf(bindings ?? []).map((address) => [port, address]),
      ),
    ),
    mounts: Object.fromEntries(
      raw.Mounts.map((mount) => [mount.Destination, mount.Type === 'volume' ? (mount.Name ?? '') : mount.Source]),
    ),
    addresses: Object.fromEntries(
      Object.entries(raw.NetworkSettings.Networks ?? {}).map(([name, network]) => [name, network.IPAddress]),
    ),
    networkMode: raw.HostConfig.NetworkMode,
  };
}

/** The address, if there is exactly one; undefined if docker publishes at all of them, or at several. */
const addressOf = (bindings: readonly { readonly HostIp?: string | null | undefined }[]): string[] => {
  const addresses = [...new Set(bindings.map(({ HostIp }) => HostIp ?? ''))];
  return addresses.length === 1 ? addresses.filter((address) => !['', '0.0.0.0', '::'].includes(address)) : [];
};

/** The port, if it is fixed; 0 if docker chooses it, freely or from a range. */
const portOf = (text: string | null | undefined): number => (/^\d{1,5}$/.test(text ?? '') ? Number(text) : 0);
