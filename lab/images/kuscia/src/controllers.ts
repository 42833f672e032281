import { randomUUID } from 'node:crypto';
import type { KubeObject } from './kine.ts';
import { conditionOf, micros, newObject, seconds } from './objects.ts';
import { ensure, type Replica } from './replica.ts';
import { keyOf, keyPrefix, resource } from './resources.ts';
import { createPodKeeper } from './tasks.ts';

const lifetime = 15_000;
// Kubernetes calls a node dead when its lease has not moved for so long in the eyes of the leader.
const grace = 46_000;
const leases = ['kube-controller-manager', 'kube-scheduler', 'kuscia-controller-manager'] as const;
type LeaseName = (typeof leases)[number];

/** The controllers of one replica; those that hold a lease act for the whole domain. */
export interface Controllers {
  /** One look at everything, to be taken every two seconds; true where this replica leads Kuscia's own controllers. */
  round(): Promise<boolean>;
}

/** Controllers with identities of their own, as each process has. */
export function createControllers(replica: Replica, now: () => number = Date.now): Controllers {
  const identities = new Map(leases.map((name) => [name, `${replica.place.hostname}_${randomUUID()}`]));
  const seen = new Map<string, { renewTime: unknown; at: number }>();
  const watch = new Map<LeaseName, { renewTime: unknown; at: number }>();
  const podKeeper = createPodKeeper(replica, now);
  return {
    round: async () => {
      const held = new Set<LeaseName>();
      for (const name of leases) if (await hold(replica, name, identities.get(name) ?? '', watch, now)) held.add(name);
      if (held.has('kube-controller-manager')) {
        await judgeNodes(replica, seen, now);
        await podKeeper.round();
      } else seen.clear();
      const leads = held.has('kuscia-controller-manager');
      if (leads) await tellDomain(replica);
      return leads;
    },
  };
}

async function hold(
  { kine }: Replica,
  name: LeaseName,
  identity: string,
  watch: Map<LeaseName, { renewTime: unknown; at: number }>,
  now: () => number,
): Promise<boolean> {
  const key = keyOf(resource('leases'), name, 'kube-system');
  const at = (): string => micros(new Date(now()));
  const first = {
    acquireTime: at(),
    holderIdentity: identity,
    leaseDurationSeconds: lifetime / 1000,
    leaseTransitions: 0,
    renewTime: at(),
  };
  if (await ensure(kine, key, () => newObject(resource('leases'), name, 'kube-system', { spec: first }))) return true;
  const lease = await kine.get(key);
  const last = watch.get(name);
  if (!last || last.renewTime !== lease?.spec?.renewTime)
    watch.set(name, { renewTime: lease?.spec?.renewTime, at: now() });
  const mine = lease?.spec?.holderIdentity === identity;
  const observed = watch.get(name)?.at ?? now();
  if (mine && now() - observed < 4000) return true;
  if (!mine && now() - observed < lifetime) return false;
  const renewed = await kine.edit(key, (before) => {
    if (!mine && before.spec?.renewTime !== lease?.spec?.renewTime) return undefined;
    const change = mine
      ? {}
      : {
          acquireTime: at(),
          holderIdentity: identity,
          leaseTransitions: Number(before.spec?.leaseTransitions ?? 0) + 1,
        };
    return { ...before, spec: { ...before.spec, ...change, renewTime: at() } };
  });
  return renewed?.spec?.holderIdentity === identity;
}

async function judgeNodes(
  { kine }: Replica,
  seen: Map<string, { renewTime: unknown; at: number }>,
  now: () => number,
): Promise<void> {
  const renewals = new Map(
    (await kine.list(keyPrefix(resource('leases'), 'kube-node-lease'))).map(({ metadata, spec }) => [
      metadata.name,
      spec?.renewTime,
    ]),
  );
  for (const node of await kine.list(keyPrefix(resource('nodes')))) {
    const { name } = node.metadata;
    const renewTime = renewals.get(name);
    const last = seen.get(name);
    if (!last || last.renewTime !== renewTime) seen.set(name, { renewTime, at: now() });
    const silent = now() - (seen.get(name)?.at ?? now());
    if (silent >= grace)
      await kine.edit(keyOf(resource('nodes'), name), (current) => unreachable(current, silent >= grace + 5000));
  }
}

/** A node that was not heard of: its conditions Unknown, one taint, and five seconds later the second. */
export function unreachable(node: KubeObject, late: boolean): KubeObject | undefined {
  const key = 'node.kubernetes.io/unreachable';
  const taints = (node.spec?.taints as { key: string; effect: string }[] | undefined) ?? [];
  const missing = ['NoSchedule', ...(late ? ['NoExecute'] : [])].filter(
    (effect) => !taints.some((taint) => taint.key === key && taint.effect === effect),
  );
  const known = conditionOf(node, 'Ready')?.status === 'Unknown';
  if (known && missing.length === 0) return undefined;
  const unknown = {
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: seconds(),
  };
  const conditions = (node.status?.conditions as Record<string, string>[]).map((condition) =>
    !known && ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].includes(condition.type ?? '')
      ? { ...condition, ...unknown }
      : condition,
  );
  const added = missing.map((effect) => ({ effect, key, timeAdded: seconds() }));
  return { ...node, spec: { ...node.spec, taints: [...taints, ...added] }, status: { ...node.status, conditions } };
}

/** The domain's list of its nodes, written only where it changed. */
async function tellDomain({ kine, domain }: Replica): Promise<void> {
  const nodes = await kine.list(keyPrefix(resource('nodes')));
  const key = keyOf(resource('domains'), domain);
  await kine.edit(key, (object) => {
    const before = (object.status?.nodeStatuses as Record<string, unknown>[] | undefined) ?? [];
    const now = nodes.map((node) => {
      const ready = conditionOf(node, 'Ready');
      const status = ready?.status === 'True' ? 'Ready' : 'NotReady';
      const old = before.find(({ name }) => name === node.metadata.name);
      if (old?.status === status) return old;
      const version = (node.status?.nodeInfo as Record<string, string>).kubeletVersion;
      return {
        lastHeartbeatTime: ready?.lastHeartbeatTime,
        lastTransitionTime: seconds(),
        name: node.metadata.name,
        status,
        version,
      };
    });
    return JSON.stringify(now) === JSON.stringify(before)
      ? undefined
      : { ...object, status: { ...object.status, nodeStatuses: now } };
  });
}
