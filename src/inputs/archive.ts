import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { list } from 'tar';
import { z } from 'zod';
import type { Archive, ArchivedImage } from '../cluster/archives.ts';
import { localName } from '../docker/names.ts';

/** Largest metadata entry that is read. Layers this small are read too, which does no harm. */
const MAX_METADATA_BYTES = 4 * 1024 ** 2;
const METADATA = /[0-9a-f]{64}$|\.json$/;

/** Docker's own list: the configuration and layer files of each image. */
const manifestSchema = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);
/** The index of the OCI layout, which archives also contain since Docker 25. */
const indexSchema = z.object({
  manifests: z.array(z.object({ digest: z.string(), annotations: z.record(z.string(), z.string()).nullish() })),
});
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** The archive's contents, or what is wrong with it, worded to follow its name. */
export async function readArchive(file: string): Promise<Archive | string> {
  try {
    const [{ size }, entries] = await Promise.all([stat(file), entriesOf(file)]);
    const images = imagesIn(entries);
    return typeof images === 'string' ? images : { file, bytes: size, images };
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    return `which cannot be read: ${code === undefined || message.includes(code) ? message : `${code}: ${message}`}`;
  }
}

/** Every entry by name; only metadata entries have their bytes. */
type Entries = ReadonlyMap<string, Buffer | undefined>;

async function entriesOf(file: string): Promise<Entries> {
  const entries = new Map<string, Buffer | undefined>();
  await list({
    file,
    // Any irregularity is an error, including truncation.
    strict: true,
    // Nothing is unpacked, so a decompression bomb does no harm.
    maxDecompressionRatio: Infinity,
    onReadEntry(entry) {
      const name = entry.path.replace(/^\.\//, '');
      entries.set(name, undefined);
      if (!METADATA.test(name) || entry.size > MAX_METADATA_BYTES) return;
      const pieces: Buffer[] = [];
      entry.on('data', (piece) => pieces.push(piece));
      entry.on('end', () => entries.set(name, Buffer.concat(pieces)));
    },
  });
  return entries;
}

function imagesIn(entries: Entries): readonly ArchivedImage[] | string {
  const manifest = read(entries, 'manifest.json', manifestSchema);
  if (manifest === undefined) return 'which was not written by docker save: manifest.json is missing';
  const named = manifest.flatMap(({ Config, RepoTags, Layers }) =>
    (RepoTags ?? []).map((tag) => ({ name: localName(tag), config: Config, parts: Layers ?? [] })),
  );
  if (named.length === 0) return 'whose images have no name: save images by name and tag, not by id';
  const index = read(entries, 'index.json', indexSchema)?.manifests ?? [];
  const images: ArchivedImage[] = [];
  for (const { name, config, parts } of named) {
    const bytes = entries.get(config);
    if (!bytes) return `which lacks the configuration of ${name}`;
    if (!parts.every((layer) => entries.has(layer))) return `which lacks a layer of ${name}`;
    const id = createHash('sha256').update(bytes).digest('hex');
    if ((/[0-9a-f]{64}/.exec(config)?.[0] ?? id) !== id)
      return `in which the configuration of ${name} does not match its digest`;
    const manifests = index
      .filter(({ annotations }) => localName(annotations?.['io.containerd.image.name'] ?? name) === name)
      .map(({ digest }) => digest);
    const layers = manifests.length === 0 ? read(entries, config, configSchema)?.rootfs.diff_ids : undefined;
    images.push({ name, ids: [`sha256:${id}`, ...manifests], ...(layers && { layers }) });
  }
  return images;
}

function read<T>(entries: Entries, name: string, schema: z.ZodType<T>): T | undefined {
  const bytes = entries.get(name);
  if (!bytes) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw new Error(`${name} does not have the format of docker save`);
  }
}
