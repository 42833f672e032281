import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { up } from '../../../lab/lab.ts';
import { FAULTS } from './faults.ts';
import { Matrix, rowOf } from './matrix.ts';
import { UNMADE, unmadeRow } from './unmade.ts';

/** `all`, or names of faults; by default a few of each family. `npm run test:faults` tries all. */
const asked = process.env['FAULTS'];
const chosen = FAULTS.filter(
  ({ name, usual }) => asked === 'all' || (asked === undefined ? usual === true : asked.split(',').includes(name)),
);

/** Tries every second one of the faults, from the first or the second on, so that two labs can share them. */
export const tryFaults = (half: 0 | 1): void =>
  describe(`a fault is named with its evidence and what to do, does no harm, and the next run completes: ${half === 0 ? 'the first' : 'the second'} half of the faults`, () => {
    const matrix = new Matrix();
    const mine = chosen.filter((_, i) => i % 2 === half);

    beforeAll(async () => {
      await up(3);
      process.stdout.write(
        `${mine.length} of ${FAULTS.length} faults\n${rowOf(['fault', 'next run', 'harm', 'time', 'named by the run that met it'])}\n`,
      );
    }, 600_000);

    afterAll(() => {
      if (half === 1)
        process.stdout.write(`${UNMADE.length} that the lab cannot make:\n${UNMADE.map(unmadeRow).join('\n')}\n`);
    });

    test('at least one fault is selected, and no two have the same name', () => {
      expect(chosen.length).toBeGreaterThan(0);
      expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
    });

    for (const fault of mine) {
      test(
        fault.name,
        async () => {
          const { row, wrong } = await matrix.tried(fault);
          process.stdout.write(`${row}\n`);
          expect(wrong).toEqual([]);
        },
        900_000,
      );
    }
  });
