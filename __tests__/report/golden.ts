import { readFileSync, writeFileSync } from 'node:fs';
import { play, recorder, reportOn, type Recorder } from './play.ts';
import { RUNS } from './runs.ts';

/** A run of which golden files are kept. */
export type Name = keyof typeof RUNS;
export const NAMES = Object.keys(RUNS) as Name[];

const fileOf = (name: Name, ending: 'txt' | 'md'): URL => new URL(`golden/${name}.${ending}`, import.meta.url);

/** The expected log or job summary of that run. */
export const golden = (name: Name, ending: 'txt' | 'md'): string => readFileSync(fileOf(name, ending), 'utf8');

/** That run, reported to a renderer that keeps everything. */
export async function toldOf(name: Name): Promise<Recorder> {
  const face = recorder();
  await play(reportOn(face), await RUNS[name]());
  return face;
}

/** The log in one text. The configuration and its domain key are others each time. */
export const logOf = ({ lines }: Recorder): string =>
  `${lines.join('\n')}\n`.replace(/(?<=sha256 |domain key )[0-9a-f]{12}\b/g, 'e3b0c44298fc');

/** Rewrites the golden files: `node __tests__/report/golden.ts`. Review the diff afterwards. */
async function write(): Promise<void> {
  for (const name of NAMES) {
    const face = await toldOf(name);
    writeFileSync(fileOf(name, 'txt'), logOf(face));
    writeFileSync(fileOf(name, 'md'), face.markdown);
  }
}

if (import.meta.main) await write();
