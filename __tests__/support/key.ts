import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/** A domain's key as Kuscia writes it: base64 of PKCS#1 PEM, both halves. */
export interface DomainKey {
  readonly secret: string;
  readonly shown: string;
}

/** A new key; short, because only its form matters. */
export function makeKey(): DomainKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return { secret: Buffer.from(pem).toString('base64'), shown: publicHalf(pem) };
}

/** The half that gateways show of a private key in PEM. */
export const publicHalf = (pem: string): string =>
  Buffer.from(createPublicKey(createPrivateKey(pem)).export({ type: 'pkcs1', format: 'pem' })).toString('base64');

/** The default key of test domains: generated for each test file, so that none is stored anywhere. */
export const KEY: DomainKey = makeKey();

/** A second one. */
export const OTHER_KEY: DomainKey = makeKey();

/** A configuration as `kuscia init` prints it. */
export const initialConfiguration = (key: DomainKey = KEY, domain = 'alice', protocol = 'TLS'): string =>
  [
    'mode: autonomy',
    `domainID: ${domain}`,
    `domainKeyData: ${key.secret}`,
    'logLevel: INFO',
    'runtime: runp',
    'datastoreEndpoint: ""',
    `protocol: ${protocol}`,
    '',
  ].join('\n');
