import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { bundle, travels } from '../../src/engine/bundle.ts';
import { reading, script, type Command } from '../../src/engine/command.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { quote } from '../../src/engine/quote.ts';
import { Secret } from '../../src/engine/secret.ts';
import { processesOf } from '../support/processes.ts';

/** Runs a bundle's script as a host's shell does. */
function run(command: Command): Outcome {
  const input = command.stdin instanceof Secret ? command.stdin.reveal() : (command.stdin as string);
  const { status, stdout, stderr } = spawnSync(command.program, command.args, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 15_000,
    killSignal: 'SIGKILL',
  });
  return { ended: 'exited', code: status ?? -1, stdout, stderr };
}

/** Runs commands through one bundle. */
function together(commands: readonly Command[], mark?: string): Outcome[] {
  const made = bundle(commands, mark);
  return made.split(run(made.command));
}

const say = (out: string, err: string, code: number, timeoutMs = 5_000): Command =>
  reading('say it', script('printf %s "$1"; printf %s "$2" >&2; exit "$3"', out, err, String(code)), { timeoutMs });

describe('a bundle', () => {
  const mark = 'f00d';
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom('\n', mark, `\n${mark}\n`, `\n${mark} 0\n`, ' ', "'", '$x', '\\'),
        fc.string({ unit: 'grapheme', maxLength: 6 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('').replaceAll('\0', '').toWellFormed());
  const outcome = fc.record({
    out: text,
    err: text,
    code: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 124, 125, 126, 127, 137, 143)),
  });

  test('returns the output and the ending of each command, in order', () => {
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 12 }), (wanted) => {
        expect(together(wanted.map(({ out, err, code }) => say(out, err, code)))).toEqual(
          wanted.map(({ out, err, code }) => ({ ended: 'exited', code, stdout: out, stderr: err })),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('is not misled by a mark that a command prints: the mark cannot be guessed', () => {
    const marks = Array.from(
      { length: 50 },
      () => /printf '\\n(\w+)\\n'/.exec(bundle([say('', '', 0)]).command.stdin as string)?.[1] ?? '',
    );
    expect(new Set(marks).size).toBe(50);
    expect(Math.min(...marks.map((each) => each.length))).toBe(24);
  });

  test('ends each command at its own deadline', () => {
    const wait = (ms: number): Command =>
      reading('wait', script('echo begun; echo still >&2; exec sleep 20'), { timeoutMs: ms });
    const outcomes = together([wait(1_000), say('ok', '', 0), wait(500), wait(700), reading('wait', ['sleep', '0.5'])]);
    const overdue = (afterMs: number): Outcome => ({
      ended: 'timed-out',
      afterMs,
      stdout: 'begun\n',
      stderr: 'still\n',
    });
    expect(outcomes).toEqual([
      overdue(1_000),
      { ended: 'exited', code: 0, stdout: 'ok', stderr: '' },
      overdue(500),
      overdue(700),
      { ended: 'exited', code: 0, stdout: '', stderr: '' },
    ]);
  });

  test('runs its commands in parallel: two that wait for each other both end', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    const meet = (own: string, other: string): Command =>
      reading('meet', script('touch "$1/$2"; until [ -e "$1/$3" ]; do sleep 0.05; done', folder, own, other), {
        timeoutMs: 20_000,
      });
    expect(together([meet('a', 'b'), meet('b', 'a')])).toMatchObject([
      { ended: 'exited', code: 0 },
      { ended: 'exited', code: 0 },
    ]);
    rmSync(folder, { recursive: true });
  });

  test('stops a command that ignores signals', () => {
    const endless = `trap "" TERM; while :; do sleep 0.1; done; : ${process.pid}`;
    expect(together([reading('wait', script(endless), { timeoutMs: 200 })])).toMatchObject([
      { ended: 'timed-out', afterMs: 200, stdout: '' },
    ]);
    expect(processesOf(`sh -c ${endless}`)).toEqual([]);
  }, 10_000);

  test('that is stopped at any time stops its commands and leaves no file behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    const kept = join(folder, 'kept');
    mkdirSync(kept);
    writeFileSync(join(folder, 'mktemp'), `#!/bin/sh\nexec /usr/bin/mktemp -d -p ${quote(kept)}\n`, { mode: 0o755 });
    const long = `exec sleep 20.0${process.pid}`;
    const { command } = bundle(Array.from({ length: 8 }, () => reading('wait', script(long))));
    const seen: { readonly end: unknown; readonly left: readonly string[] }[] = [];
    for (let ms = 0; ms < 48; ms += 1) {
      const child = spawn(command.program, command.args, {
        env: { PATH: `${folder}:${process.env['PATH']}` },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
      child.stdin.end(command.stdin);
      await setTimeout(ms);
      child.kill('SIGTERM');
      seen.push({ end: await ended, left: readdirSync(kept) });
    }
    // Until the shell has read its first lines, the signal itself kills it.
    expect(seen.filter(({ end }) => end === 129).length).toBeGreaterThan(10);
    expect(seen.filter(({ end, left }) => (end !== 129 && end !== 'SIGTERM') || left.length > 0)).toEqual([]);
    for (let i = 0; i < 50 && processesOf(`sleep 20.0${process.pid}`).length > 0; i += 1) await setTimeout(100);
    expect(processesOf(`sleep 20.0${process.pid}`)).toEqual([]);
    rmSync(folder, { recursive: true });
  }, 20_000);

  test('that is stopped spares processes of others, even one with the id of a command that ended', async () => {
    const other = spawn('sleep', ['20'], { detached: true, stdio: 'ignore' });
    const [long, { command }] = [
      `sleep 21.0${process.pid}`,
      bundle([reading('wait', ['sleep', `21.0${process.pid}`])]),
    ];
    const child = spawn(command.program, command.args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.end((command.stdin as string).replace('started=;', `started=${other.pid};`));
    while (processesOf(long).length === 0) await setTimeout(10);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('close', resolve));
    for (let i = 0; i < 50 && processesOf(long).length > 0; i += 1) await setTimeout(100);
    expect([processesOf(long), other.exitCode, other.signalCode]).toEqual([[], null, null]);
    expect(process.kill(-(other.pid ?? 0), 'SIGTERM')).toBe(true);
  }, 20_000);

  test('gives its commands locale C and no standard input', () => {
    const outcomes = together([reading('look', script('echo "$LC_ALL"; cat')), reading('look', ['/no/such/program'])]);
    expect(outcomes).toMatchObject([
      { ended: 'exited', code: 0, stdout: 'C\n' },
      { ended: 'exited', code: 127 },
    ]);
  });

  test('gives each command its own standard input, and shows none that is secret', () => {
    const line = text.map((said) => `${said}\n`);
    fc.assert(
      fc.property(fc.array(fc.option(line), { minLength: 1, maxLength: 8 }), (inputs) => {
        const commands = inputs.map((stdin) =>
          reading('echo', ['cat'], stdin === null ? {} : { stdin: new Secret('s', stdin) }),
        );
        expect(commands.every(travels)).toBe(true);
        expect(together(commands).map(({ stdout }) => stdout)).toEqual(inputs.map((stdin) => stdin ?? ''));
        const { command } = bundle(commands);
        expect(JSON.stringify(command.stdin).includes('cat')).toBe(inputs.every((stdin) => stdin === null));
      }),
      { numRuns: 25 },
    );
    const made = bundle([reading('echo', ['cat'], { stdin: new Secret('s', 'hush-hush\n') }), say('', '', 0)]);
    expect(JSON.stringify(made)).not.toContain('hush');
  });

  test.each([
    ['no newline at the end', { stdin: 'x' }],
    ['a NUL', { stdin: 'a\0b\n' }],
    ['a terminal', { terminal: true }],
    ['an output that goes to a sink', { stdout: { keep: () => Promise.resolve() } }],
  ])('does not take a command with %s', (_, extras) => {
    expect(travels(reading('echo', ['cat'], extras))).toBe(false);
  });

  test('enters a place once for several commands, and never for commands of another place', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    // A place that logs each entry, and has its own folder.
    const enter = (name: string) =>
      ['sh', '-c', `echo in >>"$1/log.$2"; mkdir -p "$1/$2"; cd "$1/$2" && exec sh -s`, 'sh', folder, name] as const;
    const within = (name: string, ...argv: [string, ...string[]]): Command =>
      reading('look', ['false'], { inside: { shell: [...enter(name)], argv } });
    const outcomes = together([
      within('a', 'basename', folder),
      say('outside', '', 3),
      within('b', 'echo', 'alone'),
      within('a', 'sh', '-c', 'basename "$PWD"; exit 4'),
      within('a', 'cat'),
    ]);
    expect(outcomes.map((each) => each.ended === 'exited' && [each.code, each.stdout])).toEqual([
      [0, `${basename(folder)}\n`],
      [3, 'outside'],
      [1, ''],
      [4, 'a\n'],
      [0, ''],
    ]);
    expect(readFileSync(join(folder, 'log.a'), 'utf8')).toBe('in\n');
    rmSync(folder, { recursive: true });
  });

  test('gives each command of a place that cannot be entered the outcome of entering', () => {
    const within = (...argv: [string, ...string[]]): Command =>
      reading('look', ['false'], { inside: { shell: ['sh', '-c', 'echo "No such place" >&2; exit 9'], argv } });
    expect(together([within('a'), within('b'), say('c', '', 0)])).toMatchObject([
      { code: 9, stderr: 'No such place\n' },
      { code: 9, stderr: 'No such place\n' },
      { code: 0, stdout: 'c' },
    ]);
  });

  test('leaves nothing behind on the host', () => {
    const made = bundle([reading('look', script('echo "$0"'))]);
    const traced = reading('trace', ['sh', '-s'], {
      stdin: `${(made.command.stdin as string).trimEnd()}\necho "$d" >&2\n`,
    });
    const folder = run(traced).stderr.trim();
    expect(folder).toMatch(/^\/(dev\/shm|tmp)\//);
    expect(spawnSync('test', ['-e', folder]).status).toBe(1);
  });

  test('only reads, needs no argument but its shell, and waits longer than its slowest command', () => {
    const { command } = bundle([say('a', '', 0, 3_000), say('b', '', 0, 9_000)]);
    expect(command).toMatchObject({
      program: 'sh',
      args: ['-s'],
      reads: true,
      purpose: 'say it, say it',
      timeoutMs: 14_000,
    });
  });

  const broken: readonly [string, Outcome, Outcome][] = [
    [
      'is lost',
      { ended: 'lost', reason: 'cut', stdout: 'half', stderr: '' },
      { ended: 'lost', reason: 'cut', stdout: 'half', stderr: '' },
    ],
    [
      'timed out',
      { ended: 'timed-out', afterMs: 10, stdout: '', stderr: '' },
      { ended: 'timed-out', afterMs: 10, stdout: '', stderr: '' },
    ],
    [
      'could not create its files',
      { ended: 'exited', code: 73, stdout: '', stderr: 'mktemp: no space' },
      { ended: 'exited', code: 73, stdout: '', stderr: 'mktemp: no space' },
    ],
    [
      'printed nothing',
      { ended: 'exited', code: 0, stdout: '', stderr: '' },
      { ended: 'lost', reason: 'the answer was truncated', stdout: '', stderr: '' },
    ],
    [
      'was cut after the first output',
      { ended: 'exited', code: 0, stdout: `out\n${mark}\nerr`, stderr: '' },
      { ended: 'lost', reason: 'the answer was truncated', stdout: '', stderr: '' },
    ],
    [
      'was cut in the exit code',
      { ended: 'exited', code: 0, stdout: `out\n${mark}\nerr\n${mark} 1`, stderr: '' },
      { ended: 'lost', reason: 'the answer was truncated', stdout: '', stderr: '' },
    ],
    [
      'lost its middle',
      {
        ended: 'exited',
        code: 0,
        stdout: `out\n[... 9 bytes left out ...]\nput\n${mark}\nerr\n${mark} 0\n`,
        stderr: '',
      },
      { ended: 'lost', reason: 'the answer was truncated', stdout: '', stderr: '' },
    ],
    [
      'lost an exit code',
      { ended: 'exited', code: 0, stdout: `out\n${mark}\nerr\n${mark} \n`, stderr: '' },
      { ended: 'lost', reason: 'the answer was truncated', stdout: '', stderr: '' },
    ],
  ];
  test.each(broken)('that %s makes no command succeed', (_, whole, each) => {
    expect(bundle([say('a', '', 0), say('b', '', 0)], mark).split(whole)).toEqual([each, each]);
  });
});
