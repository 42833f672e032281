import { changing, cleaningUp, script, type Command } from '../engine/command.ts';
import { Secret } from '../engine/secret.ts';

/**
 * Follows the content on standard input: a connection that breaks ends the input too, and half a file would look like a
 * whole one.
 */
const END = '\n[kuscia-swarm: end of the file]';

/**
 * Writes a file whole or not at all: into a new file beside it, on the disk, then renamed. Missing folders are made
 * with mode 0700.
 */
export function writeFile(
  purpose: string,
  path: string,
  mode: '0600' | '0644' | '0700',
  content: string | Secret,
): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    // One that was killed leaves its own behind.
    'new="$1.new.$$"; rm -f "$1".new.*',
    cleaningUp('rm -f "$new"'),
    'cat >"$new" || exit',
    'size=$(($(stat -c %s "$new") - $4))',
    '[ "$size" -ge 0 ] && [ "$(tail -c "$4" "$new")" = "$3" ] || { echo "the content was cut short" >&2; exit 74; }',
    'truncate -s "$size" "$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing(purpose, script(text, path, mode, END, String(END.length)), { stdin: asInput(content) });
}

/** What goes to the standard input of `writeFile`: the content, then its end mark. */
export const asInput = (content: string | Secret): string | Secret =>
  content instanceof Secret ? content.followedBy(END) : content + END;
