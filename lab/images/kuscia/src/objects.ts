import { createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import type { KubeObject } from './kine.ts';
import { kernelParameters, machine, type Place } from './place.ts';
import { resource, type Resource } from './resources.ts';

/** A time as Kubernetes writes it: UTC, whole seconds. */
export function seconds(at: Date = new Date()): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A time with microseconds, as leases carry it. */
export function micros(at: Date = new Date()): string {
  return at.toISOString().replace('Z', '000Z');
}

/** A new object of a kind, with uid and creation time. */
export function newObject(
  kind: Resource,
  name: string,
  namespace: string | undefined,
  rest: Partial<KubeObject> & { labels?: Record<string, string> } = {},
): KubeObject {
  const { labels, metadata, ...others } = rest;
  return {
    apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version,
    kind: kind.kind,
    metadata: {
      ...metadata,
      creationTimestamp: seconds(),
      ...(kind.group === 'kuscia.secretflow' ? { generation: 1 } : {}),
      ...(labels ? { labels } : {}),
      name,
      ...(namespace ? { namespace } : {}),
      uid: randomUUID(),
    },
    ...others,
  };
}

/** A domain's public key as gateways publish it: base64 of a PKCS#1 PEM. */
export function publicKeyText(key: KeyObject): string {
  const pem = createPublicKey(key).export({ type: 'pkcs1', format: 'pem' });
  return Buffer.from(pem as string).toString('base64');
}

/** What a gateway says of its replica; `uptime` is when this process started, not how long it runs. */
export function gatewayStatus(place: Place, publicKey: string, uptime: string): Record<string, unknown> {
  return { address: place.address, heartbeatTime: seconds(), publicKey, uptime, version: place.version };
}

/** The node object of a replica that is Ready. */
export function nodeObject(place: Place, domain: string, runtime: string): KubeObject {
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const node = newObject(resource('nodes'), place.hostname, undefined, {
    labels: {
      'beta.kubernetes.io/arch': arch,
      'beta.kubernetes.io/os': 'linux',
      domain,
      'kubernetes.io/apiVersion': '0.26.6',
      'kubernetes.io/arch': arch,
      'kubernetes.io/hostname': place.hostname,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/role': 'agent',
      'kuscia.secretflow/namespace': domain,
      'kuscia.secretflow/runtime': runtime,
    },
    spec: {
      podCIDR: '10.42.0.0/24',
      podCIDRs: ['10.42.0.0/24'],
      taints: [{ effect: 'NoSchedule', key: 'kuscia.secretflow/agent', value: 'v1' }],
    },
    status: nodeStatus(place, arch),
  });
  node.metadata.annotations = { 'node.alpha.kubernetes.io/ttl': '0' };
  return node;
}

function nodeStatus(place: Place, arch: string): Record<string, unknown> {
  const { cpu, memoryKi, storageKi, freeKi, kernel, image } = machine(place.home);
  return {
    addresses: [{ address: place.address, type: 'InternalIP' }],
    allocatable: {
      cpu,
      'kuscia.io/bandwidth': '9990',
      memory: `${memoryKi - 512000}Ki`,
      pods: '500',
      storage: `${freeKi}Ki`,
    },
    capacity: { cpu, 'kuscia.io/bandwidth': '10k', memory: `${memoryKi}Ki`, pods: '500', storage: `${storageKi}Ki` },
    conditions: nodeConditions(memoryKi, storageKi, freeKi),
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
    nodeInfo: {
      architecture: arch,
      bootID: place.bootId,
      containerRuntimeVersion: '',
      kernelVersion: kernel,
      kubeProxyVersion: '',
      kubeletVersion: place.version,
      machineID: place.machineId,
      operatingSystem: 'linux',
      osImage: image,
      systemUUID: '',
    },
  };
}

function nodeConditions(memoryKi: number, storageKi: number, freeKi: number): Record<string, string>[] {
  const at = seconds();
  const gigabytes = (ki: number): string => `${(ki / 1024 / 1024).toFixed(1)}GB`;
  const condition = (type: string, status: string, reason: string, message: string) => ({
    lastHeartbeatTime: at,
    lastTransitionTime: at,
    message,
    reason,
    status,
    type,
  });
  const parameters = kernelParameters();
  const satisfied = parameters.every(({ ok }) => ok);
  return [
    condition('NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'),
    condition('PIDPressure', 'False', 'AgentHasSufficientPID', 'Agent has sufficient PID available'),
    condition(
      'MemoryPressure',
      'False',
      'AgentHasSufficientMemory',
      `Agent has sufficient memory available, total=${gigabytes(memoryKi)}, available=${gigabytes(memoryKi)}`,
    ),
    condition(
      'DiskPressure',
      'False',
      'AgentHasNoDiskPressure',
      `Agent has no disk pressure. @agent_volume(/home/kuscia/var/storage/data): space=${gigabytes(storageKi - freeKi)}/${gigabytes(storageKi)}`,
    ),
    condition(
      'OutOfDisk',
      'False',
      'AgentHasSufficientDisk',
      `Agent has sufficient disk space available. @agent_volume: free_space=${gigabytes(freeKi)}`,
    ),
    condition(
      'Kernel-Params',
      satisfied ? 'True' : 'False',
      satisfied
        ? 'Kernel parameters satisfy kuscia recommended requirements'
        : 'Kernel parameters not satisfy kuscia recommended requirements',
      parameters.map(({ name, value, ok }) => `${name}=${value}[${ok ? 'OK' : 'ERR'}]`).join(';'),
    ),
    condition('Ready', 'True', 'AgentReady', 'Agent is ready'),
  ];
}

/** One condition of a node or route by its type. */
export function conditionOf(object: KubeObject, type: string): Record<string, string> | undefined {
  return (object.status?.conditions as Record<string, string>[] | undefined)?.find(
    (condition) => condition.type === type,
  );
}
