import type { Difference } from '../engine/about.ts';
import type { Fact } from '../engine/fact.ts';
import type { Container } from './containers.ts';
import { imageDifference } from './images.ts';

/** A container as a stage wants it. What is omitted may have any value. */
export interface Description {
  readonly image: string;
  /** In bytes. */
  readonly memory?: number;
  /** Host port by container port: `{ '1080/tcp': 20000 }`. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Host address by container port, for ports that are published at one address only. */
  readonly hostAddresses?: Readonly<Record<string, string>>;
  readonly network?: string;
  /** By target path: what is mounted there, in words, and its source; for a volume, its name. */
  readonly mounts?: Readonly<Record<string, readonly [what: Difference['field'], source: string]>>;
  readonly hostname?: string;
}

/**
 * The first difference between the container and its description; undefined if there is none. `imageOnHost` is the ID
 * that the described image has on the host.
 */
export function differenceFrom(
  wanted: Description,
  current: Container,
  imageOnHost: Fact<string>,
): Difference | undefined {
  const { memory, ports = {}, hostAddresses = {}, network, mounts = {}, hostname } = wanted;
  const otherImage = imageDifference(current, wanted.image, imageOnHost);
  return [
    ...(otherImage === undefined ? [] : [otherImage]),
    ...changed('memory', current.memory, memory, gib),
    ...Object.entries(ports).flatMap(([inside, port]) => changed('port', current.ports[inside], port)),
    ...Object.entries(hostAddresses).flatMap(([inside, address]) =>
      changed('published address', current.hostAddresses[inside] ?? 'every address', address),
    ),
    ...changed('network', current.networkMode, network),
    // Leaving the swarm detaches containers from its networks permanently; a restart does not reattach them.
    ...(network === undefined || current.addresses[network] !== undefined
      ? []
      : [{ field: 'attachment', to: network } as const]),
    ...Object.entries(mounts).flatMap(([target, [what, source]]) => changed(what, current.mounts[target], source)),
    ...changed('name', current.hostname, hostname),
  ][0];
}

/** How a value differs from the wanted one, if one is wanted. */
const changed = <T extends string | number>(
  field: Difference['field'],
  from: T | undefined,
  to: T | undefined,
  words: (value: T) => string = String,
): Difference[] =>
  to === undefined || from === to ? [] : [{ field, from: from === undefined ? 'none' : words(from), to: words(to) }];

const gib = (bytes: number): string => `${Number((bytes / 1024 ** 3).toFixed(2))} GiB`;
