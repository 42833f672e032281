import type { ExternalDatabase } from '../cluster/cluster.ts';
import { reading, script } from '../engine/command.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, failedTo, present, type Query } from '../engine/fact.ts';

/**
 * By what a host knows that its deployment uses a server: its replica's configuration names it, or an apply has written
 * it down before there was one.
 */
export type InUse = 'configured' | 'written down';

/** What an apply writes down of a server before it logs in there. */
export const inUseText = ({ address, port, ca }: ExternalDatabase): string =>
  `${address}:${port} ${ca === undefined ? 'off' : sha256(ca)}\n`;

/** Unreadable is not absent. */
const LOOK = `for f in "$1" "$2"; do [ ! -e "$f" ] || [ -r "$f" ] || { echo "cannot read $f" >&2; exit 66; }; done
[ "$(cat "$1" 2>/dev/null)" != "$3" ] || { echo "written down"; exit 0; }
grep -qF -e "$4" "$2" 2>/dev/null && echo configured || echo absent`;

/**
 * Whether the host's deployment uses that server already, so that asking it gives nothing to anybody new. A CA counts
 * only where it is written down: by another one somebody else might prove himself.
 */
export const databaseInUse = (
  database: ExternalDatabase,
  files: { readonly databaseInUse: string; readonly config: string },
): Query<InUse> => ({
  command: reading(
    'read which database is in use',
    script(
      LOOK,
      files.databaseInUse,
      files.config,
      inUseText(database).trim(),
      `@tcp(${database.address}:${database.port})/`,
    ),
  ),
  read(outcome) {
    const said = outcome.stdout.trim();
    if (outcome.code !== 0 || (said !== 'absent' && said !== 'configured' && said !== 'written down'))
      return failedTo('read which database is in use', outcome);
    return said === 'absent' || (said === 'configured' && database.ca !== undefined) ? absent : present(said);
  },
});
