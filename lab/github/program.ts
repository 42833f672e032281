import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRunner } from '../enter.ts';
import { paths } from '../places.ts';
import { until } from '../process.ts';
import { homeVariable } from '../processes.ts';

/** The ports of these programs and of act's artifact server: below the kernel's ephemeral ports, because such a port is blocked for a minute after its connection ended. */
export const ports = { proxy: 3456, server: 3457, forward: 3458 } as const;

/** Starts one of the programs in this folder in the runner place, and waits for the line that it prints when it listens. */
export async function startInRunner(program: string, args: readonly string[]): Promise<ChildProcess> {
  mkdirSync(paths.github, { recursive: true });
  const node = join(paths.repository, 'node_modules/node/bin/node');
  const [first = '', ...rest] = inRunner([node, fileURLToPath(new URL(program, import.meta.url)), ...args]);
  const child = spawn(first, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, [homeVariable]: paths.home },
  });
  let ready = false;
  child.stdout.on('data', () => (ready = true));
  await until(`starting ${program}`, () => ready || undefined, 10_000);
  return child;
}
