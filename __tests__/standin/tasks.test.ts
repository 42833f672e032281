import { describe, expect, test } from '@jest/globals';
import { answer } from '../../lab/images/kuscia/src/api.ts';
import { jsonPath } from '../../lab/images/kuscia/src/jsonpath.ts';
import type { KubeObject } from '../../lab/images/kuscia/src/kine.ts';
import { kubectl, type Ask } from '../../lab/images/kuscia/src/kubectl.ts';
import { putTask } from '../../lab/images/kuscia/src/put-task.ts';
import { ensureNamespace, putNode, removeNode } from '../../lab/images/kuscia/src/replica.ts';
import { createAgent, createPodKeeper } from '../../lab/images/kuscia/src/tasks.ts';
import { unreachable } from '../../lab/images/kuscia/src/controllers.ts';
import { observed, someReplica } from './fixtures.ts';
import { memoryKine } from './memory-kine.ts';

const hosta = 'root-kuscia-autonomy-alice-hosta';

/** A replica with one task of so many seconds, with a clock that the test advances. */
async function running(seconds: number, imageMissing = false) {
  let now = Date.parse('2026-11-26T17:37:28Z');
  const kine = memoryKine();
  const replica = someReplica(kine);
  for (const name of ['alice', 'cross-domain']) await ensureNamespace(replica, name);
  await putNode(replica);
  const ask: Ask = (method, path, body) => answer(kine, method, path, body as KubeObject);
  const run = (...args: string[]) => kubectl(args, ask, '127.0.0.1:6443');
  expect(await putTask({ job: 'job-a', domain: 'alice', node: hosta, seconds, imageMissing }, ask)).toEqual({
    code: 0,
    stdout: `job-a-t1-0 on ${hosta}\n`,
    stderr: '',
  });
  const agent = createAgent(replica, () => now);
  const keeper = createPodKeeper(replica, () => now);
  const pass = async (time: number, ...who: { round(): Promise<void> }[]): Promise<void> => {
    for (const end = now + time * 1000; now < end; now += 2000) for (const each of who) await each.round();
  };
  const phases = async (): Promise<string> => {
    const [pod, task, job] = await Promise.all(
      [
        '/registry/pods/alice/job-a-t1-0',
        '/registry/kuscia.secretflow/kusciatasks/cross-domain/job-a-t1',
        '/registry/kuscia.secretflow/kusciajobs/cross-domain/job-a',
      ].map((key) => kine.get(key)),
    );
    const told =
      pod && `${String(pod.status?.phase)}${pod.metadata.deletionTimestamp === undefined ? '' : '(deleting)'}`;
    return `${told ?? 'gone'} ${String(task?.status?.phase)} ${String(job?.status?.phase)}`;
  };
  return { kine, replica, run, agent, keeper, pass, phases, again: () => createAgent(replica, () => now) };
}

describe('a task', () => {
  test('is a pod on a node of the domain, in the observed shape, beside gateways and nodes', async () => {
    const { run } = await running(30);
    const list = JSON.parse((await run('get', 'gateways,nodes,pods', '-n', 'alice', '-o', 'json')).stdout) as {
      items: KubeObject[];
    };
    expect(list.items.map(({ kind }) => kind)).toEqual(['Node', 'Pod']);
    const [, pod] = list.items;
    const real = JSON.parse(observed('pod-pending.json')) as KubeObject;
    // All that it has the real one has, too, in the same places.
    expect(Object.keys(pod?.spec ?? {}).filter((key) => !(key in (real.spec ?? {})))).toEqual([]);
    expect(Object.keys(pod?.status ?? {}).filter((key) => !(key in (real.status ?? {})))).toEqual([]);
    expect(Object.keys(pod?.metadata.labels ?? {}).filter((key) => !(key in (real.metadata.labels ?? {})))).toEqual([]);
    for (const path of [
      '{.kind}',
      '{.status.phase}',
      '{.status.containerStatuses[0].ready}',
      '{.status.conditions[?(@.type=="Ready")].status}',
      '{.spec.nodeSelector.kuscia\\.secretflow/namespace}',
      '{.spec.restartPolicy}',
    ]) {
      expect([path, jsonPath(path, pod)]).toEqual([path, jsonPath(path, real)]);
    }
    expect([pod?.spec?.nodeName, pod?.metadata.annotations?.['kuscia.secretflow/task-id']]).toEqual([
      hosta,
      'job-a-t1',
    ]);
  });

  test('runs its time, succeeds, and its pod goes', async () => {
    const { agent, pass, phases, run } = await running(10);
    expect(await phases()).toBe('Pending Pending Running');
    await pass(2, agent);
    expect(await phases()).toBe('Running Running Running');
    expect((await run('get', 'pods', '-n', 'alice')).stdout).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE\njob-a-t1-0 +1\/1 +Running +0 +\S+\n$/,
    );
    await pass(10, agent);
    expect(await phases()).toBe('Succeeded Succeeded Succeeded');
    await pass(2, agent);
    expect(await phases()).toBe('gone Succeeded Succeeded');
  });

  test('stays Pending while its image is missing, and the job Running', async () => {
    const { agent, pass, phases, run } = await running(20, true);
    await pass(10, agent);
    expect(await phases()).toBe('Pending Pending Running');
    expect((await run('get', 'pods', '-n', 'alice', '-o', 'wide')).stdout).toMatch(
      new RegExp(`0/1 +ErrImagePull +0 +\\S+ +\\S+ +${hosta} +<none> +<none>\n$`),
    );
  });

  test('has failed some 43 s after its replica was stopped', async () => {
    const { agent, keeper, pass, phases, replica } = await running(600);
    await pass(2, agent);
    await removeNode(replica);
    await pass(38, keeper);
    expect(await phases()).toBe('Running Running Running');
    await pass(6, keeper);
    expect(await phases()).toBe('gone Failed Failed');
  });

  test('has failed as soon as its replica is up again', async () => {
    const { agent, again, keeper, pass, phases, replica, run } = await running(600);
    await pass(2, agent);
    await removeNode(replica);
    await pass(10, keeper);
    await putNode(replica);
    const next = again();
    await pass(2, next, keeper);
    expect(await phases()).toBe('Failed Failed Failed');
    expect((await run('get', 'pods', '-n', 'alice')).stdout).toContain('0/1     ContainerStatusUnknown');
    await pass(4, next, keeper);
    expect(await phases()).toBe('gone Failed Failed');
  });

  test('is Terminating five minutes after its replica was killed, its job Running, until the node is deleted', async () => {
    const { agent, keeper, kine, pass, phases, run } = await running(3600);
    await pass(2, agent);
    await kine.edit(`/registry/minions/${hosta}`, (node) => unreachable(node, true));
    await pass(298, keeper);
    expect(await phases()).toBe('Running Running Running');
    await pass(6, keeper);
    expect(await phases()).toBe('Running(deleting) Running Running');
    expect((await run('get', 'pods', '-n', 'alice')).stdout).toContain('1/1     Terminating');
    await pass(600, keeper);
    expect(await phases()).toBe('Running(deleting) Running Running');
    await kine.remove(`/registry/minions/${hosta}`);
    await pass(44, keeper);
    expect(await phases()).toBe('gone Failed Failed');
  });
});
