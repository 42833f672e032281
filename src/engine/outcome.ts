interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command ended, in full. Only `exited` with code 0 is success; no exit code is never success. */
export type Outcome = Output &
  (
    | { readonly ended: 'exited'; readonly code: number }
    | { readonly ended: 'killed'; readonly signal: string }
    | { readonly ended: 'timed-out'; readonly afterMs: number }
    | { readonly ended: 'lost'; readonly reason: string }
  );

/** A command that ran to its end by itself, with whatever exit code. */
export type Exited = Extract<Outcome, { ended: 'exited' }>;

/** True only for a command that exited with code 0. */
export function succeeded(outcome: Outcome): outcome is Exited {
  return outcome.ended === 'exited' && outcome.code === 0;
}

/** How it ended, in a few words: `exit 125`, `timed out after 20 s`, `connection lost: keepalive timeout`. */
export function ending(outcome: Outcome): string {
  switch (outcome.ended) {
    case 'exited':
      return `exit ${outcome.code}`;
    case 'killed':
      return `killed by ${outcome.signal}`;
    case 'timed-out':
      return `timed out after ${outcome.afterMs / 1000} s`;
    case 'lost':
      return `connection lost: ${outcome.reason}`;
  }
}

/** The last line that was said, standard error before standard output; '' when nothing was. */
export function lastLine(outcome: Outcome): string {
  return lastOf(outcome.stderr) ?? lastOf(outcome.stdout) ?? '';
}

function lastOf(text: string): string | undefined {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '').at(-1);
}
