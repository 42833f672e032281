import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import type { CheckName, Matrix } from '../../src/cluster/matrix.ts';
import { present, unknown, type Fact } from '../../src/engine/fact.ts';
import type { Plan } from '../../src/engine/plan.ts';
import { requestsFor, type Gateway, type Registry } from '../../src/kuscia/facts.ts';
import { fingerprint } from '../../src/kuscia/configuration.ts';
import { matrixOf, planVerify } from '../../src/stages/verify.ts';
import { clusterOf, THREE } from '../support/deployment.ts';
import { answerOf, engineInside, enginesOf, gatewayOf, machineOf, nameOf, nodeOf, NOW, registryOf, replicaOf } from '../support/facts.ts';
import { KEY, OTHER_KEY } from '../support/key.ts';
import { shown } from '../support/plans.ts';

type Facts = Parameters<typeof matrixOf>[1];
type OnHost = Facts['replicas'][number];
const cluster = clusterOf();
const HOSTS = THREE.slice(1);
const [two, three] = HOSTS as [Host, Host];

/** A cluster with nothing wrong, but for what is told of it, and of its replicas by number. */
function factsOf(told: Partial<Facts> = {}, replicas: Readonly<Record<number, Partial<OnHost>>> = {}): Facts {
  return {
    engines: enginesOf(THREE, (host) => present(engineInside(host))),
    nodes: present(THREE.map((host) => nodeOf(host))),
    paths: THREE.flatMap((from) => THREE.filter((to) => to !== from).map((to) => ({ from: from.name, to: to.name, connected: true, seen: 'answered' }))),
    answers: present(Array.from({ length: requestsFor(cluster) }, (_, i) => answerOf(cluster, HOSTS[i % 2] as Host))),
    replicas: HOSTS.map((host, i): OnHost => ({ host, machine: present(machineOf(host)), container: present(replicaOf(cluster, host)), answer: present(answerOf(cluster, host)), registry: present(registryOf(cluster, HOSTS)), ...replicas[i + 2] })),
    ms: 1_234, ...told,
  };
}

function verify(...told: Parameters<typeof factsOf>): { matrix: Matrix; plan: Plan } {
  const facts = factsOf(...told);
  const matrix = matrixOf(cluster, facts);
  return { matrix, plan: planVerify(cluster, facts, matrix) };
}

/** What is red: `node-02 key: abc differs`. */
const red = ({ rows }: Matrix): string[] => rows.flatMap(({ host, cells }) => Object.entries(cells).filter(([, { ok }]) => !ok).map(([name, { text }]) => `${host} ${name}: ${text}`));

/** What both replicas say, with a change to the gateway of one. */
const saying = (host: Host, changes: Partial<Gateway>): Fact<Registry> => present(registryOf(cluster, HOSTS, { gateways: HOSTS.map((each) => gatewayOf(cluster, each, each === host ? changes : {})) }));
const both = (registry: Fact<Registry>): Record<number, Partial<OnHost>> => ({ 2: { registry }, 3: { registry } });
const finger = (key: string): string => fingerprint(key).slice(0, 8);

test('a cluster as described is healthy, every check with its value', () => {
  const { matrix, plan } = verify();
  const row = (host: Host, count: number) => ({
    replica: nameOf(cluster, host), host: host.name,
    cells: {
      direct: { ok: true, text: '401 ok' }, throughLb: { ok: true, text: `${count} of 9` }, heartbeat: { ok: true, text: '5 s ago' }, overlay: { ok: true, text: host === two ? '10.200.0.12' : '10.200.0.13' },
      key: { ok: true, text: finger(KEY.shown) }, node: { ok: true, text: 'Ready' }, version: { ok: true, text: '1.1.0b0' },
    },
  });
  expect(matrix).toEqual({ domain: 'alice', healthy: true, url: 'http://10.77.0.11:8080', rows: [row(two, 5), row(three, 4)], nodes: { ready: 3, total: 3 }, pairs: { connected: 6, total: 6 }, ms: 1_234 });
  expect(shown(plan)).toEqual(HOSTS.map((host) => `= ${host.name} ${nameOf(cluster, host)} (all checks ok)`));
  expect(plan.empty).toBe(true);
});

describe('red is', () => {
  const outsider = { ...registryOf(cluster, HOSTS), gateways: registryOf(cluster, HOSTS).gateways.slice(1) };
  const stale = gatewayOf(cluster, two, { name: 'root-kuscia-autonomy-alice-gone', publicKey: OTHER_KEY.shown, heartbeat: NOW - 120_000, version: 'v0.9' });
  const cases: readonly [string, Parameters<typeof factsOf>, readonly string[]][] = [
    ['a replica that does not answer', [{}, { 2: { answer: present({ status: 0, domain: '', instance: '' }) } }], ['node-02 direct: no answer']],
    ['one that could not be asked', [{}, { 2: { answer: unknown('exit 1') } }], ['node-02 direct: not asked']],
    ['one whose port another replica answers', [{}, { 2: { answer: present(answerOf(cluster, three)) } }], ['node-02 direct: 401 from root-kuscia-autonomy-alice-node-03']],
    ['one whose port another program answers', [{}, { 2: { answer: present({ status: 200, domain: '', instance: '' }) } }], ['node-02 direct: 200, but not from a Kuscia gateway']],
    ['one that lets requests in', [{}, { 2: { answer: present(answerOf(cluster, two, { status: 200 })) } }], ['node-02 direct: 200 from domain alice']],
    ['one that is never seen through the load balancer', [{ answers: present(Array.from({ length: 9 }, () => answerOf(cluster, two))) }], ['node-03 throughLb: 0 of 9']],
    ['a load balancer that does not answer', [{ answers: present(Array.from({ length: 9 }, () => ({ status: 502, domain: '', instance: '' }))) }], ['node-02 throughLb: 0 of 9', 'node-03 throughLb: 0 of 9']],
    ['a load balancer that could not be asked', [{ answers: unknown('exit 1') }], ['node-02 throughLb: not asked', 'node-03 throughLb: not asked']],
    ['an old heartbeat', [{}, both(saying(two, { heartbeat: NOW - 45_000 }))], ['node-02 heartbeat: 45 s ago']],
    ['an address outside the overlay', [{}, both(saying(two, { address: '172.17.0.4' }))], ['node-02 overlay: 172.17.0.4 outside']],
    ['another address than its container\'s', [{}, both(saying(two, { address: '10.200.0.99' }))], ['node-02 overlay: 10.200.0.99, container 10.200.0.12']],
    ['an address of a container that is not on the overlay', [{}, { 2: { container: present(replicaOf(cluster, two, { addresses: {} })) } }], ['node-02 overlay: 10.200.0.12, container absent']],
    ['one address twice', [{}, { 2: { registry: saying(three, { address: '10.200.0.12' }) }, 3: { registry: saying(three, { address: '10.200.0.12' }), container: present(replicaOf(cluster, three, { addresses: { [cluster.network.name]: '10.200.0.12' } })) } }], ['node-02 overlay: 10.200.0.12 twice', 'node-03 overlay: 10.200.0.12 twice']],
    ['another key', [{}, both(saying(three, { publicKey: OTHER_KEY.shown }))], [`node-02 key: ${finger(KEY.shown)} differs`, `node-03 key: ${finger(OTHER_KEY.shown)} differs`]],
    ['no key', [{}, both(saying(three, { publicKey: '' }))], [`node-02 key: ${finger(KEY.shown)} differs`, 'node-03 key: absent']],
    ['another version', [{}, both(saying(three, { version: 'v1.0.0b0' }))], ['node-02 version: 1.1.0b0 differs', 'node-03 version: 1.0.0b0 differs']],
    ['no version', [{}, both(saying(three, { version: '' }))], ['node-02 version: 1.1.0b0 differs', 'node-03 version: absent']],
    ['a node that is NotReady', [{}, both(present(registryOf(cluster, HOSTS, { nodes: HOSTS.map((host) => ({ name: nameOf(cluster, host), ready: host === two })) })))], ['node-03 node: NotReady']],
    ['a replica that never registered', [{}, both(present(outsider))], ['node-02 heartbeat: absent', 'node-02 overlay: absent', 'node-02 key: absent', 'node-02 version: absent']],
    ['a domain that registered nothing', [{}, both(present({ gateways: [], nodes: [] }))], ['node-02', 'node-03'].flatMap((host) => ['heartbeat', 'overlay', 'key', 'node', 'version'].map((name) => `${host} ${name}: absent`))],
    ['a replica whose own API is silent, though the other tells of it', [{}, { 2: { registry: unknown('exit 1') } }], ['node-02 node: API silent']],
    ['nothing, for the stale object of a replica that is gone', [{}, both(present(registryOf(cluster, HOSTS, { gateways: [...registryOf(cluster, HOSTS).gateways, stale] })))], []],
    ['everything, where nobody tells the registry', [{}, both(unknown('exit 1'))], ['node-02', 'node-03'].flatMap((host) => ['heartbeat: absent', 'overlay: absent', 'key: absent', 'node: API silent', 'version: absent'].map((check) => `${host} ${check}`))],
  ];
  test.each(cases)('%s', (_, told, wanted) => {
    const { matrix, plan } = verify(...told);
    expect(red(matrix)).toEqual(wanted);
    expect(matrix.healthy).toBe(wanted.length === 0);
    expect(plan.awaited.map(({ host, failure: { code } }) => `${host} ${code}`)).toEqual(wanted.map((line) => `${line.split(' ')[0] ?? ''} cluster-unhealthy`));
    expect(plan.empty).toBe(wanted.length === 0);
    shown(plan);
  });

  test('a replica whose host cannot be read, under a name that says so', () => {
    const { matrix, plan } = verify({}, { 2: { machine: unknown('no shell'), container: unknown('x'), registry: unknown('y') } });
    expect(matrix.rows[0]?.replica).toBe('replica on node-02');
    expect(Object.values(matrix.rows[0]?.cells ?? {}).filter(({ ok }) => ok)).toEqual([]);
    shown(plan);
  });

  test('says which ports a node needs that is down, and for a host that is none how it becomes one', () => {
    const remedies = (nodes: Facts['nodes']) => verify({ nodes }).plan.awaited.map(({ failure }) => failure.remedy);
    expect(remedies(present(THREE.map((host) => nodeOf(host, host === three ? { state: 'down' } : {}))))).toEqual([expect.stringContaining('2377/tcp')]);
    expect(remedies(present([nodeOf(THREE[0] as Host), nodeOf(two)]))).toEqual([expect.stringContaining('mode: apply')]);
  });

  const others: readonly [string, Partial<Facts>, readonly string[]][] = [
    ['a node that is down', { nodes: present(THREE.map((host) => nodeOf(host, host === three ? { state: 'down' } : {}))) }, ['. node-03 as described: node-not-ready']],
    ['a host that is no node', { nodes: present([nodeOf(THREE[0] as Host), nodeOf(two)]) }, ['. node-03 as described: node-not-ready']],
    ['nodes that are not known', { nodes: unknown('no leader') }, THREE.map(({ name }) => `. ${name} as described: node-not-ready`)],
    ['an engine that is not known', { engines: enginesOf(THREE, (host) => (host === two ? unknown('down') : present(engineInside(host)))) }, ['. node-02 as described: node-not-ready']],
    ['a pair that is cut', { paths: factsOf().paths.map((path) => (path.from === 'node-02' && path.to === 'node-03' ? { ...path, connected: false, seen: 'no answer' } : path)) }, ['. node-02 as described: data-path-cut']],
  ];
  test.each(others)('%s', (_, told, lines) => {
    const { matrix, plan } = verify(told);
    expect(shown(plan)).toEqual(lines);
    expect(matrix.healthy).toBe(false);
  });

  test('a cluster of which nothing is known, in every check', () => {
    const nothing = HOSTS.map((host): OnHost => ({ host, machine: unknown('a'), container: unknown('b'), answer: unknown('c'), registry: unknown('d') }));
    const { matrix, plan } = verify({ engines: new Map(), nodes: unknown('e'), answers: unknown('f'), replicas: nothing, paths: factsOf().paths.map((path) => ({ ...path, connected: false })) });
    const names: CheckName[] = ['direct', 'throughLb', 'heartbeat', 'overlay', 'key', 'node', 'version'];
    expect(matrix.rows.flatMap(({ cells }) => names.filter((name) => cells[name].ok))).toEqual([]);
    expect(matrix).toMatchObject({ healthy: false, nodes: { ready: 0, total: 3 }, pairs: { connected: 0, total: 6 } });
    expect(plan.awaited).toHaveLength(14 + 3 + 3);
    shown(plan);
  });
});
