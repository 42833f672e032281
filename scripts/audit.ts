// Audits every workflow, template and action and the Dependabot configuration with zizmor, without the network. `audit.ts FILE...` audits those files.
// Exceptions, with their reasons, are in .github/zizmor.yml.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { capture, must } from '../lab/process.ts';
import { fromWheel, laidOut, type Wheel } from '../lab/wheel.ts';

const ROOT = resolve(import.meta.dirname, '..');
const AUDITED = [
  '.github/workflows/*.y*ml',
  '.github/dependabot.yml',
  'workflows/*.y*ml',
  'action.y*ml',
  'actions/*/action.y*ml',
];
const TOOLS = join(ROOT, 'node_modules/.cache/tools');

/** The wheels with a static binary, which runs with any libc. */
export const ZIZMOR: Wheel = {
  name: 'zizmor',
  version: '1.32.0',
  program: 'zizmor',
  builds: {
    x64: {
      platform: 'musllinux_1_2_x86_64',
      sha256: 'dd818f99d833b86cd432d5412d620d936b5df074b33404fff8b67acff55d3259',
    },
    arm64: {
      platform: 'musllinux_1_2_aarch64',
      sha256: 'd34dcfa702875202b4163d90ebb9cc5222f3d1a7d4b72bf796d87b5a15b24194',
    },
  },
};

const onPath = (): boolean =>
  spawnSync(ZIZMOR.program, ['--version'], { encoding: 'utf8' }).stdout?.trim() ===
  `${ZIZMOR.program} ${ZIZMOR.version}`;

/** Whether the audit can run without a download. */
export const zizmorIsHere = (): boolean => existsSync(laidOut(ZIZMOR, TOOLS)) || onPath();

/** The faults that the audit must find in a bad workflow before a clean result for ours means anything. */
const BAD =
  'on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v7\n      - run: echo ${{ github.event.pull_request.title }}\n';
const FOUND_IN_BAD = [
  'artipacked',
  'dangerous-triggers',
  'excessive-permissions',
  'template-injection',
  'unpinned-uses',
];

/** A finding, as far as it is printed. */
interface Finding {
  readonly ident: string;
  readonly desc: string;
  readonly url: string;
  readonly locations: readonly {
    readonly symbolic: {
      readonly kind: string;
      readonly key: { readonly Local: { readonly verbatim_path: string } };
      readonly annotation: string;
    };
    readonly concrete: { readonly location: { readonly start_point: { readonly row: number } } };
  }[];
}

const OPTIONS = [
  '--offline',
  '--quiet',
  '--persona=auditor',
  '--strict-collection',
  '--no-progress',
  '--format=json-v1',
  `--config=${join(ROOT, '.github/zizmor.yml')}`,
];

async function findings(zizmor: string, files: readonly string[]): Promise<Finding[]> {
  const { code, stdout, stderr } = await capture([zizmor, ...OPTIONS, ...files], { cwd: ROOT });
  // 11 to 14 give the severity of the worst finding.
  if (code !== 0 && !(code !== null && code >= 11 && code <= 14))
    throw new Error(`zizmor did not complete the audit (exit code ${code})\n${stderr}${stdout}`);
  return JSON.parse(stdout) as Finding[];
}

function line({ ident, desc, url, locations }: Finding): string {
  const { symbolic, concrete } = locations.find((one) => one.symbolic.kind === 'Primary') ?? locations[0]!;
  return `${symbolic.key.Local.verbatim_path}:${concrete.location.start_point.row + 1}: ${ident}: ${desc}: ${symbolic.annotation} (${url})`;
}

/** Throws unless zizmor, run as for our files, finds the faults of a bad one. */
async function provesItself(zizmor: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    writeFileSync(join(folder, 'bad.yml'), BAD);
    const found = new Set((await findings(zizmor, [join(folder, 'bad.yml')])).map(({ ident }) => ident));
    const missed = FOUND_IN_BAD.filter((ident) => !found.has(ident));
    if (missed.length > 0)
      throw new Error(
        `zizmor does not find ${missed.join(', ')} in a workflow that has it: check whether .github/zizmor.yml excludes too much`,
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function ownFiles(): Promise<string[]> {
  const listed = await must(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...AUDITED], {
    cwd: ROOT,
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

async function main(given: readonly string[]): Promise<void> {
  const zizmor = onPath() ? ZIZMOR.program : await fromWheel(ZIZMOR, TOOLS, (said) => console.log(`audit: ${said}`));
  await provesItself(zizmor);
  const files = given.length > 0 ? given : await ownFiles();
  const found = await findings(zizmor, files);
  for (const finding of found) console.log(line(finding));
  console.log(`audit: ${files.length} files, ${found.length === 0 ? 'nothing found' : `${found.length} findings`}`);
  process.exitCode = found.length === 0 && files.length > 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
