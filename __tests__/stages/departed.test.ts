import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import { engine, swarmNodes } from '../../src/docker/facts.ts';
import { absent, present, unknown } from '../../src/engine/fact.ts';
import { departedHosts } from '../../src/stages/departed.ts';
import { clusterOf, THREE, TWO } from '../support/deployment.ts';
import { engineInside, engineOutside, enginesOf, nodeOf } from '../support/facts.ts';
import { factOf } from '../support/tape.ts';

type Arguments = Parameters<typeof departedHosts>;
const [one, two, three] = THREE as [Host, Host, Host];
const smaller = clusterOf({ hosts: [one, two] });
const inside = enginesOf([one, two], (host) => present(engineInside(host)));
const nodes = present(THREE.map((host) => nodeOf(host)));
const left: Host = { ...three, roles: [] };
const whatEver = expect.any(String) as unknown as string;

/** The hosts that have left, or why that or how they are reached is not known. */
function told(...facts: Arguments): unknown {
  const departed = departedHosts(...facts);
  if (departed.is !== 'present') return departed;
  return departed.value.map(({ host }) => (host.is === 'present' ? host.value : host));
}

/** With one more node in the swarm besides those of the file. */
const with3 = (...changes: Partial<ReturnType<typeof nodeOf>>[]): Arguments => [
  smaller,
  inside,
  present([nodeOf(one), nodeOf(two), ...changes.map((each) => nodeOf(three, each))]),
];
const reached = (route: Partial<Host['route']>): Arguments => {
  const hosts = [one, { ...two, route: { ...two.route, ...route } } as Host];
  return [clusterOf({ hosts }), inside, nodes];
};

describe('a host that has left the cluster file', () => {
  test('is found in the recording of a real swarm', () => {
    const [first, second] = TWO as [Host, Host];
    const cluster = clusterOf({ hosts: [first] });
    const engines = enginesOf([first], ({ name }) => factOf('settled', name, engine));
    expect(told(cluster, engines, factOf('settled', first.name, swarmNodes))).toEqual([{ ...second, roles: [] }]);
  });

  const cases: readonly [string, Arguments, unknown][] = [
    ['none if all nodes are described', [clusterOf(), enginesOf(THREE, (h) => present(engineInside(h))), nodes], []],
    ['reached as all others are', [smaller, inside, nodes], [left]],
    ['there even if its node is down', with3({ state: 'down' }), [left]],
    [
      'named by its address if a described host has its name',
      with3({ hostname: 'node-02' }),
      [{ ...left, name: '10.77.0.13' }],
    ],
    ['named by its address if its name is not valid', with3({ hostname: '$(id)' }), [{ ...left, name: '10.77.0.13' }]],
    ['one, although it joined twice', with3({ id: 'former', state: 'down' }, { id: 'present' }), [left]],
    [
      'two if two machines have the same name',
      with3({ hostname: 'same' }, { id: 'other', hostname: 'same', address: '10.77.0.14' }),
      [
        { ...left, name: '10.77.0.13' },
        { ...left, name: '10.77.0.14', address: '10.77.0.14' },
      ],
    ],
    ['not a previous node of a described one', with3({ id: 'former', address: two.address, state: 'down' }), []],
    [
      'not a described one that does not answer',
      [clusterOf(), new Map([...inside, [three.name, unknown('silent')]]), nodes],
      [],
    ],
    [
      'not a described one under another address',
      [
        clusterOf({ hosts: [one, { ...two, address: 'two.example.org' }] }),
        inside,
        present([nodeOf(one), nodeOf(two)]),
      ],
      [],
    ],
    [
      'unknown if one that does not answer could be it',
      [
        clusterOf({ hosts: [one, { ...two, address: 'two.example.org' }] }),
        new Map([
          [one.name, present(engineInside(one))],
          [two.name, unknown('silent')],
        ]),
        nodes,
      ],
      unknown('cannot tell which node of the swarm is node-02'),
    ],
    ['unknown if the nodes are', [smaller, inside, unknown('no quorum')], unknown('no quorum')],
    ['none if there is no swarm', [smaller, enginesOf([one, two], () => present(engineOutside())), absent], absent],
    [
      'not addressed where the swarm reports no usable address',
      with3({ address: '0.0.0.0' }),
      [unknown('the swarm reports no usable address for node-03')],
    ],
    ...[{ user: 'deploy' }, { port: 2222 }, { sudo: true as const }, { via: 'local' as const }].map(
      (route): [string, Arguments, unknown] => [
        `not addressed where the others are reached in different ways: ${Object.keys(route).join()}`,
        reached(route as Partial<Host['route']>),
        [{ is: 'unknown', why: whatEver }],
      ],
    ),
  ];
  test.each(cases)('is %s', (_, facts, expected) => {
    expect(told(...facts)).toEqual(expected);
  });
});
