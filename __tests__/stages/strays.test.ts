import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import { present, unknown } from '../../src/engine/fact.ts';
import { strayWarnings } from '../../src/stages/strays.ts';
import { clusterOf, THREE } from '../support/deployment.ts';
import {
  containerOf,
  gatewayOf,
  machineOf,
  nameOf,
  nodeOf,
  NOW,
  probeOf,
  registryOf,
  replicaOf,
} from '../support/facts.ts';

type Facts = Parameters<typeof strayWarnings>[1];
const [one, two, three] = THREE as [Host, Host, Host];
const whole = clusterOf();
const NAME = 'root-kuscia-autonomy-alice';
const OUTSIDE = nameOf(whole, three);

/** The cluster file without its last host; with it, but without its role. */
const smaller = clusterOf({ hosts: [one, two] });
const idle = clusterOf({ hosts: [one, two, { ...three, roles: ['worker'] }] });

/** The facts about the hosts of a cluster file, while both replicas of the whole cluster run. */
const seenBy = (hosts: readonly Host[], told: Partial<Facts> = {}): Facts => ({
  nodes: present(THREE.map((host) => nodeOf(host))),
  machines: new Map(hosts.map((host) => [host.name, present(machineOf(host))])),
  containers: new Map(
    hosts.map((host) => [host.name, [probeOf(whole), ...(host === one ? [] : [replicaOf(whole, host)])]]),
  ),
  replicas: [{ host: two, registry: present(registryOf(whole, [two, three])) }],
  ...told,
});
const heard = (changes: Parameters<typeof gatewayOf>[2], ready: boolean): Partial<Facts> => ({
  replicas: [
    {
      host: two,
      registry: present(
        registryOf(whole, [two, three], {
          gateways: [gatewayOf(whole, two), gatewayOf(whole, three, changes)],
          nodes: [
            { name: nameOf(whole, two), ready: true },
            { name: OUTSIDE, ready },
          ],
        }),
      ),
    },
  ],
});
const told = (...facts: Parameters<typeof strayWarnings>): string[] =>
  strayWarnings(...facts).map(({ host = '-', what }) => `${host}: ${what}`);

describe('what runs and is not described is reported:', () => {
  const cases: readonly [string, Parameters<typeof strayWarnings>, readonly string[]][] = [
    ['nothing in a cluster that is as its file', [whole, seenBy(THREE)], []],
    [
      'a replica whose host was removed from the file',
      [smaller, seenBy([one, two])],
      [`-: replica ${OUTSIDE} runs on node-03 (10.77.0.13), a node of the swarm that is not in the cluster file`],
    ],
    [
      'the same if the nodes of the swarm are not known',
      [smaller, seenBy([one, two], { nodes: unknown('no leader') })],
      [`-: replica ${OUTSIDE} runs on a host that is not in the cluster file`],
    ],
    [
      'the same whose heart beats while its node is not Ready',
      [smaller, seenBy([one, two], heard({}, false))],
      [`-: replica ${OUTSIDE} runs on node-03 (10.77.0.13), a node of the swarm that is not in the cluster file`],
    ],
    [
      'nothing once it is dead, although its entry stays',
      [smaller, seenBy([one, two], heard({ heartbeat: NOW - 45_000 }, false))],
      [],
    ],
    [
      'a replica whose host lost its role',
      [idle, seenBy([one, two, idle.hosts[2] as Host])],
      [`node-03: replica ${OUTSIDE} runs on node-03, which does not have the role replica`],
    ],
    [
      'its container, once it was stopped',
      [
        idle,
        seenBy([one, two, idle.hosts[2] as Host], {
          ...heard({ heartbeat: 0 }, false),
          containers: new Map([['node-03', [replicaOf(whole, three, { state: 'exited' })]]]),
        }),
      ],
      [`node-03: container ${NAME} of alice is on node-03, whose roles do not call for it`],
    ],
    [
      'a replica of another login',
      [
        whole,
        seenBy(THREE, {
          containers: new Map([['node-02', [replicaOf(whole, two), containerOf('deploy-kuscia-autonomy-alice')]]]),
        }),
      ],
      ['node-02: container deploy-kuscia-autonomy-alice of alice is on node-02, whose roles do not call for it'],
    ],
    [
      'a database and a load balancer that moved',
      [
        whole,
        seenBy(THREE, {
          containers: new Map([
            ['node-01', [containerOf('alice-mysql'), containerOf('alice-nginx-lb')]],
            ['node-02', [containerOf('alice-mysql'), containerOf('alice-nginx-lb'), replicaOf(whole, two)]],
          ]),
        }),
      ],
      [
        'node-02: container alice-mysql of alice is on node-02, whose roles do not call for it',
        'node-02: container alice-nginx-lb of alice is on node-02, whose roles do not call for it',
      ],
    ],
    [
      'nothing of another domain',
      [
        whole,
        seenBy(THREE, {
          containers: new Map([
            [
              'node-02',
              [
                replicaOf(whole, two),
                containerOf('root-kuscia-autonomy-bob'),
                containerOf('bob-mysql'),
                containerOf('root-kuscia-autonomy-malice'),
              ],
            ],
          ]),
        }),
      ],
      [],
    ],
    [
      'nothing that may be the replica of a host whose name is not known',
      [
        whole,
        seenBy(THREE, {
          nodes: unknown('no leader'),
          machines: new Map([
            ['node-01', present(machineOf(one))],
            ['node-02', present(machineOf(two))],
            ['node-03', unknown('lost')],
          ]),
        }),
      ],
      [],
    ],
    [
      'nothing if a silent host is a node of the swarm',
      [
        whole,
        seenBy(THREE, {
          machines: new Map([
            ['node-01', present(machineOf(one))],
            ['node-02', present(machineOf(two))],
            ['node-03', unknown('lost')],
          ]),
        }),
      ],
      [],
    ],
    [
      'nothing if no replica reports what is registered',
      [smaller, seenBy([one, two], { replicas: [{ host: two, registry: unknown('exit 1') }] })],
      [],
    ],
  ];
  test.each(cases)('%s', (_, facts, wanted) => {
    expect(told(...facts)).toEqual(wanted);
  });
});

test('the warning gives evidence, cause, and the commands for removal', () => {
  expect(strayWarnings(smaller, seenBy([one, two]))).toEqual([
    {
      code: 'not-described',
      what: expect.any(String),
      evidence: 'heartbeat 5 s ago at 10.200.0.13, node Ready',
      cause:
        'its host or its role was removed from the cluster file, which stops nothing: the replica still receives jobs, but the load balancer does not forward to it',
      remedy: `Put it back into the cluster file, or remove it: on node-03 (10.77.0.13) docker stop ${NAME} and docker rm -f ${NAME}, then on node-02 docker exec ${NAME} kubectl delete gateway ${OUTSIDE} -n alice and docker exec ${NAME} kubectl delete node ${OUTSIDE}.`,
    },
  ]);
  expect(
    strayWarnings(
      whole,
      seenBy(THREE, {
        containers: new Map([
          ['node-02', [containerOf('alice-mysql', { mounts: { '/var/lib/mysql': 'alice-mysql' } })]],
        ]),
      }),
    )[0]?.remedy,
  ).toMatch(/docker rm -f alice-mysql\. Its data remains in the volume alice-mysql\.$/);
});
