import { describe, expect, test } from '@jest/globals';
import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { folders } from '../../src/cluster/folders.ts';
import { restartContainer, startContainer } from '../../src/docker/commands.ts';
import { container, lastLogLines, type Container } from '../../src/docker/containers.ts';
import { image, imageIdentity } from '../../src/docker/facts.ts';
import { discard, putBack, rehearse, setAside } from '../../src/docker/replacement.ts';
import { actor } from '../../src/engine/actor.ts';
import { shellLine } from '../../src/engine/command.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { RunCache } from '../../src/engine/run-cache.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';
import { Secret } from '../../src/engine/secret.ts';
import { machine } from '../../src/host/facts.ts';
import { file } from '../../src/host/files.ts';
import { extractScript, startReplica, terminalCheck } from '../../src/kuscia/commands.ts';
import { directAnswer, lastErrorLines, loadBalancerAnswers, requestsFor } from '../../src/kuscia/facts.ts';
import { registry } from '../../src/kuscia/registry.ts';
import { loadedConfiguration } from '../../src/nginx/commands.ts';
import { configurationFile, loadBalancerFiles, movingFiles } from '../../src/nginx/configuration.ts';
import { formerPorts, kusciaStart, planReplicas } from '../../src/stages/kuscia-start.ts';
import { forwardedReplicas } from '../../src/stages/forwarded.ts';
import type { Replica } from '../../src/stages/replica.ts';
import { clusterOf, deploymentOf, THREE } from '../support/deployment.ts';
import {
  answerOf,
  containerOf,
  fileOf,
  gatewayOf,
  GIB,
  imageId,
  machineOf,
  nameOf,
  NOW,
  registryOf,
  replicaOf,
  standingOf,
} from '../support/facts.ts';
import {
  carryOut,
  ends,
  FakeFleet,
  images,
  containersAre,
  noContainer,
  ok,
  type Carried,
  type Script,
} from '../support/fake.ts';
import { shown, stepOf } from '../support/plans.ts';
import { says } from '../support/lines.ts';
import { notApproved, type Change } from '../../src/engine/approved.ts';

/** The facts about a replica; its container is given separately. */
type OnHost = Omit<Replica, 'standing'> & { readonly container: Fact<Container>; readonly former: Container };
const cluster = clusterOf();
const HOSTS = THREE.slice(1);
const NAME = 'root-kuscia-autonomy-alice';
const [two] = HOSTS as [Host];

/** Both replicas proven, except for the given facts about the first; its container by its differences. */
function factsOf(
  { container, former, ...told }: Partial<OnHost> = {},
  differences: Partial<Container> = {},
  of: Cluster = cluster,
): Replica[] {
  return HOSTS.map((host, i): Replica => ({
    host,
    machine: present(machineOf(host)),
    image: present(imageId('a')),
    identity: absent,
    file: fileOf('x'),
    standing:
      i === 0
        ? standingOf(container ?? present(replicaOf(cluster, host, differences)), former)
        : standingOf(present(replicaOf(cluster, host))),
    answer: present(answerOf(of, host)),
    registry: present(registryOf(cluster, HOSTS)),
    lastErrorLines: present(''),
    within: absent,
    elsewhere: absent,
    forwarded: present(new Set(HOSTS.map((each) => nameOf(cluster, each)))),
    ...(i === 0 && told),
  }));
}
const plan = (...told: Parameters<typeof factsOf>) => planReplicas(deploymentOf(told[2] ?? {}), factsOf(...told));

const FINE = (host: Host): string =>
  `= ${host.name} replica ${nameOf(cluster, host)} (answers, registered, as described)`;
const third = FINE(THREE[2] as Host);
const does = (change: string, what: string, why: string): string => `${change} node-02 ${what} (${why}) [replicas]`;
/** The same, for a reason of the moment. */
const now = (what: string, why: string): string => `~ node-02 ${what} {${why}} [replicas]`;
const waits = '. node-02 replica root-kuscia-autonomy-alice-node-02 works: replica-unhealthy';
const young: Partial<Container> = { startedAt: NOW - 60_000 };
const youngFile = { file: fileOf('x') };
const silent = present({ status: 0, domain: '', instance: '', exit: 28 });
const refused = present({ status: 0, domain: '', instance: '', exit: 7 });
const other = present({ status: 200, domain: '', instance: '', exit: 0 });
const since = (host: Host, startedAt: number) =>
  present(
    registryOf(cluster, HOSTS, {
      gateways: HOSTS.map((each) =>
        gatewayOf(cluster, each, each === host ? { uptime: startedAt + 1000, heartbeat: NOW - 1000 } : {}),
      ),
    }),
  );

test('kuscia.sh is prefetched on the hosts whose replicas change, not on the host of the database, where root is closed', async () => {
  const deployment = deploymentOf();
  const stage = kusciaStart.of(deployment);
  const made = planReplicas(deployment, factsOf({}, { memory: GIB }));
  made.later.push({ host: 'node-01', ...says('close root', 'later') });
  const fleet = new FakeFleet([
    images('node-02', { [cluster.image]: imageId('a') }),
    ok('node-02', extractScript(cluster)),
  ]);
  await stage.prefetch?.(made, actor(stage, { fleet, emit: () => undefined, words: PLAN_WORDS }, new RunCache()));
  expect(fleet.lines()).toEqual([image(cluster.image).command, extractScript(cluster)].map(shellLine));
});

describe('a replica', () => {
  const cases: readonly [string, Parameters<typeof factsOf>, readonly string[]][] = [
    ['that is proven is left alone', [], [FINE(two), third]],
    [
      'that is absent is started',
      [{ container: absent, answer: unknown('exit 1'), registry: unknown('exit 1') }],
      [does('+', `start replica ${NAME}`, 'absent'), third],
    ],
    [
      'left behind by a failed start is recreated',
      [{}, { state: 'created', error: 'port is already allocated' }],
      [now(`replace replica ${NAME}`, 'left behind by a failed start: port is already allocated'), third],
    ],
    [
      'that its host took off the network is recreated',
      [{}, { addresses: {} }],
      [does('~', `replace replica ${NAME}`, 'no longer attached to kuscia-exchange-cluster'), third],
    ],
    [
      'that never started is recreated',
      [{}, { state: 'created' }],
      [now(`replace replica ${NAME}`, 'left behind by a failed start: never started'), third],
    ],
    [
      'that exited is started again',
      [{}, { state: 'exited', exitCode: 137, error: 'oom' }],
      [now(`start replica ${NAME}`, 'exited (137): oom'), third],
    ],
    ['that is paused is started again', [{}, { state: 'paused' }], [now(`start replica ${NAME}`, 'paused (0)'), third]],
    [
      'that is dead is started again',
      [{}, { state: 'dead', exitCode: 1 }],
      [now(`start replica ${NAME}`, 'dead (1)'), third],
    ],
    [
      'whose tag now refers to another image is replaced by a step of its own, with both digests',
      [{ image: present(imageId('b')) }],
      [
        does(
          '~',
          `replace replica ${NAME}: its tag now refers to another image`,
          `secretflow/kuscia:1.1.0b0 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)}`,
        ),
        third,
      ],
    ],
    [
      'whose tag moved and that needs more memory is planned for both',
      [{ image: present(imageId('b')) }, { memory: 6.5 * 1024 ** 3 }],
      [
        does('~', `replace replica ${NAME}`, 'memory 6.5 GiB -> 2 GiB'),
        does(
          '~',
          `replace replica ${NAME}: its tag now refers to another image`,
          `secretflow/kuscia:1.1.0b0 was pulled again: sha256:${'a'.repeat(12)} -> sha256:${'b'.repeat(12)}`,
        ),
        third,
      ],
    ],
    [
      'without the restart policy that an interrupted run took from it gets it back',
      [{}, { restartPolicy: 'no' }],
      [now(`restore the restart policy of replica ${NAME}`, 'no -> always'), third],
    ],
    [
      'created with another domain key, which never starts again, is replaced',
      [
        {
          lastErrorLines: present(
            "FATAL modules/domainroute.go:73 provided PrivateKey doesn't match parent's PublicKey",
          ),
        },
        { state: 'restarting', restarts: 4 },
      ],
      [does('~', `replace replica ${NAME}`, 'it was created with another domain key'), third],
    ],
    [
      'of another image is replaced',
      [{}, { image: 'secretflow/kuscia:1.0.0b0', imageId: imageId('b') }],
      [does('~', `replace replica ${NAME}`, 'image secretflow/kuscia:1.0.0b0 -> secretflow/kuscia:1.1.0b0'), third],
    ],
    ['created from the same image under another name is kept', [{}, { image: imageId('a') }], [FINE(two), third]],
    ['whose tag is gone from the host is left alone', [{ image: absent }], [FINE(two), third]],
    [
      'with other memory is recreated',
      [{}, { memory: 6.5 * 1024 ** 3 }],
      [does('~', `replace replica ${NAME}`, 'memory 6.5 GiB -> 2 GiB'), third],
    ],
    [
      'on another port is recreated',
      [{}, { ports: { ...replicaOf(cluster, two).ports, '8083/tcp': 1 } }],
      [does('~', `replace replica ${NAME}`, 'port 1 -> 20011'), third],
    ],
    [
      'without a port is recreated',
      [{}, { ports: {} }],
      [does('~', `replace replica ${NAME}`, 'port none -> 20000'), third],
    ],
    [
      'on another network is recreated',
      [{}, { networkMode: 'kuscia-exchange' }],
      [does('~', `replace replica ${NAME}`, 'network kuscia-exchange -> kuscia-exchange-cluster'), third],
    ],
    [
      'of another folder is recreated',
      [{}, { mounts: { '/home/kuscia/etc/conf/kuscia.yaml': '/root/kuscia.yaml' } }],
      [
        does(
          '~',
          `replace replica ${NAME}`,
          'configuration file /root/kuscia.yaml -> /root/kuscia-swarm/alice/kuscia.yaml',
        ),
        third,
      ],
    ],
    [
      'of another name is recreated',
      [{}, { hostname: 'root-kuscia-autonomy-alice-old' }],
      [
        does(
          '~',
          `replace replica ${NAME}`,
          'name root-kuscia-autonomy-alice-old -> root-kuscia-autonomy-alice-node-02',
        ),
        third,
      ],
    ],
    [
      'older than its configuration is restarted',
      [{ file: fileOf('x', { changedAt: NOW - 3_599_000 }) }],
      [does('~', `restart replica ${NAME}`, 'its configuration changed since it started'), third],
    ],
    ['that restarts by itself is waited for', [{}, { state: 'restarting', restarts: 3 }], [third, waits]],
    [
      'that does not answer, young, is waited for',
      [{ answer: unknown('exit 7'), ...youngFile }, young],
      [third, waits],
    ],
    ['that one probe could not ask is not restarted', [{ answer: unknown('exit 126') }], [third, waits]],
    ['that one probe saw silent is not restarted', [{ answer: silent }], [third, waits]],
    [
      'that one probe saw silent and another could not ask is not restarted',
      [{ answer: silent, elsewhere: unknown('exit 1'), within: unknown('exit 1') }],
      [third, waits],
    ],
    [
      'that answers within and elsewhere is proven, whatever one probe sees',
      [{ answer: silent, within: present(answerOf(cluster, two)), elsewhere: present(answerOf(cluster, two)) }],
      [FINE(two), third],
    ],
    [
      'that answers within alone is not restarted for one probe',
      [{ answer: silent, within: present(answerOf(cluster, two)) }],
      [third, waits],
    ],
    [
      'that two probes saw silent for two minutes is restarted',
      [{ answer: silent, elsewhere: silent }],
      [now(`restart replica ${NAME}`, 'its gateway port: no answer in time'), third],
    ],
    [
      'that does not answer in its own container is restarted',
      [{ answer: silent, within: refused }],
      [now(`restart replica ${NAME}`, 'its gateway port: no answer in time'), third],
    ],
    [
      'that does not answer in its own container soon after its start is waited for',
      [{ answer: silent, within: refused, ...youngFile }, young],
      [third, waits],
    ],
    [
      'whose port another answers on two hosts is restarted',
      [{ answer: other, elsewhere: other }],
      [now(`restart replica ${NAME}`, 'its gateway port: 200, but not from a Kuscia gateway'), third],
    ],
    [
      'whose port another domain answers is not restarted for that',
      [
        {
          answer: present({ status: 401, domain: 'bob', instance: 'b', exit: 0 }),
          within: present(answerOf(cluster, two)),
        },
      ],
      [third, waits],
    ],
    [
      'whose API is silent although its container accepts commands is restarted',
      [{ registry: unknown('timed out after 20 s'), within: present(answerOf(cluster, two)) }],
      [now(`restart replica ${NAME}`, 'timed out after 20 s'), third],
    ],
    [
      'whose container lets no command in is not restarted',
      [{ registry: unknown('exit 126'), within: unknown('exit 126') }],
      [third, waits],
    ],
    [
      'that says itself that it is not registered is restarted',
      [{ registry: present({ gateways: [], nodes: [], tasks: [] }) }],
      [now(`restart replica ${NAME}`, 'its gateway object does not exist yet'), third],
    ],
    [
      'not yet registered is waited for',
      [{ registry: present({ gateways: [], nodes: [], tasks: [] }) }, young],
      [third, waits],
    ],
    [
      'with a gateway object of before its start is waited for',
      [{ registry: present(registryOf(cluster, HOSTS)) }, young],
      [third, waits],
    ],
    ['registered by this very process is proven', [{ registry: since(two, NOW - 60_000) }, young], [FINE(two), third]],
    [
      'whose node is not Ready is waited for',
      [
        {
          registry: present(
            registryOf(cluster, HOSTS, {
              gateways: [gatewayOf(cluster, two, { uptime: NOW, heartbeat: NOW })],
              nodes: [{ name: nameOf(cluster, two), ready: false }],
            }),
          ),
        },
        young,
      ],
      [third, waits],
    ],
    ['whose registry is unknown is waited for', [{ registry: unknown('exit 1') }, young], [third, waits]],
    [
      'that no peer can reach yet is waited for',
      [{ forwarded: present(new Set([nameOf(cluster, THREE[2] as Host)])) }],
      [third, '. node-02 the load balancer forwards to root-kuscia-autonomy-alice-node-02: load-balancer-unhealthy'],
    ],
    ['is not requested through a load balancer that does not exist yet', [{ forwarded: absent }], [FINE(two), third]],
    [
      'that does not work is not requested through the load balancer',
      [{ forwarded: present(new Set<string>()), answer: unknown('exit 7') }, young],
      [third, waits],
    ],
    [
      'with unknown facts stops the run and names each',
      [
        {
          machine: unknown('no shell'),
          image: unknown('exit 2'),
          file: unknown('exit 3'),
          container: unknown('exit 4'),
        },
      ],
      [third, ...Array<string>(4).fill('! node-02 fact-unknown')],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(plan(...told))).toEqual(lines);
  });

  test('whose restart a changed configuration announced is restarted, even if it has already started with it by itself', () => {
    const steps = [{ file: fileOf('x', { changedAt: NOW }) }, { answer: silent, elsewhere: silent }].map((told) =>
      stepOf(plan(told), 'restart replica'),
    );
    const foretold: Change = {
      stage: 'kuscia-start',
      host: 'node-02',
      change: '?',
      about: { kind: 'restart', thing: 'replica' },
    };
    expect(steps.map(({ why }) => why.because)).toEqual(['configuration-changed', 'broken']);
    expect(notApproved([foretold], 'kuscia-start', steps, PLAN_WORDS)).toEqual([]);
    expect(notApproved([{ ...foretold, host: 'node-03' }], 'kuscia-start', steps, PLAN_WORDS)).toHaveLength(2);
  });

  const changed: readonly [string, Partial<Cluster>, string][] = [
    ['memory', { memory: 4 * 1024 ** 3 }, 'memory 2 GiB -> 4 GiB'],
    ['port', { ports: { ...cluster.ports, metrics: 13085 } }, 'port 13084 -> 13085'],
    [
      'directory',
      { directory: '/srv/kuscia' },
      'configuration file /root/kuscia-swarm/alice/kuscia.yaml -> /srv/kuscia/kuscia.yaml',
    ],
  ];
  test.each(changed)('changed in the cluster file by %s recreates all, in their serial group', (_, changes, why) => {
    expect(shown(plan({}, {}, clusterOf(changes)))).toEqual(
      HOSTS.map(({ name }) => `~ ${name} replace replica ${NAME} (${why}) [replicas]`),
    );
  });

  test('leaves the gateway port it has; others may leave another after an interrupted move', () => {
    const moving = (gateway: number, host: Host) =>
      standingOf(present(replicaOf(clusterOf({ ports: { ...cluster.ports, gateway } }), host)));
    const found = (ports: readonly number[]) =>
      formerPorts(cluster, [
        ...ports.map((port) => ({ standing: moving(port, two) })),
        { standing: standingOf(absent) },
        { standing: unknown('no shell') },
      ]);
    expect([found([]), found([cluster.ports.gateway]), found([30000, cluster.ports.gateway, 13080, 30000])]).toEqual([
      [],
      [],
      [13080, 30000],
    ]);
  });

  test('that does not work is reported with the last lines of its log', () => {
    const { failure } =
      plan({ answer: unknown('exit 7'), lastErrorLines: present('FATAL Module [k3s] is invalid') }, young).awaited[0] ??
      {};
    expect(failure).toMatchObject({
      code: 'replica-unhealthy',
      what: `the replica ${NAME} does not work: exit 7`,
      evidence: 'FATAL Module [k3s] is invalid',
    });
    expect(failure?.remedy).toContain(`docker logs ${NAME} on node-02`);
  });
});

describe('replicas that are to be removed', () => {
  const absentPlan = (...told: Parameters<typeof factsOf>) => planReplicas(deploymentOf(), factsOf(...told), 'absent');
  const remove = (n: number, name = NAME): string => `- node-0${n} remove ${name} (no longer wanted) [replicas]`;
  const former = replicaOf(cluster, two, { name: `${NAME}.former`, state: 'exited' });
  const silentOne = { answer: silent, registry: unknown('exit 1') };
  const unasked = { image: unknown('x'), file: unknown('x'), answer: unknown('x') };
  const tasks = [{ job: 'job-1', task: 'job-1-task', replica: nameOf(cluster, two), phase: 'Running' }];
  const cases: readonly [string, Parameters<typeof factsOf>, readonly string[]][] = [
    ['are removed one after the other', [], [remove(2), remove(3)]],
    ['are removed if they do not work', [silentOne, young], [remove(2), remove(3)]],
    ['are removed whatever is known about their described state', [unasked], [remove(2), remove(3)]],
    [
      'are removed along with containers that were set aside',
      [{ former }],
      [remove(2, `${NAME}.former`), remove(2), remove(3)],
    ],
    [
      'have only containers that were set aside left',
      [{ container: absent, former }],
      [remove(2, `${NAME}.former`), remove(3)],
    ],
    [
      'are removed if they are left over',
      [{ container: absent }],
      [remove(3), `= node-02 no replica ${NAME} (its configuration is kept)`],
    ],
    [
      'are not considered removed if their state is unknown',
      [{ machine: unknown('no shell'), container: unknown('exit 4') }],
      [remove(3), '! node-02 fact-unknown', '! node-02 fact-unknown'],
    ],
    [
      'are stopped with a word of the tasks on them',
      [{ registry: present(registryOf(cluster, HOSTS, { tasks })) }],
      [remove(2), remove(3), 'w node-02 tasks-running'],
    ],
  ];
  test.each(cases)('%s', (_, told, lines) => {
    expect(shown(absentPlan(...told))).toEqual(lines);
  });

  test('are absent if there are none', () => {
    const facts = factsOf().map((each): Replica => ({ ...each, standing: standingOf(absent) }));
    const made = planReplicas(deploymentOf(), facts, 'absent');
    expect([made.empty, shown(made)]).toEqual([
      true,
      [2, 3].map((n) => `= node-0${n} no replica ${NAME} (its configuration is kept)`),
    ]);
  });

  test('are stopped gracefully, a running one once no task runs on it', async () => {
    const idle = ok('node-02', registry('alice').command, 'end\n');
    for (const [words, name, asked] of [
      [`remove ${NAME}.former`, `${NAME}.former`, []],
      [`node-02 remove ${NAME}`, NAME, [registry('alice').command]],
    ] as const) {
      const stop = discard(name, { seconds: 30 });
      const made = words.endsWith('.former') ? absentPlan({ former }) : absentPlan();
      const { fleet } = await carryOut(stepOf(made, words), [idle, ok('node-02', stop)]);
      expect(fleet.lines()).toEqual([...asked, stop].map(shellLine));
    }
  });
});

describe('the replicas that the load balancer forwards to', () => {
  const { configuration, digest } = loadBalancerFiles(deploymentOf());
  const balancer = present(containerOf('alice-nginx-lb', { ports: { '8080/tcp': 8080 } }));
  const written = present({ mode: '644', sha256: sha256(configuration), changedAt: 0 });
  const answers = present(THREE.slice(1).map((host) => answerOf(cluster, host)));
  const both = present(new Set(THREE.slice(1).map((host) => nameOf(cluster, host))));
  test.each<
    [
      string,
      Parameters<typeof forwardedReplicas>[2],
      Parameters<typeof forwardedReplicas>[3],
      ReturnType<typeof forwardedReplicas>,
    ]
  >([
    ['is known if nginx runs with the wanted configuration', present(digest), written, both],
    [
      'is known while it forwards to the former and the new gateway ports, whatever its file',
      present(movingFiles(deploymentOf(), [13080]).digest),
      absent,
      both,
    ],
    ['is not queried if nginx runs with another one', present('former'), written, absent],
    ['is not queried if nginx does not answer', unknown('exit 7'), written, absent],
    ['is not queried if someone changed the file, whose digest stays', present(digest), fileOf('changed'), absent],
    ['is not queried if the file is missing', present(digest), absent, absent],
  ])('%s', (_, loaded, onFile, forwarded) => {
    expect(forwardedReplicas(deploymentOf(), balancer, loaded, onFile, answers)).toEqual(forwarded);
  });

  test('are not known while nginx still listens on another port', () => {
    const elsewhere = present(containerOf('alice-nginx-lb', { ports: { '8080/tcp': 8090 } }));
    expect(
      [elsewhere, absent, unknown('exit 1')].map(
        (found) => forwardedReplicas(deploymentOf(), found, present(digest), written, answers).is,
      ),
    ).toEqual(['absent', 'absent', 'absent']);
  });
});

describe('carrying out', () => {
  const listed = images('node-02', { [cluster.image]: imageId('a') });
  const extract = ok('node-02', extractScript(cluster));
  const none = [noContainer('node-02', NAME), ...containersAre('node-02', [])];
  const free = ok('node-02', machine.command, 'user=root\nhome=/root\nhostname=node-02\nclock=1\n');
  const start = (stdout: string): Script => ok('node-02', startReplica(cluster), stdout);
  const done = "\u{1b}[0;32mautonomy domain 'alice' deployed successfully\u{1b}[0m\n";
  const words = ok(
    'node-02',
    lastErrorLines(NAME).command,
    '2026-11-23 14:23:01.000 FATAL start/start.go:54 Module [k3s] is invalid\n',
  );
  const step = stepOf(plan({ container: absent }), 'start replica');
  const purposes = (lines: readonly string[]): string[] =>
    lines.map(
      (line) =>
        [
          '/images/json',
          'head -n 1 "$new"',
          '/json HTTP',
          'kuscia.sh start',
          'docker logs',
          '.rehearsal',
          'docker rename "$1" "$2"',
          'docker rename "$2" "$1"',
          '[ -t 0 ]',
          'kubectl get',
          'docker rm',
        ].find((part) => line.includes(part)) ?? line,
    );

  test('takes the script from the image and starts on a terminal', async () => {
    const { fleet } = await carryOut(step, [listed, extract, ...none, start(done)]);
    expect(purposes(fleet.lines())).toEqual(['/images/json', 'head -n 1 "$new"', '/json HTTP', 'kuscia.sh start']);
  });

  const STOPPING = { seconds: 30 };
  /** The answers of a host with a working replica; no load balancer is running yet. */
  const settledAnswers = (): Script[] => {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const name = nameOf(cluster, two);
    const runs = containerOf(NAME, {
      image: cluster.image,
      imageId: imageId('a'),
      createdAt: NOW,
      startedAt: NOW,
      hostname: name,
      networkMode: 'n',
    });
    const rows = [
      ['Gateway', name, '', '', '', iso(NOW), iso(NOW), '', '', '', ''],
      ['Node', name, '', '', '', '', '', 'True', '', '', ''],
    ].map((row) => row.join('\t'));
    return [
      ok('node-02', machine.command, `user=root\nhome=/root\nhostname=node-02\nclock=${NOW}\n`),
      ...containersAre('node-02', [runs], 'alice-probe', 'alice-nginx-lb', 'alice-mysql'),
      ok('node-02', registry('alice').command, `${rows.join('\n')}\nend\n`),
      ok('node-02', file(folders(cluster).config).command, `600 1.000\n${'a'.repeat(64)}  -\n`),
      ok('node-02', directAnswer(cluster, two).command, `{"domain":"alice","instance":"${name}"} 401 0\n`),
      ...containersAre('node-01', [], 'alice-probe', 'alice-nginx-lb', 'alice-mysql'),
      ends('node-01', loadedConfiguration('alice-nginx-lb').command, { ended: 'exited', code: 7 }),
      ok('node-01', file(configurationFile(cluster)).command, 'absent\n'),
      ok('node-01', loadBalancerAnswers(cluster, THREE[0] as Host, requestsFor(cluster)).command),
    ];
  };
  const tried = rehearse(NAME, {
    image: cluster.image,
    ports: [],
    options: [`--network=${cluster.network.name}`, `--memory=${cluster.memory}`],
  });
  const terminal = ok('node-02', terminalCheck);
  /** No task runs on the replica. */
  const idle = ok('node-02', registry('alice').command, 'end\n');
  const outcomeOf = async (told: Parameters<typeof factsOf>, scripts: readonly Script[]) => {
    const seen: { carried?: Carried } = {};
    const thrown = await carryOut(stepOf(plan(...told), 'replace replica'), scripts, seen).then(
      () => undefined,
      (error: unknown) => error,
    );
    return {
      lines: purposes(seen.carried?.fleet.lines() ?? []),
      failures: thrown === undefined ? [] : failuresOf(thrown).map(({ code, what }) => `${code}: ${what}`),
    };
  };

  test('discards what never ran, and starts', async () => {
    const { fleet } = await carryOut(stepOf(plan({}, { state: 'created' }), 'replace'), [
      listed,
      extract,
      ok('node-02', discard(NAME, STOPPING)),
      ...none,
      start(done),
    ]);
    expect(purposes(fleet.lines())).toEqual([
      '/images/json',
      'head -n 1 "$new"',
      'docker rm',
      '/json HTTP',
      'kuscia.sh start',
    ]);
  });

  test('sets the current one aside only after a rehearsal of ports, network, memory and terminal, and removes it when the new one works', async () => {
    const { lines, failures } = await outcomeOf(
      [{}, { memory: GIB }],
      [
        listed,
        extract,
        ok('node-02', tried),
        terminal,
        idle,
        ok('node-02', setAside(NAME, STOPPING)),
        ...none,
        start(done),
        ok('node-02', discard(`${NAME}.former`, STOPPING)),
      ],
    );
    expect({ lines, failures }).toEqual({
      lines: [
        '/images/json',
        'head -n 1 "$new"',
        '.rehearsal',
        '[ -t 0 ]',
        'kubectl get',
        'docker rename "$1" "$2"',
        '/json HTTP',
        'kuscia.sh start',
        'docker rm',
      ],
      failures: [],
    });
  });

  test.each<[string, readonly Script[], string]>([
    [
      'docker refuses',
      [ends('node-02', tried, { ended: 'exited', code: 125, stderr: 'network not found\n' }), ...none, free],
      `replacement-impossible: the new replica ${NAME} could not be started, so the current one was kept`,
    ],
    [
      'no terminal is available',
      [ok('node-02', tried), ends('node-02', terminalCheck, { ended: 'exited', code: 1 })],
      'replacement-impossible: kuscia.sh cannot get a terminal, so the present replica was left as it is',
    ],
  ])('keeps the current one if %s', async (_, scripts, failure) => {
    const { lines, failures } = await outcomeOf([{}, { memory: GIB }], [listed, extract, ...scripts]);
    expect(failures).toEqual([failure]);
    expect(lines.filter((line) => line.includes('rename'))).toEqual([]);
  });

  test('restores the previous one if the new one does not start, and says that it works again', async () => {
    const back = [
      ok('node-02', lastLogLines(NAME).command, 'killed\n'),
      ok('node-02', putBack(NAME, STOPPING, true)),
      ...settledAnswers(),
    ];
    const { lines, failures } = await outcomeOf(
      [{}, { memory: GIB }],
      [
        listed,
        extract,
        ok('node-02', tried),
        terminal,
        idle,
        ok('node-02', setAside(NAME, STOPPING)),
        ...none,
        ends('node-02', startReplica(cluster), { ended: 'exited', code: 1 }),
        words,
        ...back,
      ],
    );
    expect(failures).toEqual([
      `replica-unhealthy: kuscia.sh did not start the replica: exit 1; undone: the former replica ${NAME} runs again and works; last log line of the new one: killed`,
    ]);
    expect(lines.slice(lines.indexOf('docker rename "$1" "$2"')).filter((line) => line.includes('rename'))).toEqual([
      'docker rename "$1" "$2"',
      'docker rename "$2" "$1"',
    ]);
  });

  test('removes nothing and starts nothing if it is unknown what exists there', async () => {
    const thrown = await carryOut(step, [
      listed,
      extract,
      ends('node-02', container(NAME).command, { ended: 'exited', code: 1 }),
    ]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([{ code: 'fact-unknown', host: 'node-02' }]);
  });

  test.each([
    [
      'that exited with 0 and did nothing',
      start('container exists, overwrite? [y/n]'),
      'replica-unhealthy',
      'kuscia.sh exited with 0, but did not report that it deployed the replica',
    ],
    [
      'that deployed another domain',
      start("autonomy domain 'bob' deployed successfully"),
      'replica-unhealthy',
      'kuscia.sh exited with 0, but did not report that it deployed the replica',
    ],
    [
      'that failed although it reported success',
      ends('node-02', startReplica(cluster), { ended: 'exited', code: 1, stdout: done }),
      'replica-unhealthy',
      'kuscia.sh did not start the replica: exit 1',
    ],
    [
      'that took too long',
      ends('node-02', startReplica(cluster), { ended: 'timed-out', afterMs: 300_000 }),
      'replica-unhealthy',
      'kuscia.sh did not start the replica: timed out after 300 s',
    ],
  ])("a start %s is no success, and the replica's last words are told", async (_, answer, code, what) => {
    const thrown = await carryOut(step, [listed, extract, ...none, answer, free, words]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      { code, what, evidence: expect.stringContaining('FATAL start/start.go:54 Module [k3s] is invalid') },
    ]);
  });

  test('a start that fails because a port is taken names what has taken it since preflight', async () => {
    // 4E20 is port 20000, the gateway's.
    const taken = ok(
      'node-02',
      machine.command,
      'user=root\nhome=/root\nhostname=node-02\nclock=1\nlisten=00000000:4E20\n',
    );
    const squatter = containersAre('node-02', [containerOf('squatter', { ports: { '80/tcp': 20000 } })]);
    const thrown = await carryOut(step, [
      listed,
      extract,
      noContainer('node-02', NAME),
      ...squatter,
      ends('node-02', startReplica(cluster), { ended: 'exited', code: 125 }),
      taken,
    ]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      {
        code: 'port-taken',
        host: 'node-02',
        what: 'port 20000 (gateway) is taken',
        evidence: 'published by container squatter',
      },
    ]);
  });

  test('a start whose connection was lost may have taken effect, and the host is not queried again', async () => {
    const lost = ends('node-02', startReplica(cluster), { ended: 'lost', reason: 'reset', stdout: done });
    const thrown = await carryOut(step, [listed, extract, ...none, lost]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      {
        code: 'connection-lost',
        host: 'node-02',
        what: 'could not start the replica with kuscia.sh: connection lost: reset',
        remedy: expect.stringContaining('Check that the host is up'),
      },
    ]);
  });

  test('a restart that fails because a port is taken names what uses it', async () => {
    const taken = ok(
      'node-02',
      machine.command,
      'user=root\nhome=/root\nhostname=node-02\nclock=1\nlisten=00000000:4E20\n',
    );
    const refused = ends('node-02', startContainer(NAME, 'exited'), {
      ended: 'exited',
      code: 1,
      stderr: 'address already in use\n',
    });
    const failures = async (...scripts: readonly Script[]) =>
      failuresOf(
        await carryOut(stepOf(plan({}, { state: 'exited' }), 'start replica'), [refused, ...none, ...scripts]).then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
    expect(await failures(taken)).toMatchObject([{ code: 'port-taken', what: 'port 20000 (gateway) is taken' }]);
    expect(await failures(free)).toMatchObject([{ code: 'command-failed', evidence: 'address already in use' }]);
  });

  test('starts a stopped one, and restarts for a changed configuration', async () => {
    const again = await carryOut(stepOf(plan({}, { state: 'exited' }), 'start replica'), [
      ok('node-02', startContainer(NAME, 'exited')),
    ]);
    const restart = await carryOut(stepOf(plan({ file: fileOf('x', { changedAt: NOW - 3_599_000 }) }), 'restart'), [
      idle,
      ok('node-02', restartContainer(NAME)),
    ]);
    expect([...again.fleet.lines(), ...restart.fleet.lines()]).toEqual([
      shellLine(startContainer(NAME, 'exited')),
      shellLine(registry('alice').command),
      `docker restart ${NAME}`,
    ]);
  });

  test('does not restart a replica that a further check shows working', async () => {
    const { fleet, events } = await carryOut(stepOf(plan({ answer: silent, elsewhere: silent }), 'restart'), [
      listed,
      ...settledAnswers(),
    ]);
    expect(fleet.lines().filter((line) => line.includes('docker restart'))).toEqual([]);
    expect(events.flatMap((event) => (event.is === 'said' ? [event.text] : []))).toEqual([
      `${NAME} is not restarted: a further check did not find it broken`,
    ]);
  });
});

describe('what kuscia-init passed on', () => {
  const configuration = new Secret('Kuscia configuration', 'mode: autonomy\n');
  const provenance = { image: { id: imageId('a'), digests: ['sha256:one'] }, script: 'f'.repeat(64) };
  const same: Partial<OnHost> = {
    identity: present({ id: imageId('a'), digests: [] }),
    file: present({ mode: '600', sha256: sha256(configuration), changedAt: 0 }),
  };
  const held = (told: Partial<OnHost>, handed: Deployment['received']) =>
    shown(planReplicas({ ...deploymentOf(), ...(handed && { received: handed }) }, factsOf(told).slice(0, 1))).map(
      (line) => line.replace(/ \(.*/, ''),
    );
  const fine = `= node-02 replica ${nameOf(cluster, two)}`;
  const cases: readonly [string, Partial<OnHost>, Deployment['received'], readonly string[]][] = [
    ['is found on the host', same, { configuration, provenance }, [fine]],
    [
      'is found under the name that a registry gives it',
      { ...same, identity: present({ id: imageId('b'), digests: ['sha256:one'] }) },
      { configuration, provenance },
      [fine],
    ],
    [
      'is another image',
      { ...same, identity: present({ id: imageId('b'), digests: ['sha256:two'] }) },
      { configuration, provenance },
      ['! node-02 host-changed'],
    ],
    [
      'is another configuration',
      { ...same, file: fileOf('x') },
      { configuration, provenance },
      ['! node-02 host-changed'],
    ],
    ['is not a configuration', { ...same, file: absent }, { configuration }, ['! node-02 host-changed']],
    [
      'is both',
      { identity: present({ id: imageId('b'), digests: [] }), file: fileOf('x') },
      { configuration, provenance },
      ['! node-02 host-changed', '! node-02 host-changed'],
    ],
    [
      'cannot be compared',
      { ...same, identity: unknown('exit 1') },
      { configuration, provenance },
      ['! node-02 fact-unknown'],
    ],
    ['is nothing', { file: fileOf('x') }, undefined, [fine]],
  ];
  test.each(cases)('%s', (_, told, handed, lines) => {
    expect(held(told, handed)).toEqual(lines);
  });

  const start = stepOf(
    planReplicas(
      { ...deploymentOf(), received: { configuration, provenance } },
      factsOf({ ...same, container: absent }),
    ),
    'start replica',
  );
  const standing = (path: string, digest: string): Script =>
    ok('node-02', file(path).command, `600 1.000\n${digest}  -\n`);
  const inspected = (Id: string): Script => images('node-02', { [cluster.image]: Id });
  const before = [
    images('node-02', { [cluster.image]: imageId('a') }),
    ok('node-02', extractScript(cluster)),
    standing(folders(cluster).config, sha256(configuration)),
  ];
  const scripts: readonly [string, readonly Script[], string][] = [
    [
      'another kuscia.sh',
      [inspected(imageId('a')), standing(folders(cluster).script, 'e'.repeat(64))],
      'host-changed: kuscia.sh is not the one that the domain was initialised with',
    ],
    [
      'no kuscia.sh',
      [inspected(imageId('a')), ok('node-02', file(folders(cluster).script).command, 'absent\n')],
      'host-changed: kuscia.sh is not the one that the domain was initialised with',
    ],
    [
      'another image',
      [inspected(imageId('b')), standing(folders(cluster).script, provenance.script)],
      'host-changed: the image secretflow/kuscia:1.1.0b0 is not the one that the domain was initialised with',
    ],
    [
      'an unknown image',
      [
        ends('node-02', imageIdentity(cluster.image).command, { ended: 'exited', code: 1 }),
        standing(folders(cluster).script, provenance.script),
      ],
      'fact-unknown: cannot tell whether the image is the one that the domain was initialised with',
    ],
  ];
  test.each(scripts)('is compared again before kuscia.sh starts anything: %s', async (_, found, failure) => {
    const thrown = await carryOut(start, [...before, ...found]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown).map(({ code, what }) => `${code}: ${what}`)).toEqual([failure]);
  });
});
