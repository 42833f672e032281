import { reading, script } from '../engine/command.ts';
import { failedTo, present, type Query } from '../engine/fact.ts';

/** A file or directory on the path to a directory that others could replace. */
export interface ExposedPath {
  readonly path: string;
  /** `ada:users 777`: owner, group and mode. */
  readonly is: string;
  /** Why others can change it. */
  readonly why: string;
}

/** Where the lease of a run is stored. */
const LOCK = '/run/lock/kuscia-swarm';

/**
 * Checks every parent of the directory, of its resolved path and of the lock. What does not exist yet will be created
 * by the login.
 */
const ASK = `folder=$1 lock=$2; set --
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
up() { for p in "$folder" "$real" "$lock"; do while [ -n "$p" ]; do printf '%s\\n' "$p"; p=\${p%/*}; done; done; echo /; }
real=$folder; until [ -e "$real" ] || [ -z "$real" ]; do real=\${real%/*}; done; real=$(readlink -f "\${real:-/}")
echo "login=$(id -u) $(id -g) $(getent group docker | cut -d : -f 3)"
up | while IFS= read -r p; do [ ! -e "$p" ] && [ ! -L "$p" ] || printf '%s\\0' "$p"; done | xargs -0 stat -c 'path=%f %u %g %U:%G %n' 2>/dev/null
echo end`;

/**
 * Which of the deployment's directory, the lock's directory and their parents belong to, or are writable by, users
 * other than root and the login.
 */
export const othersOn = (folder: string): Query<readonly ExposedPath[]> => {
  const purpose = `check who owns ${folder}`;
  return {
    command: reading(purpose, script(ASK, folder, LOCK)),
    read(outcome) {
      const lines = outcome.stdout.split('\n').filter((line) => line !== '');
      const login = /^login=(\d{1,10}) (\d{1,10}) (\d{0,10})$/.exec(lines[0] ?? '')?.slice(1);
      const entries = lines
        .slice(1, -1)
        .map((line) => /^path=([0-9a-f]{1,8}) (\d{1,10}) (\d{1,10}) (\S+) (\/.*)$/.exec(line));
      if (
        outcome.code !== 0 ||
        login === undefined ||
        lines.at(-1) !== 'end' ||
        entries.length === 0 ||
        entries.includes(null)
      )
        return failedTo(purpose, outcome);
      const [user = '', group = '', docker = ''] = login;
      const wards = entries.flatMap((entry) => {
        const [, hex = '', owner = '', ofGroup = '', names = '', path = ''] = entry ?? [];
        const why = openness(parseInt(hex, 16), {
          isOurs: ['0', user].includes(owner) || (path === LOCK && ofGroup === docker),
          isOwnGroup: ['0', group, docker].includes(ofGroup),
        });
        return why === undefined ? [] : [{ path, is: `${names} ${(parseInt(hex, 16) & 0o7777).toString(8)}`, why }];
      });
      return present(wards.filter(({ path }, i) => wards.findIndex((other) => other.path === path) === i));
    },
  };
};

const LINK = 0o12;

/** In a sticky directory only the owner of an entry can remove it; for a link only its owner matters. */
function openness(
  mode: number,
  { isOurs, isOwnGroup }: { readonly isOurs: boolean; readonly isOwnGroup: boolean },
): string | undefined {
  if (!isOurs) return 'it belongs to neither root nor the login';
  if (mode >> 12 === LINK || (mode & 0o1000) !== 0) return undefined;
  if ((mode & 0o002) !== 0) return 'it is writable by everyone';
  return (mode & 0o020) !== 0 && !isOwnGroup ? 'it is writable by its group' : undefined;
}
