import { expect, test } from '@jest/globals';
import type { Host } from '../../src/cluster/cluster.ts';
import type { Container } from '../../src/docker/containers.ts';
import { absent, present, unknown, type Fact } from '../../src/engine/fact.ts';
import { overlayAddress, type OverlayAddress } from '../../src/stages/verify-overlay.ts';
import { deploymentOf, THREE } from '../support/deployment.ts';
import { containerOf, gatewayOf, nameOf, replicaOf } from '../support/facts.ts';

const { cluster } = deploymentOf();
const { name: network } = cluster.network;
const [, host] = THREE as [Host, Host];
const NAME = nameOf(cluster, host);
const own = replicaOf(cluster, host);
const at = (address: string): Container => replicaOf(cluster, host, { addresses: { [network]: address } });
const other = (changes: Partial<Container> = {}): Container =>
  containerOf('other', { addresses: { [network]: '10.200.0.99' }, ...changes });

const cases: readonly [string, string, Fact<Container>, Readonly<Record<string, Container[]>>, OverlayAddress][] = [
  ['its own', '10.200.0.12', present(own), {}, { is: 'own' }],
  ['its own, beside another', '10.200.0.12', present(own), { 'node-03': [other()] }, { is: 'own' }],
  ['outside the subnet', '172.17.0.4', present(own), {}, { is: 'outside' }],
  ['outside, though the container is not known', '172.17.0.4', unknown('exit 1'), {}, { is: 'outside' }],
  [
    'of a replica that shares its name with a container on a host called outside',
    '10.200.0.12',
    present(own),
    { outside: [other({ hostname: NAME })] },
    { is: 'name-shared', by: { on: 'outside', name: 'other', hostname: NAME, address: '10.200.0.99' } },
  ],
  ['of a container that is not known', '10.200.0.12', unknown('exit 1'), {}, { is: 'unknown' }],
  ['not that of its container', '10.200.0.12', present(at('10.200.0.13')), {}, { is: 'not-own', own: '10.200.0.13' }],
  ['of a container that is stopped', '10.200.0.12', present(at('')), {}, { is: 'not-own', own: '' }],
  ['of a container that does not exist', '10.200.0.12', absent, {}, { is: 'not-own', own: undefined }],
  [
    'of two containers',
    '10.200.0.12',
    present(own),
    { twice: [other({ addresses: { [network]: '10.200.0.12' } })] },
    { is: 'shared' },
  ],
];
test.each(cases)('a registered address is %s', (_, address, container, others, wanted) => {
  const containers = new Map([
    [host.name, container.is === 'present' ? [container.value] : []],
    ...Object.entries(others),
  ]);
  expect(overlayAddress(cluster, { containers }, { host, container }, gatewayOf(cluster, host, { address }))).toEqual(
    wanted,
  );
});
