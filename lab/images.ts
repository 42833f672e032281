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

/** One image to be built of a context: its tag as users write it, and the arguments of its build. */
export interface Variant {
  tag: string;
  args?: Readonly<Record<string, string>>;
}

/** Where one folder's images come from, and the ids by which a change is seen. */
export interface ImageSource {
  name: string;
  variants: readonly Variant[];
  /** Changes when any file that goes into the image may have been written again: cheap to ask, on each `up`. */
  seen: string;
  /** Lays out what the image is made of; its `id` changes only when the bytes do. */
  prepare: () => Promise<Prepared>;
}

/** What an image is made of, as one file: a `context` to build, or an `archive` of `docker save`, whose image takes all the tags. */
export interface Prepared {
  kind: 'context' | 'archive';
  file: string;
  id: string;
}

/** What the registry and the golden folder hold, by the name of the source. */
export type Built = Readonly<Record<string, { seen: string; id: string }>>;

const folder = fileURLToPath(new URL('images', import.meta.url));

/** All images of the lab: `images/NAME/Dockerfile`, its files, and what its `prepare.ts` adds. LAB_KUSCIA_IMAGE takes the stand-in's place. */
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

/** The name under which an image is pushed so that its plain name finds it through the mirror. */
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
  // The same files give the same bytes, whenever and by whom they were written.
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

/** What has been built, as remembered. */
export function builtImages(): Built {
  return existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as Built) : {};
}

/** Remembers what has been built. */
export function rememberBuilt(built: Built): void {
  writeFileSync(record, `${JSON.stringify(built, null, 2)}\n`);
}
