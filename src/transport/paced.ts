import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
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

/**
 * A channel whose host sends no more while it is paused than the channel's window, twice. ssh2 asks for more whenever
 * either output is read, though both share the window: what is said on standard error would let the other one pile up
 * here (ssh2 1.17, lib/client.js and lib/Channel.js).
 */
export function pacedChannel(channel: ClientChannel): Pick<Readable, 'pause' | 'resume'> {
  const { stderr } = channel;
  const push = stderr.push.bind(stderr);
  stderr.push = (chunk: unknown) => push(chunk) && !channel.isPaused();
  stderr._read = () => undefined;
  return {
    pause: () => channel.pause(),
    resume() {
      channel.resume();
      // It reads by itself only when something comes, for which the window may leave no room.
      channel._read(0);
      return channel;
    },
  };
}
