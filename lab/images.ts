import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { paths, registryHost } from './places.ts';
import { must } from './process.ts';
import { baseRoot, rootId } from './rootfs.ts';

/** One image to be built from a context: its tag as users write it, and its build arguments. */
export interface Variant {
  tag: string;
  args?: Readonly<Record<string, string>>;
}

/** The source of one folder's images, and the ids by which a change is detected. */
export interface ImageSource {
  name: string;
  variants: readonly Variant[];
  /** Changes when any file of the image may have been rewritten: cheap enough to compute on each `up`. */
  seen: string;
  /** Prepares the content of the image; its `id` changes only if the bytes do. */
  prepare: () => Promise<Prepared>;
}

/** The content of an image as one file: a `context` to build, or an `archive` from `docker save`, whose image gets all the tags. */
export interface Prepared {
  kind: 'context' | 'archive';
  file: string;
  id: string;
}

/** The content of the registry and the golden folder, by the name of the source. */
export type Built = Readonly<Record<string, { seen: string; id: string }>>;

const folder = fileURLToPath(new URL('images', import.meta.url));

/** All images of the lab: `images/NAME/Dockerfile`, its files, and the additions of its `prepare.ts`. LAB_KUSCIA_IMAGE replaces the stand-in. */
export function imageSources(archiveOf: (image: string) => Promise<string>): ImageSource[] {
  const names = readdirSync(folder)
    .filter((name) => ['Dockerfile', 'image.json'].every((file) => existsSync(`${folder}/${name}/${file}`)))
    .sort();
  return names.map((name) => {
    const { images: variants } = JSON.parse(readFileSync(`${folder}/${name}/image.json`, 'utf8')) as {
      images: Variant[];
    };
    const real = name === 'kuscia' ? (process.env['LAB_KUSCIA_IMAGE'] ?? '') : '';
    if (real !== '')
      return { name, variants, seen: `${real} ${writtenAt(real)}`, prepare: () => archived(real, variants, archiveOf) };
    const installed = `${paths.repository}/node_modules/.installed-lock`;
    return {
      name,
      variants,
      prepare: () => contextOf(name, variants),
      seen: digest([
        rootId(baseRoot),
        existsSync(installed) ? readFileSync(installed, 'utf8') : '',
        ...filesBelow(`${folder}/${name}`).map(writtenAt),
      ]),
    };
  });
}

/** The name under which an image is pushed, so that its plain name resolves to it through the mirror. */
export function inRegistry(tag: string): string {
  return `${registryHost}/${tag.includes('/') ? tag : `library/${tag}`}`;
}

async function contextOf(name: string, variants: readonly Variant[]): Promise<Prepared> {
  const context = `${paths.cache}/contexts/${name}`;
  const file = `${context}.tar`;
  const program = `${folder}/${name}/prepare.ts`;
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  const left = new Set([program, `${folder}/${name}/image.json`]);
  cpSync(`${folder}/${name}`, context, { recursive: true, filter: (path) => !left.has(path), verbatimSymlinks: true });
  if (existsSync(program)) {
    const { prepare } = (await import(program)) as { prepare: (contextDir: string) => Promise<void> };
    await prepare(context);
  }
  // The same files give the same bytes, whatever their times and owners.
  await must([
    'tar',
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-C',
    context,
    '-cf',
    file,
    '.',
  ]);
  rmSync(context, { recursive: true });
  const sum = createHash('sha256');
  await pipeline(createReadStream(file), sum);
  return { kind: 'context', file, id: digest([sum.digest('hex'), rootId(baseRoot), JSON.stringify(variants)]) };
}

async function archived(
  image: string,
  variants: readonly Variant[],
  archiveOf: (image: string) => Promise<string>,
): Promise<Prepared> {
  const file = existsSync(image) ? image : await archiveOf(image);
  return { kind: 'archive', file, id: digest([writtenAt(file), JSON.stringify(variants)]) };
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${path}/${name}`)
    .filter((file) => lstatSync(file).isFile());
}

function writtenAt(file: string): string {
  const { size, mtimeMs, mode } = existsSync(file) ? statSync(file) : { size: 0, mtimeMs: 0, mode: 0 };
  return `${file} ${size} ${mtimeMs} ${mode}`;
}

const record = `${paths.cache}/images.json`;

/** The record of the images that have been built. */
export function builtImages(): Built {
  return existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Built) : {};
}

/** Writes that record. */
export function rememberBuilt(built: Built): void {
  writeFileSync(record, `${JSON.stringify(built, null, 2)}\n`);
}
