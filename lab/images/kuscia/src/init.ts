import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFlags, type FlagRule } from './flags.ts';
import { yamlBlock, type YamlMap } from './yaml-out.ts';

const rules: readonly FlagRule[] = [
  { long: 'mode' },
  { long: 'domain', short: 'd' },
  { long: 'runtime', short: 'r' },
  { long: 'domain-key-file', short: 'f' },
  { long: 'log-level', short: 'l' },
  { long: 'lite-deploy-token', short: 't' },
  { long: 'master-endpoint', short: 'm' },
  { long: 'datastore-endpoint', short: 'e' },
  { long: 'protocol', short: 'p' },
  { long: 'enable-workload-approve', alone: true },
];
const domainPattern = '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$';

/** What a command printed and how it ended. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `kuscia init`: the configuration on stdout, or the reason on stdout (not stderr) and exit code 1. */
export function init(args: readonly string[], newKey: () => string = generateKey): Printed {
  const flags = readFlags(args, rules);
  if (!flags.ok) return { code: 1, stdout: `${flags.message}\n`, stderr: `Error: ${flags.message}\n` };
  const flag = (name: string, fallback = ''): string => flags.values.get(name) ?? fallback;
  const mode = flag('mode').toLowerCase();
  const invalid = findProblem(flag('domain'), mode === 'master' ? 'runc' : flag('runtime', 'runc'), flag('protocol'));
  if (invalid) return failure(`Invalid config, err: ${invalid}`);
  if (!['master', 'lite', 'autonomy'].includes(mode)) return failure(`Unsupported mode: ${flag('mode')}`);
  if (mode !== 'master' && flag('domain') === 'master')
    return failure("Input domain id can't be 'master', please choose another name");

  const key = domainKey(flag('domain-key-file'), newKey);
  if (!key.ok) return failure(`Load domain key file error: ${key.message}\nInit kuscia config err: ${key.message}`);
  const head = {
    mode: flag('mode'),
    domainID: flag('domain'),
    domainKeyData: key.data,
    logLevel: flag('log-level', 'INFO'),
  };
  const protocol = flag('protocol') || undefined;
  const datastoreEndpoint = flag('datastore-endpoint');
  const approve = flag('enable-workload-approve') === 'true' ? true : undefined;
  const bodies: Record<string, YamlMap> = {
    master: { ...head, protocol, datastoreEndpoint, enableWorkloadApprove: approve },
    lite: {
      ...head,
      protocol,
      liteDeployToken: flag('lite-deploy-token'),
      masterEndpoint: flag('master-endpoint'),
      ...engine(flag('runtime', 'runc')),
    },
    autonomy: {
      ...head,
      protocol,
      ...engine(flag('runtime', 'runc')),
      datastoreEndpoint,
      enableWorkloadApprove: approve,
    },
  };
  return { code: 0, stdout: `${yamlBlock(bodies[mode] ?? {})}\n`, stderr: '' };
}

function findProblem(domain: string, runtime: string, protocol: string): string {
  if (!domain) return 'invalid domain: empty not allowed';
  if (!new RegExp(domainPattern).test(domain))
    return `invalid domain: must conform to a regular expression \`${domainPattern}\``;
  if (!['runc', 'runk', 'runp'].includes(runtime)) return `unsupported runtime: ${runtime}`;
  if (protocol && !['NOTLS', 'TLS', 'MTLS'].includes(protocol.toUpperCase()))
    return `unsupported protocol: ${protocol}`;
  return '';
}

function domainKey(path: string, newKey: () => string): { ok: true; data: string } | { ok: false; message: string } {
  if (!path) return { ok: true, data: Buffer.from(newKey()).toString('base64') };
  try {
    const pem = readFileSync(path);
    createPrivateKey(pem);
    return { ok: true, data: pem.toString('base64') };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      ok: false,
      message: missing ? `open ${path}: no such file or directory` : `invalid private key, should be PEM block format`,
    };
  }
}

function engine(runtime: string): YamlMap {
  return {
    runtime,
    runk: {
      namespace: '',
      dnsServers: [],
      kubeconfigFile: '',
      enableLogging: false,
      logDirectory: '',
      logMaxFiles: 0,
      logMaxSize: '',
    },
    capacity: { cpu: '', memory: '', bandwidth: '', pods: '', storage: '', ephemeralStorage: '' },
    reservedResources: { cpu: '', memory: '', bandwidth: '' },
    image: { pullPolicy: '', defaultRegistry: '', registries: [], httpProxy: '' },
  };
}

/** A new 2048-bit RSA key as PKCS#1 PEM. */
export function generateKey(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  }).privateKey;
}

function failure(message: string): Printed {
  return { code: 1, stdout: `${message}\n`, stderr: '' };
}
