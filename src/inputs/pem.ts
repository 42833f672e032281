import { createPrivateKey, X509Certificate } from 'node:crypto';

const PRIVATE = /^-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----\s([\s\S]*?)\s-----END \1PRIVATE KEY-----$/;

/** Why the text is not a private SSH key; undefined if it is. Never shows the text. */
export function sshKeyFault(text: string): string | undefined {
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(text)) return 'is a public key; use the private key';
  if (/^PuTTY-User-Key-File/.test(text)) return 'is a PuTTY key; export it in OpenSSH format';
  if (text.includes('\\n')) return 'contains "\\n" instead of line breaks';
  if (!text.startsWith('-----BEGIN '))
    return 'is not a private key: it must start with -----BEGIN ... PRIVATE KEY-----';
  return PRIVATE.test(text)
    ? undefined
    : 'is truncated or joined into one line: its first and last lines must be -----BEGIN ... PRIVATE KEY----- ' +
        'and -----END ... PRIVATE KEY-----';
}

/** Whether a private key in OpenSSH or PEM format is encrypted with a passphrase. */
export function isEncrypted(text: string): boolean {
  const [, kind = '', body = ''] = PRIVATE.exec(text) ?? [];
  if (kind.includes('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(body)) return true;
  if (!kind.includes('OPENSSH')) return false;
  const bytes = Buffer.from(body, 'base64');
  const magic = 'openssh-key-v1\0';
  const start = magic.length;
  if (bytes.toString('latin1', 0, start) !== magic || bytes.length < start + 4) return false;
  const length = bytes.readUInt32BE(start);
  return bytes.toString('latin1', start + 4, start + 4 + length) !== 'none';
}

/** Why the text is not a PEM certificate; undefined if it is. */
export function certificateFault(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return 'is not a PEM certificate: it must start with -----BEGIN CERTIFICATE-----';
  }
}

/**
 * Why the text is not the private key of the certificate; undefined if it is. Compares the pair only if the certificate
 * is valid.
 */
export function certificateKeyFault(key: string, certificate: string | undefined): string | undefined {
  if (isEncrypted(key)) return 'is encrypted; nginx needs a key without passphrase';
  try {
    const privateKey = createPrivateKey(key);
    const readable = certificate !== undefined && certificateFault(certificate) === undefined;
    return readable && !new X509Certificate(certificate).checkPrivateKey(privateKey)
      ? 'does not match the certificate'
      : undefined;
  } catch {
    return 'is not a PEM private key';
  }
}
