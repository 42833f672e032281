import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import type { Act } from '../../src/engine/ask.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { present, unknown, type Fact } from '../../src/engine/fact.ts';
import type { Registry, Task } from '../../src/kuscia/registry.ts';
import { awaitTasks, tasksWarning } from '../../src/stages/kuscia-tasks.ts';
import { planReplicas } from '../../src/stages/kuscia-start.ts';
import { absent } from '../../src/engine/fact.ts';
import { clusterOf, deploymentOf, THREE } from '../support/deployment.ts';
import { answerOf, fileOf, imageId, machineOf, nameOf, registryOf, replicaOf, standingOf } from '../support/facts.ts';

const cluster = clusterOf();
const HOSTS = THREE.slice(1);
const [two, three] = HOSTS as [Host, Host];
const [on2, on3] = [nameOf(cluster, two), nameOf(cluster, three)];
const task = (job: string, replica = on2, phase = 'Running'): Task => ({ job, task: `${job}-t1`, replica, phase });
const saying = (...tasks: Task[]): Fact<Registry> => present(registryOf(cluster, HOSTS, { tasks }));
const silent = unknown('could not read the gateways, nodes and tasks: exit 1: refused');

/** The messages of a step while it waits for a replica's tasks; the API answers by the elapsed seconds, which pass only in the step's pauses. */
async function awaited(
  minutes: number,
  answer: (seconds: number, host: string) => Fact<Registry>,
  works?: boolean,
): Promise<{ said: string[]; seconds: number; failures: string[] }> {
  let now = 1_000_000;
  const began = now;
  const said: string[] = [];
  const act = {
    ask: (host: string) => Promise.resolve(answer((now - began) / 1000, host)),
    reaches: () => true,
    say: (host: string, text: string) => void said.push(`${(now - began) / 1000} ${host} ${text}`),
    pause: (ms: number) => Promise.resolve(void (now += ms)),
  } as unknown as Act;
  const failures = await awaitTasks(act, deploymentOf({}, { taskWaitMs: minutes * 60_000 }), two, on2, works, {
    now: () => now,
  }).then(
    () => [],
    (thrown: unknown) => failuresOf(thrown).map(({ code, host, what }) => `${code} ${host ?? ''} ${what}`),
  );
  return { said, seconds: (now - began) / 1000, failures };
}

describe('before a replica is stopped', () => {
  test('nothing is waited for or reported if no task runs on it', async () => {
    expect(await awaited(10, () => saying(task('elsewhere', on3)))).toEqual({ said: [], seconds: 0, failures: [] });
  });

  test('its tasks are waited for, including new ones, and reported every 30 s', async () => {
    const { said, seconds } = await awaited(10, (at) =>
      at < 32 ? saying(task('a')) : at < 50 ? saying(task('b', on2, 'Pending')) : saying(),
    );
    expect(said).toEqual([
      '0 node-02 waits for 1 task of 1 job: a (a-t1); 10 min left',
      '30 node-02 waits for 1 task of 1 job: a (a-t1); 9 min 30 s left',
      `50 node-02 no tasks are left on ${on2}`,
    ]);
    expect(seconds).toBe(50);
  });

  test('when the time is over, tasks that still run are named and ended', async () => {
    const { said, seconds, failures } = await awaited(1, () => saying(task('a'), task('b', on2, 'Pending')));
    expect(said.at(-1)).toBe('60 node-02 ends 2 tasks of 2 jobs: a (a-t1), b (b-t1, Pending) (task-wait is over)');
    expect([said.length, seconds, failures]).toEqual([3, 60, []]);
  });

  test('with task-wait 0 nothing is waited for, and the tasks that end are named', async () => {
    expect(await awaited(0, () => saying(task('a')))).toEqual({
      said: ['0 node-02 ends 1 task of 1 job: a (a-t1) (task-wait: 0)'],
      seconds: 0,
      failures: [],
    });
  });

  test('another replica is queried if its own API does not answer', async () => {
    expect(
      (await awaited(10, (at, host) => (host === 'node-02' ? silent : at < 10 ? saying(task('a')) : saying()))).said,
    ).toEqual(['0 node-02 waits for 1 task of 1 job: a (a-t1); 10 min left', `10 node-02 no tasks are left on ${on2}`]);
  });

  test('tasks on a node that is not Ready are not waited for', async () => {
    const cut = present(
      registryOf(cluster, HOSTS, {
        tasks: [task('a')],
        nodes: [
          { name: on2, ready: false },
          { name: on3, ready: true },
        ],
      }),
    );
    expect(await awaited(10, () => cut)).toEqual({
      said: ['0 node-02 ends 1 task of 1 job: a (a-t1) (its node is not Ready, so their end cannot be observed)'],
      seconds: 0,
      failures: [],
    });
  });

  test('if no API answers, one that does not work is stopped anyway, with a message', async () => {
    expect(await awaited(10, () => silent, false)).toEqual({
      said: [
        `0 node-02 stops ${on2} without knowing which tasks run on it (no API answers, and the replica does not work anyway)`,
      ],
      seconds: 0,
      failures: [],
    });
  });

  test('if no API answers, one that works is not stopped', async () => {
    const { said, seconds, failures } = await awaited(1, () => silent, true);
    expect(said[0]).toBe(
      `0 node-02 waits until it is known which tasks run on ${on2} (could not read the gateways, nodes and tasks: exit 1: refused); 1 min left`,
    );
    expect([seconds, failures]).toEqual([
      60,
      [`tasks-running node-02 cannot tell whether tasks are running on ${on2}, which is to be stopped`],
    ]);
    expect((await awaited(0, () => silent, true)).said).toEqual([
      `0 node-02 stops ${on2} without knowing which tasks run on it (task-wait: 0)`,
    ]);
  });
});

describe('a plan', () => {
  type OnHost = Parameters<typeof planReplicas>[1][number];
  const factsOf = (told: Partial<OnHost>, registry: Fact<Registry>, state = 'running'): OnHost[] =>
    HOSTS.map((host, i): OnHost => ({
      host,
      machine: present(machineOf(host)),
      image: present(imageId('a')),
      identity: absent,
      file: fileOf('x'),
      standing: standingOf(present(replicaOf(cluster, host, i === 0 ? { state } : {}))),
      within: absent,
      elsewhere: absent,
      answer: present(answerOf(cluster, host)),
      registry,
      lastErrorLines: present(''),
      forwarded: present(new Set([on2, on3])),
      ...(i === 0 && told),
    }));
  const warned = (told: Partial<OnHost>, registry: Fact<Registry>, state?: string): string[] =>
    planReplicas(deploymentOf(), factsOf(told, registry, state)).warnings.map(
      ({ code, host, evidence }) => `${code} ${host ?? ''} ${evidence ?? ''}`,
    );
  const recreated = { image: present(imageId('b')) };
  const told = ['tasks-running node-02 kubectl get pods -n alice: 1 task of 1 job: a (a-t1)'];

  test.each<[string, Partial<OnHost>, Fact<Registry>, string | undefined, string[]]>([
    ['a replica that is replaced', recreated, saying(task('a')), undefined, told],
    [
      'a replica whose configuration changed',
      { file: fileOf('x', { changedAt: Date.now() * 2 }) },
      saying(task('a')),
      undefined,
      told,
    ],
    [
      'a replica whose own API is silent, from the answer of another',
      { ...recreated, registry: silent },
      saying(task('a')),
      undefined,
      told,
    ],
    ['a replica that stays as it is', {}, saying(task('a')), undefined, []],
    ['a replica on which nothing runs', recreated, saying(task('a', on3)), undefined, []],
    ['a replica that has ended already', {}, saying(task('a')), 'exited', []],
    ['a replica of which no API answers', recreated, silent, undefined, []],
  ])('warns of the tasks of %s', (_, facts, registry, state, wanted) => {
    expect(warned(facts, registry, state)).toEqual(wanted);
  });

  test.each<[number, boolean, RegExp]>([
    [10, true, /stopped once they have ended, after 10 min at most \(task-wait\)/],
    [0, true, /at once \(task-wait: 0\)/],
    [10, false, /not Ready, so their end cannot be observed/],
  ])('says what happens to them: %s minutes, node Ready: %s', (minutes, ready, wanted) => {
    const known = present(registryOf(cluster, HOSTS, { tasks: [task('a')], nodes: [{ name: on2, ready }] }));
    expect(tasksWarning(deploymentOf({}, { taskWaitMs: minutes * 60_000 }), two, on2, [known])?.remedy).toMatch(wanted);
  });
});
