import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { changing, cleaningUp, reading, script, shellLine } from '../../src/engine/command.ts';

describe('a command', () => {
  test('that reads has 20 s and may be used in queries; one that changes has 120 s', () => {
    expect(reading('read it', ['cat', 'f'])).toEqual({
      program: 'cat',
      args: ['f'],
      reads: true,
      purpose: 'read it',
      timeoutMs: 20_000,
    });
    expect(changing('change it', ['touch', 'f'])).toEqual({
      program: 'touch',
      args: ['f'],
      reads: false,
      purpose: 'change it',
      timeoutMs: 120_000,
    });
    expect(changing('change it', ['tee', 'f'], { stdin: 'x', terminal: true, timeoutMs: 7 })).toMatchObject({
      stdin: 'x',
      terminal: true,
      timeoutMs: 7,
    });
  });

  test('of a script receives values as arguments, never in its text', () => {
    const values = ['plain', "it's; rm -rf /", '$(id)', '', '-n'];
    const command = reading('show', script('printf "<%s>" "$@"', ...values));
    expect(execFileSync(command.program, command.args, { encoding: 'utf8' })).toBe(
      values.map((value) => `<${value}>`).join(''),
    );
  });

  test('as a shell line has words quoted if necessary', () => {
    expect(shellLine(reading('show', ['docker', 'info', '--format', '{{json .}}', '', "a'b"]))).toBe(
      `docker info --format '{{json .}}' '' 'a'\\''b'`,
    );
  });
});

describe('what a script leaves behind', () => {
  const ends: readonly [string, (child: ChildProcess) => void][] = [
    ['its own end', (child) => void child.stdin?.end('\n')],
    [
      'its reader has gone',
      (child) => {
        child.stdout?.destroy();
        child.stdin?.end('\n');
      },
    ],
    ...(['SIGHUP', 'SIGINT', 'SIGTERM'] as const).map((signal): [string, (child: ChildProcess) => void] => [
      signal,
      (child) => void child.kill(signal),
    ]),
  ];
  test.each(ends)('is nothing after %s', async (_, end) => {
    const folder = mkdtempSync(join(tmpdir(), 'command-'));
    const [program, ...args] = script(
      [
        'd=$1/mine; mkdir "$d" || exit',
        cleaningUp('rm -rf "$d"'),
        'echo begun; read -r go; i=0; while [ $i -lt 2000 ]; do printf "%0100d\\n" 0; i=$((i + 1)); done',
      ].join('\n'),
      folder,
    );
    const child = spawn(program, args);
    await once(child.stdout, 'data');
    expect(readdirSync(folder)).toEqual(['mine']);
    end(child);
    child.stdout.resume();
    await once(child, 'exit');
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
