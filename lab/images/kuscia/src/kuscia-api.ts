import { X509Certificate } from 'node:crypto';
import { newObject } from './objects.ts';
import { ensure, type Replica } from './replica.ts';
import { keyOf, resource } from './resources.ts';

const domains = resource('domains');
const status = (code: number, message: string) => ({ code, message, details: [] });
const id = '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$';

/** POST /api/v1/domain/query. */
export async function domainQuery({ kine }: Replica, wanted: string): Promise<unknown> {
  const found = await kine.get(keyOf(domains, wanted));
  if (!found) return { status: status(11305, `domains.kuscia.secretflow "${wanted}" not found`), data: null };
  return {
    status: status(0, 'success'),
    data: { domain_id: wanted, role: found.spec?.role ?? '', cert: found.spec?.cert },
  };
}

/** POST /api/v1/domain/create: a partner; its certificate may be missing, and is looked at where it is not. */
export async function domainCreate(
  { kine }: Replica,
  { domain_id: name = '', cert = '', role = '' }: { domain_id?: string; cert?: string; role?: string },
): Promise<unknown> {
  const fault = faultOf(name, cert);
  if (fault) return { status: status(11100, fault) };
  await ensure(kine, keyOf(domains, name), () => newObject(domains, name, undefined, { spec: { cert, role } }));
  return { status: status(0, 'success') };
}

function faultOf(name: string, cert: string): string | undefined {
  if (!new RegExp(id).test(name))
    return `Field "domain_id" is invalid, invalid value: "${name}": regex used for validation is "${id}" `;
  if (!/^[A-Za-z0-9+/=\s]*$/.test(cert)) return 'cert must be encoded with base64';
  try {
    if (cert) new X509Certificate(Buffer.from(cert, 'base64'));
    return undefined;
  } catch {
    return 'cert format is invalid, must be an x509 certificate';
  }
}
