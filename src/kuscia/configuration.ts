import { createPrivateKey, createPublicKey } from 'node:crypto';
import { isMap, parseDocument, type Document } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Difference } from '../engine/about.ts';
import { sha256 } from '../engine/digest.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';

/** A domain's Kuscia configuration, read and found to be one. */
export interface Configuration {
  readonly domain: string;
  /** The domain's public key, as gateways show it: base64 of its PKCS#1 PEM. */
  readonly publicKey: string;
  /** The domain's private key as it stands in the file. */
  readonly domainKey: Secret;
  readonly document: Document;
}

/**
 * Largest configuration that is read, in characters; Kuscia's own have a tenth of it. The parser compares every key
 * with every other.
 */
const LONGEST_TEXT = 32 * 1024;

/**
 * Reads a configuration. Throws a DeploymentError (configuration-invalid) that says where it came from and never what
 * stands in it.
 */
export function readConfiguration(text: Secret, from: string, host?: string): Configuration {
  const invalid = (why: string): Failure => ({
    code: 'configuration-invalid',
    ...(host !== undefined && { host }),
    what: `the Kuscia configuration in ${from} cannot be used: ${why}`,
    remedy:
      'Put back a good copy from another replica or from where you keep it. Do not make a new one: it would ' +
      'carry another domain key.',
  });
  const { length } = text.reveal();
  if (length > LONGEST_TEXT) throw deploymentError(invalid(`it has ${length} characters, more than ${LONGEST_TEXT}`));
  // Told to, the parser prints warnings, which quote the text.
  const document = parseDocument(text.reveal(), { stringKeys: true, logLevel: 'error' });
  if (document.errors.length > 0 || !isMap(document.contents)) throw deploymentError(invalid('it is no YAML mapping'));
  if (!isPlain(document)) throw deploymentError(invalid('its aliases lead nowhere, too far or in a circle'));
  const domain = document.get('domainID');
  const keyData = document.get('domainKeyData');
  if (document.get('mode') !== 'autonomy') throw deploymentError(invalid('its mode is not autonomy'));
  if (typeof domain !== 'string' || typeof keyData !== 'string')
    throw deploymentError(invalid('domainID or domainKeyData is missing'));
  try {
    return { domain, publicKey: publicKeyOf(keyData), domainKey: new Secret('domain key', keyData), document };
  } catch {
    throw deploymentError(invalid('domainKeyData is no RSA private key in base64'));
  }
}

function isPlain(document: Document): boolean {
  try {
    JSON.stringify(document.toJS());
    return true;
  } catch {
    return false;
  }
}

function publicKeyOf(keyData: string): string {
  const key = createPublicKey(createPrivateKey(Buffer.from(keyData, 'base64').toString('utf8')));
  return Buffer.from(key.export({ type: 'pkcs1', format: 'pem' })).toString('base64');
}

/** First 12 hex digits of the hash of a public key (base64 of its PEM): enough to tell two apart in a message. */
export function fingerprint(publicKey: string): string {
  const pem = Buffer.from(publicKey, 'base64').toString('utf8').replace(/\s/g, '');
  return sha256(pem).slice(0, 12);
}

/** The data source name that replicas reach the database with (docs/kuscia.md#database). */
export function dataSource({ cluster, secrets }: Deployment, address: string): string {
  const { user, port, name } = cluster.database;
  return `mysql://${user}:${secrets.databasePassword.reveal()}@tcp(${address}:${port})/${name}`;
}

/** What the cluster file decides in a configuration; the rest of it is left as it is. */
function decided(cluster: Cluster, dataSourceName: string): Readonly<Record<string, string>> {
  return { runtime: 'runp', protocol: cluster.protocol, datastoreEndpoint: dataSourceName };
}

/**
 * The configuration as the cluster file wants it: the given one with only what the file decides set, its domain key
 * kept.
 */
export function wantedConfiguration({ document }: Configuration, cluster: Cluster, dataSourceName: string): Secret {
  const wanted = document.clone();
  for (const [key, value] of Object.entries(decided(cluster, dataSourceName))) wanted.set(key, value);
  return new Secret('Kuscia configuration', wanted.toString({ lineWidth: 0 }));
}

/**
 * Keys at which two configurations differ, with the values where they are no secret: `protocol TLS -> NOTLS`,
 * `datastoreEndpoint`.
 */
export function differences(from: Configuration, to: Configuration): Difference[] {
  const [before, after] = [from, to].map(({ document }) => document.toJS() as Record<string, unknown>);
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const shown = ['protocol', 'runtime', 'logLevel'];
  return keys
    .filter((key) => JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key]))
    .map((key) => ({
      field: 'entry',
      of: key,
      ...(shown.includes(key) && { from: word(before?.[key]), to: word(after?.[key]) }),
    }));
}

const word = (value: unknown): string => (typeof value === 'string' && value !== '' ? value : 'absent');
