import { createPrivateKey, createPublicKey } from 'node:crypto';
import { isMap, parseDocument, type Document } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import type { Difference } from '../engine/about.ts';
import { sha256 } from '../engine/digest.ts';
import { deploymentError, type Failure } from '../engine/errors.ts';
import { Secret } from '../engine/secret.ts';

/** A validated Kuscia configuration of a domain. */
export interface Configuration {
  readonly domain: string;
  /** The domain's public key in the format of gateways: base64 of its PKCS#1 PEM. */
  readonly publicKey: string;
  /** The domain's private key as in the file. */
  readonly domainKey: Secret;
  readonly document: Document;
}

/**
 * Largest accepted configuration, in characters; Kuscia's own are a tenth of it. The parser takes quadratic time.
 */
const LONGEST_TEXT = 32 * 1024;

/**
 * Parses a configuration. Throws a DeploymentError (configuration-invalid) that names its source and never shows its
 * content.
 */
export function readConfiguration(text: Secret, from: string, host?: string): Configuration {
  const invalid = (why: string): Failure => ({
    code: 'configuration-invalid',
    ...(host !== undefined && { host }),
    what: `the Kuscia configuration in ${from} is invalid: ${why}`,
    remedy:
      'Restore a valid copy from another replica or from a backup. Do not generate a new one: it would have a ' +
      'different domain key.',
  });
  const { length } = text.reveal();
  if (length > LONGEST_TEXT)
    throw deploymentError(invalid(`it has ${length} characters; at most ${LONGEST_TEXT} are allowed`));
  // At other log levels the parser prints warnings that quote the text.
  const document = parseDocument(text.reveal(), { stringKeys: true, logLevel: 'error' });
  if (document.errors.length > 0 || !isMap(document.contents))
    throw deploymentError(invalid('it is not a YAML mapping'));
  if (!isPlain(document)) throw deploymentError(invalid('it contains unresolved, excessive or circular aliases'));
  const domain = document.get('domainID');
  const keyData = document.get('domainKeyData');
  if (document.get('mode') !== 'autonomy') throw deploymentError(invalid('its mode is not autonomy'));
  if (typeof domain !== 'string' || typeof keyData !== 'string')
    throw deploymentError(invalid('domainID or domainKeyData is missing'));
  try {
    return { domain, publicKey: publicKeyOf(keyData), domainKey: new Secret('domain key', keyData), document };
  } catch {
    throw deploymentError(invalid('domainKeyData is not a base64-encoded RSA private key'));
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

/** First 12 hex digits of the hash of a public key (base64 of its PEM), to tell keys apart in messages. */
export function fingerprint(publicKey: string): string {
  const pem = Buffer.from(publicKey, 'base64').toString('utf8').replace(/\s/g, '');
  return sha256(pem).slice(0, 12);
}

/** The data source name with which replicas connect to the database (docs/kuscia.md#database). */
export function dataSource({ cluster, secrets }: Deployment, address: string): string {
  const { user, port, name } = cluster.database;
  return `mysql://${user}:${secrets.databasePassword.reveal()}@tcp(${address}:${port})/${name}`;
}

/** The keys of a configuration set by the cluster file; all others are kept. */
function decided(cluster: Cluster, dataSourceName: string): Readonly<Record<string, string>> {
  return { runtime: 'runp', protocol: cluster.protocol, datastoreEndpoint: dataSourceName };
}

/**
 * The configuration for this cluster file: the given one, domain key included, with only the keys from the file
 * changed.
 */
export function wantedConfiguration({ document }: Configuration, cluster: Cluster, dataSourceName: string): Secret {
  const wanted = document.clone();
  for (const [key, value] of Object.entries(decided(cluster, dataSourceName))) wanted.set(key, value);
  return new Secret('Kuscia configuration', wanted.toString({ lineWidth: 0 }));
}

/**
 * Keys that differ between two configurations, with values that are not secret: `protocol TLS -> NOTLS`,
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
