import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from 'tar';

/** An image as an archive is to hold it. */
export interface Saved {
  readonly tags: readonly string[] | null;
  /** Its content: a different text gives a different image. */
  readonly content: string;
}

export const sha256 = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

/** The configuration of an image. */
export const configOf = ({ content }: Saved): string =>
  JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Env: [content] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(content)}`] },
  });
/** The manifest of an image. */
export const manifestOf = (saved: Saved): string =>
  JSON.stringify({
    schemaVersion: 2,
    config: { digest: `sha256:${sha256(configOf(saved))}` },
    layers: [{ digest: `sha256:${sha256(saved.content)}` }],
  });

/** How docker writes it: `oci` since version 25, `plain` before, and as other tools still do. */
export type Layout = 'plain' | 'oci';

/** The files of an archive as docker save lays them out, in its order. */
export function filesOf(images: readonly Saved[], layout: Layout = 'oci'): Record<string, string> {
  const blob = (content: string): string => `blobs/sha256/${sha256(content)}`;
  const config = (saved: Saved): string =>
    layout === 'oci' ? blob(configOf(saved)) : `${sha256(configOf(saved))}.json`;
  const manifest = images.map((saved) => ({
    Config: config(saved),
    RepoTags: saved.tags,
    Layers: [layout === 'oci' ? blob(saved.content) : `${sha256(saved.content)}/layer.tar`],
  }));
  const index = images.flatMap((saved) =>
    (saved.tags ?? []).map((tag) => ({
      digest: `sha256:${sha256(manifestOf(saved))}`,
      annotations: { 'io.containerd.image.name': tag.includes('/') ? tag : `docker.io/library/${tag}` },
    })),
  );
  return {
    ...Object.fromEntries(
      images.flatMap((saved) => [
        [config(saved), configOf(saved)],
        [
          layout === 'oci' ? blob(saved.content) : `${sha256(saved.content)}/layer.tar`,
          saved.content.padEnd(70_000, '.'),
        ],
      ]),
    ),
    ...(layout === 'oci' && {
      ...Object.fromEntries(images.map((saved) => [blob(manifestOf(saved)), manifestOf(saved)])),
      'index.json': JSON.stringify({ schemaVersion: 2, manifests: index }),
    }),
    'manifest.json': JSON.stringify(manifest),
  };
}

/** Writes a tar file of these files; compressed where its name says so. */
export function writeTar(file: string, files: Readonly<Record<string, string>>): void {
  const folder = mkdtempSync(join(tmpdir(), 'archive-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  create({ file, cwd: folder, sync: true, gzip: file.endsWith('gz') }, Object.keys(files));
  rmSync(folder, { recursive: true });
}
