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
])('the nearest role to %.20p is %p', (word, meant) => {
  expect(nearest(word, ROLES)).toBe(meant);
});

test('without choices nothing is nearest', () => expect(nearest('a', [])).toBeUndefined());
