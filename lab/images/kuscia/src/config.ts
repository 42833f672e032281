import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseDocument, type YAMLParseError } from 'yaml';

/** What the stand-in takes from kuscia.yaml. */
export interface Config {
  readonly mode: string;
  readonly domain: string;
  readonly keyData: string;
  readonly protocol: string;
  readonly runtime: string;
  readonly endpoint: string;
}

export type Loaded = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly message: string };

/** Loads kuscia.yaml; the messages are those of Kuscia's Go YAML reader. */
export function loadConfig(path: string): Loaded {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const directory = (error as NodeJS.ErrnoException).code === 'EISDIR';
    return {
      ok: false,
      message: directory ? `read ${path}: is a directory` : `open ${path}: no such file or directory`,
    };
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) return { ok: false, message: `yaml: ${goMessage(error, text)}` };
  const values = (document.toJS() ?? {}) as Record<string, unknown>;
  const read = (key: string): string =>
    typeof values[key] === 'string' || typeof values[key] === 'number' ? String(values[key]) : '';
  const protocol = read('protocol').toUpperCase();
  if (!['', 'NOTLS', 'TLS', 'MTLS'].includes(protocol)) {
    return {
      ok: false,
      message: `Kuscia configuration: protocol: ${read('protocol')} is unsupported, supported: NOTLS/TLS/MTLS`,
    };
  }
  return {
    ok: true,
    config: {
      mode: read('mode').toLowerCase(),
      domain: read('domainID'),
      keyData: read('domainKeyData'),
      protocol,
      runtime: read('runtime'),
      endpoint: read('datastoreEndpoint'),
    },
  };
}

function goMessage(error: YAMLParseError, text: string): string {
  const line = error.linePos?.[0].line ?? 1;
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^\s*([^:\s]+)/.exec(text.split('\n')[line - 1] ?? '')?.[1] ?? '';
    const first = text.split('\n').findIndex((candidate) => candidate.startsWith(`${key}:`)) + 1;
    return `unmarshal errors:\n  line ${line}: mapping key "${key}" already defined at line ${first}`;
  }
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY' || /mapping/.test(error.message))
    return `line ${line}: mapping values are not allowed in this context`;
  if (error.code === 'TAB_AS_INDENT') return `line ${line}: found character that cannot start any token`;
  return `line ${line}: could not find expected ':'`;
}

/** The domain's key from domainKeyData (base64 of PEM), or undefined when it is none. */
export function readKey(data: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(Buffer.from(data, 'base64'));
    return key.asymmetricKeyType === 'rsa' ? key : undefined;
  } catch {
    return undefined;
  }
}
