import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { certificate } from './certificate.ts';
import { generateKey } from './init.ts';
import type { Place } from './place.ts';
import type { Pair } from './ports.ts';

/** KusciaAPI's token: the same on all replicas of a domain, for it follows from the key and the id. */
export function apiToken(key: KeyObject, domain: string): string {
  return sign('sha256', Buffer.from(domain), key).toString('base64').slice(0, 32);
}

/** The name of the row that says whose database this is; its hash follows from the domain id. */
export function bootstrapKey(domain: string): string {
  return `/bootstrap/${createHash('sha256').update(k3sToken(domain)).digest('hex').slice(0, 12)}`;
}

/** The token Kuscia gives to its k3s. */
export function k3sToken(domain: string): string {
  return createHash('md5').update(domain).digest('hex');
}

/** Makes var/certs; what is there is kept. True when the domain's certificate was made now. */
export function makeCertificates({ home }: Place, domain: string, key: KeyObject): boolean {
  const certs = `${home}/var/certs`;
  mkdirSync(certs, { recursive: true });
  if (existsSync(`${certs}/domain.crt`) && existsSync(`${certs}/ca.crt`)) return false;
  const keyPem = key.export({ type: 'pkcs1', format: 'pem' }) as string;
  const pem = certificate({ subject: domain, key, years: 50, authority: true });
  for (const name of ['ca', 'domain']) {
    writeFileSync(`${certs}/${name}.key`, keyPem, { mode: 0o644 });
    writeFileSync(`${certs}/${name}.crt`, pem, { mode: 0o644 });
  }
  return true;
}

/** KusciaAPI's server certificate, signed by the domain; kept in files unless the domain runs without TLS. */
export function apiPair({ home, hostname, address }: Place, domain: string, key: KeyObject, keep: boolean): Pair {
  const base = `${home}/var/certs/kusciaapi-server`;
  if (keep && existsSync(`${base}.crt`))
    return { cert: readFileSync(`${base}.crt`, 'utf8'), key: readFileSync(`${base}.key`, 'utf8') };
  const own = generateKey();
  const names = ['kusciaapi', hostname, 'localhost', '127.0.0.1', address].filter(Boolean);
  const cert = certificate({
    subject: 'KusciaAPI',
    key: createPrivateKey(own),
    issuer: { name: domain, key },
    years: 10,
    authority: false,
    names,
  });
  if (keep) {
    writeFileSync(`${base}.key`, own, { mode: 0o644 });
    writeFileSync(`${base}.crt`, cert, { mode: 0o644 });
    writeFileSync(`${home}/var/certs/token`, apiToken(key, domain), { mode: 0o644 });
  }
  return { cert, key: own };
}

/** The certificate that the gateway shows outside, made anew at each start; its issuer is the domain. Undefined where the key is not the one of ca.crt, which a container keeps. */
export function gatewayPair({ home }: Place, domain: string, key: KeyObject): Pair | undefined {
  const authority = new X509Certificate(readFileSync(`${home}/var/certs/ca.crt`));
  if (!authority.publicKey.equals(createPublicKey(key))) return undefined;
  const own = generateKey();
  return {
    key: own,
    cert: certificate({
      subject: `${domain}_ENVOY_EXTERNAL`,
      key: createPrivateKey(own),
      issuer: { name: domain, key },
      years: 10,
      authority: false,
    }),
  };
}

/** The folders and files a running Kuscia has besides its certificates and logs. */
export function makeFolders({ home }: Place): void {
  for (const folder of [
    'logs/envoy',
    'images/repositories',
    'images/cache',
    'stdout/pods',
    'storage/data',
    'pods',
    'tmp',
    'k3s/server/cred',
  ]) {
    mkdirSync(`${home}/var/${folder}`, { recursive: true });
  }
  const index = `${home}/var/images/repositories/index.json`;
  if (!existsSync(index)) {
    writeFileSync(`${home}/var/images/repositories/oci-layout`, '{\n    "imageLayoutVersion": "1.0.0"\n}', {
      mode: 0o755,
    });
    writeFileSync(index, '{"schemaVersion":2,"manifests":[]}', { mode: 0o755 });
  }
  for (const name of ['envoy', 'envoy_admin', 'external', 'internal', 'kubernetes'])
    writeFileSync(`${home}/var/logs/envoy/${name}.log`, '', { flag: 'a' });
  for (const name of ['k3s', 'kusciaapi', 'datamesh'])
    writeFileSync(`${home}/var/logs/${name}.log`, '', { flag: 'a', mode: 0o600 });
  for (const name of ['logrotate.conf', 'scheduler-config.yaml', 'casbin_model.conf', 'casbin_policy.csv'])
    writeFileSync(`${home}/etc/conf/${name}`, '', { flag: 'a' });
}

/** etc/kubeconfig and etc/kuscia.kubeconfig. */
export function writeKubeconfig({ home }: Place, token: string): void {
  const text = `apiVersion: v1
kind: Config
clusters:
- name: default
  cluster:
    insecure-skip-tls-verify: true
    server: https://127.0.0.1:6443
contexts:
- name: default
  context: {cluster: default, user: default}
current-context: default
users:
- name: default
  user:
    token: ${token}
`;
  rmSync(`${home}/etc/kubeconfig`, { force: true });
  writeFileSync(`${home}/etc/kubeconfig`, text, { mode: 0o600 });
  writeFileSync(`${home}/etc/kuscia.kubeconfig`, text, { mode: 0o644 });
}
