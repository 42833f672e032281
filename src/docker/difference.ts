import type { Difference } from '../engine/about.ts';
import type { Fact } from '../engine/fact.ts';
import type { Container } from './containers.ts';
import { imageDifference } from './images.ts';

/** A container as a stage wants it. What is not given may be as it is. */
export interface Description {
  readonly image: string;
  /** Bytes. */
  readonly memory?: number;
  /** Host port by container port: `{ '1080/tcp': 20000 }`. */
  readonly ports?: Readonly<Record<string, number>>;
  /** The one host address by container port, of those that are published nowhere else. */
  readonly hostAddresses?: Readonly<Record<string, string>>;
  readonly network?: string;
  /** By target path: what is mounted there, in words, and its source; for a volume its name. */
  readonly mounts?: Readonly<Record<string, readonly [what: Difference['field'], source: string]>>;
  readonly hostname?: string;
}

/**
 * The first way in which the container is not as described; undefined when it is. `imageOnHost` is
 * the id that the described image has there.
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
    // Leaving the swarm takes containers off its networks for good; a restart does not bring them back.
    ...(network === undefined || current.addresses[network] !== undefined
      ? []
      : [{ field: 'attachment', to: network } as const]),
    ...Object.entries(mounts).flatMap(([target, [what, source]]) => changed(what, current.mounts[target], source)),
    ...changed('name', current.hostname, hostname),
  ][0];
}

/** How one value differs from the one that is wanted, where one is. */
const changed = <T extends string | number>(
  field: Difference['field'],
  from: T | undefined,
  to: T | undefined,
  words: (value: T) => string = String,
): Difference[] =>
  to === undefined || from === to ? [] : [{ field, from: from === undefined ? 'none' : words(from), to: words(to) }];

const gib = (bytes: number): string => `${Number((bytes / 1024 ** 3).toFixed(2))} GiB`;
