import { reading, script } from '../engine/command.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, failedTo, present, type Fact, type Query } from '../engine/fact.ts';
import { Secret } from '../engine/secret.ts';

/** A file on a host. */
export interface HostFile {
  /** Permission bits in octal: `600`. */
  readonly mode: string;
  readonly sha256: string;
  /** Milliseconds since the epoch, by the host's clock. */
  readonly changedAt: number;
}

/** A file on a host, with its content. */
export interface OpenedFile extends HostFile {
  readonly content: Secret;
}

const LOOK =
  '[ -e "$1" ] || { echo absent; exit 0; }; [ -f "$1" ] || { echo "$1 is not a regular file" >&2; exit 65; }; stat ' +
  '-c "%a %.3Y" "$1" && sha256sum <"$1"';

/** The file at that path; absent if nothing exists there, unknown if it is not a regular file or cannot be read. */
export const file = (path: string): Query<HostFile> => ({
  command: reading(`inspect ${path}`, script(LOOK, path)),
  read: (outcome) => {
    if (outcome.code !== 0) return failedTo(`inspect ${path}`, outcome);
    return outcome.stdout.trim() === 'absent' ? absent : present(properties(outcome.stdout));
  },
});

/** The file with its content, which is treated as a secret with that `name`. */
export const openFile = (path: string, name: string): Query<OpenedFile> => ({
  command: reading(`read ${path}`, script(`${LOOK} && cat "$1"`, path)),
  read: (outcome) => {
    if (outcome.code !== 0) return failedTo(`read ${path}`, { ...outcome, stdout: '' });
    if (outcome.stdout.trim() === 'absent') return absent;
    const content = outcome.stdout.split('\n').slice(2).join('\n');
    return present({ ...properties(outcome.stdout), content: new Secret(name, content) });
  },
});

/**
 * How the file differs from one that contains the secret with mode 0600; undefined if it does not. Shows no content.
 */
export function unlikeSecret(found: Fact<HostFile>, wanted: Secret): string | undefined {
  if (found.is !== 'present') return 'absent';
  if (!holds(found.value, wanted)) return 'its content differs from the input';
  return found.value.mode === '600' ? undefined : `mode ${found.value.mode} -> 600`;
}

/** Whether the file contains exactly that. */
export const holds = (found: HostFile, wanted: Secret): boolean => found.sha256 === sha256(wanted);

/** Throws for any other output, without showing it: it may be the file itself. */
function properties(stdout: string): HostFile {
  const match = /^([0-7]{1,5}) (\d{1,12}(?:\.\d{1,9})?)\n([0-9a-f]{64}) /.exec(stdout);
  if (match === null) throw new Error('mode, time or digest missing');
  const [, mode = '', changed = '', sha256 = ''] = match;
  return { mode, sha256, changedAt: Math.round(Number(changed) * 1000) };
}
