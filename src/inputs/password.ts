import { GREPPED } from '../cluster/kinds.ts';
import { SHORTEST_MASK } from '../engine/secret.ts';

/** What is wrong with a secret that is too short to be masked: a mask for it would blank ordinary words. Never shows any of it. */
export const maskFault = (secret: string): string | undefined => (secret.length < SHORTEST_MASK ? `is shorter than ${SHORTEST_MASK} characters and could not be masked in logs` : undefined);

/**
 * What makes a database password unfit for `mysql://user:password@tcp(host:port)/name`, or undefined. Never shows any of it.
 * The driver splits at the last `/`, the last `@` before that and the first `:`, and decodes nothing: `: @ / ? # % & ( )` are
 * safe. What is refused would be changed on its way by YAML, by an option file of `mysql` or by kuscia.sh, which reads the line by words.
 */
export function passwordFault(password: string): string | undefined {
  if (/\s/.test(password)) return 'holds a blank or line break: kuscia.sh reads the DSN only up to there';
  if (/["'`\\]/.test(password)) return 'holds a quote or backslash, which MySQL\'s option files and YAML read in their own ways';
  if (!/^[\x21-\x7e]*$/.test(password)) return 'holds a character outside printable ASCII, which the server may read in another character set';
  const key = GREPPED.find((word) => password.includes(`${word}:`));
  return key === undefined ? maskFault(password) : `holds "${key}:", which kuscia.sh would take for a key of the configuration`;
}
