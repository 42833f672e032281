import { timingSafeEqual, type Hmac } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { deploymentError, type DeploymentError } from '../engine/errors.ts';
import { jsonOf } from '../engine/json.ts';
import type { Secret } from '../engine/secret.ts';
import { decrypter, encrypter, notOpened, streamProof } from './seal.ts';
import { wholeFile } from './whole-file.ts';

const header = z.strictObject({ format: z.literal(1), label: z.string() });
const LONGEST_HEADER = 64 * 1024;
const PROOF_BYTES = 32;
const NEWLINE = 0x0a;

/**
 * Seals whatever comes, as it comes, into a file that is there in whole or not at all. Inside the age file: a line of
 * JSON with the label, the content, and 32 bytes that prove both.
 */
export const sealedFile =
  (path: string, key: Secret, label: string) =>
  (content: AsyncIterable<Uint8Array>): Promise<void> =>
    wholeFile(path)(sealed(content, key, label));

async function* sealed(content: AsyncIterable<Uint8Array>, key: Secret, label: string): AsyncIterable<Uint8Array> {
  const age = await encrypter(key);
  yield* await age.encrypt(ReadableStream.from(withProof(content, key, label)));
}

async function* withProof(content: AsyncIterable<Uint8Array>, key: Secret, label: string): AsyncIterable<Uint8Array> {
  const proof = streamProof(key);
  const first = Buffer.from(`${JSON.stringify({ format: 1, label })}\n`);
  if (first.length > LONGEST_HEADER) throw new Error('the label is too long');
  proof.update(first);
  yield first;
  for await (const chunk of content) {
    proof.update(chunk);
    yield chunk;
  }
  yield proof.digest();
}

/**
 * Opens such a file into another, which is there only where all of it was proven; gives the label. Throws a
 * DeploymentError: artifact-key-wrong, artifact-damaged, or artifact-forged when whoever sealed it did not have the
 * key.
 */
export async function openSealedFile(path: string, into: string, key: Secret): Promise<string> {
  const found = { label: '' };
  await wholeFile(into)(proven(readSealed(path, key), streamProof(key), basename(path), found));
  return found.label;
}

const REMEDIES = { keyWrong: 'Give the seal-key that it was sealed with.', damaged: 'Take another copy of it.' };

/** What is inside the seal, with its label and its proof. */
async function* readSealed(path: string, key: Secret): AsyncIterable<Uint8Array> {
  const file = createReadStream(path);
  try {
    yield* await (await decrypter(key)).decrypt(ReadableStream.from(withHeader(file)));
  } catch (thrown) {
    throw file.errored && 'syscall' in file.errored ? file.errored : notOpened(thrown, basename(path), REMEDIES);
  } finally {
    file.destroy();
  }
}

/** Of a file that is none, the library would look for the end of the header in memory. */
async function* withHeader(file: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  let first = true;
  for await (const chunk of file) {
    if (first && !chunk.includes('\n--- ')) throw new Error('it does not begin like one');
    first = false;
    yield chunk;
  }
}

/** The content alone. Throws at its end where it turns out not to be proven. */
async function* proven(
  inside: AsyncIterable<Uint8Array>,
  proof: Hmac,
  name: string,
  found: { label: string },
): AsyncIterable<Uint8Array> {
  let held = Buffer.alloc(0);
  let labelled = false;
  for await (const chunk of inside) {
    held = Buffer.concat([held, chunk]);
    if (!labelled) {
      const at = held.subarray(0, LONGEST_HEADER).indexOf(NEWLINE);
      if (at === -1 && held.length < LONGEST_HEADER) continue;
      found.label = labelIn(held.subarray(0, at + 1), name);
      proof.update(held.subarray(0, at + 1));
      held = held.subarray(at + 1);
      labelled = true;
    }
    const certain = held.subarray(0, Math.max(0, held.length - PROOF_BYTES));
    if (certain.length === 0) continue;
    proof.update(certain);
    yield certain;
    held = held.subarray(certain.length);
  }
  if (!labelled) throw unknownInside(name);
  if (held.length < PROOF_BYTES || !timingSafeEqual(held, proof.digest()))
    throw deploymentError({
      code: 'artifact-forged',
      what: `${name} was not sealed with this seal-key`,
      evidence: 'it can be opened, but whoever sealed it did not have the seal-key',
      remedy: 'Do not use it, and find out who put it there.',
    });
}

function labelIn(line: Buffer, name: string): string {
  try {
    return jsonOf(line.toString('utf8'), header).label;
  } catch {
    throw unknownInside(name);
  }
}

const unknownInside = (name: string): DeploymentError =>
  deploymentError({
    code: 'artifact-damaged',
    what: `${name} holds something that this version does not seal`,
    remedy: 'Open it with the version of kuscia-swarm that made it.',
  });
