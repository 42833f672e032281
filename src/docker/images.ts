import { basename } from 'node:path';
import type { Archive } from '../cluster/archives.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Difference } from '../engine/about.ts';
import type { Act } from '../engine/ask.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import type { Fact } from '../engine/fact.ts';
import { ending, lastLine, succeeded, type Outcome } from '../engine/outcome.ts';
import { Slots } from '../engine/slots.ts';
import { IMAGE_DIFFERS, loadImages, pullImage } from './commands.ts';
import type { Container } from './containers.ts';
import { image } from './facts.ts';
import { localName } from './names.ts';

/** How often the progress of an archive is reported, in milliseconds. */
const REPORT_EVERY_MS = 10_000;

/** The images of a host, for one run. */
interface Store {
  /**
   * Only one image is transferred at a time: a second request for it then finds it there, and no two archives compete
   * for one connection.
   */
  readonly queue: Slots;
  /** Those that were found there or transferred. */
  readonly known: Set<string>;
}

const emptyStore = (): Store => ({ queue: new Slots(1), known: new Set() });

/**
 * Brings the image to the host unless it exists there: from an archive that contains it, otherwise from its registry.
 * Does so once per run. Throws a DeploymentError that says which image and why it failed.
 */
export async function ensureImage(act: Act, host: string, name: string, deployment: Deployment): Promise<void> {
  const { queue: turns, known: there } = act.cached(host, emptyStore);
  const exists = async (): Promise<boolean> => there.has(name) || (await act.ask(host, image(name))).is === 'present';
  if (!(await exists())) {
    const hasToWait = turns.busy > 0;
    await turns.use(async () => {
      if (hasToWait && (await exists())) return;
      const archive = archiveOf(deployment, name);
      if (archive) await send(act, host, name, archive);
      else await pull(act, host, name, deployment);
    });
  }
  there.add(name);
}

/**
 * The archive that contains the image. No archive contains an image that is named by digest, because archives do not
 * keep registry digests.
 */
export const archiveOf = ({ archives = [] }: Deployment, name: string): Archive | undefined =>
  archives.find(({ images }) => images.some((each) => each.name === localName(name)));

/**
 * The IDs that the image may have on a host before a container is created from it: its own or, if it is not there yet,
 * those that an archive gives. Undefined while unknown.
 */
export function knownImage(deployment: Deployment, name: string, onHost: Fact<string>): readonly string[] | undefined {
  if (onHost.is === 'present') return [onHost.value];
  const archived = archiveOf(deployment, name)?.images.find((each) => each.name === localName(name));
  // If the archive has no manifest, an engine may assign an ID of its own.
  return onHost.is === 'absent' && archived?.layers === undefined ? archived?.ids : undefined;
}

async function send(act: Act, host: string, name: string, archive: Archive): Promise<void> {
  const file = basename(archive.file);
  let sent = 0;
  const progress = (): string =>
    sent < archive.bytes
      ? `sent ${size(sent)} of ${size(archive.bytes)}`
      : `all ${size(archive.bytes)} sent; the host is unpacking the image`;
  act.say(host, `sending ${name} (${file}, ${size(archive.bytes)})`);
  const reporting = setInterval(() => act.say(host, progress()), REPORT_EVERY_MS);
  try {
    const outcome = await act.attempt(
      host,
      loadImages(archive, (bytes) => (sent += bytes)),
    );
    if (!succeeded(outcome)) throw deploymentError(notLoaded(host, name, file, outcome));
  } finally {
    clearInterval(reporting);
  }
}

function notLoaded(host: string, name: string, file: string, outcome: Outcome): Failure {
  const evidence = `${ending(outcome)}: ${lastLine(outcome)}`;
  if (outcome.ended === 'exited' && outcome.code === IMAGE_DIFFERS) {
    return {
      code: 'image-differs',
      host,
      what: `${file} contains a different image than it lists`,
      evidence: lastLine(outcome),
      remedy:
        `Create the archive again (docker save -o ${file} ${name}), then run again. The loaded image was untagged, ` +
        'so that no container is started from it.',
    };
  }
  return {
    code: outcome.ended === 'lost' ? 'connection-lost' : 'image-unavailable',
    host,
    what: `could not send ${name} (${file})`,
    evidence,
    remedy:
      'Check that the host stays reachable and has enough disk space for the image, and that docker load can read ' +
      'the archive, then run again.',
  };
}

async function pull(act: Act, host: string, name: string, deployment: Deployment): Promise<void> {
  const { registry } = deployment.cluster;
  const password = deployment.secrets.registryPassword;
  const login = registry && password && isFrom(name, registry.server) ? { ...registry, password } : undefined;
  act.say(host, `pulling ${name}`);
  const outcome = await act.attempt(host, pullImage(name, login));
  if (succeeded(outcome)) return;
  throw deploymentError({
    code: outcome.ended === 'lost' ? 'connection-lost' : 'image-unavailable',
    host,
    what: `could not pull ${name}`,
    evidence: `${ending(outcome)}: ${lastLine(outcome)}`,
    remedy:
      'Check that the name and tag exist, that the host can reach the registry, and that the registry login in the ' +
      `cluster file is correct. ${withoutRegistry(name, deployment)}`,
  });
}

/** What to do if the host cannot reach a registry. */
function withoutRegistry(name: string, { archives }: Deployment): string {
  if (name.includes('@'))
    return (
      'An image named by digest can only be pulled; name it by tag to send it from the directory set in the input ' +
      'images.'
    );
  if (!archives)
    return 'If the host has no access to a registry, set the input images to a directory of image archives.';
  return (
    'The directory set in the input images does not contain this image, only ' +
    `${archives.flatMap(({ images }) => images.map((each) => each.name)).join(', ')}.`
  );
}

/**
 * How the image with that name on the host differs from the one that a container was created from under the same name:
 * both IDs. Undefined if they are the same, or if the names differ.
 */
export function movedImage(container: Container, name: string, id: Fact<string>): Difference | undefined {
  if (id.is !== 'present' || id.value === container.imageId || localName(container.image) !== localName(name))
    return undefined;
  return { field: 'image id', of: name, from: container.imageId.slice(0, SHOWN_ID), to: id.value.slice(0, SHOWN_ID) };
}

/**
 * How a container's image differs from the wanted one; undefined if the container was created from that name, or from
 * the image that the name refers to now. A name that no longer exists on the host is not a reason to touch a running
 * container.
 */
export function imageDifference(container: Container, name: string, id: Fact<string>): Difference | undefined {
  return localName(container.image) === localName(name) || (id.is === 'present' && id.value === container.imageId)
    ? undefined
    : { field: 'image', from: container.image, to: name };
}

/** `sha256:` and twelve digits, the form in which docker itself shows IDs. */
const SHOWN_ID = 19;

/** Whether the image's name begins with that registry server. */
const isFrom = (name: string, server: string): boolean =>
  name.startsWith(`${server}/`) || (server === 'docker.io' && !/^[^/]*[.:][^/]*\//.test(name));

/** `512 MiB`, `3.1 GiB`. */
const size = (bytes: number): string =>
  bytes < 1024 ** 3 ? `${Math.ceil(bytes / 1024 ** 2)} MiB` : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
