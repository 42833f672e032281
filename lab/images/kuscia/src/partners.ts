import { randomBytes, X509Certificate } from 'node:crypto';
import type { KubeObject } from './kine.ts';
import { newObject } from './objects.ts';
import { ensure, ensureNamespace, type Replica } from './replica.ts';
import { keyOf, keyPrefix, resource } from './resources.ts';

const cdrs = resource('clusterdomainroutes');

/** The key of a route in the shared database. */
export const routeKey = (name: string): string => keyOf(cdrs, name);

/** All routes of the domain. */
export const listRoutes = ({ kine }: Replica): Promise<KubeObject[]> => kine.list(keyPrefix(cdrs));

/** The public key in a domain object's certificate as routes carry it, or '' where there is none. */
export function publicKeyOf(domain: KubeObject | undefined): string {
  try {
    const pem = new X509Certificate(
      Buffer.from((domain?.spec?.cert as string | undefined) ?? '', 'base64'),
    ).publicKey.export({ type: 'pkcs1', format: 'pem' });
    return Buffer.from(pem as string).toString('base64');
  } catch {
    return '';
  }
}

function labels(source: string, destination: string, self: string): Record<string, string> {
  return {
    // Misspelt in Kuscia.
    'kuscia.secertflow/domainroute-partner': source === self ? destination : source,
    'kuscia.secretflow/clusterdomainroute-destination': destination,
    'kuscia.secretflow/clusterdomainroute-source': source,
  };
}

const owner = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject): unknown => ({
  apiVersion,
  blockOwnerDeletion: true,
  controller: true,
  kind,
  name,
  uid,
});

// Shaped like the service account's token that Kuscia puts there; it opens nothing.
const bearer = (): string =>
  `Bearer ${['{"alg":"RS256","kid":"stand-in"}', '{"iss":"kubernetes/serviceaccount"}'].map((part) => Buffer.from(part).toString('base64url')).join('.')}.${randomBytes(256).toString('base64url')}`;

/** Gives each partner that was added its namespace and its inbound route. */
export async function welcomePartners(replica: Replica): Promise<void> {
  const { kine, domain } = replica;
  for (const partner of await kine.list(keyPrefix(resource('domains')))) {
    const { name } = partner.metadata;
    if (name === domain) continue;
    await ensureNamespace(replica, name, name);
    const completed = { 'kuscia.secretflow/domain-auth': 'completed' };
    if (!partner.metadata.labels)
      await kine.edit(keyOf(resource('domains'), name), (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: completed },
      }));
    const route = `${name}-${domain}`;
    await ensure(kine, routeKey(route), () => {
      const made = newObject(cdrs, route, undefined, {
        labels: labels(name, domain, domain),
        spec: {
          authenticationType: 'Token',
          destination: domain,
          endpoint: {},
          interConnProtocol: 'kuscia',
          requestHeadersToAdd: { Authorization: bearer() },
          source: name,
          tokenConfig: { rollingUpdatePeriod: 86400, tokenGenMethod: 'RSA-GEN' },
        },
      });
      made.metadata.ownerReferences = [owner(partner)];
      return made;
    });
  }
}

/** Completes a route by labels and the public keys that are known, and mirrors it as a DomainRoute; the route as it is then. */
export async function completeRoute(replica: Replica, route: KubeObject): Promise<KubeObject> {
  const { kine, domain } = replica;
  const { name } = route.metadata;
  const [source, destination] = [String(route.spec?.source), String(route.spec?.destination)];
  const keys = {
    destinationPublicKey: publicKeyOf(await kine.get(keyOf(resource('domains'), destination))) || undefined,
    sourcePublicKey: publicKeyOf(await kine.get(keyOf(resource('domains'), source))) || undefined,
  };
  const tokenConfig = { ...(route.spec?.tokenConfig as object), ...keys };
  let complete = route;
  if (JSON.stringify(route.spec?.tokenConfig) !== JSON.stringify(tokenConfig) || !route.metadata.labels) {
    complete =
      (await kine.edit(routeKey(name), (object) => ({
        ...object,
        metadata: {
          ...object.metadata,
          generation: (object.metadata.generation ?? 1) + 1,
          labels: labels(source, destination, domain),
        },
        spec: { ...object.spec, tokenConfig },
      }))) ?? route;
  }
  const mirror = keyOf(resource('domainroutes'), name, domain);
  const made = await ensure(kine, mirror, () => {
    const object = newObject(resource('domainroutes'), name, domain, {
      labels: labels(source, destination, domain),
      ...(complete.spec ? { spec: complete.spec } : {}),
    });
    object.metadata.ownerReferences = [owner(complete)];
    return object;
  });
  if (!made)
    await kine.edit(mirror, (object) =>
      JSON.stringify(object.spec) === JSON.stringify(complete.spec) || !complete.spec
        ? undefined
        : { ...object, spec: complete.spec },
    );
  return complete;
}
