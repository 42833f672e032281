import { expect, test } from '@jest/globals';
import { nearest } from '../../src/cluster/nearest.ts';

const ROLES = ['manager', 'worker', 'database', 'replica', 'load-balancer'];

test.each([
  ['loadbalancer', 'load-balancer'],
  ['Load_Balancer', 'load-balancer'],
  ['replicas', 'replica'],
  ['db', undefined],
  ['masternode', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('of the roles, %.20p means %p', (word, meant) => {
  expect(nearest(word, ROLES)).toBe(meant);
});

test('nothing is near to no choice', () => expect(nearest('a', [])).toBeUndefined());
