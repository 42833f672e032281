/** The part of Node's `process` that decides how it ends. */
export type ProcessHandle = Pick<NodeJS.Process, 'on' | 'exit'> & { exitCode?: NodeJS.Process['exitCode'] };

interface Life {
  /** The work; its signal aborts when the process is asked to end. Gives the exit code. */
  readonly work: (signal: AbortSignal) => Promise<number>;
  /** Reports an error that nothing handled. */
  readonly defect: (thrown: unknown) => void;
  readonly say: (text: string) => void;
}

/** Time for handles that are still open to close by themselves once the work is done. */
const LINGER_MS = 1_000;

/**
 * A signal often comes twice, to the process and to its group: from a terminal through npm, or from timeout(1). A
 * second signal within this time is the same request.
 */
const SAME_REQUEST_MS = 500;

/**
 * Runs the work to its end. The process exits with 0 only if the work returned 0: not if the event loop ran empty
 * before that, and not if an error was not handled. The first SIGINT or SIGTERM cancels, a later one exits immediately.
 */
export function runProcess(process: ProcessHandle, { work, defect, say }: Life): void {
  process.exitCode = 1;
  const cancel = new AbortController();
  let over = false;
  let crashed = false;

  const crash = (thrown: unknown): void => {
    if (crashed) process.exit(1);
    crashed = true;
    defect(thrown);
    process.exit(1);
  };
  let askedAt = 0;
  const asked = (signal: string): void => {
    if (cancel.signal.aborted && Date.now() - askedAt > SAME_REQUEST_MS) process.exit(130);
    if (cancel.signal.aborted) return;
    askedAt = Date.now();
    say(`${signal}: cancelling and stopping the commands on the hosts. Press Ctrl-C again to exit immediately.`);
    cancel.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, asked);
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  process.on('beforeExit', () => {
    if (!over) crash(new Error('the run ended too early: it was waiting for something that can never happen'));
  });

  work(cancel.signal).then((code) => {
    over = true;
    process.exitCode = code;
    setTimeout(() => process.exit(code), LINGER_MS).unref();
  }, crash);
}
