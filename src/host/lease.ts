import { changing, script, type Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';

/** Who holds a lease. */
export interface Holder {
  /** `REPOSITORY/RUN#ATTEMPT`; all before the `#` is one holder. No blanks in it. */
  readonly id: string;
  /** Who that is, for whoever waits: one line. */
  readonly about: string;
}

/** What came of asking for a lease. Times in seconds, by the clock of the host that keeps it. */
export type Leased =
  | { readonly is: 'taken'; /** How long nobody had held it. */ readonly freeFor: number }
  | { readonly is: 'shared' }
  | { readonly is: 'held'; readonly by: Holder; readonly expiresIn: number; readonly heldFor: number };

/**
 * Takes, keeps or ends the lease "$2" for holder "$3". It lies where every login of the host finds it and a reboot
 * removes it; only root and group docker, who could do all that it guards against anyway, may write there. flock(1)
 * makes each look and change one.
 */
const LEASE = `
op=$1 name=$2 id=$3 for=$4 breaks=$5 about=$6
dir=/tmp; [ -k /run/lock ] && dir=/run/lock
dir=$dir/kuscia-swarm
[ "$op" = end ] && [ ! -e "$dir/$name.lease" ] && exit 0
umask 007
mkdir "$dir" 2>/dev/null && { chgrp docker "$dir" 2>/dev/null; chmod 2770 "$dir"; }
case $(stat -c '%A %U %G' "$dir") in
  d???????-?\\ root\\ *|d???????-?\\ *\\ docker) ;;
  d???????-?\\ "$(id -un)"\\ *) ;;
  *) echo "$dir can be written by others than root and group docker; see who made it, and remove it" >&2; exit 77 ;;
esac
exec 9>"$dir/$name.guard" && flock -w 10 9 || exit 75
lease=$dir/$name.lease
now=$(date +%s) holder= until= since= told=
if [ -e "$lease" ]; then
  { IFS= read -r holder; IFS= read -r until; IFS= read -r since; IFS= read -r told; } <"$lease"
  case $until:$since in :*|*:|*[!0-9:]*) echo "$lease cannot be read; remove it when nobody deploys" >&2; exit 65 ;; esac
fi
mine() { [ -n "$holder" ] && [ "\${holder%#*}" = "\${id%#*}" ]; }
held() { printf 'held\\n%s\\n%s\\n%s\\n%s\\n' "$holder" $((until - now)) $((now - since)) "$told"; exit 0; }
write() { printf '%s\\n%s\\n%s\\n%s\\n' "$1" $((now + for)) "$2" "$3" >"$lease.new" && mv "$lease.new" "$lease" || exit 73; }
case $op in
  take)
    if mine; then write "$id" "$since" "$about"; echo shared
    elif [ -z "$until" ]; then write "$id" "$now" "$about"; echo taken 999999999
    elif [ -z "$holder" ] || [ "$until" -le "$now" ]; then free=$((now - until)); write "$id" "$now" "$about"; echo taken "$free"
    elif [ "$holder" = "$breaks" ]; then write "$id" "$now" "$about"; echo taken 0
    else held; fi ;;
  keep) if mine; then write "$id" "$since" "$told"; echo shared; else until=\${until:-$now} since=\${since:-$now}; held; fi ;;
  end) if mine; then [ "$for" -gt 0 ] || { id=; told=; since=$now; }; write "$id" "$since" "$told"; fi ;;
esac`;

type Operation = 'take' | 'keep' | 'end';

/** A lease may take this long to be asked for, in milliseconds. */
const DEADLINE_MS = 15_000;

const lease = (
  purpose: string,
  operation: Operation,
  name: string,
  holder: Holder,
  seconds: number,
  breaks = '',
  timeoutMs = DEADLINE_MS,
): Command =>
  changing(
    purpose,
    script(LEASE, operation, name, holder.id, String(seconds), breaks, holder.about.replace(/\s+/g, ' ')),
    { timeoutMs, urgent: true },
  );

/**
 * Takes the lease for so many seconds where it is free, expired, the holder's own already, or held by the id that is to
 * be broken.
 */
export const takeLease = (name: string, holder: Holder, seconds: number, breaks?: string): Command =>
  lease('take the lock', 'take', name, holder, seconds, breaks);

/** Makes the holder's own lease last for so many seconds from now. */
export const keepLease = (name: string, holder: Holder, seconds: number): Command =>
  lease('keep the lock', 'keep', name, holder, seconds);

/** Lets the holder's own lease end in so many seconds, 0 for now; does nothing to another's. */
export const endLease = (name: string, holder: Holder, seconds: number): Command =>
  lease('release the lock', 'end', name, holder, seconds, '', 1_500);

/** What taking or keeping a lease came to; undefined when it could not be done. */
export function leasedIn(outcome: Outcome): Leased | undefined {
  if (outcome.ended !== 'exited' || outcome.code !== 0) return undefined;
  const [word = '', id = '', expiresIn = '', heldFor = '', about = ''] = outcome.stdout.split('\n');
  const taken = /^taken (\d{1,12})$/.exec(word);
  if (taken) return { is: 'taken', freeFor: Number(taken[1]) };
  if (word === 'shared') return { is: 'shared' };
  return word === 'held' && [expiresIn, heldFor].every((seconds) => /^-?\d{1,12}$/.test(seconds))
    ? { is: 'held', by: { id, about }, expiresIn: Number(expiresIn), heldFor: Number(heldFor) }
    : undefined;
}
