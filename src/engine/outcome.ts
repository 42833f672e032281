import type { Failure } from './errors.ts';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Size and digest of a standard output that a sink received completely. */
export interface Kept {
  readonly bytes: number;
  /** Of the bytes as the command wrote them, in hexadecimal. */
  readonly sha256: string;
}

/** How a command ended. Only `exited` with code 0 is success; without an exit code it is never success. */
export type Outcome = Output &
  (
    | {
        readonly ended: 'exited';
        readonly code: number;
        readonly kept?: Kept;
        /** Status of the answer and the name of the server, if it was a request: code 0 stands for 200 to 299. */
        readonly status?: number;
        readonly server?: string;
      }
    | { readonly ended: 'killed'; readonly signal: string }
    | { readonly ended: 'timed-out'; readonly afterMs: number }
    | {
        readonly ended: 'lost';
        readonly reason: string;
        /** The full failure, if it is known why no command can be run on the host. */
        readonly failure?: Failure;
      }
    /** Its standard output did not reach the sink completely, however the command itself ended. */
    | { readonly ended: 'not-kept'; readonly reason: string }
  );

/** Marks where the middle of a long output was left out. */
export const leftOut = (bytes: number): string => `\n[... ${bytes} bytes left out ...]\n`;

/** Whether part of an output may have been left out. If so, what is missing in it proves nothing. */
export const mayBeCut = (output: string): boolean => /\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/.test(output);

/** A command that ended by itself, with any exit code. */
export type Exited = Extract<Outcome, { ended: 'exited' }>;

/** True only for a command that exited with code 0. */
export function succeeded(outcome: Outcome): outcome is Exited {
  return outcome.ended === 'exited' && outcome.code === 0;
}

/** How it ended, in a few words: `exit 125`, `timed out after 20 s`, `connection lost: keepalive timeout`. */
export function ending(outcome: Outcome): string {
  switch (outcome.ended) {
    case 'exited':
      return outcome.status === undefined ? `exit ${outcome.code}` : `status ${outcome.status}`;
    case 'killed':
      return `killed by ${outcome.signal}`;
    case 'timed-out':
      return `timed out after ${outcome.afterMs / 1000} s`;
    case 'lost':
      return `connection lost: ${outcome.reason}`;
    case 'not-kept':
      return `its output could not be saved: ${outcome.reason}`;
  }
}

/** Far more than is ever shown of a line, so that cutting it here never exposes half of a secret. */
const MAX_LINE_LENGTH = 256 * 1024;

/**
 * The last line of standard error or else of standard output, preceded by the line that it continues if it begins with
 * a blank; '' if there is no output. An extremely long line is cut.
 */
export function lastLine(outcome: Outcome): string {
  return lastOf(outcome.stderr) ?? lastOf(outcome.stdout) ?? '';
}

function lastOf(text: string): string | undefined {
  const trimmed = text.trimEnd();
  if (trimmed === '') return undefined;
  const lineStart = trimmed.lastIndexOf('\n');
  const last = trimmed.slice(lineStart + 1).slice(0, MAX_LINE_LENGTH);
  // docker prints the details of an error on the line before `(exit status 1))`.
  const before =
    /^\s+\(/.test(last) && lineStart > 0
      ? `${trimmed
          .slice(trimmed.lastIndexOf('\n', lineStart - 1) + 1, lineStart)
          .trim()
          .slice(0, MAX_LINE_LENGTH)} `
      : '';
  const line = `${before}${last.trimStart()}`;
  // A copy, because a substring keeps the whole text in memory.
  return Buffer.from(line, 'utf16le').toString('utf16le');
}
