import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { changing, reading, script, shellLine } from '../../src/engine/command.ts';

describe('a command', () => {
  test('that reads has 20 s and may be asked; one that changes has 120 s', () => {
    expect(reading('read it', ['cat', 'f'])).toEqual({ program: 'cat', args: ['f'], reads: true, purpose: 'read it', timeoutMs: 20_000 });
    expect(changing('change it', ['touch', 'f'])).toEqual({ program: 'touch', args: ['f'], reads: false, purpose: 'change it', timeoutMs: 120_000 });
    expect(changing('change it', ['tee', 'f'], { stdin: 'x', terminal: true, timeoutMs: 7 })).toMatchObject({ stdin: 'x', terminal: true, timeoutMs: 7 });
  });

  test('of a script takes values as arguments and never as text', () => {
    const values = ['plain', "it's; rm -rf /", '$(id)', '', '-n'];
    const command = reading('show', script('printf "<%s>" "$@"', ...values));
    expect(execFileSync(command.program, command.args, { encoding: 'utf8' })).toBe(values.map((value) => `<${value}>`).join(''));
  });

  test('as a shell line has each word quoted where it must be', () => {
    expect(shellLine(reading('show', ['docker', 'info', '--format', '{{json .}}', '', "a'b"]))).toBe(`docker info --format '{{json .}}' '' 'a'\\''b'`);
  });
});
