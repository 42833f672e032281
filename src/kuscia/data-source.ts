import { reading, script } from '../engine/command.ts';
import { absent, failedTo, present, type Query } from '../engine/fact.ts';

const USER = `s|^datastoreEndpoint: *["']\\{0,1\\}mysql://\\([^:@/]*\\):.*$|user=\\1|p`;

/**
 * The database user in a replica's configuration; '' if none. Nothing else in the file leaves the host.
 */
export const dataSourceUser = (path: string): Query<string> => {
  const purpose = `read the database user in ${path}`;
  return {
    command: reading(
      purpose,
      script('[ -e "$1" ] || { echo absent; exit 0; }; sed -n "$2" "$1" && echo end', path, USER),
    ),
    read(outcome) {
      const lines = outcome.stdout.trim().split('\n');
      if (outcome.code === 0 && lines[0] === 'absent') return absent;
      if (outcome.code !== 0 || lines.at(-1) !== 'end') return failedTo(purpose, outcome);
      return present(/^user=([A-Za-z0-9_.-]{1,32})$/.exec(lines[0] ?? '')?.[1] ?? '');
    },
  };
};
