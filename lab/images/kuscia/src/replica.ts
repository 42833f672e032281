import { randomUUID, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TakenError, type Kine, type KubeObject } from './kine.ts';
import type { Log } from './log.ts';
import { conditionOf, gatewayStatus, micros, newObject, nodeObject, publicKeyText, seconds } from './objects.ts';
import type { Place } from './place.ts';
import { keyOf, keyPrefix, kusciaKinds, resource } from './resources.ts';

/** A replica in the shared database: what it registers, keeps fresh and takes away. */
export interface Replica {
  readonly place: Place;
  readonly kine: Kine;
  readonly log: Log;
  readonly domain: string;
  readonly runtime: string;
  readonly key: KeyObject;
}

const crds = resource('customresourcedefinitions');
const own = (kind: string, { place, domain }: Replica): string => keyOf(resource(kind), place.hostname, domain);

/** The kinds that nobody has made yet; asked well before they are made, so that two first starts can collide. */
export async function missingKinds({ kine }: Replica): Promise<string[]> {
  const there = new Set((await kine.list(keyPrefix(crds))).map(({ metadata }) => metadata.name));
  return kusciaKinds.map(({ plural, group }) => `${plural}.${group}`).filter((name) => !there.has(name));
}

/** Makes the kinds; the name of one that somebody else made meanwhile, which is fatal in Kuscia, or ''. */
export async function makeKinds({ kine, log, place }: Replica, names: readonly string[]): Promise<string> {
  for (const name of names) {
    const [plural = ''] = name.split('.');
    const file = `${place.home}/crds/v1alpha1/kuscia.secretflow_${plural}.yaml`;
    try {
      await kine.create(keyOf(crds, name), newObject(crds, name, undefined));
      log.info('modules/k3s.go:460', `apply ${file}`);
    } catch (error) {
      if (!(error instanceof TakenError)) throw error;
      log.plain(
        `Error from server (AlreadyExists): error when creating "${file}": customresourcedefinitions.apiextensions.k8s.io "${name}" already exists`,
      );
      log.fatal('modules/k3s.go:458', `apply ${file} err:exit status 1`);
      return name;
    }
  }
  return '';
}

/** Creates where nothing is; true when it did. */
export async function ensure(kine: Kine, key: string, object: () => KubeObject): Promise<boolean> {
  if (await kine.get(key)) return false;
  try {
    await kine.create(key, object());
    return true;
  } catch (error) {
    if (error instanceof TakenError) return false;
    throw error;
  }
}

/** A namespace object; a domain's own carries the domain's name. */
export async function ensureNamespace({ kine }: Pick<Replica, 'kine'>, name: string, domain = ''): Promise<boolean> {
  const kind = resource('namespaces');
  const labels = {
    'kubernetes.io/metadata.name': name,
    ...(domain ? { 'kuscia.secretflow/domain-name': domain } : {}),
  };
  return ensure(kine, keyOf(kind, name), () =>
    newObject(kind, name, undefined, { labels, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
  );
}

/** Puts this replica's certificate into the domain's object, whoever's stood there before. */
export async function putDomain(replica: Replica): Promise<void> {
  const { kine, log, place, domain } = replica;
  const kind = resource('domains');
  const cert = readFileSync(`${place.home}/var/certs/domain.crt`).toString('base64');
  const fresh = await ensure(kine, keyOf(kind, domain), () =>
    newObject(kind, domain, undefined, {
      labels: { 'kuscia.secretflow/domain-auth': 'completed' },
      spec: { cert },
      status: {
        deployTokenStatuses: [
          { lastTransitionTime: seconds(), state: 'unused', token: randomUUID().replaceAll('-', '') },
        ],
        nodeStatuses: [],
      },
    }),
  );
  if (fresh) return;
  const before = await kine.get(keyOf(kind, domain));
  if (before?.spec?.cert === cert) return;
  log.warn('modules/k3s.go:484', `domain ${domain} cert is not match, will update`);
  if (!sameKey(before?.spec?.cert, cert))
    log.error('service/config.go:71', 'Failed to get domain public key config, crypto/rsa: decryption error');
  await kine.edit(keyOf(kind, domain), (object) => ({
    ...object,
    metadata: { ...object.metadata, generation: (object.metadata.generation ?? 1) + 1 },
    spec: { ...object.spec, cert },
  }));
}

function sameKey(a: unknown, b: unknown): boolean {
  try {
    const [one, other] = [a, b].map((cert) => new X509Certificate(Buffer.from(String(cert), 'base64')).publicKey);
    return one?.equals(other as KeyObject) === true;
  } catch {
    return false;
  }
}

/** One heartbeat of the gateway object, which is made where it is missing; false while the domain has no namespace yet. */
export async function beat(replica: Replica, uptime: string): Promise<boolean> {
  const { kine, place, domain, log, key } = replica;
  const status = gatewayStatus(place, publicKeyText(key), uptime);
  if (
    await kine.edit(own('gateways', replica), (gateway) => ({ ...gateway, status: { ...gateway.status, ...status } }))
  )
    return true;
  if (!(await kine.get(keyOf(resource('namespaces'), domain)))) {
    log.error('controller/gateway.go:142', `create gateway ${place.hostname} fail: namespaces "${domain}" not found`);
    return false;
  }
  return ensure(kine, own('gateways', replica), () =>
    newObject(resource('gateways'), place.hostname, domain, { status }),
  );
}

/** Renews (or makes) the lease by which others see that this node lives. */
export async function renewNodeLease({ kine, place }: Replica): Promise<void> {
  const key = keyOf(resource('leases'), place.hostname, 'kube-node-lease');
  const spec = { holderIdentity: place.hostname, leaseDurationSeconds: 180, renewTime: micros() };
  if (await kine.edit(key, (lease) => ({ ...lease, spec }))) return;
  await ensure(kine, key, () => newObject(resource('leases'), place.hostname, 'kube-node-lease', { spec }));
}

/** What stands in the way of this node's name: nothing, a former self to replace, or another machine. */
export async function nameHolder(replica: Replica): Promise<'free' | 'same machine' | 'other machine'> {
  const { kine, place, log } = replica;
  const node = await kine.get(keyOf(resource('nodes'), place.hostname));
  const info = node?.status?.nodeInfo as Record<string, string> | undefined;
  if (!node || !info || info.bootID === place.bootId || conditionOf(node, 'Ready')?.status !== 'True') return 'free';
  const who = `node_name=${place.hostname}, machine_id=${place.machineId}, another_node_boot_id=${info.bootID}`;
  if (info.machineID === place.machineId) {
    log.warn(
      'framework/node_controller.go:397',
      `There is another node with the same name and machine id is running and will be replaced by the current node, ${who}`,
    );
    return 'same machine';
  }
  log.warn(
    'framework/node_controller.go:408',
    `There is another node with same name but a different machine id is running, please check, ${who}, another_node_machine_id=${info.machineID}`,
  );
  return 'other machine';
}

/** Registers the node as Ready, over whatever stood under its name. */
export async function putNode(replica: Replica): Promise<void> {
  const { kine, place, domain, runtime } = replica;
  const node = nodeObject(place, domain, runtime);
  const key = keyOf(resource('nodes'), place.hostname);
  const kept = await kine.edit(key, (before) => ({
    ...node,
    metadata: { ...before.metadata, ...(node.metadata.labels ? { labels: node.metadata.labels } : {}) },
  }));
  if (!kept) await ensure(kine, key, () => node);
}

/** Registers the node again where somebody has deleted it. */
export async function keepNode(replica: Replica): Promise<void> {
  if (await replica.kine.get(keyOf(resource('nodes'), replica.place.hostname))) return;
  await putNode(replica);
}

/** Takes the node away, and its line in the domain's object; the gateway object stays. */
export async function removeNode({ kine, place, domain }: Replica): Promise<void> {
  await kine.remove(keyOf(resource('nodes'), place.hostname));
  await kine.edit(keyOf(resource('domains'), domain), (object) => {
    const nodeStatuses = (object.status?.nodeStatuses as { name: string }[] | undefined) ?? [];
    return {
      ...object,
      status: { ...object.status, nodeStatuses: nodeStatuses.filter(({ name }) => name !== place.hostname) },
    };
  });
}
