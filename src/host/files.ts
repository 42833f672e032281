import { reading, script } from '../engine/command.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, failedTo, present, type Fact, type Query } from '../engine/fact.ts';
import { Secret } from '../engine/secret.ts';

/** A file of a host. */
export interface HostFile {
  /** Permission bits in octal: `600`. */
  readonly mode: string;
  readonly sha256: string;
  /** Milliseconds since the epoch, by the host's clock. */
  readonly changedAt: number;
}

/** A file of a host, with what stands in it. */
export interface OpenedFile extends HostFile {
  readonly content: Secret;
}

const LOOK =
  '[ -e "$1" ] || { echo absent; exit 0; }; [ -f "$1" ] || { echo "$1 is no regular file" >&2; exit 65; }; stat ' +
  '-c "%a %.3Y" "$1" && sha256sum <"$1"';

/** The file at that path; absent when there is nothing, unknown when it is no regular file or cannot be read. */
export const file = (path: string): Query<HostFile> => ({
  command: reading(`look at ${path}`, script(LOOK, path)),
  read: (outcome) => {
    if (outcome.code !== 0) return failedTo(`look at ${path}`, outcome);
    return outcome.stdout.trim() === 'absent' ? absent : present(properties(outcome.stdout));
  },
});

/** The same with its content, which is taken to be secret; `name` is what it is called when it is masked. */
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
 * How the file differs from one with that secret in it that only its owner reads; undefined when it does not. Nothing
 * of either content is told.
 */
export function unlikeSecret(found: Fact<HostFile>, wanted: Secret): string | undefined {
  if (found.is !== 'present') return 'absent';
  if (!holds(found.value, wanted)) return 'its content is not the one that was given';
  return found.value.mode === '600' ? undefined : `mode ${found.value.mode} -> 600`;
}

/** Whether the file holds that and nothing else. */
export const holds = (found: HostFile, wanted: Secret): boolean => found.sha256 === sha256(wanted);

/** Throws on anything else, without showing it: it may be the file itself. */
function properties(stdout: string): HostFile {
  const match = /^([0-7]{1,5}) (\d{1,12}(?:\.\d{1,9})?)\n([0-9a-f]{64}) /.exec(stdout);
  if (match === null) throw new Error('no mode, time and digest');
  const [, mode = '', changed = '', sha256 = ''] = match;
  return { mode, sha256, changedAt: Math.round(Number(changed) * 1000) };
}
