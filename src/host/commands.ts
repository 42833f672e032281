import { changing, cleaningUp, script, type Command } from '../engine/command.ts';
import { Secret } from '../engine/secret.ts';

/**
 * End marker after the content on standard input: a broken connection also ends the input, and a truncated file would
 * look complete.
 */
const END = '\n[kuscia-swarm: end of the file]';

/**
 * Writes a file atomically: into a new file beside it, synced to disk, then renamed. Creates missing directories with
 * mode 0700.
 */
export function writeFile(
  purpose: string,
  path: string,
  mode: '0600' | '0644' | '0700',
  content: string | Secret,
): Command {
  const text = [
    'umask 077; mkdir -p "$(dirname "$1")" || exit',
    // Remove leftovers of a killed command.
    'new="$1.new.$$"; rm -f "$1".new.*',
    cleaningUp('rm -f "$new"'),
    'cat >"$new" || exit',
    'size=$(($(stat -c %s "$new") - $4))',
    '[ "$size" -ge 0 ] && [ "$(tail -c "$4" "$new")" = "$3" ] || { echo "the content was truncated" >&2; exit 74; }',
    'truncate -s "$size" "$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1"',
  ].join('\n');
  return changing(purpose, script(text, path, mode, END, String(END.length)), { stdin: asInput(content) });
}

/** Standard input of `writeFile`: the content, then its end marker. */
export const asInput = (content: string | Secret): string | Secret =>
  content instanceof Secret ? content.followedBy(END) : content + END;
