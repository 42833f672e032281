import type { Failure } from '../engine/errors.ts';

/** What a login ran instead of the command. */
export interface Instead {
  readonly host: string;
  readonly user: string;
  /** How it ended: `exit 1`. */
  readonly how: string;
  readonly stdout: string;
  readonly stderr: string;
}

interface Known {
  readonly shows: (seen: Instead, said: string) => boolean;
  readonly cause: (user: string) => string;
  readonly remedy: (user: string) => string;
}

const said =
  (words: RegExp) =>
  (_: Instead, text: string): boolean =>
    words.test(text);

/**
 * Known reasons why a login cannot run commands, by symptom. Sources: sshd(8) "LOGIN PROCESS" and
 * session.c
 * (do_nologin exits with 254; "Password change required but no TTY available."), nologin(8), bash(1) "RESTRICTED
 * SHELL".
 */
const KNOWN: readonly Known[] = [
  {
    shows: ({ how }) => how === 'exit 254',
    cause: () => '/etc/nologin or /run/nologin exists, so only root can log in',
    remedy: () =>
      'On the host, find out who created it (ls -l /etc/nologin /run/nologin), and remove it once the ' +
      'maintenance or shutdown is over: rm /etc/nologin.',
  },
  {
    shows: said(/password change required|password has expired/i),
    cause: (user) => `the password of ${user} has expired, and sshd requires a new one first`,
    remedy: (user) =>
      `On the host, check chage -l ${user}, then set a password (passwd ${user}) or disable expiry: chage -M -1 ` +
      `-d "$(date +%F)" ${user}.`,
  },
  {
    shows: said(/account is currently not available|nologin/i),
    cause: (user) => `the login shell of ${user} is nologin`,
    remedy: (user) =>
      `On the host, give the account a shell: chsh -s /bin/sh ${user}. Or use another user in the cluster file.`,
  },
  {
    shows: said(/restricted/i),
    cause: (user) => `the login shell of ${user} is restricted`,
    remedy: (user) =>
      `On the host, give the account a normal shell: chsh -s /bin/sh ${user}. Or use another user in the cluster file.`,
  },
  {
    shows: (seen, text) => seen.how === 'exit 0' && text === '',
    cause: (user) =>
      `a startup file of the login shell of ${user} starts another shell (exec zsh) or exits, which drops the command`,
    remedy: (user) =>
      `On the host, find the line: grep -nE '^ *(exec|exit)' ~${user}/.bashrc ~${user}/.zshenv ~${user}/.cshrc. ` +
      'Let it run in interactive shells only: ' +
      `case $- in *i*) exec zsh ;; esac. Or make that shell the login shell, any will do: chsh -s /bin/zsh ${user}.`,
  },
];

const OTHER: Pick<Known, 'cause' | 'remedy'> = {
  cause: (user) => `the login shell of ${user}, one of its startup files or a forced command runs something else`,
  remedy: (user) =>
    `On the host, check the login shell (getent passwd ${user}; chsh -s /bin/sh ${user} changes it), its startup ` +
    `files (~${user}/.bashrc, ~${user}/.zshenv), ` +
    (`and forced commands (command= in ~${user}/.ssh/authorized_keys, ForceCommand in sshd -T). ssh ${user}@HOST ` +
      'true must print nothing and exit with 0.'),
};

const LONGEST = 300;

/** The failure of a login that succeeded but did not run the given command. */
export function unusableLogin(seen: Instead): Failure {
  const { host, user, how } = seen;
  const text = `${seen.stderr}\n${seen.stdout}`.trim();
  const known = KNOWN.find(({ shows }) => shows(seen, text)) ?? OTHER;
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const printed = lines.slice(-3).join(' / ').slice(0, LONGEST);
  return {
    code: 'login-unusable',
    host,
    what: `${host} accepts the login as ${user} but does not run commands`,
    evidence: `${how}${printed === '' ? ', nothing printed' : `: ${printed}`}`,
    cause: known.cause(user),
    remedy: known.remedy(user),
  };
}
