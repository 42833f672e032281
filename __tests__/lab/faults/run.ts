import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRunner } from '../../../lab/enter.ts';
import { paths } from '../../../lab/lab.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';
import type { Signal } from './fault.ts';

/** Longest time of any run here, in milliseconds; one that is ended by it did not keep its own deadlines. */
const DEADLINE_MS = 330_000;

/** The exit code of a run and its log. */
export interface Run {
  /** Null when it did not end by itself. */
  readonly code: number | null;
  readonly log: string;
  /** Whether the line came at which something was to be done. */
  readonly reached: boolean;
}

/** An action in the middle of a run: once, at the first line that matches. It may send the run a signal. */
export interface InTheMiddle {
  readonly at: RegExp;
  readonly act: (signal: Signal) => Promise<unknown>;
}

/** Runs the bundle as from a terminal, with `inputs` in addition to the usual ones. The run continues during an action in its middle, and the end of that action is awaited. */
export async function runOf(
  cluster: string,
  mode: string,
  inputs: Readonly<Record<string, string>> = {},
  middle?: InTheMiddle,
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'fault-'));
  const given = {
    cluster,
    mode,
    'database-password': DATABASE_PASSWORD,
    'ssh-key': readFileSync(paths.sshKey, 'utf8'),
    'known-hosts': readFileSync(paths.knownHosts, 'utf8'),
    ...inputs,
  };
  const named = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`KUSCIA_SWARM_${name.toUpperCase().replaceAll('-', '_')}`, value]),
  );
  const [program = '', ...args] = inRunner([
    join(paths.repository, 'node_modules/node/bin/node'),
    join(paths.repository, 'dist/index.cjs'),
  ]);
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', ...named },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let acting: Promise<unknown> | undefined;
  const take = (chunk: Buffer): void => {
    log += chunk.toString();
    if (middle && acting === undefined && middle.at.test(log)) acting = middle.act((name) => void child.kill(name));
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(deadline);
  rmSync(folder, { recursive: true, force: true });
  await acting;
  return { code, log, reached: middle === undefined || acting !== undefined };
}

/** The failures and warnings that a run printed: each block in one line, with a bar before its cause and before its remedy. */
export function blocksOf(log: string): string[] {
  const lines = log.split('\n');
  return lines.flatMap((line, i) => {
    if (!/^(Error|Warning) KS-\d+/.test(line)) return [];
    const rest = lines.slice(i + 1);
    const end = rest.findIndex((next) => !next.startsWith('  '));
    return [
      [line, ...rest.slice(0, end === -1 ? rest.length : end)]
        .map((each) => each.replace(/^ {2}(cause|do) +/, '¦$1 '))
        .join(' ')
        .replace(/\s+/g, ' '),
    ];
  });
}
