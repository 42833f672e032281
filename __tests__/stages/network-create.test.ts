import { describe, expect, test } from '@jest/globals';
import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import { createOverlay, pullImage, removeContainer, removeNetwork, startContainer } from '../../src/docker/commands.ts';
import type { Container } from '../../src/docker/containers.ts';
import type { Network } from '../../src/docker/networks.ts';
import { discard, rehearse, setAside } from '../../src/docker/replacement.ts';
import { PROBE_VERSION, runProbe, type PathTry, type ProbeReport } from '../../src/docker/probe.ts';
import { shellLine } from '../../src/engine/command.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import type { Machine } from '../../src/host/facts.ts';
import { allPaths, pairFailuresOf, probeFailures } from '../../src/stages/data-path.ts';
import { planNetwork } from '../../src/stages/network-create.ts';
import { clusterOf, deploymentOf, THREE } from '../support/deployment.ts';
import {
  BRIDGE,
  containerOf,
  engineInside,
  engineOutside,
  enginesOf,
  imageId,
  machineOf,
  overlayOf,
  probeOf,
  standingOf,
} from '../support/facts.ts';
import { carryOut, images, ok } from '../support/fake.ts';
import { shown, stepOf } from '../support/plans.ts';

interface Told {
  readonly networks?: Fact<readonly Network[]>;
  readonly containers?: Fact<readonly Container[]>;
  readonly probe?: Fact<Container>;
  readonly probeImage?: Fact<string>;
  readonly machine?: Fact<Machine>;
  readonly paths?: Fact<ProbeReport>;
}

const cluster = clusterOf();
const NAME = cluster.network.name;
type Tries = Readonly<Record<string, Omit<PathTry, 'to'>>>;
const SILENT = { ended: 'silent', exit: 28 } as const;
const NARROW = { ended: 'narrow', exit: 28, passes: 1350, lost: 1400 } as const;
const STRANGER = { ended: 'stranger', exit: 0 } as const;
const report = (from: Host, tries: Tries = {}, changes: Partial<ProbeReport> = {}): Fact<ProbeReport> =>
  present({
    version: PROBE_VERSION,
    missing: [],
    proxies: [],
    unresolved: [],
    tries: THREE.filter((to) => to !== from).map((to) => ({
      to: to.name,
      ...(tries[to.name] ?? { ended: 'connected', exit: 0 }),
    })),
    ...changes,
  });
const [one, two, three] = THREE as [Host, Host, Host];

/** Three hosts with network, probes and paths, except for the given facts, by number. */
function factsOf(told: Readonly<Record<number, Told>> = {}, of: Cluster = cluster) {
  const each = of.hosts.map((host, i) => ({ host, told: told[i + 1] ?? {} }));
  return {
    engines: enginesOf(of.hosts, (host) => present(engineInside(host))),
    hosts: each.map(
      ({
        host,
        told: {
          networks = present([BRIDGE, overlayOf(of)]),
          containers = present([]),
          probe = present(probeOf(of)),
          probeImage = present(imageId('a')),
          machine = present(machineOf(host)),
        },
      }) => ({ host, networks, containers, probe: standingOf(probe), probeImage, machine }),
    ),
    paths: new Map(each.map(({ host, told: { paths = report(host) } }) => [host.name, paths])),
  };
}

/** The same facts for all three. */
const all = (told: Told): Record<number, Told> => ({ 1: told, 2: told, 3: told });
const plan = (told: Readonly<Record<number, Told>> = {}, changes: Partial<Cluster> = {}, repair = false) =>
  planNetwork(deploymentOf(changes, { repair }), factsOf(told, clusterOf(changes)));

const OVERLAY = `= node-01 overlay ${NAME} (attachable, 10.200.0.0/24)`;
const CREATE = `+ node-01 overlay ${NAME} 10.200.0.0/24 (absent)`;
const PROBE = (n: number): string => `= node-0${n} probe alice-probe (running on ${NAME})`;
const LATER = [1, 2, 3].map(
  (n) => `? node-0${n} probe alice-probe (after the network; it tests the data path to every other host)`,
);
const PATHS = '= node-01 data path (6 of 6 pairs connected)';
/** Between node-01 and node-03, whose probes stay. */
const OTHERS = '= node-01 data path (2 of 2 pairs connected)';
const TWIN = present(probeOf(cluster, { addresses: { [NAME]: '10.200.0.9' } }));
const none: Told = { networks: present([BRIDGE]), probe: absent };

describe('the plan', () => {
  const cases: readonly [string, Readonly<Record<number, Told>>, readonly string[]][] = [
    ['creates the network on empty hosts', all(none), [CREATE, ...LATER]],
    ['is satisfied if everything exists', {}, [OVERLAY, PROBE(1), PROBE(2), PROBE(3), PATHS]],
    [
      'is satisfied with a network that workers do not see',
      { 2: { networks: present([BRIDGE]) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), PATHS],
    ],
    [
      'starts each missing probe',
      { 2: { probe: absent }, 3: { probe: absent } },
      ['+ node-02 probe alice-probe (absent)', '+ node-03 probe alice-probe (absent)', OVERLAY, PROBE(1)],
    ],
    [
      'starts a probe that exited',
      { 2: { probe: present(probeOf(cluster, { state: 'exited', error: 'oom' })) } },
      [
        '~ node-02 start probe alice-probe {exited (0): oom}',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
        '? node-02 probe alice-probe (if another version started it, or if it uses a proxy)',
      ],
    ],
    [
      'recreates both of two probes that have one address',
      {
        2: { probe: TWIN, containers: present([probeOf(cluster, { addresses: { [NAME]: '10.200.0.9' } })]) },
        3: {
          probe: TWIN,
          containers: present([
            probeOf(cluster, { addresses: { [NAME]: '10.200.0.9' } }),
            probeOf(cluster, { name: 'other', addresses: { [NAME]: '' } }),
          ]),
        },
      },
      [
        '~ node-02 replace probe alice-probe (its address 10.200.0.9 is also used by alice-probe on node-03)',
        '~ node-03 replace probe alice-probe (its address 10.200.0.9 is also used by alice-probe on node-02)',
        OVERLAY,
        PROBE(1),
      ],
    ],
    [
      'leaves a probe whose address no other container of the network has, on whatever host',
      {
        2: { probe: TWIN, containers: present([probeOf(cluster, { addresses: { [NAME]: '10.200.0.9' } })]) },
        3: { containers: present([probeOf(cluster, { addresses: { other: '10.200.0.9' } })]) },
        1: { containers: unknown('no answer') },
      },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), PATHS],
    ],
    [
      'recreates a probe that its host took off the network when it left the swarm',
      { 2: { probe: present(probeOf(cluster, { addresses: {} })) } },
      [
        '~ node-02 replace probe alice-probe (no longer attached to kuscia-exchange-cluster)',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'recreates a probe that never started',
      { 2: { probe: present(probeOf(cluster, { state: 'created', error: 'no network' })) } },
      [
        '~ node-02 replace probe alice-probe {left behind by a failed start: no network}',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'recreates a probe of another image',
      { 2: { probeImage: present(imageId('b')) } },
      [
        `~ node-02 replace probe alice-probe: its tag now refers to another image (nginx:1.26 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)})`,
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'recreates a probe on another network',
      { 2: { probe: present(probeOf(cluster, { networkMode: 'bridge' })) } },
      [
        '~ node-02 replace probe alice-probe (network bridge -> kuscia-exchange-cluster)',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'leaves a probe whose image is gone',
      { 2: { probeImage: absent } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), PATHS],
    ],
    [
      'waits for a cut pair, named once',
      { 2: { paths: report(two, { 'node-03': SILENT }) }, 3: { paths: report(three, { 'node-02': SILENT }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), '. node-02 data path: data-path-cut'],
    ],
    [
      'refuses a pair that is too narrow, immediately',
      { 2: { paths: report(two, { 'node-03': NARROW }) }, 3: { paths: report(three, { 'node-02': NARROW }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), '! node-02 data-path-narrow'],
    ],
    [
      'waits for a pair of which one direction is cut and the other narrow',
      { 2: { paths: report(two, { 'node-03': NARROW }) }, 3: { paths: report(three, { 'node-02': SILENT }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), '. node-03 data path: data-path-cut'],
    ],
    [
      'waits if something else answers, as a proxy does',
      { 1: { paths: report(one, { 'node-02': STRANGER }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), '. node-01 data path: data-path-cut'],
    ],
    [
      'refuses a name that only hosts can resolve, immediately',
      { 2: { paths: report(two, {}, { unresolved: ['db.example'] }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), PATHS, '! node-02 name-unresolved'],
    ],
    [
      'refuses a probe whose image lacks a program, immediately, and tries nothing with it',
      { 2: { paths: report(two, {}, { version: 0, missing: ['bash'], tries: [] }) } },
      [OVERLAY, PROBE(1), PROBE(2), PROBE(3), OTHERS, '! node-02 probe-unfit'],
    ],
    [
      'refuses a probe that exits at each start because a program is missing',
      { 2: { probe: present(probeOf(cluster, { state: 'restarting', exitCode: 127 })) } },
      [OVERLAY, PROBE(1), PROBE(3), OTHERS, '! node-02 probe-unfit'],
    ],
    [
      'recreates such a probe once its image is another',
      {
        2: {
          probe: present(probeOf(cluster, { state: 'restarting', exitCode: 127 })),
          probeImage: present(imageId('b')),
        },
      },
      [
        `~ node-02 replace probe alice-probe: its tag now refers to another image (nginx:1.26 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)})`,
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'recreates a probe of an earlier version',
      { 2: { paths: report(two, {}, { version: 0 }) } },
      [
        '~ node-02 replace probe alice-probe (it was started by another version of kuscia-swarm)',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'recreates a probe that has a proxy',
      { 2: { paths: report(two, {}, { proxies: ['http_proxy', 'HTTP_PROXY'] }) } },
      [
        '~ node-02 replace probe alice-probe (its environment has a proxy (http_proxy, HTTP_PROXY))',
        OVERLAY,
        PROBE(1),
        PROBE(3),
        OTHERS,
      ],
    ],
    [
      'waits for paths that could not be tried',
      { 1: { paths: unknown('exit 1') } },
      [
        OVERLAY,
        PROBE(1),
        PROBE(2),
        PROBE(3),
        '. node-01 data path: data-path-cut',
        '. node-01 data path: data-path-cut',
      ],
    ],
    ['stops at networks it does not know', { 2: { networks: unknown('exit 1') } }, ['! node-02 fact-unknown']],
    ['stops at a probe it does not know', { 3: { probe: unknown('exit 1') } }, ['! node-03 fact-unknown']],
    [
      'stops at routes it does not know, before it takes a subnet',
      { ...all(none), 3: { ...none, machine: unknown('exit 1') } },
      ['+ node-01 overlay kuscia-exchange-cluster 10.200.0.0/24 (absent)', '! node-03 fact-unknown'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(plan(told))).toEqual(lines);
  });

  test('looks for the network on the lead manager', () => {
    const facts = factsOf(all(none));
    const made = planNetwork(deploymentOf(), { ...facts, engines: enginesOf(THREE, () => present(engineOutside())) });
    expect(shown(made)).toEqual([CREATE, ...LATER]);
  });

  test('stops at an unknown engine, because it would look for the network in the wrong place', () => {
    const facts = factsOf();
    expect(
      shown(
        planNetwork(deploymentOf(), {
          ...facts,
          engines: new Map([...facts.engines, ['node-01', unknown('exit 1')] as const]),
        }),
      ),
    ).toEqual(['! node-01 engine-unreachable']);
  });
});

describe('the network that is to be removed', () => {
  const remove = (n: number, group = ''): string => `- node-0${n} remove alice-probe (no longer wanted)${group}`;
  const GROUP = ' [network]';
  const REMOVE = `- node-01 network ${NAME} (overlayoverl) (no longer wanted)${GROUP}`;
  const NO = (n: number): string => `= node-0${n} no probe alice-probe (none on this host)`;
  const gone: Told = { probe: absent };
  const attached = (name: string, address: string): Told => ({
    containers: present([containerOf(name, { addresses: { [NAME]: address } })]),
  });
  const replica = attached('root-kuscia-autonomy-alice', '10.200.0.12');
  const cases: readonly [string, Readonly<Record<number, Told>>, readonly string[]][] = [
    ['is removed after all probes', {}, [remove(1, GROUP), remove(2), remove(3), REMOVE]],
    ['is removed after the remaining probes', { 1: gone, 3: gone }, [remove(2, GROUP), REMOVE, NO(1), NO(3)]],
    ['is removed if no probe is left', all(gone), [REMOVE, NO(1), NO(2), NO(3)]],
    [
      'is planned to be removed while replicas are still to be removed',
      all({ ...gone, ...replica }),
      [REMOVE, NO(1), NO(2), NO(3)],
    ],
    ['is absent', all(none), [NO(1), NO(2), NO(3), `= node-01 no overlay ${NAME} (not in the swarm)`]],
    [
      'is kept while other containers are attached, running or not',
      { 1: gone, 2: { ...gone, ...attached('theirs', '10.200.0.9') }, 3: { ...gone, ...attached('ended', '') } },
      [NO(1), NO(2), NO(3), `= node-01 overlay ${NAME} (kept: used by theirs on node-02, ended on node-03)`],
    ],
    [
      'is kept if it is not as described',
      all({ ...gone, networks: present([overlayOf(cluster, { attachable: false })]) }),
      [NO(1), NO(2), NO(3), `= node-01 overlay ${NAME} (kept: it is not attachable)`],
    ],
    [
      'is not absent if that is not known',
      { 1: { networks: unknown('exit 1') }, 2: { probe: unknown('exit 1') }, 3: { machine: unknown('exit 1') } },
      ['! node-01 fact-unknown', '! node-02 fact-unknown', '! node-03 fact-unknown'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(planNetwork(deploymentOf(), factsOf(told), 'absent'))).toEqual(lines);
  });

  test('is removed by its id', async () => {
    const made = planNetwork(deploymentOf(), factsOf(all(gone)), 'absent');
    const { ran } = await carryOut(stepOf(made, 'network'), [ok('node-01', removeNetwork('overlayoverlayoverlay'))]);
    expect(ran).toHaveLength(1);
  });
});

describe('a network of the wrong type', () => {
  const wrong: readonly [string, Partial<Network>, string][] = [
    ['a bridge', { driver: 'bridge', scope: 'local' }, 'its driver is bridge, not overlay'],
    ['one that is not attachable', { attachable: false }, 'it is not attachable'],
    ['one whose packets have another size', { mtu: 1400 }, 'its mtu is 1400, not 1350'],
    ['one whose packets have the usual size', {}, "its mtu is Docker's default (1450), not 1350"],
    ['one that does not encrypt', { encrypted: false }, 'it is not encrypted'],
    ['one that encrypts', { encrypted: true }, 'it is encrypted'],
    ['another subnet', { subnets: ['10.201.0.0/24'] }, 'its subnet is 10.201.0.0/24, not 10.200.0.0/24'],
  ];
  const sized = { network: { ...cluster.network, mtu: 1350 } };
  const asked = (fault: string): Partial<Cluster> =>
    fault.startsWith('its mtu')
      ? sized
      : fault.includes('encrypt')
        ? { network: { ...cluster.network, encrypted: fault === 'it is not encrypted' } }
        : {};

  test.each(wrong)('%s is refused with what was found and the remedy', (_, changes, fault) => {
    const made = plan({ 1: { networks: present([BRIDGE, overlayOf(cluster, changes)]) } }, asked(fault));
    expect(made.steps).toEqual([]);
    expect(made.failures).toMatchObject([
      { code: 'network-wrong-type', host: 'node-01', what: `the network ${NAME} exists, but ${fault}` },
    ]);
    expect(made.failures[0]?.remedy).toContain('repair: true');
    expect(made.failures[0]?.remedy).toContain('docker network rm overlayoverl');
    expect(made.failures[0]?.evidence).toContain(
      changes.driver === 'bridge' ? 'driver bridge, scope local' : 'driver overlay, scope swarm',
    );
    shown(made);
  });

  test.each(wrong)('%s is removed if the caller asks for repair', (_, changes, fault) => {
    const made = plan({ 1: { networks: present([BRIDGE, overlayOf(cluster, changes)]) } }, asked(fault), true);
    const special = fault.startsWith('its mtu')
      ? ', packets of 1350 bytes'
      : fault === 'it is not encrypted'
        ? ', encrypted'
        : '';
    expect(shown(made)).toEqual([
      `- node-01 network ${NAME} (overlayoverl) (${fault})`,
      `? node-01 overlay kuscia-exchange-cluster 10.200.0.0/24${special} (after the wrong one is removed)`,
      ...LATER,
    ]);
  });

  test('is not one that encrypts as described, nor either kind if that is not described', () => {
    const there = (encrypted: boolean) => all({ networks: present([BRIDGE, overlayOf(cluster, { encrypted })]) });
    for (const encrypted of [true, false]) {
      expect(plan(there(encrypted)).failures).toEqual([]);
      expect(plan(there(encrypted), { network: { ...cluster.network, encrypted } }).failures).toEqual([]);
      expect(
        plan(there(encrypted), { network: { ...cluster.network, encrypted: !encrypted } }).failures[0]?.remedy,
      ).toContain(`encrypted: ${encrypted} into the cluster file`);
    }
  });

  test('is not one of the right MTU, nor of any MTU if none is described', () => {
    expect(plan(all({ networks: present([BRIDGE, overlayOf(cluster, { mtu: 1350 })]) }), sized).failures).toEqual([]);
    expect(plan({ 1: { networks: present([BRIDGE, overlayOf(cluster, { mtu: 1350 })]) } }).failures).toEqual([]);
    expect(shown(plan(all(none), sized))[0]).toBe(
      `+ node-01 overlay ${NAME} 10.200.0.0/24, packets of 1350 bytes (absent)`,
    );
  });

  test('is also refused on a worker', () => {
    const made = plan({
      ...all(none),
      3: {
        networks: present([overlayOf(cluster, { driver: 'bridge', scope: 'local', id: 'bridgeofnode03' })]),
        probe: absent,
      },
    });
    expect(made.failures).toMatchObject([{ code: 'network-wrong-type', host: 'node-03' }]);
  });

  test('that several hosts see is refused once, at the manager', () => {
    const seen = present([overlayOf(cluster, { attachable: false })]);
    expect(plan(all({ networks: seen })).failures).toMatchObject([{ host: 'node-01' }]);
  });

  test('is not touched while anything but probes uses it, even if the caller asks for repair', () => {
    const used = present([
      containerOf('root-kuscia-autonomy-alice', { addresses: { [NAME]: '10.200.0.7' } }),
      containerOf('elsewhere', { addresses: { [NAME]: '' } }),
    ]);
    const made = plan(
      { 1: { networks: present([BRIDGE, overlayOf(cluster, { attachable: false })]) }, 2: { containers: used } },
      {},
      true,
    );
    expect(made.steps).toEqual([]);
    expect(made.failures).toMatchObject([
      { code: 'network-wrong-type', evidence: 'root-kuscia-autonomy-alice on node-02' },
    ]);
  });

  test('is removed after the probes on it', async () => {
    const made = plan(all({ networks: present([overlayOf(cluster, { attachable: false })]) }), {}, true);
    const remove = removeContainer('alice-probe');
    const { fleet } = await carryOut(stepOf(made, 'network'), [
      ...THREE.map(({ name }) => ok(name, remove)),
      ok('node-01', removeNetwork('overlayoverlayoverlay')),
    ]);
    expect(fleet.ran.map(({ host, line }) => `${host} ${line}`)).toEqual([
      'node-01 docker rm --force --volumes alice-probe',
      'node-02 docker rm --force --volumes alice-probe',
      'node-03 docker rm --force --volumes alice-probe',
      'node-01 docker network rm overlayoverlayoverlay',
    ]);
  });
});

describe('the subnet', () => {
  const used = { ...BRIDGE, name: 'other', subnets: ['10.200.0.128/25'] };
  const cases: readonly [
    string,
    Readonly<Record<number, Told>>,
    Partial<Cluster['network']>,
    readonly (readonly [string | undefined, string, string | undefined])[],
  ][] = [
    ['private and free', all(none), {}, []],
    ['public', all(none), { subnet: '16.0.0.0/8' }, [[undefined, '16.0.0.0/8 is public address space', undefined]]],
    ['public and allowed', all(none), { subnet: '16.0.0.0/8', allowPublicSubnet: true }, []],
    [
      'half public',
      all(none),
      { subnet: '192.160.0.0/12' },
      [[undefined, '192.160.0.0/12 is public address space', undefined]],
    ],
    [
      'of another network',
      { ...all(none), 3: { ...none, networks: present([used]) } },
      {},
      [['node-03', '10.200.0.0/24 is already in use', 'network other: 10.200.0.128/25']],
    ],
    [
      'of a route',
      { ...all(none), 2: { ...none, machine: present(machineOf(THREE[1] as Host, { routes: ['10.200.0.0/16'] })) } },
      {},
      [['node-02', '10.200.0.0/24 is already in use', 'route to 10.200.0.0/16']],
    ],
    [
      'next to a route',
      { ...all(none), 2: { ...none, machine: present(machineOf(THREE[1] as Host, { routes: ['10.200.1.0/24'] })) } },
      {},
      [],
    ],
  ];
  test.each(cases)('%s', (_, told, changes, failures) => {
    const made = plan(told, { network: { ...cluster.network, ...changes } });
    expect(made.failures.map(({ code, host, what, evidence }) => [code, host, what, evidence])).toEqual(
      failures.map((each) => ['subnet-unfit', ...each]),
    );
    expect(made.steps).toHaveLength(1);
    shown(made);
  });

  test('is not judged once the network exists', () => {
    expect(plan({ 3: { networks: present([overlayOf(cluster), used]) } }).failures).toEqual([]);
  });
});

describe('carrying out', () => {
  test('creates the network on the manager', async () => {
    const { fleet } = await carryOut(stepOf(plan(all(none)), 'overlay'), [
      ok('node-01', createOverlay(cluster.network)),
    ]);
    expect(fleet.lines('node-01')).toEqual([
      `docker network create --driver overlay --attachable --subnet 10.200.0.0/24 ${NAME}`,
    ]);
  });

  const probe = shellLine(runProbe(cluster, two));
  const listed = images('node-02', { 'nginx:1.26': imageId('a') });

  test('starts a probe, pulling its image if it is absent', async () => {
    const step = stepOf(plan({ 2: { probe: absent } }), 'probe alice-probe');
    const { fleet } = await carryOut(step, [
      images('node-02'),
      ok('node-02', pullImage('nginx:1.26')),
      ok('node-02', runProbe(cluster, two)),
    ]);
    expect(fleet.lines('node-02').slice(1)).toEqual(['docker pull --quiet nginx:1.26', probe]);
  });

  test('replaces and starts probes', async () => {
    const stopping = { seconds: 10 };
    const tried = rehearse('alice-probe', { image: 'nginx:1.26', ports: [], options: [`--network=${NAME}`] });
    const steps = [
      tried,
      setAside('alice-probe', stopping),
      runProbe(cluster, two),
      discard('alice-probe.former', stopping),
    ];
    const replaced = await carryOut(
      stepOf(plan({ 2: { probe: present(probeOf(cluster, { networkMode: 'bridge' })) } }), 'replace'),
      [listed, ...steps.map((command) => ok('node-02', command))],
    );
    expect(replaced.fleet.lines().filter((line) => !line.includes('/images/json'))).toEqual(steps.map(shellLine));
    const start = await carryOut(
      stepOf(plan({ 2: { probe: present(probeOf(cluster, { state: 'exited' })) } }), 'start probe'),
      [ok('node-02', startContainer('alice-probe', 'exited'))],
    );
    expect(start.fleet.lines()).toEqual([shellLine(startContainer('alice-probe', 'exited'))]);
  });
});

describe('the data path', () => {
  const paths = (tries: Readonly<Record<string, Tries>>) =>
    allPaths(cluster, new Map(THREE.map((host) => [host.name, report(host, tries[host.name])])));

  test('is reported for every direction', () => {
    const seen = allPaths(
      cluster,
      new Map([
        ['node-01', report(one, {}, { tries: [{ to: 'node-02', ended: 'connected', exit: 0 }] })],
        ['node-02', unknown('no probe')],
        [
          'node-03',
          report(three, { 'node-01': { ended: 'unresolved', exit: 6 }, 'node-02': { ended: 'failed', exit: 56 } }),
        ],
      ]),
    );
    expect(seen).toEqual([
      { from: 'node-01', to: 'node-02', connected: true, seen: 'answered' },
      { from: 'node-01', to: 'node-03', connected: false, seen: 'no result', because: 'untried' },
      { from: 'node-02', to: 'node-01', connected: false, seen: 'no probe', because: 'untried' },
      { from: 'node-02', to: 'node-03', connected: false, seen: 'no probe', because: 'untried' },
      {
        from: 'node-03',
        to: 'node-01',
        connected: false,
        seen: 'its name does not resolve on the network',
        cause: expect.stringContaining('7946'),
        because: 'unresolved',
      },
      { from: 'node-03', to: 'node-02', connected: false, seen: 'request failed (curl exit 56)' },
    ]);
    expect(allPaths(cluster, new Map()).every(({ connected }) => !connected)).toBe(true);
  });

  const refused = { ended: 'refused', exit: 7 } as const;
  const cases: readonly [string, Readonly<Record<string, Tries>>, readonly string[]][] = [
    ['no pair', {}, []],
    ['one direction', { 'node-02': { 'node-03': SILENT } }, [`node-02 cannot reach node-03 over ${NAME}`]],
    [
      'both directions',
      { 'node-02': { 'node-03': SILENT }, 'node-03': { 'node-02': refused } },
      [`node-02 and node-03 cannot reach each other over ${NAME}`],
    ],
    [
      'one host from both',
      {
        'node-01': { 'node-03': SILENT },
        'node-02': { 'node-03': SILENT },
        'node-03': { 'node-01': SILENT, 'node-02': SILENT },
      },
      [
        `node-01 and node-03 cannot reach each other over ${NAME}`,
        `node-02 and node-03 cannot reach each other over ${NAME}`,
      ],
    ],
    [
      'one direction if the other is narrow',
      { 'node-02': { 'node-03': NARROW }, 'node-03': { 'node-02': SILENT } },
      [`node-03 and node-02 cannot reach each other over ${NAME}`],
    ],
  ];
  test.each(cases)('names %s', (_, tries, whats) => {
    const failures = pairFailuresOf(cluster, paths(tries));
    expect(failures.map(({ code, what }) => [code, what])).toEqual(whats.map((what) => ['data-path-cut', what]));
    for (const { remedy } of failures) expect(remedy).toContain('4789/udp');
  });

  test('with too small an MTU is reported with the smaller size of both directions, and the remedy', () => {
    expect(
      pairFailuresOf(
        cluster,
        paths({ 'node-02': { 'node-03': NARROW }, 'node-03': { 'node-02': { ...NARROW, passes: 1300, lost: 1350 } } }),
      ),
    ).toEqual([
      {
        code: 'data-path-narrow',
        host: 'node-02',
        what: `packets over 1300 bytes are lost between node-02 and node-03 on ${NAME}`,
        evidence: 'probe on node-02 to probe on node-03: packets of 1350 bytes pass, packets of 1400 bytes do not',
        cause: expect.stringContaining('drops larger packets'),
        remedy: expect.stringMatching(/packets of 1500 bytes.*network\.mtu: 1300/),
        definite: true,
      },
    ]);
  });

  describe('that a probe did not try', () => {
    const GONE = unknown('could not try the data path from the probe: exit 1: Error: No such container: alice-probe');
    const without = (host: Host, tries: Readonly<Record<string, Tries>>) =>
      pairFailuresOf(
        cluster,
        allPaths(
          cluster,
          new Map(THREE.map((each) => [each.name, each === host ? GONE : report(each, tries[each.name])])),
        ),
      );
    const UNRESOLVED = { ended: 'unresolved', exit: 6 } as const;
    const untried = (from: string, to: string) => ({
      code: 'data-path-cut',
      host: from,
      what: `the data path from ${from} to ${to} over ${NAME} could not be tested`,
      evidence: `probe on ${from}: ${GONE.is === 'unknown' ? GONE.why : ''}`,
      remedy: expect.stringMatching(/mode: apply\): it starts the probe on node-03.*docker stats alice-probe/),
    });

    test('is reported for its own host, with the way to start that probe and no word of ports', () => {
      const failures = without(three, {});
      expect(failures).toEqual([untried('node-03', 'node-01'), untried('node-03', 'node-02')]);
      for (const { remedy } of failures) expect(remedy).not.toMatch(/4789|7946/);
    });

    test('explains that others do not know its name', () => {
      expect(without(three, { 'node-01': { 'node-03': UNRESOLVED }, 'node-02': { 'node-03': UNRESOLVED } })).toEqual([
        untried('node-03', 'node-01'),
        untried('node-03', 'node-02'),
      ]);
    });

    test('does not hide that packets from others are lost', () => {
      expect(without(one, { 'node-02': { 'node-01': SILENT } })).toMatchObject([
        { host: 'node-02', what: `node-02 cannot reach node-01 over ${NAME}`, remedy: expect.stringContaining('4789') },
        { host: 'node-01', what: `the data path from node-01 to node-03 over ${NAME} could not be tested` },
      ]);
    });
  });

  test('on which something else answers is reported with the possible causes', () => {
    expect(pairFailuresOf(cluster, paths({ 'node-02': { 'node-03': STRANGER } }))).toMatchObject([
      {
        code: 'data-path-cut',
        evidence: expect.stringContaining('something else answers'),
        cause: expect.stringContaining('earlier version'),
        remedy: expect.stringContaining('mode: apply'),
      },
    ]);
  });

  test('is not reported if the image of a probe is unfit: the image and what it lacks are', () => {
    expect(
      probeFailures(
        cluster,
        new Map([['node-02', report(two, {}, { missing: ['bash', 'curl'], unresolved: ['x.example'] })]]),
      ),
    ).toMatchObject([
      {
        code: 'probe-unfit',
        host: 'node-02',
        what: 'the probe cannot work with the image nginx:1.26',
        evidence: 'its image lacks bash, curl',
        remedy: expect.stringContaining('network.probe-image'),
        definite: true,
      },
    ]);
  });
});
