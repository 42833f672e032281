import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { apiPair, apiToken, bootstrapKey, makeCertificates } from '../../lab/images/kuscia/src/files.ts';
import { generateKey } from '../../lab/images/kuscia/src/init.ts';
import { publicKeyText } from '../../lab/images/kuscia/src/objects.ts';
import { somePlace } from './fixtures.ts';

const key = createPrivateKey(generateKey());

test('domain.crt signs itself for 50 years, and ca.crt has the same bytes', () => {
  const { home, ...place } = somePlace();
  expect(makeCertificates({ home, ...place }, 'alice', key)).toBe(true);
  const pem = readFileSync(`${home}/var/certs/domain.crt`);
  const cert = new X509Certificate(pem);
  expect({ subject: cert.subject, issuer: cert.issuer, ca: cert.ca, serial: cert.serialNumber }).toEqual({
    subject: 'CN=alice',
    issuer: 'CN=alice',
    ca: true,
    serial: '01',
  });
  expect(cert.verify(cert.publicKey)).toBe(true);
  expect(cert.validToDate.getUTCFullYear() - cert.validFromDate.getUTCFullYear()).toBe(50);
  expect(Math.abs(pem.length - 1099)).toBeLessThanOrEqual(12);
  expect(readFileSync(`${home}/var/certs/ca.crt`)).toEqual(pem);
  expect(statSync(`${home}/var/certs/domain.key`).mode & 0o777).toBe(0o644);
  expect(makeCertificates({ home, ...place }, 'alice', key)).toBe(false);
});

test('two replicas with one key have different certificates, one public key and one token', () => {
  const [a, b] = [somePlace(), somePlace()].map((place) => {
    makeCertificates(place, 'alice', key);
    return new X509Certificate(readFileSync(`${place.home}/var/certs/domain.crt`));
  });
  expect(a?.publicKey.equals(b?.publicKey as never)).toBe(true);
  expect(apiToken(key, 'alice')).toBe(sign('sha256', Buffer.from('alice'), key).toString('base64').slice(0, 32));
  expect(Buffer.from(publicKeyText(key), 'base64').toString()).toMatch(/^-----BEGIN RSA PUBLIC KEY-----\n/);
});

test('KusciaAPI has a certificate of ten years with the names that were observed', () => {
  const place = somePlace();
  makeCertificates(place, 'alice', key);
  const cert = new X509Certificate(apiPair(place, 'alice', key, true).cert);
  expect(cert.subject).toBe('CN=KusciaAPI');
  expect(cert.subjectAltName).toBe(
    'DNS:kusciaapi, DNS:root-kuscia-autonomy-alice-hosta, DNS:localhost, IP Address:127.0.0.1, IP Address:10.77.0.11',
  );
  expect(cert.verify(new X509Certificate(readFileSync(`${place.home}/var/certs/ca.crt`)).publicKey)).toBe(true);
  expect(readFileSync(`${place.home}/var/certs/token`, 'utf8')).toHaveLength(32);
});

test('the bootstrap row of alice has the observed name', () => {
  expect(bootstrapKey('alice')).toBe('/bootstrap/14c841de1e84');
});
