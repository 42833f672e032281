import { expect, test } from '@jest/globals';
import { FLOODS } from './flood.ts';
import { expectHarmless } from './flooded.ts';

const here = { name: 'here', address: '127.0.0.1', roles: ['worker'], route: { via: 'local' } } as const;
const MIB = 1024 ** 2;

test.each(Object.keys(FLOODS))(
  '32 MiB of %s on either output cost little memory and are not interpreted',
  (name) => {
    const { kept } = expectHarmless({
      host: here,
      floods: [
        [name, 1, 32 * MIB],
        [name, 2, 32 * MIB],
      ],
    });
    expect(Math.min(...kept)).toBeGreaterThan(2 * MIB);
  },
  60_000,
);

test('a gigabyte of one endless line costs no more', () => {
  expectHarmless({ host: here, floods: [['an endless line', 1, 1024 * MIB]] });
}, 60_000);
