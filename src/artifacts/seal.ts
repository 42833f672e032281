import { createHmac, hkdfSync, type Hmac } from 'node:crypto';
import type { Decrypter, Encrypter } from 'age-encryption';
import { deploymentError, type DeploymentError } from '../engine/errors.ts';
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

/** The encrypter for the recipient of the identity or with the passphrase. */
export async function encrypter(key: Secret): Promise<Encrypter> {
  const { Encrypter, identityToRecipient } = await age();
  const made = new Encrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) made.setPassphrase(key.reveal().trim());
  else made.addRecipient(await identityToRecipient(identity));
  return made;
}

/** The decrypter with the identity or the passphrase. */
export async function decrypter(key: Secret): Promise<Decrypter> {
  const { Decrypter } = await age();
  const made = new Decrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) made.addPassphrase(key.reveal().trim());
  else made.addIdentity(identity);
  return made;
}

/** Encrypts the content as an age file. */
export const seal = async (content: Uint8Array, key: Secret): Promise<Uint8Array> =>
  (await encrypter(key)).encrypt(content);

/**
 * Decrypts an age file. Throws a DeploymentError, artifact-key-wrong or artifact-damaged, in which `name` is the file
 * name.
 */
export async function open(sealed: Uint8Array, key: Secret, name: string): Promise<Uint8Array> {
  try {
    return await (await decrypter(key)).decrypt(sealed);
  } catch (thrown) {
    throw notOpened(thrown, name, {
      keyWrong: 'Use the same seal-key in every job. After changing the secret, run the whole workflow again.',
      damaged: 'Run the job that created it again, or the whole workflow.',
    });
  }
}

/** The failure for an age file that could not be decrypted, with one of the remedies. */
export function notOpened(
  thrown: unknown,
  name: string,
  remedies: { readonly keyWrong: string; readonly damaged: string },
): DeploymentError {
  const evidence = thrown instanceof Error ? thrown.message : String(thrown);
  return /no identity matched/i.test(evidence)
    ? deploymentError({
        code: 'artifact-key-wrong',
        what: `${name} was sealed with a different key`,
        evidence,
        remedy: remedies.keyWrong,
      })
    : deploymentError({
        code: 'artifact-damaged',
        what: `${name} is not a complete age file`,
        evidence,
        remedy: remedies.damaged,
      });
}

/** Starts a proof of origin from a holder of the seal key; a proof for one purpose is not valid for another. */
function proofFor(purpose: string, key: Secret): Hmac {
  const secret = identityIn(key.reveal()) ?? key.reveal().trim();
  return createHmac('sha256', Buffer.from(hkdfSync('sha256', secret, '', `kuscia-swarm: authentic ${purpose}`, 32)));
}

/**
 * Proves that a text comes from a holder of the seal key, because anyone who knows an identity's recipient can seal
 * too. Keep it inside the seal, where it cannot be used to guess passphrases.
 */
export const proofOf = (text: string, key: Secret): string => proofFor('artifacts', key).update(text).digest('hex');

/** The same for a stream, which updates the proof as it goes. */
export const streamProof = (key: Secret): Hmac => proofFor('streams', key);
