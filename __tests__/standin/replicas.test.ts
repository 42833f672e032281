import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { certificate } from '../../lab/images/kuscia/src/certificate.ts';
import { createControllers } from '../../lab/images/kuscia/src/controllers.ts';
import { gatewayPair } from '../../lab/images/kuscia/src/files.ts';
import { generateKey } from '../../lab/images/kuscia/src/init.ts';
import { noGatewayPair } from '../../lab/images/kuscia/src/modules.ts';
import { conditionOf } from '../../lab/images/kuscia/src/objects.ts';
import {
  beat,
  ensureNamespace,
  keepNode,
  makeKinds,
  missingKinds,
  nameHolder,
  putDomain,
  putNode,
  removeNode,
  renewNodeLease,
  type Replica,
} from '../../lab/images/kuscia/src/replica.ts';
import { resource, keyPrefix } from '../../lab/images/kuscia/src/resources.ts';
import { someReplica } from './fixtures.ts';
import { memoryKine } from './memory-kine.ts';

const pem = generateKey();
const hosta = 'root-kuscia-autonomy-alice-hosta';
const hostb = 'root-kuscia-autonomy-alice-hostb';

async function register(replica: Replica): Promise<void> {
  await ensureNamespace(replica, 'alice', 'alice');
  await putDomain(replica);
  await beat(replica, '2026-11-23T14:19:58Z');
  await putNode(replica);
  await renewNodeLease(replica);
}

const gateways = (replica: Replica) => replica.kine.list(keyPrefix(resource('gateways'), 'alice'));
const node = (replica: Replica, name: string) => replica.kine.get(`/registry/minions/${name}`);

describe('the shared database', () => {
  test('names its owner by the keys of its gateways', async () => {
    const kine = memoryKine();
    await register(someReplica(kine, {}, pem));
    expect(
      kine
        .keys()
        .filter((key) => key.startsWith('/registry/kuscia.secretflow/gateways/'))
        .map((key) => key.split('/')[4]),
    ).toEqual(['alice']);
  });

  test('has no gateway before the namespace, though the start succeeded', async () => {
    const replica = someReplica(memoryKine(), {}, pem);
    expect(await beat(replica, '')).toBe(false);
    expect(replica.lines.join('')).toContain(`create gateway ${hosta} fail: namespaces "alice" not found`);
    await ensureNamespace(replica, 'alice', 'alice');
    expect(await beat(replica, '')).toBe(true);
    expect(await gateways(replica)).toHaveLength(1);
  });

  test('lets one of two first starts create the resource kinds and kills the other', async () => {
    const kine = memoryKine();
    const [a, b] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb }, pem)];
    const [missingA, missingB] = [await missingKinds(a), await missingKinds(b)];
    expect(await makeKinds(a, missingA)).toBe('');
    expect(await makeKinds(b, missingB)).toBe('appimages.kuscia.secretflow');
    expect(b.lines.join('')).toMatch(
      /AlreadyExists.*\n.*FATAL modules\/k3s.go:458 apply .*kuscia.secretflow_appimages.yaml err:exit status 1/,
    );
    expect(await missingKinds(b)).toEqual([]);
  });
});

describe('a replica with another key', () => {
  test('is accepted silently; only the public keys of the gateways differ, and the certificate is overwritten', async () => {
    const kine = memoryKine();
    const [good, other] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb })];
    await register(good);
    const before = (await kine.get('/registry/kuscia.secretflow/domains/alice'))?.spec?.cert;
    await register(other);
    const after = (await kine.get('/registry/kuscia.secretflow/domains/alice'))?.spec?.cert;
    expect(after).not.toBe(before);
    expect(after).toBe(readFileSync(`${other.place.home}/var/certs/domain.crt`).toString('base64'));
    expect(new Set((await gateways(good)).map(({ status }) => status?.publicKey)).size).toBe(2);
    expect(other.lines.join('')).toContain('WARN modules/k3s.go:484 domain alice cert is not match, will update');
  });

  test('does not start again in a container that has kept the former certificate authority', () => {
    const former = someReplica(memoryKine(), {}, pem);
    expect(gatewayPair(former.place, 'alice', former.key)).toBeDefined();
    expect(gatewayPair(former.place, 'alice', createPrivateKey(generateKey()))).toBeUndefined();
    noGatewayPair(former.log);
    expect(former.lines.at(-1)).toMatch(
      / FATAL modules\/domainroute.go:73 .*provided PrivateKey doesn't match parent's PublicKey\n$/,
    );
  });

  test('logs the same certificate line in a healthy second start, whose public keys are equal', async () => {
    const kine = memoryKine();
    const [first, second] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb }, pem)];
    // Made in one second the two certificates would have the same bytes.
    const from = new Date('2026-11-23T14:21:28Z');
    writeFileSync(
      `${second.place.home}/var/certs/domain.crt`,
      certificate({ subject: 'alice', key: second.key, years: 50, authority: true, from }),
    );
    await register(first);
    await register(second);
    expect(second.lines.join('')).toContain('cert is not match, will update');
    expect(second.lines.join('')).not.toContain('decryption error');
    expect(new Set((await gateways(first)).map(({ status }) => status?.publicKey)).size).toBe(1);
  });
});

describe('the same host name twice', () => {
  test('is refused for another machine, and the gateway record flips all the same', async () => {
    const kine = memoryKine();
    const [first, second] = [
      someReplica(kine, {}, pem),
      someReplica(kine, { machineId: 'machine-b', address: '10.77.0.13' }, pem),
    ];
    await register(first);
    await beat(second, '');
    expect(await nameHolder(second)).toBe('other machine');
    expect(second.lines.join('')).toContain(
      'There is another node with same name but a different machine id is running, please check, node_name=',
    );
    expect((await gateways(first)).map(({ status }) => status?.address)).toEqual(['10.77.0.13']);
  });

  test('is taken over on the same machine', async () => {
    const kine = memoryKine();
    const [first, second] = [someReplica(kine, {}, pem), someReplica(kine, {}, pem)];
    await register(first);
    expect(await nameHolder(second)).toBe('same machine');
    expect(second.lines.join('')).toContain(
      'There is another node with the same name and machine id is running and will be replaced by the current node',
    );
    await putNode(second);
    expect(await nameHolder(second)).toBe('free');
  });
});

describe('the end of a replica', () => {
  test('by a graceful stop removes its node immediately and leaves its gateway and its lease', async () => {
    const kine = memoryKine();
    const [a, b] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb }, pem)];
    await register(a);
    await register(b);
    await createControllers(a).round();
    await removeNode(b);
    expect(await node(a, hostb)).toBeUndefined();
    expect((await kine.get('/registry/kuscia.secretflow/domains/alice'))?.status?.nodeStatuses).toEqual([
      expect.objectContaining({ name: hosta, status: 'Ready' }),
    ]);
    expect((await gateways(a)).map(({ metadata }) => metadata.name)).toEqual([hosta, hostb]);
    expect(kine.keys()).toContain(`/registry/leases/kube-node-lease/${hostb}`);
  });

  test('by a kill leaves its node NotReady after 46 seconds without a lease, with two taints, permanently', async () => {
    let now = Date.parse('2026-11-23T14:00:00Z');
    const kine = memoryKine();
    const [a, b] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb }, pem)];
    await register(a);
    await register(b);
    const controllers = createControllers(a, () => now);
    const pass = async (seconds: number): Promise<string | undefined> => {
      for (let i = 0; i < seconds; i += 2, now += 2000) {
        await kine.edit(`/registry/leases/kube-node-lease/${hosta}`, (lease) => ({
          ...lease,
          spec: { ...lease.spec, renewTime: String(now) },
        }));
        await controllers.round();
      }
      const dead = await node(a, hostb);
      return dead && `${conditionOf(dead, 'Ready')?.status}/${conditionOf(dead, 'Ready')?.reason}`;
    };
    expect(await pass(44)).toBe('True/AgentReady');
    expect(await pass(20)).toBe('Unknown/NodeStatusUnknown');
    expect(conditionOf((await node(a, hosta))!, 'Ready')?.status).toBe('True');
    expect(((await node(a, hostb))?.spec?.taints as { key: string }[]).map(({ key }) => key)).toEqual([
      'kuscia.secretflow/agent',
      'node.kubernetes.io/unreachable',
      'node.kubernetes.io/unreachable',
    ]);
    const statuses = (await kine.get('/registry/kuscia.secretflow/domains/alice'))?.status?.nodeStatuses as {
      name: string;
      status: string;
    }[];
    expect(statuses.map(({ name, status }) => `${name} ${status}`)).toEqual([`${hosta} Ready`, `${hostb} NotReady`]);
  });

  test('is not caused by deleting its node and its gateway: both return soon', async () => {
    const kine = memoryKine();
    const replica = someReplica(kine, {}, pem);
    await register(replica);
    await kine.remove(`/registry/minions/${hosta}`);
    await kine.remove(`/registry/kuscia.secretflow/gateways/alice/${hosta}`);
    await keepNode(replica);
    await beat(replica, '');
    expect(conditionOf((await node(replica, hosta))!, 'Ready')?.status).toBe('True');
    expect(await gateways(replica)).toHaveLength(1);
  });

  test('lets another replica lead after the 15 seconds of the lease', async () => {
    let now = 0;
    const kine = memoryKine();
    const [a, b] = [someReplica(kine, {}, pem), someReplica(kine, { hostname: hostb }, pem)];
    await register(a);
    const holder = async (): Promise<string> =>
      String((await kine.get('/registry/leases/kube-system/kuscia-controller-manager'))?.spec?.holderIdentity).split(
        '_',
      )[0] ?? '';
    const [first, second] = [createControllers(a, () => now), createControllers(b, () => now)];
    expect([await first.round(), await second.round(), await holder()]).toEqual([true, false, hosta]);
    for (; now < 14_000; now += 2000) expect(await second.round()).toBe(false);
    now = 16_000;
    expect([await second.round(), await first.round(), await holder()]).toEqual([true, false, hostb]);
  });
});
