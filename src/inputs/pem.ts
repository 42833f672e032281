import { createPrivateKey, X509Certificate } from 'node:crypto';

const PRIVATE = /^-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----\s([\s\S]*?)\s-----END \1PRIVATE KEY-----$/;

/** What keeps the text from being an SSH private key, or undefined. Never shows any of it. */
export function sshKeyFault(text: string): string | undefined {
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(text)) return 'is a public key; the private one is needed';
  if (/^PuTTY-User-Key-File/.test(text)) return 'is a PuTTY key; export it in OpenSSH form';
  if (text.includes('\\n')) return 'holds "\\n" in place of line breaks';
  if (!text.startsWith('-----BEGIN ')) return 'is no private key: it must begin with -----BEGIN ... PRIVATE KEY-----';
  return PRIVATE.test(text)
    ? undefined
    : 'is cut short or joined to one line: its first and last line must be -----BEGIN ... PRIVATE KEY----- and ' +
        '-----END ... PRIVATE KEY-----';
}

/** Whether a private key in OpenSSH or PEM form is encrypted with a passphrase. */
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

/** What keeps the text from being a certificate in PEM form, or undefined. */
export function certificateFault(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return 'is no certificate in PEM form: it must begin with -----BEGIN CERTIFICATE-----';
  }
}

/**
 * What keeps the text from being the private key of the certificate, or undefined. Judges the pair only when the
 * certificate can be read.
 */
export function certificateKeyFault(key: string, certificate: string | undefined): string | undefined {
  if (isEncrypted(key)) return 'is encrypted; nginx needs it without passphrase';
  try {
    const privateKey = createPrivateKey(key);
    const readable = certificate !== undefined && certificateFault(certificate) === undefined;
    return readable && !new X509Certificate(certificate).checkPrivateKey(privateKey)
      ? 'does not belong to the certificate'
      : undefined;
  } catch {
    return 'is no private key in PEM form';
  }
}
