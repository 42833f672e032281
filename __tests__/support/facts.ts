import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import { absolute, folders } from '../../src/cluster/folders.ts';
import type { ContainerPair } from '../../src/docker/wanted.ts';
import type { Container } from '../../src/docker/containers.ts';
import type { Engine, SwarmNode } from '../../src/docker/facts.ts';
import type { Network } from '../../src/docker/networks.ts';
import { present, type Fact } from '../../src/engine/fact.ts';
import type { Machine } from '../../src/host/facts.ts';
import type { Setup } from '../../src/host/setup.ts';
import type { HostFile } from '../../src/host/files.ts';
import type { Answer } from '../../src/kuscia/facts.ts';
import type { Gateway, Registry } from '../../src/kuscia/registry.ts';
import { replicaContainer, replicaName } from '../../src/kuscia/names.ts';
import { KEY } from './key.ts';

/** The moment at which all facts of these tests were gathered, in milliseconds since the epoch. */
export const NOW = Date.UTC(2026, 10, 23, 12);

export const GIB = 1024 ** 3;

/** Ids as docker generates them, distinguished by one letter. */
export const imageId = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A machine that meets every requirement. */
export const machineOf = (host: Host, changes: Partial<Machine> = {}): Machine => ({
  user: 'root',
  home: '/root',
  hostname: host.name,
  machineId: `id-of-${host.name}`,
  arch: 'x86_64',
  kernel: '6.1.0-28-amd64',
  memory: 16 * GIB,
  ptraceScope: 1,
  clock: NOW,
  listening: [22],
  routes: ['10.77.0.0/24', '172.17.0.0/16'],
  missingPrograms: [],
  ...changes,
});

/** Docker set up as packages do it, for a login that is root, with the rules of an engine that has no network but its own. */
export const setupOf = (changes: Partial<Setup> = {}): Setup => ({
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  docker: '/usr/bin/docker',
  found: ['/usr/bin/docker'],
  socket: 'open',
  elsewhere: [],
  proxies: [],
  options: [],
  kernel: {
    'net.ipv4.ip_forward': 1,
    'fs.inotify.max_user_instances': 128,
    'fs.inotify.max_user_watches': 65536,
    'kernel.pty.nr': 2,
    'kernel.pty.max': 4096,
    'kernel.pty.reserve': 1024,
  },
  noTerminal: '',
  rules: RULES,
  onLink: ['10.77.0.0/24', '172.17.0.0/16'],
  ...changes,
});

/** Of an engine's firewall rules, those that are read. */
export const RULES: readonly string[] = [
  'filter :DOCKER - [0:0]',
  'filter :DOCKER-USER - [0:0]',
  'filter -A FORWARD -j DOCKER-USER',
  'filter -A FORWARD -o docker0 -j DOCKER',
  'nat :DOCKER - [0:0]',
  'nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
  'nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
];

/** Node id of a host. */
export const nodeId = (host: Host): string => `id${host.name.replace('-', '')}`;

/** An engine in no swarm. */
export const engineOutside = (changes: Partial<Engine> = {}): Engine => ({
  version: '27.3.1',
  cpus: 8,
  memory: 16 * GIB,
  rootDir: '/var/lib/docker',
  securityOptions: [],
  liveRestore: false,
  firewall: '',
  addressPools: [],
  logDriver: 'json-file',
  swarm: {
    state: 'inactive',
    nodeId: '',
    address: '',
    isManager: false,
    clusterId: undefined,
    managers: [],
    managerIds: [],
    error: '',
  },
  ...changes,
});

/** An engine in the swarm of that id. */
export const engineInside = (
  host: Host,
  role: 'manager' | 'worker' = host.roles.includes('manager') ? 'manager' : 'worker',
  clusterId = 'swarm-of-alice',
): Engine =>
  engineOutside({
    swarm: {
      state: 'active',
      nodeId: nodeId(host),
      address: host.address,
      isManager: role === 'manager',
      clusterId: role === 'manager' ? clusterId : undefined,
      managers: ['10.77.0.11:2377'],
      managerIds: [],
      error: '',
    },
  });

/** Engines by host name. */
export const enginesOf = (hosts: readonly Host[], make: (host: Host) => Fact<Engine>): Map<string, Fact<Engine>> =>
  new Map(hosts.map((host) => [host.name, make(host)]));

/** A node that is as the cluster file wants it. */
export const nodeOf = (host: Host, changes: Partial<SwarmNode> = {}): SwarmNode => ({
  id: nodeId(host),
  hostname: host.name,
  role: host.roles.includes('manager') ? 'manager' : 'worker',
  state: 'ready',
  availability: 'active',
  address: host.address,
  labels: {},
  ...changes,
});

/** The overlay network of the cluster. */
export const overlayOf = (cluster: Cluster, changes: Partial<Network> = {}): Network => ({
  id: 'overlayoverlayoverlay',
  name: cluster.network.name,
  driver: 'overlay',
  scope: 'swarm',
  attachable: true,
  subnets: [cluster.network.subnet],
  masquerade: false,
  encrypted: false,
  ...changes,
});

/** A network that every host has. */
export const BRIDGE: Network = {
  id: 'bridgebridgebridge',
  name: 'bridge',
  driver: 'bridge',
  scope: 'local',
  attachable: false,
  subnets: ['172.17.0.0/16'],
  masquerade: true,
  encrypted: false,
};

/** A container that runs since an hour. */
export const containerOf = (name: string, changes: Partial<Container> = {}): Container => ({
  id: `${name}-id`,
  name,
  image: 'image:1',
  imageId: imageId('a'),
  state: 'running',
  error: '',
  exitCode: 0,
  createdAt: NOW - 3_600_000,
  startedAt: NOW - 3_600_000,
  restarts: 0,
  hostname: name,
  memory: 0,
  restartPolicy: 'always',
  ports: {},
  hostAddresses: {},
  mounts: {},
  addresses: {},
  networkMode: 'bridge',
  ...changes,
});

/** The container as the engine shows it. */
export const inspectedAs = (it: Container): string =>
  JSON.stringify({
    Id: it.id,
    Created: new Date(it.createdAt).toISOString(),
    Name: `/${it.name}`,
    Image: it.imageId,
    RestartCount: it.restarts,
    State: {
      Status: it.state,
      Error: it.error,
      ExitCode: it.exitCode,
      StartedAt: new Date(it.startedAt).toISOString(),
    },
    Config: { Image: it.image, Hostname: it.hostname, Env: ['SECRET=of-somebody-else'] },
    HostConfig: {
      Memory: it.memory,
      NetworkMode: it.networkMode,
      RestartPolicy: { Name: it.restartPolicy },
      PortBindings: Object.fromEntries(
        Object.entries(it.ports).map(([inside, port]) => [
          inside,
          [{ HostIp: it.hostAddresses[inside] ?? '', HostPort: String(port) }],
        ]),
      ),
    },
    Mounts: Object.entries(it.mounts).map(([Destination, Source]) => ({ Type: 'bind', Source, Destination })),
    NetworkSettings: {
      Networks: Object.fromEntries(Object.entries(it.addresses).map(([name, IPAddress]) => [name, { IPAddress }])),
    },
  });

/** What stands on a host where this is known of the container, and that of a former one. */
export const standingOf = (container: Fact<Container>, former?: Container): Fact<ContainerPair> =>
  container.is === 'unknown'
    ? container
    : present({ current: container.is === 'present' ? container.value : undefined, former });

/** The probe of a host. */
export const probeOf = (cluster: Cluster, changes: Partial<Container> = {}): Container =>
  containerOf(`${cluster.domain}-probe`, {
    image: cluster.network.probeImage,
    networkMode: cluster.network.name,
    addresses: { [cluster.network.name]: '10.200.0.2' },
    ...changes,
  });

/** Name of the replica on a host whose login is root. */
export const nameOf = (cluster: Cluster, host: Host): string =>
  replicaName(replicaContainer(cluster, 'root'), host.name);

/** The container of a replica as the cluster file describes it. */
export const replicaOf = (cluster: Cluster, host: Host, changes: Partial<Container> = {}): Container =>
  containerOf(replicaContainer(cluster, 'root'), {
    image: cluster.image,
    hostname: nameOf(cluster, host),
    memory: cluster.memory,
    networkMode: cluster.network.name,
    addresses: { [cluster.network.name]: addressOf(host) },
    ports: {
      '1080/tcp': cluster.ports.gateway,
      '80/tcp': cluster.ports.internal,
      '8082/tcp': cluster.ports.api,
      '8083/tcp': cluster.ports.apiGrpc,
      '9091/tcp': cluster.ports.metrics,
    },
    mounts: { '/home/kuscia/etc/conf/kuscia.yaml': absolute('/root', folders(cluster).config) },
    ...changes,
  });

/** Address of a host's replica on the overlay network. */
export const addressOf = (host: Host): string => `10.200.0.${host.address.split('.')[3] ?? ''}`;

/** The gateway object of a replica that is alive. */
export const gatewayOf = (cluster: Cluster, host: Host, changes: Partial<Gateway> = {}): Gateway => ({
  name: nameOf(cluster, host),
  address: addressOf(host),
  version: 'v1.1.0b0',
  publicKey: KEY.shown,
  uptime: NOW - 3_600_000,
  heartbeat: NOW - 5_000,
  ...changes,
});

/** The report of every replica about all replicas. */
export const registryOf = (cluster: Cluster, hosts: readonly Host[], changes: Partial<Registry> = {}): Registry => ({
  gateways: hosts.map((host) => gatewayOf(cluster, host)),
  nodes: hosts.map((host) => ({ name: nameOf(cluster, host), ready: true })),
  tasks: [],
  ...changes,
});

/** How the gateway of a host's replica answers. */
export const answerOf = (cluster: Cluster, host: Host, changes: Partial<Answer> = {}): Answer => ({
  status: 401,
  domain: cluster.domain,
  instance: nameOf(cluster, host),
  exit: 0,
  ...changes,
});

/** A file that was written two hours ago. */
export const fileOf = (sha256: string, changes: Partial<HostFile> = {}): Fact<HostFile> =>
  present({ mode: '600', sha256, changedAt: NOW - 7_200_000, ...changes });
