import { describe, expect, test } from '@jest/globals';
import { bundle } from '../../src/engine/bundle.ts';
import { changing, reading, script } from '../../src/engine/command.ts';
import { Secret } from '../../src/engine/secret.ts';
import { ends, FakeFleet, offencesOf, ok } from './fake.ts';
import { PASSWORD } from './deployment.ts';

const hello = changing('greet', ['echo', 'hello']);

describe('a fake fleet', () => {
  test('gives the answers of its script in turn, and repeats the last one', async () => {
    const fleet = new FakeFleet([ok('a', hello, '1'), ends('a', hello, { ended: 'exited', code: 7 })]);
    expect(await Promise.all([1, 2, 3].map(() => fleet.run('a', hello)))).toMatchObject([
      { code: 0, stdout: '1' },
      { code: 7 },
      { code: 7 },
    ]);
    expect(offencesOf()).toEqual([]);
  });

  test.each([
    ['a word is another', 'a', changing('greet', ['echo', 'Hello'])],
    ['an argument more', 'a', changing('greet', ['echo', 'hello', ''])],
    ['the host is another', 'b', hello],
  ])('does not recognise a command when %s', async (_, host, command) => {
    const fleet = new FakeFleet([ok('a', hello)]);
    expect(await fleet.run(host, command)).toMatchObject({ ended: 'lost' });
    expect(offencesOf()).toHaveLength(1);
  });

  test('reports a secret in an argument, and accepts it as input', async () => {
    const leaking = changing('login', ['mysql', `-p${PASSWORD}`]);
    const proper = changing('login', ['mysql'], { stdin: new Secret('password', PASSWORD) });
    const fleet = new FakeFleet([ok('a', leaking), ok('a', proper)]);
    await fleet.run('a', proper);
    expect(offencesOf()).toEqual([]);
    await fleet.run('a', leaking);
    expect(offencesOf()).toEqual([`a secret in an argument on a: mysql -p${PASSWORD}`]);
    expect(fleet.ran[0]).toEqual({ host: 'a', line: 'mysql', stdin: PASSWORD });
  });

  test('answers a bundle like a host, and recognises each of its commands', async () => {
    const odd = reading('show', script(`printf '%s\n' "it's" $1`, `a'b\nc) >"$0.o"`));
    const fleet = new FakeFleet([
      ok('a', hello, '\nx\n'),
      ends('a', odd, { ended: 'exited', code: 124, stderr: 'no' }),
      ends('a', reading('wait', ['sleep']), { ended: 'timed-out', afterMs: 20_000, stdout: 'begun' }),
    ]);
    const made = bundle([hello, odd, reading('wait', ['sleep'])]);
    expect(made.split(await fleet.run('a', made.command))).toEqual([
      { ended: 'exited', code: 0, stdout: '\nx\n', stderr: '' },
      { ended: 'exited', code: 124, stdout: '', stderr: 'no' },
      { ended: 'timed-out', afterMs: 20_000, stdout: 'begun', stderr: '' },
    ]);
    expect(fleet.trips).toBe(1);
    const stranger = bundle([hello, reading('x', ['stranger'])]);
    await fleet.run('a', stranger.command);
    expect(offencesOf()).toEqual(['a: stranger']);
  });
});
