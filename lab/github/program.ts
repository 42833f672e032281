import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRunner } from '../enter.ts';
import { paths } from '../places.ts';
import { until } from '../process.ts';
import { homeVariable } from '../processes.ts';

/** Where they listen, and act's artifact server: below the ports that the kernel gives to connections of its own choice, of which one that ended a minute ago is still in the way of whoever wants to listen there. */
export const ports = { proxy: 3456, server: 3457, forward: 3458 } as const;

/** Starts one of the programs beside this file in the runner place; it prints a line when it listens. */
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
