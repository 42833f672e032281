import { createHmac, hkdfSync } from 'node:crypto';
import { deploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';

const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;
const SHORTEST_PASSPHRASE = 16;

/**
 * The identity in a seal key, ignoring the comments written by age-keygen; undefined for a passphrase.
 */
function identityIn(text: string): string | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.length === 1 && lines[0]?.startsWith('AGE-SECRET-KEY-') ? lines[0] : undefined;
}

/** Why the text is not a valid seal key; undefined if it is. Never shows it. */
export function sealKeyFault(text: string): string | undefined {
  const identity = identityIn(text);
  if (identity !== undefined)
    return IDENTITY.test(identity)
      ? undefined
      : 'starts like an age identity but is not valid; part of it may be missing';
  if (/^AGE-SECRET-KEY-/m.test(text)) return 'contains more than one age identity';
  if (/^age1[a-z0-9]+$/.test(text.trim()))
    return 'is an age recipient, the public key; use the identity (AGE-SECRET-KEY-1...)';
  if (/[\r\n]/.test(text.trim())) return 'has several lines; a passphrase must be on one line';
  if (text.trim().length < SHORTEST_PASSPHRASE)
    return (
      `is too short: a passphrase needs at least ${SHORTEST_PASSPHRASE} characters, because anyone who can ` +
      `download an artifact can try to guess it`
    );
  return undefined;
}

/** Loaded on first use, because most runs seal nothing. */
const age = () => import(/* webpackMode: "eager" */ 'age-encryption');

/** Encrypts the content as an age file, for the recipient of the identity or with the passphrase. */
export async function seal(content: Uint8Array, key: Secret): Promise<Uint8Array> {
  const { Encrypter, identityToRecipient } = await age();
  const encrypter = new Encrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) encrypter.setPassphrase(key.reveal().trim());
  else encrypter.addRecipient(await identityToRecipient(identity));
  return encrypter.encrypt(content);
}

/**
 * Decrypts an age file. Throws a DeploymentError, artifact-key-wrong or artifact-damaged, in which `name` is the file
 * name.
 */
export async function open(sealed: Uint8Array, key: Secret, name: string): Promise<Uint8Array> {
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) decrypter.addPassphrase(key.reveal().trim());
  else decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(sealed);
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    if (/no identity matched/i.test(said)) {
      throw deploymentError({
        code: 'artifact-key-wrong',
        what: `${name} was sealed with a different key`,
        evidence: said,
        remedy: 'Use the same seal-key in every job. After changing the secret, run the whole workflow again.',
      });
    }
    throw deploymentError({
      code: 'artifact-damaged',
      what: `${name} is not a complete age file`,
      evidence: said,
      remedy: 'Run the job that created it again, or the whole workflow.',
    });
  }
}

/**
 * Proves that a text comes from a holder of the seal key, because anyone who knows an identity's recipient can seal
 * too. Keep it inside the seal, where it cannot be used to guess passphrases.
 */
export function proofOf(text: string, key: Secret): string {
  const secret = identityIn(key.reveal()) ?? key.reveal().trim();
  return createHmac('sha256', Buffer.from(hkdfSync('sha256', secret, '', 'kuscia-swarm: authentic artifacts', 32)))
    .update(text)
    .digest('hex');
}
