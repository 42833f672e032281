import { createPublicKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { request as plain, type IncomingMessage } from 'node:http';
import { request as secure } from 'node:https';
import type { KubeObject } from './kine.ts';
import { handshakeFailed, unlikeOneself, unlikePartner } from './noise.ts';
import { conditionOf, publicKeyText, seconds } from './objects.ts';
import { completeRoute, listRoutes, routeKey, welcomePartners } from './partners.ts';
import type { Replica } from './replica.ts';
import { keyOf, keyPrefix, resource } from './resources.ts';

/** The routes between this domain and its partners. */
export interface Routes {
  /** What /handshake says to whom: 0 ready, 1 wrong domain, 3 not ready, 5 no route for that peer. */
  handshake(request: IncomingMessage): Promise<Handshake>;
  /** One look at all routes, by the replica that leads. */
  round(): Promise<void>;
}

export interface Handshake {
  readonly namespace: string;
  readonly state: number;
  readonly token?: string;
  /** Why not, for the one who greeted. */ readonly error?: string;
}

const proofHeader = 'kuscia-stand-in-proof';
const keyHeader = 'kuscia-stand-in-destination-key';
/** After a greeting that was refused for a key, the next one comes so much later. */
const retry = 10_000;
const heartbeat = 15_000;
const timeouts = { heartbeat: 30_000, unreachable: 45_000 };
const tokenLife = 48 * 3600 * 1000;

export function createRoutes(replica: Replica): Routes {
  const answered = new Map<string, number>();
  const tried = new Map<string, number>();
  const refused = new Map<string, number>();
  return {
    handshake: (request) => greet(replica, request),
    round: async () => {
      await welcomePartners(replica);
      for (const route of await listRoutes(replica)) {
        const complete = await completeRoute(replica, route);
        if (otherKeys(route, complete)) await breakRoute(replica, complete, refused);
        else if (complete.spec?.source === replica.domain)
          await checkOutbound(replica, complete, { answered, tried, refused });
        else await checkInbound(replica, complete);
      }
      await dropMirrors(replica);
    },
  };
}

/** Whether a certificate of another key took the place of one that was known. */
function otherKeys(before: KubeObject, after: KubeObject): boolean {
  const [old, now] = [before, after].map(({ spec }) => (spec?.tokenConfig ?? {}) as Record<string, string | undefined>);
  return ['sourcePublicKey', 'destinationPublicKey'].some((key) => old?.[key] !== undefined && old[key] !== now?.[key]);
}

async function breakRoute({ kine, domain }: Replica, route: KubeObject, refused: Map<string, number>): Promise<void> {
  refused.delete(route.metadata.uid ?? '');
  const reason = route.spec?.source === domain ? 'DestinationIsNotAuthrized' : 'TokenNotGenerate';
  await kine.edit(routeKey(route.metadata.name), (object) =>
    object.status ? ready(object, false, 'TokenNotGenerate', reason, {}) : undefined,
  );
}

async function greet({ kine, domain, log, key }: Replica, request: IncomingMessage): Promise<Handshake> {
  const say = (state: number, token?: string): Handshake => ({ namespace: domain, state, ...(token ? { token } : {}) });
  if (request.headers['kuscia-host'] !== `kuscia-handshake.${domain}.svc`) return say(1);
  const source = String(request.headers['kuscia-source'] ?? '');
  const name = `${source}-${domain}`;
  const route = await kine.get(routeKey(name));
  if (!route) return say(5);
  const proof = request.headers[proofHeader];
  if (proof === undefined) return say(conditionOf(route, 'Ready')?.status === 'True' ? 0 : 3);
  const peer = await kine.get(keyOf(resource('domains'), source));
  if (!proven(peer, name, String(proof)))
    return peer?.spec?.cert ? { ...say(3), error: unlikePartner(log, name, source) } : say(3);
  const known = request.headers[keyHeader];
  if (known !== undefined && known !== publicKeyText(key))
    return { ...say(3), error: unlikeOneself(log, name, source, domain) };
  const instances = await effectiveInstances(kine, domain);
  if (!instances) return say(3);
  const old = (route.status?.tokenStatus as { destinationTokens?: { token: string }[] } | undefined)
    ?.destinationTokens?.[0];
  const token = old?.token ?? newToken();
  const kept = old ?? {
    effectiveInstances: instances,
    expirationTime: seconds(new Date(Date.now() + tokenLife)),
    isReady: true,
    revision: 1,
    revisionTime: seconds(),
    token,
  };
  await kine.edit(routeKey(name), (object) =>
    ready(object, true, 'Success', undefined, { destinationTokens: [{ ...kept, heartBeatTime: seconds() }] }),
  );
  return say(0, token);
}

function proven(peer: KubeObject | undefined, name: string, proof: string): boolean {
  try {
    const key = new X509Certificate(Buffer.from((peer?.spec?.cert as string | undefined) ?? '', 'base64')).publicKey;
    return verify(
      'sha256',
      Buffer.from(name),
      createPublicKey(key.export({ type: 'spki', format: 'pem' })),
      Buffer.from(proof, 'base64'),
    );
  } catch {
    return false;
  }
}

// 344 characters, as the real ones have.
const newToken = (): string => randomBytes(256).toString('base64');

/** All gateways counted as live; undefined while one of them is silent, for then no new token becomes effective. */
async function effectiveInstances(kine: Replica['kine'], domain: string): Promise<string[] | undefined> {
  const gateways = await kine.list(keyPrefix(resource('gateways'), domain));
  const ages = gateways.map(({ metadata, status }) => ({
    name: metadata.name,
    silent: Date.now() - Date.parse(String(status?.heartbeatTime)),
  }));
  const live = ages.filter(({ silent }) => silent < 180_000);
  return live.some(({ silent }) => silent > heartbeat + 5000) ? undefined : live.map(({ name }) => name);
}

interface Times {
  readonly answered: Map<string, number>;
  readonly tried: Map<string, number>;
  readonly refused: Map<string, number>;
}

async function checkOutbound(replica: Replica, route: KubeObject, { answered, tried, refused }: Times): Promise<void> {
  const { kine, domain } = replica;
  const { name, uid = '' } = route.metadata;
  const { sourcePublicKey, destinationPublicKey } = route.spec?.tokenConfig as Record<string, string | undefined>;
  // Kuscia selects nobody to greet while one of the two keys is unknown: the route stays without a status.
  if (!sourcePublicKey || !destinationPublicKey) return;
  const up = conditionOf(route, 'Ready')?.status === 'True';
  if (up && Date.now() - (tried.get(uid) ?? 0) < heartbeat) return;
  if (Date.now() - (refused.get(uid) ?? 0) < retry) return;
  tried.set(uid, Date.now());
  const instances = await effectiveInstances(kine, domain);
  const reply = up || instances ? await ask(replica, route) : undefined;
  if (reply?.error) {
    refused.set(uid, Date.now());
    handshakeFailed(replica.log, name, domain, reply.error);
    if (up)
      return void (await kine.edit(routeKey(name), (object) =>
        ready(object, false, 'TokenNotGenerate', 'TokenNotGenerate', {}),
      ));
  }
  if (reply?.state === 0 && reply.token) {
    answered.set(uid, Date.now());
    if (up) return;
    const source = {
      effectiveInstances: instances,
      expirationTime: seconds(new Date(Date.now() + tokenLife)),
      isReady: true,
      revision: 1,
      revisionTime: seconds(),
      token: reply.token,
    };
    await kine.edit(routeKey(name), (object) => ready(object, true, 'Success', undefined, { sourceTokens: [source] }));
  } else if (!up) {
    await kine.edit(routeKey(name), (object) =>
      object.status ? undefined : ready(object, false, 'TokenNotGenerate', 'DestinationIsNotAuthrized', {}),
    );
  } else if (answered.has(uid) && Date.now() - (answered.get(uid) ?? 0) > timeouts.unreachable) {
    await kine.edit(routeKey(name), (object) =>
      ready(object, false, 'DestinationUnreachable', 'DestinationUnreachable', {}),
    );
  }
}

async function checkInbound({ kine }: Replica, route: KubeObject): Promise<void> {
  const token = (route.status?.tokenStatus as { destinationTokens?: { heartBeatTime: string }[] } | undefined)
    ?.destinationTokens?.[0];
  if (
    !token ||
    conditionOf(route, 'Ready')?.status !== 'True' ||
    Date.now() - Date.parse(token.heartBeatTime) < timeouts.heartbeat
  )
    return;
  await kine.edit(routeKey(route.metadata.name), (object) =>
    ready(object, false, 'HeartBeatTimeout', 'HeartBeatTimeout', object.status?.tokenStatus as object),
  );
}

// The mirror of a route that was deleted goes with it.
async function dropMirrors({ kine, domain }: Replica): Promise<void> {
  const names = new Set(
    (await kine.list(keyPrefix(resource('clusterdomainroutes')))).map(({ metadata }) => metadata.name),
  );
  for (const { metadata } of await kine.list(keyPrefix(resource('domainroutes'), domain))) {
    if (!names.has(metadata.name)) await kine.remove(keyOf(resource('domainroutes'), metadata.name, domain));
  }
}

/** The route with its one condition; the time of the last change is kept where the status is the same. */
function ready(
  route: KubeObject,
  status: boolean,
  message: string,
  reason: string | undefined,
  tokenStatus: object,
): KubeObject {
  const before = conditionOf(route, 'Ready');
  const word = status ? 'True' : 'False';
  const lastTransitionTime = before?.status === word ? before.lastTransitionTime : seconds();
  const condition = {
    lastTransitionTime,
    lastUpdateTime: lastTransitionTime,
    message,
    ...(reason ? { reason } : {}),
    status: word,
    type: 'Ready',
  };
  return { ...route, status: { ...route.status, conditions: [condition], tokenStatus } };
}

async function ask({ domain, key }: Replica, route: KubeObject): Promise<Handshake | undefined> {
  const endpoint = route.spec?.endpoint as {
    host?: string;
    ports?: { port: number; isTLS?: boolean; pathPrefix?: string }[];
  };
  const port = endpoint.ports?.[0];
  const destination = String(route.spec?.destination);
  if (!endpoint.host || !port) return undefined;
  const headers = {
    'kuscia-host': `kuscia-handshake.${destination}.svc`,
    'kuscia-source': domain,
    [keyHeader]: String((route.spec?.tokenConfig as Record<string, string | undefined>).destinationPublicKey),
    [proofHeader]: sign('sha256', Buffer.from(route.metadata.name), key).toString('base64'),
  };
  const options = {
    host: endpoint.host,
    port: port.port,
    path: `${(port.pathPrefix ?? '/').replace(/\/$/, '')}/handshake`,
    headers,
    timeout: 3000,
    rejectUnauthorized: false,
    agent: false,
  };
  return new Promise((resolve) => {
    const outgoing = (port.isTLS ? secure : plain)(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => {
        try {
          resolve(response.statusCode === 200 ? (JSON.parse(text) as Handshake) : undefined);
        } catch {
          resolve(undefined);
        }
      });
    });
    outgoing
      .on('timeout', () => outgoing.destroy())
      .on('error', () => resolve(undefined))
      .end();
  });
}
