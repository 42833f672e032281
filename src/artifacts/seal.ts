import { createHmac, hkdfSync, type Hmac } from 'node:crypto';
import type { Decrypter, Encrypter } from 'age-encryption';
import { deploymentError, type DeploymentError } from '../engine/errors.ts';
import type { Secret } from '../engine/secret.ts';

const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;
const SHORTEST_PASSPHRASE = 16;

/**
 * The identity in a seal key, which may stand among the comments that age-keygen writes; undefined for a passphrase.
 */
function identityIn(text: string): string | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.length === 1 && lines[0]?.startsWith('AGE-SECRET-KEY-') ? lines[0] : undefined;
}

/** Why the text cannot be a seal key; undefined when it can. Never repeats it. */
export function sealKeyFault(text: string): string | undefined {
  const identity = identityIn(text);
  if (identity !== undefined)
    return IDENTITY.test(identity)
      ? undefined
      : 'begins like an age identity, but is none: a part of it may be missing';
  if (/^AGE-SECRET-KEY-/m.test(text)) return 'holds more than one age identity';
  if (/^age1[a-z0-9]+$/.test(text.trim()))
    return 'is an age recipient, the public half: give the identity (AGE-SECRET-KEY-1...)';
  if (/[\r\n]/.test(text.trim())) return 'has several lines: a passphrase has one';
  if (text.trim().length < SHORTEST_PASSPHRASE)
    return (
      `is too short: a passphrase needs ${SHORTEST_PASSPHRASE} characters, because whoever can download an ` +
      'artifact can try it out at leisure'
    );
  return undefined;
}

/** age is loaded when something is sealed, not before: most runs seal nothing. */
const age = () => import(/* webpackMode: "eager" */ 'age-encryption');

/** What seals for the recipient of the identity, or with the passphrase. */
export async function encrypter(key: Secret): Promise<Encrypter> {
  const { Encrypter, identityToRecipient } = await age();
  const made = new Encrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) made.setPassphrase(key.reveal().trim());
  else made.addRecipient(await identityToRecipient(identity));
  return made;
}

/** What opens with the identity, or with the passphrase. */
export async function decrypter(key: Secret): Promise<Decrypter> {
  const { Decrypter } = await age();
  const made = new Decrypter();
  const identity = identityIn(key.reveal());
  if (identity === undefined) made.addPassphrase(key.reveal().trim());
  else made.addIdentity(identity);
  return made;
}

/** The content as an age file. */
export const seal = async (content: Uint8Array, key: Secret): Promise<Uint8Array> =>
  (await encrypter(key)).encrypt(content);

/**
 * The content of an age file. Throws a DeploymentError: artifact-key-wrong or artifact-damaged; `name` is what the file
 * is called there.
 */
export async function open(sealed: Uint8Array, key: Secret, name: string): Promise<Uint8Array> {
  try {
    return await (await decrypter(key)).decrypt(sealed);
  } catch (thrown) {
    throw notOpened(thrown, name, {
      keyWrong: 'Give every job of the run the same seal-key; after changing the secret, run the whole workflow again.',
      damaged: 'Run the job that made it again, or the whole workflow.',
    });
  }
}

/** Why an age file could not be opened, with what to do then. */
export function notOpened(
  thrown: unknown,
  name: string,
  remedies: { readonly keyWrong: string; readonly damaged: string },
): DeploymentError {
  const evidence = thrown instanceof Error ? thrown.message : String(thrown);
  return /no identity matched/i.test(evidence)
    ? deploymentError({
        code: 'artifact-key-wrong',
        what: `${name} was sealed with another key`,
        evidence,
        remedy: remedies.keyWrong,
      })
    : deploymentError({
        code: 'artifact-damaged',
        what: `${name} is no whole age file`,
        evidence,
        remedy: remedies.damaged,
      });
}

/** Begins what shows that somebody with the seal key made something; a proof of one purpose is none of another. */
function proofFor(purpose: string, key: Secret): Hmac {
  const secret = identityIn(key.reveal()) ?? key.reveal().trim();
  return createHmac('sha256', Buffer.from(hkdfSync('sha256', secret, '', `kuscia-swarm: authentic ${purpose}`, 32)));
}

/**
 * What shows that a text comes from somebody who has the seal key: whoever knows only an identity's recipient can seal,
 * too. It belongs inside the seal, where nobody can try passphrases on it.
 */
export const proofOf = (text: string, key: Secret): string => proofFor('artifacts', key).update(text).digest('hex');

/** The same for a stream. */
export const streamProof = (key: Secret): Hmac => proofFor('streams', key);
