import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sha256 } from '../../src/engine/digest.ts';
import fc from '../support/random.ts';
import type { Command } from '../../src/engine/command.ts';
import { absent, answer, present, type Query } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { writeFile } from '../../src/host/commands.ts';
import { disk, machine, terminal } from '../../src/host/facts.ts';
import { file, openFile } from '../../src/host/files.ts';
import { factOf } from '../support/tape.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'host-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command here, as a host's shell would. */
function run({ program, args, stdin }: Command): Outcome {
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    input: stdin instanceof Secret ? stdin.reveal() : typeof stdin === 'string' ? stdin : '',
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return status === null
    ? { ended: 'killed', signal: signal ?? '', stdout, stderr }
    : { ended: 'exited', code: status, stdout, stderr };
}
const ask = <T>(question: Query<T>) => answer(question, run(question.command));

describe('a terminal', () => {
  test('is available here', () => expect(ask(terminal)).toEqual(present(true)));

  test('is unavailable if script(1) creates none', () => {
    writeFileSync(
      join(folder, 'script'),
      '#!/bin/sh\necho "script: failed to create pseudo-terminal: No such file" >&2; exit 1\n',
      { mode: 0o755 },
    );
    const {
      command: { args },
      read,
    } = terminal;
    const { status, stdout } = spawnSync('sh', args, {
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    });
    expect(read({ ended: 'exited', code: status ?? -1, stdout, stderr: '' })).toEqual(present(false));
    rmSync(join(folder, 'script'));
  });

  test.each([
    ['both\r\n', true],
    ['^D\b\bboth\r\n', true],
    ['none\n', false],
  ])('%j is %s', (stdout, value) => {
    expect(terminal.read({ ended: 'exited', code: 0, stdout, stderr: '' })).toEqual(present(value));
  });
});

describe('writeFile', () => {
  const path = (name: string): string => join(folder, name);
  const modeOf = (name: string): string => (statSync(path(name)).mode & 0o777).toString(8);

  test.each([
    ['0600', '600'],
    ['0644', '644'],
    ['0700', '700'],
  ] as const)('writes with mode %s and makes folders that only the owner enters', (mode, bits) => {
    expect(run(writeFile('write', `${path(`new-${mode}`)}/deep/f`, mode, 'text'))).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect([modeOf(`new-${mode}/deep/f`), modeOf(`new-${mode}/deep`), modeOf(`new-${mode}`)]).toEqual([
      bits,
      '700',
      '700',
    ]);
  });

  test('writes any bytes, and reading gives them back', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed()),
        (content) => {
          run(writeFile('write', 'any', '0600', new Secret('s', content)));
          expect(readFileSync(path('any'), 'utf8')).toBe(content);
          const read = ask(openFile('any', 'thing'));
          expect(read.is === 'present' && read.value.content.reveal()).toBe(content);
          expect(read).toMatchObject(present({ mode: '600', sha256: sha256(content) }));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('replaces a file as a whole, narrows its mode and leaves no leftovers, even of a killed one', () => {
    mkdirSync(path('one'));
    writeFileSync(path('one/f'), 'former', { mode: 0o644 });
    writeFileSync(path('one/f.new.7'), 'hal');
    const before = statSync(path('one/f')).ino;
    expect(run(writeFile('write', 'one/f', '0600', 'new'))).toMatchObject({ code: 0 });
    expect([
      readFileSync(path('one/f'), 'utf8'),
      modeOf('one/f'),
      readdirSync(path('one')),
      statSync(path('one/f')).ino === before,
    ]).toEqual(['new', '600', ['f'], false]);
  });

  test('leaves the former file if the new one cannot be written', () => {
    mkdirSync(path('full'));
    writeFileSync(path('full/f'), 'former');
    const bin = path('bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'sync'), '#!/bin/sh\nexit 5\n');
    chmodSync(join(bin, 'sync'), 0o755);
    const { program, args, stdin } = writeFile('write', path('full/f'), '0600', 'new');
    expect(
      spawnSync(program, args, { input: stdin as string, env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } }).status,
    ).not.toBe(0);
    expect([readFileSync(path('full/f'), 'utf8'), readdirSync(path('full'))]).toEqual(['former', ['f']]);
  });

  test('leaves the former file if the new content was cut short anywhere', () => {
    mkdirSync(path('cut'));
    writeFileSync(path('cut/f'), 'former');
    const command = writeFile('write', 'cut/f', '0600', 'new');
    const whole = command.stdin as string;
    const ends = Array.from(whole, (_, length) => run({ ...command, stdin: whole.slice(0, length) }));
    expect(ends).toEqual(
      Array.from(whole, () => ({ ended: 'exited', code: 74, stdout: '', stderr: 'the content was truncated\n' })),
    );
    expect([readFileSync(path('cut/f'), 'utf8'), readdirSync(path('cut'))]).toEqual(['former', ['f']]);
  });

  test('takes any characters in the name, and its content only from standard input', () => {
    const odd = `it's $(touch oops) "x"`;
    const command = writeFile('write', odd, '0600', new Secret('s', 'hidden-value'));
    expect(run(command)).toMatchObject({ code: 0 });
    expect([existsSync(path(odd)), existsSync(path('oops')), command.args.join(' ').includes('hidden-value')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a file', () => {
  test('is absent, present or unknown', () => {
    writeFileSync(join(folder, 'there'), 'x', { mode: 0o640 });
    mkdirSync(join(folder, 'folder'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    expect(ask(file('nothing'))).toEqual(absent);
    expect(ask(file('there'))).toMatchObject(present({ mode: '640', sha256: sha256('x') }));
    expect(ask(file('folder'))).toEqual({
      is: 'unknown',
      why: 'could not inspect folder: exit 65: folder is not a regular file',
    });
    expect(ask(openFile('nothing', 'n'))).toEqual(absent);
    expect(ask(openFile('folder', 'n'))).toMatchObject({ is: 'unknown' });
  });

  test('has its time of change in milliseconds', () => {
    const before = Date.now();
    writeFileSync(join(folder, 'now'), '');
    const fact = ask(file('now'));
    expect(fact.is === 'present' && Math.abs(fact.value.changedAt - before)).toBeLessThan(1_000);
  });

  test('that says "absent" is not absent', () => {
    writeFileSync(join(folder, 'liar'), 'absent\n');
    expect(ask(openFile('liar', 'n'))).toMatchObject(present({ sha256: sha256('absent\n') }));
  });

  test('read on a real host', () => {
    expect(factOf('empty', 'node-01', file('kuscia-swarm/alice/kuscia.yaml'))).toEqual(absent);
    expect(factOf('settled', 'node-01', file('kuscia-swarm/alice/kuscia.yaml'))).toEqual(
      present({ mode: '600', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), changedAt: expect.any(Number) }),
    );
    expect(factOf('odd', 'node-01', openFile('kuscia-swarm', 'Kuscia configuration'))).toEqual({
      is: 'unknown',
      why: 'could not read kuscia-swarm: exit 65: kuscia-swarm is not a regular file',
    });
  });

  test.each(['', 'This account is closed.\n', '600\n', '600 1.5\nshort  -\n'])(
    'is unknown if the answer is %j',
    (stdout) => {
      for (const question of [file('f'), openFile('f', 'n')])
        expect(answer<unknown>(question, { ended: 'exited', code: 0, stdout, stderr: '' }).is).toBe('unknown');
    },
  );

  test('never shows its content', () => {
    writeFileSync(join(folder, 'key'), 'hidden-value');
    expect(JSON.stringify(ask(openFile('key', 'domain key')))).not.toContain('hidden-value');
  });
});

describe('a machine', () => {
  test('is read here as it is', () => {
    expect(ask(machine)).toMatchObject(
      present({
        hostname: hostname(),
        arch: process.arch === 'x64' ? 'x86_64' : expect.any(String),
        missingPrograms: expect.any(Array),
      }),
    );
    const fact = ask(machine);
    if (fact.is !== 'present') throw new Error(fact.is);
    expect(Math.abs(fact.value.clock - Date.now())).toBeLessThan(5_000);
    expect(fact.value.memory).toBeGreaterThan(2 ** 28);
  });

  test('is read on a real host', () => {
    expect(factOf('settled', 'node-01', machine)).toEqual(
      present({
        user: 'root',
        home: '/root',
        hostname: 'node-01',
        machineId: expect.stringMatching(/^[0-9a-f]{32}$/),
        arch: expect.any(String),
        kernel: expect.stringMatching(/^\d+\.\d+/),
        memory: expect.any(Number),
        ptraceScope: undefined,
        clock: expect.any(Number),
        listening: expect.arrayContaining([22, 2377, 7946, 3306, 8080, 20000, 20001, 20010, 20011, 13084]),
        routes: expect.arrayContaining(['10.77.0.0/24', '172.17.0.0/16']),
        missingPrograms: [],
      }),
    );
    const empty = factOf('empty', 'node-02', machine);
    expect(empty.is === 'present' && [empty.value.listening, empty.value.routes.includes('0.0.0.0/0')]).toEqual([
      [22],
      false,
    ]);
  });

  const said = (...lines: readonly string[]) =>
    answer(machine, {
      ended: 'exited',
      code: 0,
      stderr: '',
      stdout: [
        'user=u',
        'home=/h',
        'hostname=n',
        'machineId=m',
        'arch=x86_64',
        'kernel=6.1',
        'memory=1024',
        'ptrace=1',
        'clock=1700000000000',
        ...lines,
        '',
      ].join('\n'),
    });
  test.each([
    ['all addresses', 'listen=00000000:4E20', [20000]],
    ['all addresses of IPv6', 'listen=00000000000000000000000000000000:4E20', [20000]],
    ['its own address', 'listen=0B004D0A:4E20', [20000]],
    ['the loopback', 'listen=0100007F:4E20', [20000]],
    ['another loopback address', 'listen=3500007F:0035', [53]],
    ['the loopback of IPv6', 'listen=00000000000000000000000001000000:4E20', [20000]],
    ['the loopback of IPv4 in IPv6', 'listen=0000000000000000FFFF00000100007F:4E20', [20000]],
    ['an IPv6 address', 'listen=B80D01200000000000000000010000F7:4E20', [20000]],
  ])('listens on %s', (_, line, ports) => {
    expect(said(line)).toMatchObject(present({ listening: ports }));
  });

  test('has routes with their prefixes, without the default route', () => {
    expect(
      said('route=00004D0A/00FFFFFF', 'route=000011AC/0000FFFF', 'route=00000000/00000000', 'route=0101A8C0/FFFFFFFF'),
    ).toMatchObject(present({ routes: ['10.77.0.0/24', '172.17.0.0/16', '192.168.1.1/32'] }));
  });

  test('lists missing programs, and may have no Yama; memory is in bytes', () => {
    expect(said('missing=awk', 'missing=script')).toMatchObject(
      present({ missingPrograms: ['awk', 'script'], memory: 1024 ** 2, ptraceScope: 1 }),
    );
    expect(factOf('empty', 'node-01', machine)).toMatchObject(present({ ptraceScope: undefined }));
  });

  test.each([
    '',
    'This account is closed.\n',
    'user=\nhome=/root\nclock=1\n',
    'user=root\nhome=\nclock=1\n',
    'user=root\nhome=/root\nhostname=h\nclock=\n',
  ])('that answers %j is unknown', (stdout) => {
    expect(answer(machine, { ended: 'exited', code: 0, stdout, stderr: '' }).is).toBe('unknown');
  });
});

describe('a disk', () => {
  test('is read here, and above a folder that does not exist', () => {
    const fact = ask(disk(folder));
    if (fact.is !== 'present') throw new Error(fact.is);
    expect(fact.value.size).toBeGreaterThanOrEqual(fact.value.free);
    expect(ask(disk(join(folder, 'not/yet/there')))).toMatchObject(present({ size: fact.value.size }));
  });

  test.each([
    [0, ''],
    [0, 'closed\n'],
    [0, '12\n'],
    [0, 'x 12\n'],
    [0, '12 x\n'],
    [1, '1 2\n'],
  ])('exit %i, %j is unknown', (code, stdout) => {
    expect(answer(disk('/'), { ended: 'exited', code, stdout, stderr: '' }).is).toBe('unknown');
  });
});
