import { changing, reading, script, type Command } from '../engine/command.ts';
import { absent, failedTo, present, type Question } from '../engine/fact.ts';
import { Secret } from '../engine/secret.ts';

/** Writes a file whole or not at all: into a new file beside it, on the disk, then renamed. Missing folders are made with mode 0700. */
export function writeFile(purpose: string, path: string, mode: '0600' | '0644' | '0700', content: string | Secret): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    'new="$1.new.$$"; trap \'rm -f "$new"\' EXIT',
    'cat >"$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing(purpose, script(text, path, mode), { stdin: content });
}

/** A file's mode, hash and time of last change, without its content. */
export interface FileFact {
  /** `600` */
  readonly mode: string;
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** The file at that path; absent when there is nothing, unknown when it is no regular file or cannot be read. */
export const file = (path: string): Question<FileFact> => ({
  command: reading(`look at ${path}`, script('[ -e "$1" ] || { echo absent; exit 0; }; [ -f "$1" ] || { echo "is no regular file" >&2; exit 65; }; stat -c "%a %Y" "$1" && sha256sum <"$1"', path)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo(`look at ${path}`, outcome);
    if (outcome.stdout.trim() === 'absent') return absent;
    const [stat = '', sum = ''] = outcome.stdout.split('\n');
    const [mode = '', changed = ''] = stat.split(' ');
    return present({ mode, sha256: sum.split(' ')[0] ?? '', changedAt: Number(changed) * 1000 });
  },
});

/** The content of a file that holds secrets. */
export const secretFile = (path: string, name: string): Question<Secret> => ({
  command: reading(`read ${path}`, script('[ -e "$1" ] || { echo absent; exit 0; }; echo present; cat "$1"', path)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo(`read ${path}`, outcome);
    if (outcome.stdout.trim() === 'absent') return absent;
    return present(new Secret(name, outcome.stdout.slice('present\n'.length)));
  },
});
