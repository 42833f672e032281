import { changing, script, type Command } from '../engine/command.ts';
import type { Outcome } from '../engine/outcome.ts';

/** The holder of a lease. */
export interface Holder {
  /** `REPOSITORY/RUN#ATTEMPT`; the part before the `#` identifies the holder. No spaces. */
  readonly id: string;
  /** One line about the holder, for waiting runs. */
  readonly about: string;
}

/** The result of requesting a lease. Times in seconds, by the clock of the host that keeps it. */
export type Leased =
  | { readonly is: 'taken'; /** How long it had been free. */ readonly freeFor: number }
  | { readonly is: 'shared' }
  | { readonly is: 'held'; readonly by: Holder; readonly expiresIn: number; readonly heldFor: number };

/**
 * Takes, keeps or ends the lease "$2" for holder "$3". It is stored where every login on the host finds it and a reboot
 * removes it. Only root and group docker, which have full control anyway, may write there. flock(1) makes each
 * operation atomic.
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
  *) echo "$dir is writable by users other than root and group docker; find out who created it, and remove it" >&2; exit 77 ;;
esac
exec 9>"$dir/$name.guard" && flock -w 10 9 || exit 75
lease=$dir/$name.lease
now=$(date +%s) holder= until= since= told=
if [ -e "$lease" ]; then
  { IFS= read -r holder; IFS= read -r until; IFS= read -r since; IFS= read -r told; } <"$lease"
  case $until:$since in :*|*:|*[!0-9:]*) echo "$lease is invalid; remove it when no run is deploying" >&2; exit 65 ;; esac
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

/** Time limit for a lease operation, in milliseconds. */
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
 * Takes the lease for that many seconds if it is free, expired, already held by this holder, or held by the id to
 * break.
 */
export const takeLease = (name: string, holder: Holder, seconds: number, breaks?: string): Command =>
  lease('take the lock', 'take', name, holder, seconds, breaks);

/** Extends the holder's own lease to that many seconds from now. */
export const keepLease = (name: string, holder: Holder, seconds: number): Command =>
  lease('keep the lock', 'keep', name, holder, seconds);

/** Ends the holder's own lease in that many seconds, 0 for now; leaves leases of others alone. */
export const endLease = (name: string, holder: Holder, seconds: number): Command =>
  lease('release the lock', 'end', name, holder, seconds, '', 1_500);

/** The result of taking or keeping a lease; undefined if it failed. */
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
