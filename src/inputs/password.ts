import { GREPPED } from '../cluster/kinds.ts';

/** A shorter secret is easy to guess, and masking it would hide ordinary words. */
const MIN_SECRET_LENGTH = 8;

/**
 * Why a secret cannot be masked in logs and outputs that contain the words; undefined if it can. Shows neither the
 * secret nor the word.
 */
export function maskFault(secret: string, words: readonly string[]): string | undefined {
  if (secret.length < MIN_SECRET_LENGTH)
    return `is shorter than ${MIN_SECRET_LENGTH} characters; masking it would hide ordinary words in logs and outputs`;
  if (!words.some((word) => word.includes(secret))) return undefined;
  return (
    'is part of a name used in logs and outputs (hosts, domain, runners, roles, stages); masking it would ' +
    'hide that name'
  );
}

/**
 * Why a database password is unsuitable for `mysql://user:password@tcp(host:port)/name`; undefined if it is suitable.
 * Never shows the password. The driver splits at the last `/`, the last `@` before that and the first `:`, and decodes
 * nothing, so `: @ / ? # % & ( )` are safe. Rejected characters would be altered by YAML, by an option file of `mysql`
 * or by kuscia.sh, which splits the line into words.
 */
export function passwordFault(password: string, words: readonly string[] = []): string | undefined {
  if (/\s/.test(password)) return 'contains whitespace, where kuscia.sh would cut off the DSN';
  if (/["'`\\]/.test(password))
    return "contains a quote or backslash, which MySQL's option files and YAML interpret differently";
  if (!/^[\x21-\x7e]*$/.test(password))
    return 'contains a character outside printable ASCII, which the server may interpret in another character set';
  const key = GREPPED.find((word) => password.includes(`${word}:`));
  return key === undefined
    ? maskFault(password, words)
    : `contains "${key}:", which kuscia.sh would mistake for a configuration key`;
}
