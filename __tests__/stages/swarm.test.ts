import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import {
  joinSwarm,
  markTokens,
  readJoinToken,
  rotateJoinTokens,
  setNodeRole,
  initSwarm,
} from '../../src/docker/commands.ts';
import { engine, NO_DOCKER, tokenInUse, type Engine, type SwarmNode } from '../../src/docker/facts.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { failuresOf, withoutConsequences, type Failure } from '../../src/engine/errors.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import { readJobOutputs } from '../../src/stages/job-outputs.ts';
import { planSwarmInit, swarmInit } from '../../src/stages/swarm-init.ts';
import { planSwarmJoin } from '../../src/stages/swarm-join.ts';
import { engineFailures } from '../../src/stages/swarm.ts';
import { deploymentOf, hostOf, THREE } from '../support/deployment.ts';
import { carryOut, ends, ok, type Carried } from '../support/fake.ts';
import { engineInside, engineOutside, enginesOf, nodeOf } from '../support/facts.ts';
import { shown, stepOf } from '../support/plans.ts';

const [one, two, three] = THREE as [Host, Host, Host];
const MANAGERS = [
  hostOf(1, 'manager', 'database', 'load-balancer'),
  hostOf(2, 'manager', 'replica'),
  hostOf(3, 'manager', 'replica'),
];
const [, second, third] = MANAGERS as [Host, Host, Host];

/** Engines of three hosts: outside any swarm by default. */
const engines = (
  told: Readonly<Record<string, Fact<Engine>>> = {},
  hosts: readonly Host[] = THREE,
): Map<string, Fact<Engine>> => enginesOf(hosts, (host) => told[host.name] ?? present(engineOutside()));
const inside = (host: Host, role?: 'manager' | 'worker', clusterId?: string): Fact<Engine> =>
  present(engineInside(host, role, clusterId));

describe('swarm-init', () => {
  const cases: readonly [string, Readonly<Record<string, Fact<Engine>>>, readonly Host[], readonly string[]][] = [
    [
      'initialises on the first manager if no host is in a swarm',
      {},
      THREE,
      ['+ node-01 initialise the swarm, advertise 10.77.0.11 (not in any swarm)'],
    ],
    [
      'accepts a swarm that the manager is in',
      { 'node-01': inside(one) },
      THREE,
      ['= node-01 manager of the swarm (swarm swarm-of-alice at 10.77.0.11)'],
    ],
    [
      'accepts the swarm of a later manager',
      { 'node-02': inside(second) },
      MANAGERS,
      ['= node-02 manager of the swarm (swarm swarm-of-alice at 10.77.0.12)'],
    ],
    [
      'accepts a swarm of all',
      { 'node-01': inside(one), 'node-02': inside(second), 'node-03': inside(third) },
      MANAGERS,
      ['= node-01 manager of the swarm (swarm swarm-of-alice at 10.77.0.11)'],
    ],
    [
      'refuses two swarms',
      { 'node-01': inside(one), 'node-02': inside(second, 'manager', 'other') },
      MANAGERS,
      ['= node-01 manager of the swarm (swarm swarm-of-alice at 10.77.0.11)', '! node-02 swarm-foreign'],
    ],
    ['refuses a worker of an unknown swarm', { 'node-02': inside(two) }, THREE, ['! node-02 swarm-foreign']],
    [
      'refuses a manager-to-be that works for an unknown swarm',
      { 'node-01': inside(one, 'worker') },
      THREE,
      ['! node-01 swarm-foreign'],
    ],
    ...['locked', 'pending', 'error'].map((state): (typeof cases)[number] => [
      `stops at a host whose swarm is ${state}`,
      { 'node-02': present({ ...engineOutside(), swarm: { ...engineOutside().swarm, state } }) },
      THREE,
      ['! node-02 node-not-ready'],
    ]),
    [
      'stops at an engine it does not know',
      { 'node-03': unknown('exit 1'), 'node-02': unknown('exit 2') },
      THREE,
      ['! node-02 engine-unreachable', '! node-03 engine-unreachable'],
    ],
  ];
  test.each(cases)('%s', (_, told, hosts, lines) => {
    expect(shown(planSwarmInit(deploymentOf({ hosts }), engines(told, hosts)))).toEqual(lines);
  });

  test('names both ids of two swarms', () => {
    const [failure] = planSwarmInit(
      deploymentOf({ hosts: MANAGERS }),
      engines({ 'node-01': inside(one), 'node-02': inside(second, 'manager', 'other') }, MANAGERS),
    ).failures;
    expect(failure?.what).toBe('is in swarm other, but node-01 is in swarm swarm-of-alice');
    expect(failure?.remedy).toContain('docker swarm leave');
  });

  test('its step initialises the swarm and does nothing else', async () => {
    const step = stepOf(planSwarmInit(deploymentOf(), engines()), 'initialise');
    const { fleet } = await carryOut(step, [ok('node-01', initSwarm('10.77.0.11'))]);
    expect(fleet.ran).toHaveLength(1);
  });
});

describe('swarm-join', () => {
  const all = engines({ 'node-01': inside(one), 'node-02': inside(two), 'node-03': inside(three) });
  const nodes = (...changed: readonly SwarmNode[]): Fact<readonly SwarmNode[]> =>
    present(THREE.map((host) => changed.find(({ hostname }) => hostname === host.name) ?? nodeOf(host)));
  const knowing = (host: Host): Fact<Engine> =>
    present({ ...engineInside(host), swarm: { ...engineInside(host).swarm, managerIds: ['idnode01'] } });
  const ready = [
    '= node-01 manager, Ready (node idnode01)',
    '= node-02 worker, Ready (node idnode02)',
    '= node-03 worker, Ready (node idnode03)',
  ];

  const cases: readonly [string, ReadonlyMap<string, Fact<Engine>>, Fact<readonly SwarmNode[]>, readonly string[]][] = [
    [
      'waits for a node that has this manager but is not listed yet',
      engines({ 'node-01': inside(one), 'node-02': knowing(two), 'node-03': inside(three) }),
      present([nodeOf(one), nodeOf(three)]),
      [ready[0] ?? '', ready[2] ?? '', '. node-02 node Ready: node-not-ready'],
    ],
    [
      'lets all others join once there is a swarm',
      engines(),
      absent,
      ['+ node-02 join as worker (not in any swarm)', '+ node-03 join as worker (not in any swarm)'],
    ],
    [
      'lets one host join',
      engines({ 'node-01': inside(one), 'node-02': inside(two) }),
      present([nodeOf(one), nodeOf(two)]),
      [`+ node-03 join as worker (not in any swarm)`, ...ready.slice(0, 2)],
    ],
    ['is satisfied if all are Ready', all, nodes(), ready],
    [
      'waits for a node that is down',
      all,
      nodes(nodeOf(three, { state: 'down' })),
      [...ready.slice(0, 2), '. node-03 node Ready: node-not-ready'],
    ],
    [
      'refuses a host of another swarm',
      engines({
        'node-01': inside(one),
        'node-02': inside(two),
        'node-03': present({ ...engineInside(three), swarm: { ...engineInside(three).swarm, nodeId: 'stranger' } }),
      }),
      present([nodeOf(one), nodeOf(two)]),
      [...ready.slice(0, 2), '! node-03 swarm-foreign'],
    ],
    [
      'is not deceived by a ghost of the same hostname',
      engines({ 'node-01': inside(one), 'node-02': inside(two) }),
      present([nodeOf(one), nodeOf(two), nodeOf(three, { id: 'ghost', state: 'down' })]),
      ['+ node-03 join as worker (not in any swarm)', ...ready.slice(0, 2)],
    ],
    [
      'warns of the ghost of a host that joined again',
      all,
      present([nodeOf(three, { id: 'ghost', state: 'down' }), ...THREE.map((host) => nodeOf(host))]),
      [...ready, 'w node-01 node-not-ready'],
    ],
    [
      'ignores other nodes of the swarm',
      all,
      present([...THREE.map((host) => nodeOf(host)), nodeOf(hostOf(4, 'worker'), { state: 'down' })]),
      ready,
    ],
    [
      'promotes no host that the cluster file does not make a manager, but demotes',
      all,
      nodes(nodeOf(two, { role: 'manager' })),
      ['~ node-02 demote to worker (the cluster file makes it a worker) [managers]', ready[0] ?? '', ready[2] ?? ''],
    ],
    [
      'stops if the nodes of the swarm are not known',
      all,
      unknown('could not list the nodes of the swarm: exit 1: The swarm does not have a leader'),
      ['! node-01 fact-unknown'],
    ],
    [
      'stops at an engine it does not know',
      engines({ 'node-02': unknown('exit 1') }),
      absent,
      ['! node-02 engine-unreachable'],
    ],
    [
      'stops at a node that takes no containers',
      all,
      nodes(nodeOf(two, { availability: 'drain' }), nodeOf(three, { availability: 'pause' })),
      ['! node-02 node-not-ready', '! node-03 node-not-ready'],
    ],
  ];
  test.each(cases)('%s', (_, told, seen, lines) => {
    expect(shown(planSwarmJoin(deploymentOf(), { engines: told, nodes: seen }))).toEqual(lines);
  });

  test('joins managers one by one and workers in parallel', () => {
    const hosts = [...MANAGERS, hostOf(4, 'replica')];
    const plan = planSwarmJoin(deploymentOf({ hosts }), { engines: engines({}, hosts), nodes: absent });
    expect(shown(plan)).toEqual([
      '+ node-02 join as manager (not in any swarm) [managers]',
      '+ node-03 join as manager (not in any swarm) [managers]',
      '+ node-04 join as worker (not in any swarm)',
    ]);
  });

  test('says how to remove a ghost, in a whole sentence', () => {
    const { warnings } = planSwarmJoin(deploymentOf(), {
      engines: all,
      nodes: present([nodeOf(three, { id: 'ghost', state: 'down' }), ...THREE.map((host) => nodeOf(host))]),
    });
    expect(warnings.map(({ remedy }) => remedy)).toEqual([
      'If nothing needs the old entry, remove it: docker node rm ghost.',
    ]);
  });

  test('names both ids of a foreign swarm, if there are two', () => {
    const foreign = present({
      ...engineInside(three),
      swarm: { ...engineInside(three, 'manager', 'other').swarm, nodeId: 'stranger' },
    });
    const [failure] = planSwarmJoin(deploymentOf(), {
      engines: engines({ 'node-01': inside(one), 'node-02': inside(two), 'node-03': foreign }),
      nodes: present([nodeOf(one), nodeOf(two)]),
    }).failures;
    expect(failure?.what).toBe('is node stranger of swarm other, not of swarm swarm-of-alice of node-01');
  });

  test('says that there is no swarm yet, if a host is in another', () => {
    const plan = planSwarmJoin(deploymentOf(), { engines: engines({ 'node-02': inside(two) }), nodes: absent });
    expect(shown(plan)).toContain('! node-02 swarm-foreign');
    expect(plan.failures[0]?.what).toBe('is node idnode02 of another swarm; node-01 manages none');
  });

  test('promotes through the manager', async () => {
    const seen = present([nodeOf(one), nodeOf(second, { role: 'worker' }), nodeOf(third)]);
    const plan = planSwarmJoin(deploymentOf({ hosts: MANAGERS }), {
      engines: engines(
        { 'node-01': inside(one), 'node-02': inside(second, 'worker'), 'node-03': inside(third) },
        MANAGERS,
      ),
      nodes: seen,
    });
    expect(shown(plan)[0]).toBe('~ node-02 promote to manager (the cluster file makes it a manager) [managers]');
    const { fleet } = await carryOut(stepOf(plan, 'promote'), [ok('node-01', setNodeRole('idnode02', 'manager'))]);
    expect(fleet.lines('node-01')).toEqual(['docker node promote idnode02']);
  });
});

describe('what an engine in a swarm reports about itself', () => {
  const stuck = (state: string, error = ''): Fact<Engine> =>
    present({ ...engineOutside(), swarm: { ...engineOutside().swarm, state, error } });
  test.each<
    [string, Readonly<Record<string, Fact<Engine>>>, readonly (readonly [string, string, RegExp | undefined, RegExp])[]]
  >([
    [
      'locked',
      { 'node-01': stuck('locked', 'Swarm is encrypted and needs to be unlocked') },
      [['node-not-ready', 'node-01', /autolock/, /docker swarm unlock asks for the key/]],
    ],
    [
      'locked, and another that waits for it is not reported',
      { 'node-01': stuck('locked'), 'node-02': stuck('pending') },
      [['node-not-ready', 'node-01', /autolock/, /docker swarm unlock/]],
    ],
    [
      'locked, and another in error is reported too',
      { 'node-01': stuck('locked'), 'node-02': stuck('error') },
      [
        ['node-not-ready', 'node-01', /autolock/, /docker swarm unlock/],
        ['node-not-ready', 'node-02', undefined, /docker swarm leave/],
      ],
    ],
    ['pending', { 'node-02': stuck('pending') }, [['node-not-ready', 'node-02', undefined, /2377\/tcp/]]],
    [
      'nothing: docker is not found',
      { 'node-02': unknown(NO_DOCKER) },
      [['engine-unreachable', 'node-02', /non-interactive shell/, /link it into \/usr\/local\/bin/]],
    ],
    [
      'nothing: whatever it is',
      { 'node-02': unknown('exit 1') },
      [['engine-unreachable', 'node-02', undefined, /docker version must show a Server/]],
    ],
  ])('%s', (_, told, failures) => {
    expect(engineFailures(engines(told))).toEqual(
      failures.map(([code, host, cause, remedy]) =>
        expect.objectContaining({
          code,
          host,
          remedy: expect.stringMatching(remedy),
          ...(cause && { cause: expect.stringMatching(cause) }),
        }),
      ),
    );
  });

  test('if several stages find an engine that does not answer, only the first, which knows most, is reported', () => {
    const [first, second] = [{ ...noEngine, cause: 'known' }, noEngine];
    expect(
      withoutConsequences([
        first,
        { code: 'fact-unknown', host: 'node-02', what: 'x', remedy: '' },
        second,
        { ...noEngine, host: 'node-03' },
      ]),
    ).toEqual([first, { ...noEngine, host: 'node-03' }]);
  });
  const noEngine: Failure = {
    code: 'engine-unreachable',
    host: 'node-02',
    what: 'the Docker Engine does not answer',
    evidence: 'exit 1',
    remedy: '',
  };
});

describe('joining', () => {
  const token = new Secret('worker join token', 'SWMTKN-1-abc');
  const step = stepOf(
    planSwarmJoin(deploymentOf(), {
      engines: engines({ 'node-01': inside(one), 'node-02': inside(two) }),
      nodes: present([nodeOf(one), nodeOf(two)]),
    }),
    'node-03 join',
  );
  const asked = ok('node-01', readJoinToken('worker'), 'SWMTKN-1-abc\n');
  const join = joinSwarm('10.77.0.13', '10.77.0.11:2377', token, 'nginx:1.26');

  test('takes the token from the manager to the host by standard input', async () => {
    const { fleet, events } = await carryOut(step, [asked, ok('node-03', join, '\n200')]);
    expect(fleet.ran.map(({ host }) => host)).toEqual(['node-01', 'node-03']);
    expect(JSON.parse(fleet.ran[1]?.stdin ?? '')).toEqual({
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: '@ip@',
      RemoteAddrs: ['10.77.0.11:2377'],
      JoinToken: 'SWMTKN-1-abc',
    });
    expect(events.flatMap((event) => (event.is === 'secret' ? [event.secret.reveal()] : []))).toEqual(['SWMTKN-1-abc']);
  });

  test.each([
    [
      'refused by the engine',
      ends('node-03', join, { ended: 'exited', code: 0, stdout: '{"message":"timeout was reached"}\n\n503' }),
      'command-failed',
      '{"message":"timeout was reached"}\n\n503',
      /The engine of node-03 refused.*on 2377\/tcp/,
    ],
    [
      'without a status',
      ends('node-03', join, { ended: 'exited', code: 0 }),
      'command-failed',
      '',
      /The engine of node-03 refused/,
    ],
    [
      'that curl could not send',
      ends('node-03', join, { ended: 'exited', code: 7, stdout: '\n000', stderr: 'curl: (7) Failed to connect\n' }),
      'command-failed',
      'exit 7: curl: (7) Failed to connect',
      /Check that the engine of node-03 answers on that host: curl --unix-socket/,
    ],
    [
      'by a name that is not known',
      ends('node-03', join, { ended: 'exited', code: 68, stderr: 'cannot resolve node-03\n' }),
      'command-failed',
      'exit 68: cannot resolve node-03',
      /getent hosts 10\.77\.0\.13/,
    ],
    [
      'whose connection is lost',
      ends('node-03', join, { ended: 'lost', reason: 'reset', stdout: '\n200' }),
      'connection-lost',
      'connection lost: reset: 200',
      /Check that the host is up/,
    ],
  ])('%s does not succeed', async (_, answer, code, evidence, remedy) => {
    const seen: { carried?: Carried } = {};
    const thrown = await carryOut(step, [asked, answer], seen).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      {
        code,
        host: 'node-03',
        evidence,
        what: 'could not join the swarm of node-01 (10.77.0.11:2377)',
        remedy: expect.stringMatching(remedy),
      },
    ]);
    expect(JSON.stringify(failuresOf(thrown))).not.toContain('SWMTKN');
  });
});

describe('tokens passed between jobs', () => {
  const tokens = {
    manager: new Secret('manager join token', 'SWMTKN-1-manager'),
    worker: new Secret('worker join token', 'SWMTKN-1-worker'),
  };
  const deployment = { ...deploymentOf(), received: { joinTokens: tokens } };
  const all = engines({ 'node-01': inside(one), 'node-02': inside(two), 'node-03': inside(three) });
  const listed = present(THREE.map((host) => nodeOf(host)));
  const rotation = '~ node-01 rotate the join tokens (the tokens handed over are no longer needed) [managers]';
  const mark = { labels: { 'kuscia-swarm.alice.join-tokens': 'handed-over' } };
  const marked = present([nodeOf(one, mark), nodeOf(two), nodeOf(three)]);
  const late = '~ node-01 rotate the join tokens (an earlier run handed them over but did not rotate them) [managers]';
  const cases: readonly [
    string,
    ReadonlyMap<string, Fact<Engine>>,
    Fact<readonly SwarmNode[]>,
    Fact<boolean>,
    readonly string[],
  ][] = [
    ['are rotated once all hosts are in the swarm', all, listed, present(true), [rotation]],
    ['are left alone if the swarm no longer accepts them', all, listed, present(false), []],
    [
      'are kept while a host is still to join',
      engines({ 'node-01': inside(one), 'node-02': inside(two) }),
      listed,
      present(true),
      ['+ node-03 join as worker (not in any swarm)'],
    ],
    [
      'are kept while a node is not Ready',
      all,
      present([nodeOf(one), nodeOf(two), nodeOf(three, { state: 'down' })]),
      present(true),
      ['. node-03 node Ready: node-not-ready'],
    ],
    ['must be known to be worthless', all, listed, unknown('exit 1'), ['! node-01 fact-unknown']],
    ['are not mentioned if there were none', all, listed, absent, []],
    ['are rotated by whatever run comes next where the one that handed them over was cut', all, marked, absent, [late]],
    [
      'are rotated also when their mark is on another manager by now',
      all,
      present([nodeOf(one), nodeOf(two, mark), nodeOf(three)]),
      absent,
      [late],
    ],
    ["are rotated for this run's own reason if it has one", all, marked, present(true), [rotation]],
    ['are rotated although they are new, if the mark could not be removed', all, marked, present(false), [late]],
    [
      'of another domain in the same swarm are left alone',
      all,
      present([nodeOf(one, { labels: { 'kuscia-swarm.bob.join-tokens': 'handed-over' } }), nodeOf(two), nodeOf(three)]),
      absent,
      [],
    ],
    [
      'of a run that was cut are kept while a host is still to join',
      engines({ 'node-01': inside(one), 'node-02': inside(two) }),
      marked,
      absent,
      ['+ node-03 join as worker (not in any swarm)'],
    ],
  ];
  test.each(cases)('%s', (_, told, nodes, handedInUse, lines) => {
    const unsatisfied = shown(planSwarmJoin(deployment, { engines: told, nodes, handedInUse })).filter(
      (line) => !line.startsWith('='),
    );
    expect(unsatisfied).toEqual(lines);
  });

  /** Passes on the output of swarm-init; returns the actions on the way, in order. */
  async function handedOver(
    told: ReadonlyMap<string, Fact<Engine>>,
    mark = (): Promise<string> => Promise.resolve(''),
  ): Promise<readonly string[]> {
    const done: string[] = [];
    const asked = (host: string, { command }: { readonly command: Command }): Promise<unknown> => {
      if (command === engine.command) return Promise.resolve(told.get(host));
      done.push(shellLine(command));
      return Promise.resolve(present(tokens.worker));
    };
    const run = (host: string, command: Command): Promise<string> => {
      done.push(`${host}: ${shellLine(command)}`);
      return mark();
    };
    const handings = await readJobOutputs(
      [swarmInit],
      deploymentOf(),
      { ask: asked as never, run, learn: () => undefined, reaches: () => true },
      () => true,
    );
    return [...done, ...handings.map(({ kind }) => kind)];
  }

  test('are marked in the swarm before they leave the manager, and not marked if they stay', async () => {
    const line = `node-01: ${shellLine(markTokens('alice', 'idnode01'))}`;
    expect(await handedOver(engines({ 'node-01': inside(one), 'node-02': inside(two) }))).toEqual([
      line,
      'docker swarm join-token -q manager',
      'docker swarm join-token -q worker',
      'join-tokens',
    ]);
    expect(await handedOver(all)).toEqual([]);
  });

  test('stay on the manager if the mark cannot be set', async () => {
    await expect(
      handedOver(engines({ 'node-01': inside(one) }), () => Promise.reject(new Error('not marked'))),
    ).rejects.toThrow('not marked');
  });

  test('let a host join the swarm without a query to the manager', async () => {
    const step = stepOf(
      planSwarmJoin(deployment, {
        engines: engines({ 'node-01': inside(one), 'node-02': inside(two) }),
        nodes: present([nodeOf(one), nodeOf(two)]),
      }),
      'join',
    );
    const join = joinSwarm('10.77.0.13', '10.77.0.11:2377', tokens.worker, 'nginx:1.26');
    const { fleet } = await carryOut(step, [ok('node-03', join, '\n200')]);
    expect(
      fleet.ran.map(({ host, stdin }) => [host, (JSON.parse(stdin ?? '') as { JoinToken: string }).JoinToken]),
    ).toEqual([['node-03', 'SWMTKN-1-worker']]);
  });

  test('are reported as refused if they have since been rotated', async () => {
    const step = stepOf(
      planSwarmJoin(deployment, {
        engines: engines({ 'node-01': inside(one), 'node-02': inside(two) }),
        nodes: present([nodeOf(one), nodeOf(two)]),
      }),
      'join',
    );
    const join = joinSwarm('10.77.0.13', '10.77.0.11:2377', tokens.worker, 'nginx:1.26');
    const thrown = await carryOut(step, [
      ends('node-03', join, {
        ended: 'exited',
        code: 0,
        stdout: '{"message":"rpc error: A valid join token is necessary to join this cluster"}\n\n500',
      }),
    ]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([
      { code: 'join-token-invalid', host: 'node-03', remedy: expect.stringContaining('swarm-init again') },
    ]);
    expect(JSON.stringify(failuresOf(thrown))).not.toContain('SWMTKN');
  });

  test('are compared and rotated on the manager', async () => {
    expect(shellLine(tokenInUse('worker', tokens.worker).command)).not.toContain('SWMTKN');
    expect(
      ['same\n', 'other\n', ''].map(
        (stdout) => tokenInUse('worker', tokens.worker).read({ ended: 'exited', code: 0, stdout, stderr: '' }).is,
      ),
    ).toEqual(['present', 'present', 'unknown']);
    const step = stepOf(
      planSwarmJoin(deployment, { engines: all, nodes: listed, handedInUse: present(true) }),
      'rotate',
    );
    const { fleet } = await carryOut(step, [ok('node-01', rotateJoinTokens('alice', []))]);
    expect(fleet.lines('node-01')).toHaveLength(1);
  });

  test('lose their mark when they are rotated, and only then', async () => {
    const step = stepOf(planSwarmJoin(deploymentOf(), { engines: all, nodes: marked }), 'rotate');
    const { fleet } = await carryOut(step, [ok('node-01', rotateJoinTokens('alice', ['idnode01']))]);
    expect(fleet.lines('node-01')[0]).toMatch(
      /join-token --rotate [^]* \|\| exit; done\n[^]*node update --label-rm [^]* kuscia-swarm\.alice\.join-tokens idnode01$/,
    );
  });
});
