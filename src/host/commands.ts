import { changing, cleaningUp, script, type Command } from '../engine/command.ts';
import type { Secret } from '../engine/secret.ts';

/** Writes a file whole or not at all: into a new file beside it, on the disk, then renamed. Missing folders are made with mode 0700. */
export function writeFile(purpose: string, path: string, mode: '0600' | '0644' | '0700', content: string | Secret): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    'new="$1.new.$$"',
    cleaningUp('rm -f "$new"'),
    'cat >"$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing(purpose, script(text, path, mode), { stdin: content });
}
