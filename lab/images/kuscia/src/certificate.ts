import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { bits, der, integer, octets, oid, sequence, time, truth } from './der.ts';

/** What a certificate shall say; `issuerKey` and `issuerName` are the subject's own where it signs itself. */
export interface CertificateWish {
  readonly subject: string;
  readonly key: KeyObject;
  readonly issuer?: { readonly name: string; readonly key: KeyObject };
  readonly years: number;
  readonly authority: boolean;
  readonly names?: readonly string[];
  readonly from?: Date;
}

/** An X.509 certificate as PEM: serial 1, valid from this second on, usable by servers and clients. */
export function certificate(wish: CertificateWish): string {
  const from = wish.from ?? new Date();
  const until = new Date(from);
  until.setUTCFullYear(from.getUTCFullYear() + wish.years);
  const issuer = wish.issuer ?? { name: wish.subject, key: wish.key };
  const publicKey = createPublicKey(wish.key).export({ type: 'spki', format: 'der' });
  const rsa = issuer.key.asymmetricKeyType === 'rsa';
  const algorithm = rsa ? sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) : sequence(oid('1.2.840.10045.4.3.2'));
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1),
    algorithm,
    name(issuer.name),
    sequence(time(from), time(until)),
    name(wish.subject),
    publicKey,
    der(0xa3, sequence(...extensions(wish, publicKey))),
  );
  const signed = sequence(body, algorithm, bits(sign('sha256', body, issuer.key)));
  return `-----BEGIN CERTIFICATE-----\n${signed.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
}

function extensions(wish: CertificateWish, publicKey: Buffer): Buffer[] {
  const usage = wish.authority ? bits(Buffer.from([0xa4]), 2) : bits(Buffer.from([0xa0]), 5);
  const list = [
    sequence(oid('2.5.29.15'), truth(), octets(usage)),
    sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2'), oid('1.3.6.1.5.5.7.3.1')))),
  ];
  if (wish.authority) list.push(sequence(oid('2.5.29.19'), truth(), octets(sequence(truth()))));
  list.push(sequence(oid('2.5.29.14'), octets(octets(createHash('sha1').update(publicKey).digest()))));
  if (wish.names) list.push(sequence(oid('2.5.29.17'), octets(sequence(...wish.names.map(alternativeName)))));
  return list;
}

function alternativeName(value: string): Buffer {
  return isIP(value) === 4 ? der(0x87, Buffer.from(value.split('.').map(Number))) : der(0x82, Buffer.from(value));
}
