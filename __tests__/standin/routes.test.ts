import { createPrivateKey } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { certificate } from '../../lab/images/kuscia/src/certificate.ts';
import { generateKey } from '../../lab/images/kuscia/src/init.ts';
import { conditionOf, newObject, seconds } from '../../lab/images/kuscia/src/objects.ts';
import { beat, ensureNamespace, putDomain, type Replica } from '../../lab/images/kuscia/src/replica.ts';
import { keyOf, resource } from '../../lab/images/kuscia/src/resources.ts';
import { createRoutes, type Routes } from '../../lab/images/kuscia/src/routes.ts';
import { someReplica } from './fixtures.ts';
import { memoryKine } from './memory-kine.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

interface Party {
  replica: Replica;
  routes: Routes;
  port: number;
  lines: string[];
}

/** A domain of one replica whose gateway answers handshakes. */
async function party(domain: string): Promise<Party> {
  const made = someReplica(memoryKine(), { hostname: `root-kuscia-autonomy-${domain}-host` });
  const replica: Replica = { ...made, domain };
  await ensureNamespace(replica, domain, domain);
  await putDomain(replica);
  await beat(replica, seconds());
  const routes = createRoutes(replica);
  const server = createServer(
    (request, response) => void routes.handshake(request).then((answer) => response.end(JSON.stringify(answer))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { replica, routes, port: (server.address() as AddressInfo).port, lines: made.lines };
}

/** What add_domain.sh and join_to_host.sh apply on one side. */
async function add(self: Party, peer: Party, cert?: string): Promise<void> {
  const { kine } = self.replica;
  const theirs = (await peer.replica.kine.get(keyOf(resource('domains'), peer.replica.domain)))?.spec?.cert;
  await kine.create(
    keyOf(resource('domains'), peer.replica.domain),
    newObject(resource('domains'), peer.replica.domain, undefined, { spec: { cert: cert ?? theirs, role: 'partner' } }),
  );
}

async function join(self: Party, peer: Party, port = peer.port): Promise<string> {
  const name = `${self.replica.domain}-${peer.replica.domain}`;
  const spec = {
    source: self.replica.domain,
    destination: peer.replica.domain,
    authenticationType: 'Token',
    endpoint: { host: '127.0.0.1', ports: [{ port, pathPrefix: '/' }] },
    tokenConfig: {},
  };
  await self.replica.kine.create(
    keyOf(resource('clusterdomainroutes'), name),
    newObject(resource('clusterdomainroutes'), name, undefined, { spec }),
  );
  return name;
}

async function ready({ replica }: Party, name: string): Promise<string> {
  const route = await replica.kine.get(keyOf(resource('clusterdomainroutes'), name));
  const { status = '', reason = '', message = '' } = (route && conditionOf(route, 'Ready')) ?? {};
  return [status, reason, message].filter(Boolean).join(' ');
}

describe('a route', () => {
  test('becomes True only when both sides know each other', async () => {
    const [alice, bob] = [await party('alice'), await party('bob')];
    await add(alice, bob);
    const name = await join(alice, bob);
    await alice.routes.round();
    expect(await ready(alice, name)).toBe('False DestinationIsNotAuthrized TokenNotGenerate');
    expect(await ready(alice, 'bob-alice')).toBe('');
    await add(bob, alice);
    await bob.routes.round();
    await alice.routes.round();
    expect([await ready(alice, name), await ready(bob, name)]).toEqual(['True Success', 'True Success']);
    const tokens = (
      (await alice.replica.kine.get(keyOf(resource('clusterdomainroutes'), name)))?.status?.tokenStatus as {
        sourceTokens: { token: string; effectiveInstances: string[] }[];
      }
    ).sourceTokens;
    expect(tokens).toEqual([
      expect.objectContaining({ effectiveInstances: ['root-kuscia-autonomy-alice-host'], isReady: true, revision: 1 }),
    ]);
    expect(tokens[0]?.token).toHaveLength(344);
  });

  test('stays without a status while the peer has no certificate, and False where nobody answers', async () => {
    const [alice, bob, carol] = [await party('alice'), await party('bob'), await party('carol')];
    await add(alice, bob, '');
    await add(alice, carol);
    const names = [await join(alice, bob), await join(alice, carol, 1)];
    await alice.routes.round();
    expect(await Promise.all(names.map((name) => ready(alice, name)))).toEqual([
      '',
      'False DestinationIsNotAuthrized TokenNotGenerate',
    ]);
  });

  test('is refused if signed with another key', async () => {
    const [alice, bob, other] = [await party('alice'), await party('bob'), await party('alice')];
    await add(bob, alice);
    await bob.routes.round();
    await add(other, bob);
    const name = await join(other, bob);
    await other.routes.round();
    expect(await ready(other, name)).toBe('False DestinationIsNotAuthrized TokenNotGenerate');
  });

  test('waits for a silent gateway until it no longer counts as live', async () => {
    const [alice, bob] = [await party('alice'), await party('bob')];
    await add(alice, bob);
    await add(bob, alice);
    await bob.routes.round();
    const dead = (ago: number) =>
      newObject(resource('gateways'), 'dead', 'alice', {
        status: { heartbeatTime: seconds(new Date(Date.now() - ago)) },
      });
    const key = keyOf(resource('gateways'), 'dead', 'alice');
    await alice.replica.kine.create(key, dead(60_000));
    const name = await join(alice, bob);
    await alice.routes.round();
    expect(await ready(alice, name)).toMatch(/^False/);
    await alice.replica.kine.edit(key, () => dead(190_000));
    await alice.routes.round();
    expect(await ready(alice, name)).toBe('True Success');
  });

  test('breaks both ways with a certificate of another key, and says so on both sides', async () => {
    const [alice, bob] = [await party('alice'), await party('bob')];
    await add(alice, bob);
    await add(bob, alice);
    const [there, back] = [await join(alice, bob), await join(bob, alice)];
    for (const side of [bob, alice, bob, alice]) await side.routes.round();
    const states = async (): Promise<string[]> =>
      Promise.all([ready(alice, there), ready(alice, back), ready(bob, back), ready(bob, there)]);
    expect(await states()).toEqual(['True Success', 'True Success', 'True Success', 'True Success']);
    const other = certificate({ subject: 'bob', key: createPrivateKey(generateKey()), years: 50, authority: true });
    await alice.replica.kine.edit(keyOf(resource('domains'), 'bob'), (domain) => ({
      ...domain,
      spec: { ...domain.spec, cert: Buffer.from(other).toString('base64') },
    }));
    await alice.routes.round();
    // Again, so that it need not wait for the next heartbeat.
    await createRoutes(bob.replica).round();
    await alice.routes.round();
    expect((await states()).slice(0, 3)).toEqual([
      'False DestinationIsNotAuthrized TokenNotGenerate',
      'False TokenNotGenerate TokenNotGenerate',
      'False TokenNotGenerate TokenNotGenerate',
    ]);
    const mismatch = 'source domain [bob] publickey hash mismatch in domainroute [bob-alice]';
    expect(alice.lines.join('')).toContain(
      `ERROR controller/handshake.go:433 DestReplyHandshake for [bob-alice] failed, detail-> ${mismatch}`,
    );
    expect(bob.lines.join('')).toContain(`DomainRoute bob-alice: handshake fail, return error:${mismatch}`);
    expect(alice.lines.join('')).toContain(
      'DomainRoute alice-bob: handshake fail, return error:dest domain [bob] publickey in source domain [alice] may be not correct',
    );
  });

  test('turns False on the far side when the heartbeats stop', async () => {
    const [alice, bob] = [await party('alice'), await party('bob')];
    await add(alice, bob);
    await add(bob, alice);
    await bob.routes.round();
    const name = await join(alice, bob);
    await alice.routes.round();
    await bob.replica.kine.edit(keyOf(resource('clusterdomainroutes'), name), (route) => {
      const [token] = (route.status?.tokenStatus as { destinationTokens: object[] }).destinationTokens;
      return {
        ...route,
        status: {
          ...route.status,
          tokenStatus: { destinationTokens: [{ ...token, heartBeatTime: seconds(new Date(Date.now() - 31_000)) }] },
        },
      };
    });
    await bob.routes.round();
    expect(await ready(bob, name)).toBe('False HeartBeatTimeout HeartBeatTimeout');
  });
});

test('the handshake answers a stranger with 5 and a wrong address with 1', async () => {
  const { routes } = await party('alice');
  const asked = (headers: Record<string, string>): Promise<unknown> =>
    routes.handshake({ headers } as unknown as IncomingMessage);
  expect(await asked({})).toEqual({ namespace: 'alice', state: 1 });
  expect(await asked({ 'kuscia-host': 'kuscia-handshake.alice.svc', 'kuscia-source': 'bob' })).toEqual({
    namespace: 'alice',
    state: 5,
  });
});
