import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { wholeFile } from '../../src/artifacts/whole-file.ts';
import { changing, reading, script, type Command, type Sink } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { LINGER_MS, type Connection } from '../../src/transport/connection.ts';
import { word } from '../support/words.ts';

/** One command and how it must end, over whatever transport. */
interface Case {
  readonly name: string;
  readonly command: Command;
  readonly outcome: Partial<Outcome> & object;
}

type Extras = Partial<Pick<Command, 'stdin' | 'stdout' | 'terminal' | 'timeoutMs'>>;
const sh = (text: string, extras: Extras = {}, ...values: string[]): Command =>
  changing('try something', script(text, ...values), { timeoutMs: 10_000, ...extras });

const exits: readonly Case[] = [0, 1, 124, 127, 137, 255].map((code) => ({
  name: `exit code ${code}`,
  command: sh('exit "$1"', {}, String(code)),
  outcome: { ended: 'exited', code },
}));

const cases: readonly Case[] = [
  ...exits,
  {
    name: 'a program that is not there',
    command: reading('try something', ['/no/such/program']),
    outcome: { ended: 'exited', code: 127 },
  },
  {
    name: 'both outputs, apart',
    command: sh('echo out; echo err >&2'),
    outcome: { ended: 'exited', code: 0, stdout: 'out\n', stderr: 'err\n' },
  },
  { name: 'no output at all', command: sh(':'), outcome: { ended: 'exited', code: 0, stdout: '', stderr: '' } },
  { name: 'a signal', command: sh('kill -KILL $$'), outcome: { ended: 'killed' } },
  {
    name: 'a signal after output',
    command: sh('echo before; kill -TERM $$'),
    outcome: { ended: 'killed', stdout: 'before\n' },
  },
  {
    name: 'the deadline',
    command: sh('echo before; sleep 20', { timeoutMs: 500 }),
    outcome: { ended: 'timed-out', afterMs: 500, stdout: 'before\n' },
  },
  {
    name: 'the deadline of a program that calls that success',
    command: sh('trap "exit 0" TERM; while :; do sleep 0.1; done', { timeoutMs: 500 }),
    outcome: { ended: 'timed-out' },
  },
  {
    name: 'the deadline of a program that will not go',
    command: sh('trap "" TERM; while :; do sleep 0.1; done', { timeoutMs: 500 }),
    outcome: { ended: 'timed-out' },
  },
  { name: 'no standard input', command: sh('cat; echo end'), outcome: { ended: 'exited', code: 0, stdout: 'end\n' } },
  {
    name: 'empty standard input',
    command: sh('cat; echo end', { stdin: '' }),
    outcome: { ended: 'exited', code: 0, stdout: 'end\n' },
  },
  {
    name: 'an empty secret as standard input',
    command: sh('cat; echo end', { stdin: new Secret('password', '') }),
    outcome: { ended: 'exited', code: 0, stdout: 'end\n' },
  },
  {
    name: 'a secret as standard input',
    command: sh('cat', { stdin: new Secret('password', 'pä$$ "wörd"\n') }),
    outcome: { ended: 'exited', code: 0, stdout: 'pä$$ "wörd"\n' },
  },
  {
    name: 'a megabyte of standard input',
    command: sh('wc -c; exit 3', { stdin: 'x'.repeat(1_000_000) }),
    outcome: { ended: 'exited', code: 3, stdout: '1000000\n' },
  },
  {
    name: 'a megabyte of standard input that nobody reads',
    command: sh('exit 4', { stdin: 'x'.repeat(1_000_000) }),
    outcome: { ended: 'exited', code: 4 },
  },
  {
    name: 'bytes that are no UTF-8',
    command: sh(`printf 'a\\377\\000b'`),
    outcome: { ended: 'exited', code: 0, stdout: 'a\u{fffd}\0b' },
  },
  {
    name: 'a character in two pieces',
    command: sh(`printf '\\342\\202'; sleep 0.3; printf '\\254'`),
    outcome: { ended: 'exited', code: 0, stdout: '€' },
  },
  { name: 'no last newline', command: sh('printf x'), outcome: { ended: 'exited', code: 0, stdout: 'x' } },
  { name: 'the locale', command: sh('echo "$LC_ALL"'), outcome: { ended: 'exited', code: 0, stdout: 'C\n' } },
  {
    name: 'an empty argument',
    command: sh('echo "$#:$1:$2"', {}, '', 'b'),
    outcome: { ended: 'exited', code: 0, stdout: '2::b\n' },
  },
  {
    name: 'no terminal',
    command: sh('for n in 0 1 2; do test -t $n && echo $n; done; exit 0'),
    outcome: { ended: 'exited', code: 0, stdout: '' },
  },
  {
    name: 'a terminal',
    command: sh('for n in 0 1 2; do test -t $n && echo $n; done; exit 5', { terminal: true }),
    outcome: { ended: 'exited', code: 5, stdout: '0\n1\n2\n', stderr: '' },
  },
  {
    name: 'a terminal merges',
    command: sh('echo out; echo err >&2', { terminal: true }),
    outcome: { ended: 'exited', code: 0, stdout: 'out\nerr\n', stderr: '' },
  },
  {
    name: 'typing into a terminal',
    command: sh('read -r a; echo "<$a>"', { terminal: true, stdin: 'yes\n' }),
    outcome: { ended: 'exited', code: 0, stdout: '<yes>\n' },
  },
  {
    name: 'a terminal that does not echo',
    command: sh('stty -a | tr " " "\\n" | grep -x -e -echo', { terminal: true }),
    outcome: { ended: 'exited', code: 0, stdout: '-echo\n' },
  },
  {
    name: 'silence on a terminal',
    command: sh('read -r a; echo never', { terminal: true, timeoutMs: 800 }),
    outcome: { ended: 'timed-out', stdout: '' },
  },
  {
    name: 'nothing but what is typed on a terminal',
    command: sh('timeout --foreground 1 od -An -c; echo $?', { terminal: true }),
    outcome: { ended: 'exited', code: 0, stdout: '124\n' },
  },
  {
    name: 'the locale on a terminal',
    command: sh('echo "$LC_ALL"', { terminal: true }),
    outcome: { ended: 'exited', code: 0, stdout: 'C\n' },
  },
];

/** The contract of every transport; `connection` is called when a test runs. */
export function transportContract(connection: () => Connection): void {
  test.each(cases)(
    '$name',
    async ({ command, outcome }) => {
      expect(await connection().run(command)).toMatchObject(outcome);
    },
    15_000,
  );

  test('a process left behind that holds the output is ended too', async () => {
    const mark = randomUUID();
    expect(await connection().run(sh('sh -c \'sleep 60; : "$1"\' sh "$1" & echo started', {}, mark))).toMatchObject({
      ended: 'exited',
      code: 0,
      stdout: 'started\n',
    });
    expect((await connection().run(marked(mark).count)).stdout).toBe('0\n');
  }, 15_000);

  test('ten megabytes of output are truncated in the middle', async () => {
    const outcome = await connection().run(
      sh('echo first; head -c 10000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo last'),
    );
    expect(outcome).toMatchObject({ ended: 'exited', code: 0 });
    expect(outcome.stdout.startsWith('first\nxxx')).toBe(true);
    expect(outcome.stdout.endsWith('xxx\nlast\n')).toBe(true);
    expect(outcome.stdout).toMatch(/\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/);
    expect(outcome.stdout.length).toBeLessThan(8.1 * 1024 * 1024);
  }, 30_000);

  describe('an argument arrives unchanged', () => {
    const ascii = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1));
    const show = script('for a in "$@"; do printf "%s\\0" "$a"; done');

    test('every ASCII character', async () => {
      const outcome = await connection().run(reading('show', [...show, ...ascii, ascii.join('')]));
      expect(outcome.stdout.split('\0')).toEqual([...ascii, ascii.join(''), '']);
    });

    test.each([false, true])(
      'whatever it is, terminal %s, and none is executed',
      async (terminal) => {
        const folder = `/tmp/words-${randomUUID()}`;
        let words = 0;
        await connection().run(sh('mkdir "$1"', {}, folder));
        await fc.assert(
          fc.asyncProperty(fc.array(word, { minLength: 150, maxLength: 150, size: 'max' }), async (args) => {
            // A terminal's own translation of line ends is not what this is about.
            const sent = terminal ? args.map((arg) => arg.replace(/[\r\n]/g, '_')) : args;
            const outcome = await connection().run(
              reading('show', script('cd "$1"; shift; for a in "$@"; do printf "%s\\0" "$a"; done', folder, ...sent), {
                terminal,
              }),
            );
            expect(outcome).toMatchObject({ ended: 'exited', code: 0, stdout: sent.map((arg) => `${arg}\0`).join('') });
            words += sent.length;
          }),
          { numRuns: 20, endOnFailure: true },
        );
        expect(words).toBeGreaterThanOrEqual(3_000);
        expect(
          await connection().run(sh('ls "$1"; ls -d "$PWD/escaped" 2>/dev/null; rmdir "$1"', {}, folder)),
        ).toMatchObject({ code: 0, stdout: '' });
      },
      60_000,
    );

    test.each([
      ['a NUL', 'a\0b'],
      ['too long a line', 'x'.repeat(200_000)],
    ])('%s is refused before anything runs', async (_, arg) => {
      await expect(connection().run(reading('show', ['echo', arg]))).rejects.toThrow();
    });
  });

  describe('a file as standard input', () => {
    let folder: string;
    beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'streamed-'))));
    afterAll(() => rmSync(folder, { recursive: true }));

    /** A file of random bytes as standard input, and how much of it was reported as sent. */
    const streamed = (bytes: number) => {
      const content = randomBytes(bytes);
      const told = { sent: 0, sha256: createHash('sha256').update(content).digest('hex') };
      const file = join(folder, randomUUID());
      writeFileSync(file, content);
      const onSent = (more: number): void => void (told.sent += more);
      return { stdin: { file, bytes, onSent }, told };
    };

    test('arrives whole, however it is read there', async () => {
      const around = (size: number) => fc.integer({ min: size - 3, max: size + 3 });
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.integer({ min: 0, max: 10 }), around(32 * 1024), around(64 * 1024), around(2 * 1024 ** 2)),
          fc.constantFrom('cat', 'dd bs=97 2>/dev/null', 'dd bs=1M iflag=fullblock 2>/dev/null'),
          async (bytes, reader) => {
            const { stdin, told } = streamed(bytes);
            const outcome = await connection().run(sh(`${reader} | sha256sum`, { stdin }));
            expect(outcome).toMatchObject({ ended: 'exited', code: 0, stdout: `${told.sha256}  -\n` });
            expect(told.sent).toBe(bytes);
          },
        ),
        { numRuns: 12 },
      );
    }, 60_000);

    test('that nobody reads does not keep a command from ending', async () => {
      expect(await connection().run(sh('exit 4', { stdin: streamed(20 * 1024 ** 2).stdin }))).toMatchObject({
        ended: 'exited',
        code: 4,
      });
    }, 15_000);

    test('that cannot be read is reported, and not treated as an empty one', async () => {
      const outcome = await connection().run(sh('cat; exit 0', { stdin: { file: join(folder, 'nowhere'), bytes: 1 } }));
      expect([
        outcome.ended === 'killed' || (outcome.ended === 'exited' && outcome.code !== 0),
        outcome.stdout,
      ]).toEqual([true, '']);
      expect(outcome.stderr).toMatch(/nowhere/);
    }, 15_000);

    test('lets the deadline end a command that reads none of it', async () => {
      expect(
        await connection().run(sh('sleep 20', { stdin: streamed(20 * 1024 ** 2).stdin, timeoutMs: 800 })),
      ).toMatchObject({ ended: 'timed-out' });
    }, 15_000);

    test('leaves room for other commands', async () => {
      const slow = connection().run(sh('sleep 1; wc -c', { stdin: streamed(20 * 1024 ** 2).stdin }));
      expect(await connection().run(sh('echo beside'))).toMatchObject({ ended: 'exited', code: 0, stdout: 'beside\n' });
      expect(await slow).toMatchObject({ ended: 'exited', code: 0, stdout: `${20 * 1024 ** 2}\n` });
    }, 15_000);
  });

  describe('standard output into a sink', () => {
    const MIB = 1024 ** 2;
    /** At most this much is in transit: the buffers of both sides of a channel, and the pipes before it. */
    const WINDOW = 8 * MIB;
    let folder: string;
    beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sink-'))));
    afterAll(() => rmSync(folder, { recursive: true }));

    /** A file in its own folder. */
    const into = (): string => join(mkdtempSync(join(folder, 'of-')), 'output');
    const left = (file: string): string[] => readdirSync(join(file, '..'));

    /** A sink that takes nothing after the first chunk until it is let go. */
    function slow() {
      const gate = Promise.withResolvers<void>();
      const told = { received: 0, taken: 0, failed: '' };
      const keep = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
        try {
          for await (const chunk of bytes) {
            told.taken += chunk.length;
            await gate.promise;
          }
        } catch (thrown) {
          told.failed = String(thrown);
          throw thrown;
        }
      };
      const stdout: Sink = { keep, onReceived: (bytes) => void (told.received += bytes) };
      return { stdout, told, go: () => gate.resolve() };
    }

    test.each([
      ['nothing', ':', ''],
      ['NULs and line ends', `printf 'a\\0b\\r\\nc\\n\\377\\r'`, 'a\0b\r\nc\n\xff\r'],
      ['text that looks like an announcement', 'echo kuscia-swarm-runs-as 1', 'kuscia-swarm-runs-as 1\n'],
    ])('is kept unchanged: %s', async (_, text, expected) => {
      const file = into();
      const bytes = Buffer.from(expected, 'latin1');
      const outcome = await connection().run(sh(`echo told >&2; ${text}`, { stdout: { keep: wholeFile(file) } }));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(outcome).toEqual({
        ended: 'exited',
        code: 0,
        stdout: '',
        stderr: 'told\n',
        kept: { bytes: bytes.length, sha256 },
      });
      expect([readFileSync(file).equals(bytes), statSync(file).mode & 0o777, left(file)]).toEqual([
        true,
        0o600,
        ['output'],
      ]);
    });

    // Twice what an outcome holds as text.
    test('keeps 16 MiB of random bytes unchanged, with standard input at the same time', async () => {
      const file = into();
      let received = 0;
      const stdout: Sink = { keep: wholeFile(file), onReceived: (bytes) => void (received += bytes) };
      const outcome = await connection().run(
        sh(
          'head -c "$1" /dev/urandom >"$2"; cat; sha256sum <"$2" >&2; cat "$2"; rm "$2"',
          { stdout, stdin: 'in\n', timeoutMs: 60_000 },
          String(16 * MIB),
          `/tmp/${randomUUID()}`,
        ),
      );
      const kept = readFileSync(file);
      expect(outcome).toMatchObject({
        ended: 'exited',
        code: 0,
        kept: { bytes: 16 * MIB + 3, sha256: createHash('sha256').update(kept).digest('hex') },
      });
      expect([received, kept.subarray(0, 3).toString()]).toEqual([16 * MIB + 3, 'in\n']);
      expect(outcome.stderr).toBe(`${createHash('sha256').update(kept.subarray(3)).digest('hex')}  -\n`);
    }, 90_000);

    test('pauses a command that is faster than its sink, whatever it prints on standard error', async () => {
      const { stdout, told, go } = slow();
      const count = `/tmp/${randomUUID()}`;
      const text =
        'i=0; while [ $i -lt 256 ]; do head -c 131072 /dev/zero; i=$((i + 1)); echo $i | tee "$1" >&2; done; exit 0';
      const running = connection().run(sh(text, { stdout, timeoutMs: 60_000 }, count));
      const written = async (): Promise<number> =>
        Number((await connection().run(sh('cat "$1"; :', {}, count))).stdout);
      let last = -1;
      for (let now = 0; now !== last || now === 0; now = await written()) {
        last = now;
        await sleep(700);
      }
      expect(last * 131_072).toBeLessThan(WINDOW);
      expect(told.received).toBeLessThan(MIB);
      go();
      expect(await running).toMatchObject({ ended: 'exited', code: 0, kept: { bytes: 32 * MIB } });
      expect(told).toEqual({ received: 32 * MIB, taken: 32 * MIB, failed: '' });
      await connection().run(sh('rm "$1"', {}, count));
    }, 90_000);

    test('is kept to its end, however long after the command that is, and whatever is on standard error', async () => {
      const sinks = [slow(), slow()] as const;
      const texts = [
        'head -c 600000 /dev/zero',
        // More than an SSH channel takes at once.
        'head -c 300000 /dev/zero; head -c 5000000 /dev/zero >&2; head -c 300000 /dev/zero',
      ];
      const running = sinks.map(({ stdout }, i) => connection().run(sh(texts[i] ?? '', { stdout, timeoutMs: 30_000 })));
      await sleep(LINGER_MS + 1_500);
      for (const { go } of sinks) go();
      for (const ended of await Promise.all(running))
        expect(ended).toMatchObject({ ended: 'exited', code: 0, kept: { bytes: 600_000 } });
      expect(sinks.map(({ told }) => told.taken)).toEqual([600_000, 600_000]);
    }, 40_000);

    const bad: readonly [string, string, number, Partial<Outcome>][] = [
      ['an exit code', 'echo why >&2; exit 1', 10_000, { ended: 'exited', code: 1, stderr: 'why\n' }],
      ['a signal', 'kill -KILL $$', 10_000, { ended: 'killed' }],
      ['the deadline', 'sleep 20', 800, { ended: 'timed-out' }],
      [
        'the deadline, which the command calls success',
        'trap "exit 0" TERM; while :; do sleep 0.1; done',
        800,
        { ended: 'timed-out' },
      ],
      ['success, with a process left behind that holds the output', 'sleep 60 & exit 0', 30_000, { ended: 'not-kept' }],
    ];
    test.each(bad)(
      'leaves no file after %s',
      async (_, text, timeoutMs, outcome) => {
        const file = into();
        const stdout = { keep: wholeFile(file) };
        const ended = await connection().run(sh(`head -c 300000 /dev/zero; ${text}`, { stdout, timeoutMs }));
        expect(ended).toMatchObject({ ...outcome, stdout: '' });
        expect([left(file), 'kept' in ended]).toEqual([[], false]);
      },
      20_000,
    );

    test('that fails in the middle ends the command, with the reason', async () => {
      const mark = randomUUID();
      const file = into();
      let taken = 0;
      const full = async function* (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        for await (const chunk of bytes) {
          if ((taken += chunk.length) > 3 * MIB) throw new Error('no space left on device');
          yield chunk;
        }
      };
      const stdout: Sink = { keep: (bytes) => wholeFile(file)(full(bytes)) };
      const text = 'head -c 64000000 /dev/zero; sh -c \'sleep 60; : "$1"\' sh "$1"';
      expect(await connection().run(sh(text, { stdout, timeoutMs: 60_000 }, mark))).toMatchObject({
        ended: 'not-kept',
        reason: 'no space left on device',
      });
      expect(left(file)).toEqual([]);
      expect((await connection().run(marked(mark).count)).stdout).toBe('0\n');
    }, 30_000);

    test('that fails at the very end makes the command fail', async () => {
      const stdout: Sink = {
        keep: async (bytes) => {
          await wholeFile(into())(bytes);
          throw new Error('the disk is gone');
        },
      };
      expect(await connection().run(sh('echo out', { stdout }))).toMatchObject({
        ended: 'not-kept',
        reason: 'the disk is gone',
      });
    });

    test('that takes only part of it makes the command fail', async () => {
      const stdout: Sink = {
        keep: async (bytes) => {
          await bytes[Symbol.asyncIterator]().next();
        },
      };
      expect(await connection().run(sh('head -c 300000 /dev/zero', { stdout }))).toMatchObject({ ended: 'not-kept' });
    });

    test('that cannot start prevents the command', async () => {
      const ran = `/tmp/${randomUUID()}`;
      const stdout = { keep: wholeFile(join(folder, 'nowhere', 'output')) };
      expect(await connection().run(sh('touch "$1"', { stdout }, ran))).toMatchObject({
        ended: 'not-kept',
        reason: expect.stringContaining('ENOENT'),
      });
      expect(await connection().run(sh('ls "$1"', {}, ran))).toMatchObject({ ended: 'exited', code: 2 });
    });

    test('is not available on a terminal, which changes bytes', async () => {
      await expect(
        connection().run(sh('echo out', { stdout: { keep: wholeFile(into()) }, terminal: true })),
      ).rejects.toThrow('a terminal changes bytes');
    });
  });

  test('many parallel commands all end, each with its own output', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, i) => connection().run(sh('sleep 0.1; echo "$1"; exit "$1"', {}, String(i)))),
    );
    expect(outcomes.map((outcome) => outcome.ended === 'exited' && [outcome.code, outcome.stdout])).toEqual(
      Array.from({ length: 24 }, (_, i) => [i, `${i}\n`]),
    );
  }, 20_000);
}

/** A command that runs for a minute, and one that counts how many of those run; `mark` distinguishes them from others. */
export const marked = (mark: string) => ({
  endless: sh('sleep 60; : "$1"', { timeoutMs: 120_000 }, mark),
  count: reading('count what still runs', script('ps -eo args | grep -c "^sh -c sleep 60; .* sh $1\\$"; :', mark)),
});
