import { spawn } from 'node:child_process';
import { LINGER_MS } from './connection.ts';
import type { Reception } from './reception.ts';

/**
 * Starts a program whose standard output is read no faster than its sink takes it: @actions/exec, by which all others
 * are started, cannot be slowed. Gives the exit code, or null when a signal ended it.
 */
export function startPaced(
  [program, ...args]: readonly [string, ...string[]],
  { input, ...place }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly input: Buffer | string },
  hear: Readonly<Record<'stdout' | 'stderr', (chunk: Buffer) => void>>,
  output: Reception,
): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const child = spawn(program, args, { ...place, stdio: 'pipe' });
  let lingering: NodeJS.Timeout | undefined;
  output.from(child.stdout);
  child.stdout.on('data', hear.stdout).on('end', () => output.end());
  child.stderr.on('data', hear.stderr);
  child.stdin.on('error', () => undefined).end(input);
  child.on('error', reject).on('close', resolve);
  child.on('exit', (code) => {
    // What the command left behind would hold its output open for as long as it likes.
    lingering = setInterval(() => {
      if (!output.isIdle()) return;
      output.cut();
      resolve(code);
    }, LINGER_MS);
  });
  return promise.finally(() => {
    clearInterval(lingering);
    child.stdout.destroy();
    child.stderr.destroy();
  });
}
