import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { hostEnvironment, inHost } from './enter.ts';
import { goldenFolder, seedEngine } from './golden.ts';
import { boot, discard, enginesReady, powerOff } from './host.ts';
import { ensureIdentity } from './identity.ts';
import { builtImages, imageSources, inRegistry, rememberBuilt } from './images.ts';
import type { ImageSource, Prepared } from './images.ts';
import { builder, collector, outside, paths } from './places.ts';
import type { Place } from './places.ts';
import { capture, howItEnded, must } from './process.ts';
import { reread } from './reread.ts';
import { baseRoot, ensureRoot, rootId } from './rootfs.ts';

type Say = (line: string) => void;
type Stale = ImageSource & Prepared;

/** Builds and pushes the images whose sources changed, and pulls all of them into the golden folder; needs the registry. Returns whether anything changed. */
export async function ensureImages(say: Say): Promise<boolean> {
  const sources = imageSources((image) => fetchOutside(image, say));
  const former = builtImages();
  const touched = await Promise.all(
    sources
      .filter(({ name, seen }) => former[name]?.seen !== seen)
      .map(async (source) => ({ ...source, ...(await source.prepare()) })),
  );
  const stale = touched.filter(({ name, id }) => former[name]?.id !== id);
  if (stale.length > 0) await buildAll(stale, say);
  const changed = stale.length > 0 || !existsSync(goldenFolder);
  if (changed) {
    say('pulling all images once, for the hosts to share');
    await collect(sources.flatMap(({ variants }) => variants.map(({ tag }) => tag)));
  }
  if (touched.length > 0)
    rememberBuilt({ ...former, ...Object.fromEntries(touched.map(({ name, seen, id }) => [name, { seen, id }])) });
  for (const { kind, file } of touched) if (kind === 'context') rmSync(file);
  return changed;
}

async function buildAll(sources: readonly Stale[], say: Say): Promise<void> {
  const base = await ensureRoot(baseRoot, say);
  await withEngine(builder, `${paths.cache}/builder`, async () => {
    await ensureBase(base);
    for (const source of sources) {
      say(`building ${source.variants.map(({ tag }) => tag).join(', ')}`);
      await (source.kind === 'context' ? build(source) : load(source));
      for (const { tag } of source.variants) await docker(builder, ['push', '--quiet', inRegistry(tag)]);
    }
    await docker(builder, ['image', 'prune', '--force']);
  });
}

async function ensureBase(archive: string): Promise<void> {
  const tag = `lab-base:${rootId(baseRoot)}`;
  const there = (await docker(builder, ['image', 'ls', '--quiet', tag])).trim() !== '';
  if (!there) await docker(builder, ['import', '-', tag], archive);
  await docker(builder, ['tag', tag, 'lab-base:latest']);
}

async function build({ file, variants }: Stale): Promise<void> {
  for (const { tag, args = {} } of variants) {
    const buildArgs = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
    await docker(builder, ['build', '--quiet', '--force-rm', ...buildArgs, '--tag', inRegistry(tag), '-'], file);
  }
}

async function load({ file, variants }: Stale): Promise<void> {
  const said = await docker(builder, ['load', '--quiet'], file);
  const image = /^Loaded image(?: ID)?: (\S+)/m.exec(said)?.[1];
  if (image === undefined) throw new Error(`${file} contains no image: docker load printed "${said.trim()}"`);
  for (const { tag } of variants) await docker(builder, ['tag', image, inRegistry(tag)]);
}

/** Pulls every image into a new golden folder; layers in the former one are not pulled again. */
async function collect(tags: readonly string[]): Promise<void> {
  const making = `${goldenFolder}-making`;
  await must(['rm', '-rf', making]);
  mkdirSync(making, { recursive: true });
  await seedEngine(making);
  await withEngine(collector, making, async () => {
    for (const tag of tags) await docker(collector, ['pull', '--quiet', tag]);
    await docker(collector, ['image', 'prune', '--force']);
  });
  await must(['rm', '-rf', goldenFolder]);
  renameSync(making, goldenFolder);
  await reread(goldenFolder);
}

/** Downloads an image from outside over the machine's own network, and returns its archive. */
async function fetchOutside(image: string, say: Say): Promise<string> {
  const archive = `${paths.cache}/outside-${image.replace(/[^\w.-]/g, '_')}.tar`;
  if (existsSync(archive)) return archive;
  say(`pulling ${image} from its registry`);
  try {
    await withEngine(outside, `${paths.cache}/outside`, async () => {
      await docker(outside, ['pull', '--quiet', image]);
      await must(
        [
          'sh',
          '-ec',
          'file=$1; shift; "$@" >"$file.part"; mv "$file.part" "$file"',
          'sh',
          archive,
          ...inHost(outside.name, ['docker', 'save', image]),
        ],
        { env: hostEnvironment(), timeoutMs: 1_800_000 },
      );
    });
  } finally {
    await must(['rm', '-rf', '--one-file-system', `${paths.cache}/outside`]);
  }
  return archive;
}

async function withEngine(place: Place, data: string, work: () => Promise<void>): Promise<void> {
  await powerOff([place]);
  mkdirSync(paths.place(place.name), { recursive: true });
  const trash = discard(place);
  await ensureIdentity(place);
  boot(place, place === outside ? 'outside' : 'host', { folder: data, at: '/var/lib/docker' });
  try {
    await enginesReady([place]);
    await work();
    await must(inHost(place.name, ['engine', 'stop']), { env: hostEnvironment() });
  } finally {
    await powerOff([place]);
    await must(['rm', '-rf', '--one-file-system', trash, paths.place(place.name)]);
  }
}

/** Runs the place's docker client, with a file as its input if given. */
async function docker(place: Place, args: readonly string[], input = '/dev/null'): Promise<string> {
  const argv = [
    'sh',
    '-ec',
    'file=$1; shift; exec "$@" <"$file"',
    'sh',
    input,
    ...inHost(place.name, ['docker', ...args]),
  ];
  const ended = await capture(argv, { env: hostEnvironment({ DOCKER_BUILDKIT: '0' }), timeoutMs: 1_800_000 });
  if (ended.code !== 0)
    throw new Error(
      `docker ${args.join(' ')}: ${howItEnded(ended)}\n${(ended.stdout + ended.stderr).trim().slice(-3000)}`,
    );
  return ended.stdout;
}
