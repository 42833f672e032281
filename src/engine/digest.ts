import { createHash } from 'node:crypto';
import type { Secret } from './secret.ts';

/** Hex SHA-256 of a text. */
export const sha256 = (text: Secret | string): string =>
  createHash('sha256')
    .update(typeof text === 'string' ? text : text.reveal())
    .digest('hex');
