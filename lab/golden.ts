import { existsSync } from 'node:fs';
import { paths } from './places.ts';
import { must } from './process.ts';

/** An engine's data folder with every image and nothing else. */
export const goldenFolder = `${paths.cache}/golden`;

/** Fills an engine's empty data folder with all images, in the time it takes to link their files. */
export async function seedEngine(folder: string): Promise<void> {
  if (!existsSync(goldenFolder)) return;
  // Layers are never written again, so a link is as good as a copy; what the engine does rewrite (image/) is copied.
  await must(['sh', '-ec', 'cp -a "$1/image" "$2/"; cp -al "$1/overlay2" "$2/"', 'sh', goldenFolder, folder]);
}
