import type { ExternalDatabase } from '../cluster/cluster.ts';
import { reading, script } from '../engine/command.ts';
import { sha256 } from '../engine/digest.ts';
import { absent, failedTo, present, type Query } from '../engine/fact.ts';

/**
 * How a host knows that its deployment uses a server: from its replica's configuration, or from a note by an earlier
 * apply.
 */
export type InUse = 'configured' | 'written down';

/** The note about a server that apply writes before it logs in there. */
export const inUseText = ({ address, port, ca }: ExternalDatabase): string =>
  `${address}:${port} ${ca === undefined ? 'off' : sha256(ca)}\n`;

/** Unreadable does not mean absent. */
const LOOK = `for f in "$1" "$2"; do [ ! -e "$f" ] || [ -r "$f" ] || { echo "cannot read $f" >&2; exit 66; }; done
[ "$(cat "$1" 2>/dev/null)" != "$3" ] || { echo "written down"; exit 0; }
grep -qF -e "$4" "$2" 2>/dev/null && echo configured || echo absent`;

/**
 * Whether the host's deployment already uses that server, so that querying it reveals nothing new. A CA counts only if
 * noted, because another CA could vouch for another server.
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
    const answer = outcome.stdout.trim();
    if (outcome.code !== 0 || (answer !== 'absent' && answer !== 'configured' && answer !== 'written down'))
      return failedTo('read which database is in use', outcome);
    return answer === 'absent' || (answer === 'configured' && database.ca !== undefined) ? absent : present(answer);
  },
});
