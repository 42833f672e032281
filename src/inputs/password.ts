import { GREPPED } from '../cluster/kinds.ts';

/** A shorter secret is guessed soon, and its mask would blank ordinary words. */
const SHORTEST_SECRET = 8;

/**
 * What is wrong with a secret that cannot be masked in logs and outputs, of which the words are part. Never shows any
 * of it, nor which word it is.
 */
export function maskFault(secret: string, words: readonly string[]): string | undefined {
  if (secret.length < SHORTEST_SECRET)
    return `is shorter than ${SHORTEST_SECRET} characters: masking it would blank ordinary words in logs and outputs`;
  if (!words.some((word) => word.includes(secret))) return undefined;
  return (
    'is part of a name that logs and outputs need (in the cluster file: hosts, domain, runners; roles, stages): ' +
    'masking it would blank that name'
  );
}

/**
 * What makes a database password unfit for `mysql://user:password@tcp(host:port)/name`, or undefined. Never shows any
 * of it. The driver splits at the last `/`, the last `@` before that and the first `:`, and decodes nothing: `: @ / ? #
 * % & ( )` are safe. What is refused would be changed on its way by YAML, by an option file of `mysql` or by kuscia.sh,
 * which reads the line by words.
 */
export function passwordFault(password: string, words: readonly string[] = []): string | undefined {
  if (/\s/.test(password)) return 'holds a blank or line break: kuscia.sh reads the DSN only up to there';
  if (/["'`\\]/.test(password))
    return "holds a quote or backslash, which MySQL's option files and YAML read in their own ways";
  if (!/^[\x21-\x7e]*$/.test(password))
    return 'holds a character outside printable ASCII, which the server may read in another character set';
  const key = GREPPED.find((word) => password.includes(`${word}:`));
  return key === undefined
    ? maskFault(password, words)
    : `holds "${key}:", which kuscia.sh would take for a key of the configuration`;
}
