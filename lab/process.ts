import { spawn } from 'node:child_process';

/** How a command ended: an exit code, a signal, or the time-out that killed it; and its output. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  stdout: string;
  stderr: string;
}

/** Options of a captured command; `timeoutMs` defaults to two minutes. */
export interface CaptureOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  stdin?: string | Buffer;
  timeoutMs?: number;
}

/** Runs a command to its end and keeps its output; rejects only if it cannot be started. */
export function capture(argv: readonly string[], options: CaptureOptions = {}): Promise<Ended> {
  const { env, cwd, stdin = '', timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env: env ?? process.env, cwd, detached: true, stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let timedOut = false;
    const deadline = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      // A grandchild that left the group may keep the pipes open for ever.
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 500).unref();
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, timedOut, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    // A command that ends without reading its input has not failed.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });
}

/** Runs a command that must succeed and returns its stdout; otherwise throws with its output. */
export async function must(argv: readonly string[], options: CaptureOptions = {}): Promise<string> {
  const ended = await capture(argv, options);
  if (ended.code === 0) return ended.stdout;
  throw new Error(
    `${argv.join(' ').slice(0, 300)}: ${howItEnded(ended)}\n${(ended.stderr || ended.stdout).trim().slice(-2000)}`,
  );
}

/** How a command ended, in words. */
export function howItEnded({ code, signal, timedOut }: Pick<Ended, 'code' | 'signal' | 'timedOut'>): string {
  if (timedOut) return 'timed out and was killed';
  return code === null ? `was ended by ${signal ?? 'an unknown signal'}` : `exit code ${code}`;
}

/** Runs a command on this terminal, passes signals on to it, and returns the exit code that a shell would report. */
export function attach(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env, stdio: 'inherit' });
    // The terminal sends Ctrl-C to both processes: the command alone decides what to do.
    const ignore = (): void => undefined;
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.on('SIGINT', process.stdin.isTTY ? ignore : forward);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : signalNumber(signal)));
    });
  });
}

function signalNumber(signal: NodeJS.Signals): number {
  return (
    { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 }[
      signal as string
    ] ?? 0
  );
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has already ended.
  }
}

/** Calls `ask` every `everyMs` until its answer is not undefined; after `timeoutMs` throws with the text of `last`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs: number,
  last = (): string => '',
  everyMs = 50,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: timed out after ${timeoutMs / 1000} s. ${last()}`.trim());
    await new Promise((wake) => setTimeout(wake, everyMs));
  }
}
