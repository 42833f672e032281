import type { Path } from './problem.ts';

const SECRET =
  /pass(word|wd|phrase|wort)?$|^pwd$|secret|token|credential|(^|[-_])key$|key[-_]?file|identity|cert(ificate)?$|known[-_]?hosts/i;

/**
 * What to do about a key that seems to hold a secret; undefined if it does not. Never shows the value.
 */
export function secretRemedy(path: Path, key: string): string | undefined {
  if (!SECRET.test(key)) return undefined;
  const input = inputFor([...path, key].join(' ').toLowerCase(), key.toLowerCase());
  return (
    `Remove it from the file${input === undefined ? '' : ` and set the input ${input} instead`}. If the ` +
    `file was ever pushed, change the secret.`
  );
}

function inputFor(where: string, key: string): string | undefined {
  if (/known[-_]?hosts/.test(key)) return 'known-hosts';
  if (/registry/.test(where)) return 'registry-password';
  if (/cert/.test(key)) return 'load-balancer-certificate';
  if (/load-balancer/.test(where)) return 'load-balancer-key';
  if (/phrase/.test(key)) return 'ssh-key-passphrase';
  if (/key|identity/.test(key)) return 'ssh-key';
  return /pass|pwd|database/.test(where) ? 'database-password' : undefined;
}
