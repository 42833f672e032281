import { describe, expect, test } from '@jest/globals';
import type { Container } from '../../src/docker/containers.ts';
import { differenceFrom, type Description } from '../../src/docker/difference.ts';
import { differing, type Difference } from '../../src/engine/about.ts';
import { absent, present, unknown } from '../../src/engine/fact.ts';
import { PLAN_WORDS } from '../../src/report/words.ts';
import { containerOf, GIB, imageId } from '../support/facts.ts';

const WANTED: Description = {
  image: 'image:1',
  memory: 2 * GIB,
  ports: { '80/tcp': 8080, '3306/tcp': 3307 },
  hostAddresses: { '3306/tcp': '10.0.0.1' },
  network: 'net',
  mounts: { '/data': ['volume', 'v'], '/conf': ['files', '/srv/conf'] },
  hostname: 'h',
};
const AS_DESCRIBED: Partial<Container> = {
  memory: 2 * GIB,
  ports: { '80/tcp': 8080, '3306/tcp': 3307, '9/tcp': 9 },
  hostAddresses: { '3306/tcp': '10.0.0.1' },
  networkMode: 'net',
  addresses: { net: '' },
  mounts: { '/data': 'v', '/conf': '/srv/conf', '/other': 'o' },
  hostname: 'h',
};
const difference = (changes: Partial<Container>, wanted = WANTED): string | undefined => {
  const found = differenceFrom(wanted, containerOf('c', { ...AS_DESCRIBED, ...changes }), absent);
  return found && PLAN_WORDS.why(differing(found));
};

/** In the order in which they are named. */
const DIFFERENCES: readonly (readonly [Partial<Container>, string])[] = [
  [{ image: 'image:2' }, 'image image:2 -> image:1'],
  [{ memory: 2 * GIB + 1 }, 'memory 2 GiB -> 2 GiB'],
  [{ memory: 6.5 * GIB }, 'memory 6.5 GiB -> 2 GiB'],
  [{ ports: { '3306/tcp': 3307 } }, 'port none -> 8080'],
  [{ ports: { '80/tcp': 8080, '3306/tcp': 3306 } }, 'port 3306 -> 3307'],
  [{ hostAddresses: {} }, 'published at every address -> 10.0.0.1'],
  [{ hostAddresses: { '3306/tcp': '10.0.0.2' } }, 'published at 10.0.0.2 -> 10.0.0.1'],
  [{ networkMode: 'bridge' }, 'network bridge -> net'],
  [{ addresses: {} }, 'no longer attached to net'],
  [{ mounts: { '/data': 'w', '/conf': '/srv/conf' } }, 'volume w -> v'],
  [{ mounts: { '/data': 'v' } }, 'files none -> /srv/conf'],
  [{ hostname: 'g' }, 'name g -> h'],
];

/** All of them at once; of two of one field the first. */
const together = (differences: typeof DIFFERENCES): Partial<Container> =>
  differences.reduceRight<Partial<Container>>((all, [each]) => ({ ...all, ...each }), {});

describe('a container', () => {
  test('that matches the description has no difference, whatever else it has', () => {
    expect(difference({})).toBeUndefined();
    expect(
      differenceFrom({ image: 'image:1' }, containerOf('c', together(DIFFERENCES.slice(1))), absent),
    ).toBeUndefined();
  });

  test.each(DIFFERENCES)('that differs by %j is reported', (changes, words) => {
    expect(difference(changes)).toBe(words);
  });

  test.each(DIFFERENCES.map(([, words], i) => [words, i] as const))(
    'that differs in more reports %s first',
    (words, i) => {
      expect(difference(together(DIFFERENCES.slice(i)))).toBe(words);
    },
  );

  test('from another name of the same image matches the description', () => {
    const found = [present(imageId('a')), present(imageId('b')), absent, unknown('no shell')].map((onHost) =>
      differenceFrom({ image: 'other:1' }, containerOf('c'), onHost),
    );
    expect(found).toEqual([
      undefined,
      ...Array<Difference>(3).fill({ field: 'image', from: 'image:1', to: 'other:1' }),
    ]);
  });
});
