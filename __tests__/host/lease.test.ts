import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { endLease, keepLease, leasedIn, takeLease, type Holder } from '../../src/host/lease.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'lease-'));
  chmodSync(place, 0o1777);
});
afterEach(() => rmSync(place, { recursive: true }));

/** The command's arguments, with a place of the test's own where leases lie. */
const argsOf = ({ args }: Command): string[] => args.map((arg) => arg.replaceAll('/run/lock', place));

function run(command: Command): Outcome {
  const { status, stdout, stderr } = spawnSync(command.program, argsOf(command), {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return { ended: 'exited', code: status ?? -1, stdout, stderr };
}

const holder = (id: string): Holder => ({ id, about: `by ada: https://github.com/${id}` });
const first = holder('acme/ops/1#1');
const again = holder('acme/ops/1#2');
const other = holder('acme/site/2#1');
const take = (by: Holder, seconds = 60, breaks?: string) => leasedIn(run(takeLease('alice', by, seconds, breaks)));
const keep = (by: Holder) => leasedIn(run(keepLease('alice', by, 60)));
const end = (by: Holder, seconds = 0): Outcome => run(endLease('alice', by, seconds));
const lease = (): string => join(place, 'kuscia-swarm', 'alice.lease');

const held = (by: Holder) => ({ is: 'held', by, expiresIn: expect.any(Number), heldFor: expect.any(Number) });

describe('a lease', () => {
  test('that was never held is taken, shared by all of one run, and shown to others', () => {
    expect(take(first)).toEqual({ is: 'taken', freeFor: 999_999_999 });
    expect([take(first), keep(first), take(again)]).toEqual([{ is: 'shared' }, { is: 'shared' }, { is: 'shared' }]);
    expect(take(other)).toEqual(held(again));
    expect(keep(other)).toEqual(held(again));
  });

  test('shows how long it will last and how long it has been held', () => {
    take(first, 300);
    const leased = take(other);
    expect(
      leased?.is === 'held' && [
        leased.expiresIn > 290 && leased.expiresIn <= 300,
        leased.heldFor >= 0 && leased.heldFor < 10,
      ],
    ).toEqual([true, true]);
  });

  test('is released only by its holder, and its free time is counted from then', () => {
    take(first);
    expect(end(other)).toMatchObject({ code: 0 });
    expect(take(other)).toEqual(held(first));
    expect(end(first)).toMatchObject({ code: 0 });
    const leased = take(other);
    expect(leased?.is === 'taken' && leased.freeFor < 10).toBe(true);
  });

  test('that was never held leaves no trace of a run that ends it', () => {
    expect(end(first)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(place, 'kuscia-swarm'))).toBe(false);
  });

  test('that expired is free, and can no longer be kept', () => {
    take(first, 0);
    expect(take(other)).toMatchObject({ is: 'taken' });
    expect(keep(first)).toEqual(held(other));
  });

  test('that was released is not kept by its former holder', () => {
    take(first);
    end(first);
    expect(keep(first)).toEqual(held({ id: '', about: '' }));
  });

  test('can outlive its job for the next one', () => {
    take(first);
    end(first, 300);
    expect([take(other), take(first)]).toEqual([held(first), { is: 'shared' }]);
  });

  test('is broken only for the id that holds it', () => {
    take(first);
    expect(take(other, 60, 'acme/ops/9#1')).toEqual(held(first));
    expect(take(other, 60, first.id)).toEqual({ is: 'taken', freeFor: 0 });
    expect(keep(first)).toEqual(held(other));
  });

  test('of one domain does not affect that of another', () => {
    take(first);
    expect(leasedIn(run(takeLease('bob', other, 60)))).toMatchObject({ is: 'taken' });
  });

  test('is taken by exactly one of many at once', async () => {
    const takes = Array.from({ length: 16 }, (_, i) => {
      const command = takeLease('alice', holder(`acme/ops/${i}#1`), 60);
      return new Promise<string>((resolve) => {
        let text = '';
        const child = spawn(command.program, argsOf(command), { stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.on('close', () => resolve(text.split(/\s/)[0] ?? ''));
      });
    });
    expect((await Promise.all(takes)).sort()).toEqual([...Array.from({ length: 15 }, () => 'held'), 'taken']);
  });

  test('is stored where only users of Docker may write', () => {
    take(first);
    expect([
      (statSync(join(place, 'kuscia-swarm')).mode & 0o777).toString(8),
      (statSync(lease()).mode & 0o777).toString(8),
    ]).toEqual(['770', '660']);
  });

  test('is not trusted in a folder that anyone can write, and not considered free if it cannot be read', () => {
    mkdirSync(join(place, 'kuscia-swarm'));
    chmodSync(join(place, 'kuscia-swarm'), 0o777);
    expect(run(takeLease('alice', first, 60))).toMatchObject({
      code: 77,
      stdout: '',
      stderr: expect.stringContaining('is writable by users other than'),
    });
    expect(existsSync(lease())).toBe(false);
    chmodSync(join(place, 'kuscia-swarm'), 0o770);
    for (const text of ['', 'nonsense\n', 'acme/ops/1#1\nsoon\n1\nx\n']) {
      writeFileSync(lease(), text);
      expect([take(other), readFileSync(lease(), 'utf8')]).toEqual([undefined, text]);
    }
  });

  test('stores any text about its holder as one line', () => {
    const odd = { id: 'a/b/1#1', about: `it's "ada"\n$(touch ${place}/oops) \\n` };
    take(odd);
    expect(take(other)).toMatchObject({ by: { id: odd.id, about: `it's "ada" $(touch ${place}/oops) \\n` } });
    expect(existsSync(join(place, 'oops'))).toBe(false);
  });
});

test.each([
  '',
  'what',
  'taken soon',
  `taken ${'9'.repeat(400)}`,
  'held',
  'held\na/b/1#1\nsoon\n5\nx',
  'held\na/b/1#1\n5\n\nx',
  'Last login: today',
])('the answer %j contains no lease', (stdout) => {
  expect(leasedIn({ ended: 'exited', code: 0, stdout, stderr: '' })).toBeUndefined();
});
