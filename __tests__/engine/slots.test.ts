import { expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { Slots } from '../../src/engine/slots.ts';

test('all tasks run in order of arrival, never more at once than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean()), { maxLength: 20 }),
      async (limit, tasks) => {
        const slots = new Slots(limit);
        const begun: number[] = [];
        let busy = 0;
        let most = 0;
        const results = await Promise.allSettled(
          tasks.map(([turns, fails], i) =>
            slots.use(async () => {
              begun.push(i);
              most = Math.max(most, (busy += 1));
              for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
              busy -= 1;
              if (fails) throw new Error(String(i));
              return i;
            }),
          ),
        );
        expect(begun).toEqual(tasks.map((_, i) => i));
        expect(most).toBe(Math.min(limit, tasks.length));
        expect(results.map(({ status }) => status === 'rejected')).toEqual(tasks.map(([, fails]) => fails));
        expect(slots.busy).toBe(0);
      },
    ),
  );
});

test('after shrinking fewer tasks run at once, but at least one', async () => {
  const slots = new Slots(4);
  let busy = 0;
  const seen: number[] = [];
  const task = () =>
    slots.use(async () => {
      seen.push((busy += 1));
      await new Promise((resolve) => setImmediate(resolve));
      busy -= 1;
    });
  const first = Array.from({ length: 8 }, task);
  slots.shrinkTo(0);
  await Promise.all([...first, ...Array.from({ length: 4 }, task)]);
  expect(seen).toEqual([1, 2, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1]);
});
