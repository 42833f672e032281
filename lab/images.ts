import { createHash } from 'node:crypto';
import { cpSync, createReadStream, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { paths, registryHost } from './places.ts';
import { must } from './process.ts';
import { baseRoot, rootId } from './rootfs.ts';

/** One image to be built of a context: its tag as users write it, and the arguments of its build. */
export interface Variant {
  tag: string;
  args?: Readonly<Record<string, string>>;
}

/** What is needed to make the images of one folder, as a file, and the hash by which a change is seen. */
export interface ImageSource {
  name: string;
  variants: readonly Variant[];
  /** `context` is a tar to build; `archive` is one of `docker save`, whose image takes all the tags. */
  kind: 'context' | 'archive';
  file: string;
  id: string;
}

const folder = fileURLToPath(new URL('images', import.meta.url));

/** All images of the lab as they are to be now: `images/NAME/Dockerfile`, its files, and what its `prepare.ts` adds. */
export async function imageSources(archiveOf: (image: string) => Promise<string>): Promise<ImageSource[]> {
  const names = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/Dockerfile`) && existsSync(`${folder}/${name}/image.json`)).sort();
  const sources: ImageSource[] = [];
  for (const name of names) {
    const { images: variants } = JSON.parse(readFileSync(`${folder}/${name}/image.json`, 'utf8')) as { images: Variant[] };
    const real = name === 'kuscia' ? process.env['LAB_KUSCIA_IMAGE'] : undefined;
    sources.push(real === undefined || real === '' ? await contextOf(name, variants) : await archived(name, variants, real, archiveOf));
  }
  return sources;
}

/** The name under which an image is pushed so that its plain name finds it through the mirror. */
export function inRegistry(tag: string): string {
  return `${registryHost}/${tag.includes('/') ? tag : `library/${tag}`}`;
}

async function contextOf(name: string, variants: readonly Variant[]): Promise<ImageSource> {
  const context = `${paths.cache}/contexts/${name}`;
  const file = `${context}.tar`;
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  const left = new Set([`${folder}/${name}/prepare.ts`, `${folder}/${name}/image.json`]);
  cpSync(`${folder}/${name}`, context, { recursive: true, filter: (path) => !left.has(path), verbatimSymlinks: true });
  if (left.has(`${folder}/${name}/prepare.ts`) && existsSync(`${folder}/${name}/prepare.ts`)) {
    const { prepare } = await import(`${folder}/${name}/prepare.ts`) as { prepare: (contextDir: string) => Promise<void> };
    await prepare(context);
  }
  // The same files give the same bytes, whenever and by whom they were written.
  await must(['tar', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-C', context, '-cf', file, '.']);
  rmSync(context, { recursive: true });
  return { name, variants, kind: 'context', file, id: await hash(file, [rootId(baseRoot), JSON.stringify(variants)]) };
}

async function archived(name: string, variants: readonly Variant[], image: string, archiveOf: (image: string) => Promise<string>): Promise<ImageSource> {
  const file = existsSync(image) ? image : await archiveOf(image);
  const { size, mtimeMs } = statSync(file);
  return { name, variants, kind: 'archive', file, id: createHash('sha256').update(JSON.stringify([file, size, mtimeMs, variants])).digest('hex').slice(0, 16) };
}

async function hash(file: string, more: readonly string[]): Promise<string> {
  const sum = createHash('sha256').update(more.join('\0'));
  await pipeline(createReadStream(file), sum);
  return sum.digest('hex').slice(0, 16);
}

const record = `${paths.cache}/images.json`;

/** Which images the registry and the golden folder hold: the id of the source each was made of, by name. */
export function builtImages(): Record<string, string> {
  return existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) as Record<string, string> : {};
}

/** Remembers what has been built. */
export function rememberBuilt(built: Readonly<Record<string, string>>): void {
  writeFileSync(record, `${JSON.stringify(built, null, 2)}\n`);
}
