import { describe, expect, test } from '@jest/globals';
import { answer } from '../../lab/images/kuscia/src/api.ts';
import { jsonPath } from '../../lab/images/kuscia/src/jsonpath.ts';
import type { KubeObject } from '../../lab/images/kuscia/src/kine.ts';
import { kubectl, type Ask } from '../../lab/images/kuscia/src/kubectl.ts';
import { findResource, resource } from '../../lab/images/kuscia/src/resources.ts';
import { humanAge, table } from '../../lab/images/kuscia/src/table.ts';
import { observed } from './fixtures.ts';
import { memoryKine } from './memory-kine.ts';

const objects = (name: string): KubeObject[] => {
  const value = JSON.parse(observed(name)) as KubeObject & { items?: KubeObject[] };
  return value.items ?? [value];
};

/** The observed output under `$ kubectl ARGS`. */
function shown(args: string): string {
  const text = observed('kubectl/kubectl-one-replica.txt').split(`$ kubectl ${args}\n`)[1] ?? '';
  return text.split('rc=0')[0] ?? '';
}

async function cluster(): Promise<{
  run: (...args: string[]) => ReturnType<typeof kubectl>;
  feed: (text: string) => ReturnType<typeof kubectl>;
}> {
  const kine = memoryKine();
  for (const gateway of objects('one-gateway_n_alice.json'))
    await kine.create(`/registry/kuscia.secretflow/gateways/alice/${gateway.metadata.name}`, gateway);
  for (const node of objects('one-nodes.json')) await kine.create(`/registry/minions/${node.metadata.name}`, node);
  const ask: Ask = (method, path, body) => answer(kine, method, path, body as KubeObject);
  return {
    run: (...args) => kubectl(args, ask, '127.0.0.1:6443'),
    feed: (text) => kubectl(['apply', '-f', '-'], ask, '127.0.0.1:6443', () => text),
  };
}

describe('kubectl get', () => {
  test('shows gateways, nodes and routes in the observed columns', () => {
    const now = new Date('2026-11-23T14:20:48Z');
    expect(table(resource('gateways'), objects('one-gateway_n_alice.json'), { now })).toBe(
      shown('get gateway -n alice'),
    );
    expect(table(resource('gateways'), objects('one-gateway_n_alice.json'), { now, namespaces: true })).toBe(
      shown('get gateways -A'),
    );
    expect(table(resource('nodes'), objects('one-nodes.json'), { now })).toBe(shown('get nodes'));
    expect(table(resource('nodes'), objects('one-nodes.json'), { now, wide: true })).toBe(shown('get no -o wide'));
    expect(table(resource('domains'), objects('one-domain_alice.json'), { now })).toBe(shown('get domain'));
    expect(table(resource('clusterdomainroutes'), objects('unreachable-cdr.json')).split('\n').slice(0, 3)).toEqual([
      'NAME         SOURCE   DESTINATION   HOST         AUTHENTICATION   READY',
      'alice-bob    alice    bob           10.77.0.99   Token            False',
      'bob-alice    bob      alice                      Token            ',
    ]);
  });

  test('prints JSON with four blanks and sorted keys, one object or a List', async () => {
    const { run } = await cluster();
    const list = await run('get', 'gateways', '-n', 'alice', '-o', 'json');
    const sameVersion = (text: string): string => text.replace(/"resourceVersion": "\d+"/, '"resourceVersion": "424"');
    expect(sameVersion(list.stdout)).toBe(observed('one-gateway_n_alice.json'));
    // Of several kinds one list, in their order.
    const both = JSON.parse((await run('get', 'gateways,nodes', '-n', 'alice', '-o', 'json')).stdout) as {
      kind: string;
      items: { kind: string }[];
    };
    expect([both.kind, both.items.map(({ kind }) => kind)]).toEqual(['List', ['Gateway', 'Node']]);
    expect(
      JSON.parse((await run('get', 'gw', 'root-kuscia-autonomy-alice-hosta', '-n', 'alice', '-ojson')).stdout),
    ).toMatchObject({ kind: 'Gateway' });
  });

  test('knows the short names', () => {
    expect(
      [
        'gw',
        'gateway',
        'gateways',
        'no',
        'node',
        'cdr',
        'dr',
        'ns',
        'lease',
        'appimage',
        'domain',
        'gateways.kuscia.secretflow',
      ].map((word) => findResource(word)?.kind),
    ).toEqual([
      'Gateway',
      'Gateway',
      'Gateway',
      'Node',
      'Node',
      'ClusterDomainRoute',
      'DomainRoute',
      'Namespace',
      'Lease',
      'AppImage',
      'Domain',
      'Gateway',
    ]);
  });

  test('reports missing objects like kubectl', async () => {
    const { run } = await cluster();
    expect(await run('get', 'cdr')).toEqual({ code: 0, stdout: '', stderr: 'No resources found\n' });
    expect(await run('get', 'gw', '-n', 'bob')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No resources found in bob namespace.\n',
    });
    expect(await run('get', 'gw', 'x', '-n', 'alice')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): gateways.kuscia.secretflow "x" not found\n',
    });
    expect(await run('get', 'foo')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: the server doesn\'t have a resource type "foo"\n',
    });
    expect(await run('get', '--raw', '/readyz')).toEqual({ code: 0, stdout: 'ok', stderr: '' });
  });

  test('ends with 1 and the refused connection while the API is away', async () => {
    const away: Ask = () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
    expect(await kubectl(['get', 'nodes'], away, '127.0.0.1:6443')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n',
    });
  });
});

test('kubectl apply says created, unchanged and configured', async () => {
  const { feed } = await cluster();
  const domain = (role: string): string =>
    `apiVersion: kuscia.secretflow/v1alpha1\nkind: Domain\nmetadata: {name: bob}\nspec: {cert: "", role: ${role}}\n`;
  const said = [await feed(domain('partner')), await feed(domain('partner')), await feed(domain('other'))].map(
    ({ stdout }) => stdout.trim().split(' ')[1],
  );
  expect(said).toEqual(['created', 'unchanged', 'configured']);
});

test('kubectl delete gateway deletes the object once', async () => {
  const { run } = await cluster();
  const remove = (): ReturnType<typeof run> =>
    run('delete', 'gateway', 'root-kuscia-autonomy-alice-hosta', '-n', 'alice');
  expect(await remove()).toMatchObject({
    code: 0,
    stdout: 'gateway.kuscia.secretflow "root-kuscia-autonomy-alice-hosta" deleted\n',
  });
  expect(await remove()).toMatchObject({
    code: 1,
    stderr: 'Error from server (NotFound): gateways.kuscia.secretflow "root-kuscia-autonomy-alice-hosta" not found\n',
  });
});

test.each([
  ['{.items[*].metadata.name}', 'root-kuscia-autonomy-alice-hosta'],
  ['{.items[0].status.conditions[?(@.type=="Ready")].status}', 'True'],
  [
    '{range .items[*]}{.metadata.name}{" "}{.status.nodeInfo.kubeletVersion}{"\\n"}{end}',
    'root-kuscia-autonomy-alice-hosta v1.1.0b0\n',
  ],
  ['{.items[0].metadata.labels.kuscia\\.secretflow/namespace}', 'alice'],
  ['{.items[0].status.daemonEndpoints}', '{"kubeletEndpoint":{"Port":0}}'],
  ['{.nothing}', ''],
])('jsonpath %s', (template, text) => {
  expect(jsonPath(template, JSON.parse(observed('one-nodes.json')))).toBe(text);
});

test.each([
  [59, '59s'],
  [117, '117s'],
  [124, '2m4s'],
  [600, '10m'],
  [386, '6m26s'],
  [7200, '120m'],
  [86400, '24h'],
  [172800, '2d'],
])('an age of %i seconds is %s', (seconds, text) => {
  expect(humanAge(seconds * 1000)).toBe(text);
});
