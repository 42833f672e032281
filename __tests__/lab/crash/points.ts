import { beforeAll, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { action } from '../deployment/action.ts';
import { seenOn } from '../deployment/seen.ts';
import { killedAfter, tally } from './crash.ts';
import { Replacements } from './replacements.ts';
import { differences, endState } from './state.ts';

const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;
const HOSTS = ['node-01', 'node-02', 'node-03'];

/** Every point takes half a minute: `npm run test:crash` tries all of them, `npm test` one in so many. */
const STEP = Number(process.env['CRASH_EVERY'] ?? 40);

const states = (): Promise<string[][]> => Promise.all(HOSTS.map(endState));

/** Tries every second one of the points, from the first or the second on, so that two labs can share them. */
export const tryPoints = (half: 0 | 1): void =>
  describe(`a run that is killed after a command, ${half === 0 ? 'the first' : 'the second'} half of the points`, () => {
    let wanted: string[][];
    let commands = 0;

    beforeAll(async () => {
      await up(3);
      await reset();
      const undisturbed = await killedAfter(EXAMPLE, Infinity);
      expect(undisturbed.ended).toBe('by itself');
      commands = undisturbed.commands.length;
      wanted = await states();
    }, 600_000);

    // First, for the cluster is deployed already.
    test(
      'in the middle of a replacement harms only the container being replaced, and is completed by the next run',
      async () => {
        const replacements = await Replacements.begin();
        expect(await replacements.tried(half === 0 ? ['memory', 'image'] : ['database port'])).toEqual([]);
      },
      3 * 3_600_000,
    );

    test(
      'is completed by the next run, with the same result',
      async () => {
        expect(commands).toBeGreaterThan(40);
        let tried = 0;
        const failed: string[] = [];
        for (let point = Math.ceil(STEP / 2) + half * STEP; point < commands; point += 2 * STEP) {
          await reset();
          const { last, ended } = await killedAfter(EXAMPLE, point);
          const again = await action(EXAMPLE);
          const found = await states();
          const differs = HOSTS.flatMap((host, i) =>
            differences(wanted[i] ?? [], found[i] ?? []).map((line) => `${host} ${line}`),
          );
          const row = `${String(point).padStart(4)}  ${ended.padEnd(9)}  ${again.code === 0 && again.matrix?.healthy === true ? 'completed' : `exit ${again.code}`}  ${differs.length === 0 ? 'same end' : differs.join('; ')}  after ${last}`;
          tried += 1;
          process.stdout.write(`${row}\n`);
          if (again.code !== 0 || again.matrix?.healthy !== true || differs.length > 0)
            failed.push(`${row}\n${again.code === 0 ? '' : again.log}\n${await engineLogs()}`);
        }
        process.stdout.write(tally('a deployment', tried, commands));
        expect(failed).toEqual([]);
        expect(tried).toBeGreaterThan(0);
      },
      3 * 3_600_000,
    );
  });

/** The last log lines of each host's engine, because the hosts of a row do not survive the next one. */
const engineLogs = async (): Promise<string> =>
  (
    await Promise.all(
      HOSTS.map(
        async (host) =>
          `===== ${host}: the end of its engine's log\n${await seenOn(host, 'tail -n 200 /var/log/dockerd.log')}`,
      ),
    )
  ).join('\n');
