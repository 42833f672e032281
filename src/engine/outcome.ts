import type { Failure } from './errors.ts';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What came of a standard output that went into a sink, which has all of it. */
export interface Kept {
  readonly bytes: number;
  /** Of the bytes as the command wrote them, in hexadecimal. */
  readonly sha256: string;
}

/** How a command ended, in full. Only `exited` with code 0 is success; no exit code is never success. */
export type Outcome = Output &
  (
    | { readonly ended: 'exited'; readonly code: number; readonly kept?: Kept }
    | { readonly ended: 'killed'; readonly signal: string }
    | { readonly ended: 'timed-out'; readonly afterMs: number }
    | {
        readonly ended: 'lost';
        readonly reason: string;
        /** The same in full, where it is known why no command can be run on the host. */
        readonly failure?: Failure;
      }
    /** Its standard output was to go into a sink, and did not get there in whole, however the command itself ended. */
    | { readonly ended: 'not-kept'; readonly reason: string }
  );

/** Stands where the middle of a long output was left out. */
export const leftOut = (bytes: number): string => `\n[... ${bytes} bytes left out ...]\n`;

/** Whether something may have been left out of an output, which then says nothing of what it does not hold. */
export const mayBeCut = (output: string): boolean => /\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/.test(output);

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
    case 'not-kept':
      return `its output was not kept: ${outcome.reason}`;
  }
}

/** Far more than anybody is shown of a line, so that where it is cut no half of a secret comes to be seen. */
const LONGEST_LINE = 256 * 1024;

/**
 * The last line that was said, with the one that it continues where it begins with a blank; standard error before
 * standard output; '' when nothing was. Without its end where it has none.
 */
export function lastLine(outcome: Outcome): string {
  return lastOf(outcome.stderr) ?? lastOf(outcome.stdout) ?? '';
}

function lastOf(text: string): string | undefined {
  const said = text.trimEnd();
  if (said === '') return undefined;
  const at = said.lastIndexOf('\n');
  const last = said.slice(at + 1).slice(0, LONGEST_LINE);
  // docker puts what it knows of an error in a line before `(exit status 1))`.
  const before =
    /^\s+\(/.test(last) && at > 0
      ? `${said
          .slice(said.lastIndexOf('\n', at - 1) + 1, at)
          .trim()
          .slice(0, LONGEST_LINE)} `
      : '';
  const line = `${before}${last.trimStart()}`;
  // A copy: a part of a text keeps all of it in memory.
  return Buffer.from(line, 'utf16le').toString('utf16le');
}
