import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import {
  contains,
  dotted,
  ipv4,
  overlap,
  parseSubnet,
  PRIVATE,
  subnetText,
  within,
  type Subnet,
} from '../../src/cluster/subnet.ts';

const subnet = (text: string): Subnet =>
  parseSubnet(text) ??
  ((): never => {
    throw new Error(text);
  })();

const addresses = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('subnets', () => {
  test('an address survives the conversion to a number', () => {
    fc.assert(fc.property(addresses, (number) => expect(ipv4(dotted(number))).toBe(number)));
  });

  test('a subnet survives the conversion to text, and contains its ends and nothing beyond them', () => {
    fc.assert(
      fc.property(addresses, fc.integer({ min: 1, max: 32 }), (number, prefix) => {
        const range = subnet(`${dotted(number)}/${prefix}`);
        expect(parseSubnet(subnetText(range))).toEqual(range);
        expect(contains(range, dotted(number))).toBe(true);
        expect(range.last - range.first + 1).toBe(2 ** (32 - prefix));
        if (range.first > 0) expect(contains(range, dotted(range.first - 1))).toBe(false);
        if (range.last < 2 ** 32 - 1) expect(contains(range, dotted(range.last + 1))).toBe(false);
      }),
    );
  });

  test.each([
    '',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '256.0.0.0/8',
    '010.0.0.0/8',
    '10.0.0.0/08',
    '::/8',
    ' 10.0.0.0/8',
  ])('%p is not a subnet', (text) => {
    expect(parseSubnet(text)).toBeUndefined();
  });

  test.each([
    ['10.0.0.0/8', '10.255.0.0/16', true, true],
    ['10.0.0.0/16', '10.1.0.0/16', false, false],
    ['172.16.0.0/12', '172.0.0.0/8', true, false],
    ['192.168.0.0/16', '192.168.0.0/16', true, true],
  ])('%s and %s: overlap %p, second within first %p', (a, b, overlaps, inside) => {
    expect(overlap(subnet(a), subnet(b))).toBe(overlaps);
    expect(within(subnet(b), subnet(a))).toBe(inside);
  });

  test('the private ranges are the three of RFC 1918', () => {
    expect(PRIVATE.map(subnetText)).toEqual(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']);
  });
});
