import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { answer, present, type Fact } from '../../src/engine/fact.ts';
import { setup, type Setup } from '../../src/host/setup.ts';
import { factOf } from '../support/tape.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'setup-'))));
afterEach(() => rmSync(home, { recursive: true }));

/** Runs the query here, as a login with that home and the given environment. */
function asked(env: Readonly<Record<string, string>> = {}): Fact<Setup> & { readonly said: string } {
  const { program, args } = setup.command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C', ...env },
  });
  expect(stderr).toBe('');
  return { ...answer(setup, { ended: 'exited', code: status ?? 255, stdout, stderr }), said: stdout };
}

function put(name: string, content: unknown, mode = 0o600): string {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, '\t'));
  chmodSync(path, mode);
  return path;
}

const valueOf = (fact: Fact<Setup>): Setup => {
  if (fact.is !== 'present') throw new Error(JSON.stringify(fact));
  return fact.value;
};
const config = (content: object, folder = '.docker'): string => put(`${folder}/config.json`, content);
const context = (name: string, host: string): string =>
  put(
    `.docker/contexts/meta/${createHash('sha256').update(name).digest('hex')}/meta.json`,
    JSON.stringify({
      Name: name,
      Metadata: { Description: 'x' },
      Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
    }),
  );

test('is read here as it is', () => {
  const here = valueOf(asked());
  expect(here).toMatchObject({ path: process.env['PATH'], elsewhere: [], proxies: [] });
  expect(here.kernel['kernel.pty.max']).toBeGreaterThan(0);
  expect(here.kernel['net.ipv4.ip_forward']).toBeLessThan(2);
});

test('is read on real hosts', () => {
  const empty = valueOf(factOf('empty', 'node-02', setup));
  expect(empty).toMatchObject({
    docker: '/usr/bin/docker',
    found: expect.arrayContaining(['/usr/bin/docker']),
    socket: 'open',
    elsewhere: [],
    proxies: [],
    options: [],
    noTerminal: '',
    onLink: ['10.77.0.0/24', '172.17.0.0/16'],
  });
  expect(empty.kernel).toEqual({
    'net.ipv4.ip_forward': 1,
    'fs.inotify.max_user_instances': expect.any(Number),
    'fs.inotify.max_user_watches': expect.any(Number),
    'kernel.pty.nr': expect.any(Number),
    'kernel.pty.max': 4096,
    'kernel.pty.reserve': 1024,
  });
  expect(empty.rules).toEqual(
    expect.arrayContaining([
      'nat :DOCKER - [0:0]',
      'filter :DOCKER - [0:0]',
      'filter -A FORWARD -o docker0 -j DOCKER',
      'nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
      'nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
    ]),
  );
  expect(valueOf(factOf('settled', 'node-02', setup)).rules).toContain(
    'nat -A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE',
  );
});

describe('the engine that the login uses', () => {
  test.each<[string, Readonly<Record<string, string>>, Setup['elsewhere']]>([
    ['nothing said', {}, []],
    ['the usual socket', { DOCKER_HOST: 'unix:///var/run/docker.sock' }, []],
    ['the usual socket by its other name', { DOCKER_HOST: 'unix:///run/docker.sock' }, []],
    ['another host', { DOCKER_HOST: 'tcp://10.0.0.9:2375' }, [{ by: 'DOCKER_HOST', at: 'tcp://10.0.0.9:2375' }]],
    [
      'another socket',
      { DOCKER_HOST: 'unix:///run/user/1000/docker.sock' },
      [{ by: 'DOCKER_HOST', at: 'unix:///run/user/1000/docker.sock' }],
    ],
    ['a context by its name', { DOCKER_CONTEXT: 'far' }, [{ by: 'DOCKER_CONTEXT', at: 'ssh://me@far (context far)' }]],
    [
      'a context that is not known',
      { DOCKER_CONTEXT: 'gone' },
      [{ by: 'DOCKER_CONTEXT', at: 'an unknown engine (context gone)' }],
    ],
    ['a context of the usual socket', { DOCKER_CONTEXT: 'here' }, []],
    ['the default context', { DOCKER_CONTEXT: 'default' }, []],
  ])('%s', (_, env, elsewhere) => {
    context('far', 'ssh://me@far');
    context('here', 'unix:///var/run/docker.sock');
    expect(valueOf(asked(env)).elsewhere).toEqual(elsewhere);
  });

  test('is that of the context in use, unless a variable names one', () => {
    const file = config({ currentContext: 'far' });
    context('far', 'ssh://me@far');
    const byFile = { by: `currentContext in ${file}`, at: 'ssh://me@far (context far)' };
    expect(valueOf(asked()).elsewhere).toEqual([byFile]);
    expect(valueOf(asked({ DOCKER_CONTEXT: 'default' })).elsewhere).toEqual([]);
    expect(valueOf(asked({ DOCKER_HOST: 'unix:///var/run/docker.sock' })).elsewhere).toEqual([]);
  });

  test('in the usual file counts too if a variable names another, which kuscia.sh does not see', () => {
    const file = config({ currentContext: 'far' });
    context('far', 'ssh://me@far');
    config({ currentContext: '' }, 'other');
    expect(valueOf(asked({ DOCKER_CONFIG: join(home, 'other') })).elsewhere).toEqual([
      { by: `currentContext in ${file}`, at: 'an unknown engine (context far)' },
    ]);
  });
});

describe('the proxies of containers', () => {
  test('are reported by name, and neither their values nor other secrets leave the host', () => {
    const file = config({
      auths: {
        'https://index.docker.io/v1/': { auth: 'aGlkZGVuOmhpZGRlbg==' },
        proxies: { default: { httpProxy: 'hidden' } },
      },
      HttpHeaders: { 'User-Agent': 'a "quoted" \\ one }{][' },
      proxies: {
        default: {
          httpProxy: 'http://me:hidden@10.77.0.11:3128',
          httpsProxy: 'http://hidden',
          ftpProxy: '',
          noProxy: 'localhost,127.0.0.0/8',
        },
        'tcp://far:2376': { allProxy: 'hidden' },
        'tcp://none': { noProxy: 'x' },
      },
      aliases: ['proxies', { default: { httpProxy: 'hidden' } }],
    });
    const { said, ...fact } = asked();
    expect(valueOf(fact).proxies).toEqual([
      { file, engine: 'default', keys: ['httpProxy', 'httpsProxy'], noProxy: 'localhost,127.0.0.0/8' },
      { file, engine: 'tcp://far:2376', keys: ['allProxy'], noProxy: '' },
    ]);
    expect(said).not.toMatch(/hidden|aGlk/);
  });

  test('are read from both files if a variable names another', () => {
    const usual = config({ proxies: { default: { httpProxy: 'http://a' } } });
    const other = config({ proxies: { default: { httpsProxy: 'http://b' } } }, 'other');
    expect(
      valueOf(asked({ DOCKER_CONFIG: join(home, 'other') })).proxies.map(({ file, keys }) => [file, ...keys]),
    ).toEqual([
      [other, 'httpsProxy'],
      [usual, 'httpProxy'],
    ]);
  });

  test.each([
    '',
    '{}',
    '{"proxies":',
    'nonsense',
    '[]',
    '{"proxies":"x"}',
    '{"proxies":{"default":"http://hidden"}}',
    '\0',
  ])('are none in a file that contains %j', (content) => {
    put('.docker/config.json', content);
    expect(valueOf(asked()).proxies).toEqual([]);
  });
});

test('docker is looked for on the PATH and in the usual places', () => {
  const path = process.env['PATH'] ?? '';
  const docker = put('bin/docker', '#!/bin/sh\n', 0o755);
  put('.local/bin/docker', 'not to be run', 0o644);
  expect(valueOf(asked({ PATH: `${join(home, 'bin')}:${path}` })).docker).toBe(docker);
  // A PATH on which all else is, and docker is not.
  const bin = join(home, 'small');
  mkdirSync(bin);
  for (const program of ['awk', 'grep', 'tr', 'sh'])
    put(
      `small/${program}`,
      `#!/bin/sh\nexec ${spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()} "$@"\n`,
      0o755,
    );
  const without = valueOf(asked({ PATH: bin }));
  expect([without.docker, without.path]).toEqual(['', bin]);
  expect(without.found).toContain(docker);
  expect(without.found).not.toContain(join(home, '.local/bin/docker'));
});

describe('firewall rules', () => {
  const RULES = [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':DOCKER - [0:0]',
    '-A FORWARD -o docker0 -j DOCKER',
    '-A INPUT -p tcp --dport 22 -j ACCEPT',
    'COMMIT',
    '*nat',
    ':DOCKER - [0:0]',
    '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
    'COMMIT',
  ].join('\n');
  const saves = (...programs: readonly (readonly [name: string, text: string, code: number])[]): string => {
    for (const [name, text, code] of programs)
      put(`bin/${name}`, `#!/bin/sh\nprintf '%s\\n' '${text}'\nexit ${code}\n`, 0o755);
    return `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`;
  };

  test('are those of Docker, of both kinds of tables', () => {
    const PATH = saves(
      ['iptables-nft-save', RULES, 0],
      ['iptables-legacy-save', '*nat\n-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.2.3.4', 0],
    );
    expect(valueOf(asked({ PATH })).rules).toEqual([
      'filter :DOCKER - [0:0]',
      'filter -A FORWARD -o docker0 -j DOCKER',
      'nat :DOCKER - [0:0]',
      'nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
      'nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.2.3.4',
    ]);
  });

  test('that are readable and empty are none', () => {
    expect(
      valueOf(asked({ PATH: saves(['iptables-nft-save', '', 0], ['iptables-legacy-save', '', 0]) })).rules,
    ).toEqual([]);
  });

  test('that may not be read are unknown', () => {
    expect(
      valueOf(asked({ PATH: saves(['iptables-nft-save', '', 4], ['iptables-legacy-save', '', 1]) })).rules,
    ).toBeUndefined();
  });
});

test.each([
  '',
  'path=/bin\n',
  'path=/bin\nsocket=odd\nterminal=open\n',
  'path=/bin\nsocket=open\n',
  'path=/bin\nsocket=open\nterminal=open\nkernel=a x\n',
  'path=/bin\nsocket=open\nterminal=open\nonLink=x\n',
  'This account is closed.\n',
])('that answers %j is unknown', (stdout) => {
  expect(answer(setup, { ended: 'exited', code: 0, stdout, stderr: '' }).is).toBe('unknown');
});

test('a terminal that cannot be opened has a reason', () => {
  const said = (line: string) =>
    answer(setup, { ended: 'exited', code: 0, stderr: '', stdout: `path=/bin\nsocket=open\n${line}\n` });
  expect(said('noTerminal=sh: 1: cannot create /dev/ptmx: No space left on device')).toMatchObject(
    present({ noTerminal: 'sh: 1: cannot create /dev/ptmx: No space left on device' }),
  );
  expect(said('noTerminal=')).toMatchObject(present({ noTerminal: 'it cannot be opened' }));
});
