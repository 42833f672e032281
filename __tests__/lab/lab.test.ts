import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leftovers, links, namespacesOf, tracesOf } from './support/leftovers.ts';
import type { Ended } from '../../lab/lab.ts';
import { processesOf } from '../support/processes.ts';

// A separate lab beside the one that may be in use: the same names and addresses, in separate networks.
const usual = process.env['LAB_HOME'] ?? '/var/lib/kuscia-swarm-lab';
process.env['LAB_CACHE'] ??= `${usual}/cache`;
process.env['LAB_HOME'] = `${usual}-test`;
const { cut, down, exec, hosts, kill, mend, paths, reset, run, sshTo, start, status, up } =
  await import('../../lab/lab.ts');
const { labName } = await import('../../lab/places.ts');
const { initOf, labProcesses } = await import('../../lab/processes.ts');
const { distributionSources, sourceLine } = await import('../../lab/sources.ts');

const [one, two] = ['node-01', 'node-02'] as const;

/** The output of a command; a failure shows how it ended. */
async function output(ended: Promise<Ended>): Promise<string> {
  const { stdout, stderr, ...rest } = await ended;
  expect({ ...rest, stderr }).toMatchObject({ code: 0 });
  return stdout.trim();
}
const inside = (name: string, ...argv: string[]): Promise<string> => output(exec(name, argv, { timeoutMs: 30_000 }));
const ssh = (name: string, user: string, ...argv: string[]): Promise<Ended> =>
  run(sshTo(name, argv, user), { timeoutMs: 15_000 });
const reaches = async (from: string, address: string): Promise<boolean> =>
  (await exec(from, ['timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/22`])).code === 0;

beforeAll(async () => {
  await down();
  await up(2);
}, 600_000);
afterAll(() => down(), 60_000);

test('hosts differ in hostname, machine id and host keys', async () => {
  const facts = await Promise.all(
    [one, two].map(async (name) => [
      await inside(name, 'hostname'),
      await inside(name, 'cat', '/etc/machine-id'),
      await inside(name, 'cat', '/etc/ssh/ssh_host_ed25519_key.pub'),
    ]),
  );
  expect(facts.map(([hostname]) => hostname)).toEqual([one, two]);
  expect(new Set(facts.flat()).size).toBe(6);
});

test.each(['root', 'deploy'])(
  '%s can log in by key with the host key checked, and may use the engine',
  async (user) => {
    expect(
      await output(
        ssh(
          two,
          user,
          'hostname; id -un; docker version --format {{.Server.Os}}; docker image ls --quiet mysql:8.0 | wc -l',
        ),
      ),
    ).toBe(`${two}\n${user}\nlinux\n1`);
  },
);

test('a host with a key other than the known one is refused', async () => {
  const wrong = sshTo(one, ['true']).map((word) => word.replace(hosts[0]!.address, hosts[1]!.address));
  expect(await output(run([...wrong.slice(0, -2), '-o', `HostKeyAlias=${two}`, ...wrong.slice(-2)]))).toBe('');
  expect(await run([...wrong.slice(0, -2), '-o', `HostKeyAlias=${one}`, ...wrong.slice(-2)])).toMatchObject({
    code: 255,
  });
});

test('up again changes nothing; up with more adds the missing ones only', async () => {
  const before = [initOf(one), initOf(two)];
  await Promise.all([up(2), up(3)]);
  expect([initOf(one), initOf(two)]).toEqual(before);
  expect(status().hosts.map(({ name, power }) => `${name} ${power}`)).toEqual([
    'node-01 on',
    'node-02 on',
    'node-03 on',
  ]);
  expect(await reaches('node-03', hosts[0]!.address)).toBe(true);
}, 60_000);

test('nothing outside the lab is reachable, from a host or from the runner', async () => {
  const machine = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.internal === false && each.family === 'IPv4')?.address;
  for (const address of ['198.51.100.1', ...(machine === undefined ? [] : [machine])]) {
    const probe = ['timeout', '5', 'bash', '-c', `exec 3<>/dev/tcp/${address}/22`];
    for (const { code, stderr } of [await run(probe), await exec(one, probe)]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/unreachable|no route/i);
    }
  }
  expect(await output(run(['curl', '-fsS', 'http://registry.lab:5000/v2/']))).toBe('{}');
});

test('run returns how a command ended, and what it printed', async () => {
  expect(
    await run(['sh', '-c', 'cat; echo "$WORD" >&2; exit 7'], { stdin: 'in', env: { ...process.env, WORD: 'err' } }),
  ).toMatchObject({ code: 7, signal: null, stdout: 'in', stderr: 'err\n' });
  expect(await run(['sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: null, signal: 'SIGTERM' });
  expect(await run(['sleep', '60'], { timeoutMs: 300 })).toMatchObject({ code: null, timedOut: true });
  expect(
    await exec(one, [`${paths.repositoryInHost}/node_modules/node/bin/node`, '-p', 'require("os").hostname()']),
  ).toMatchObject({ code: 0, stdout: `${one}\n` });
  expect((await exec(one, ['touch', `${paths.repositoryInHost}/written`])).code).toBe(1);
});

test('two hosts make a swarm, and containers on them reach each other over an overlay network', async () => {
  await inside(one, 'docker', 'swarm', 'init', '--advertise-addr', hosts[0]!.address);
  const token = await inside(one, 'docker', 'swarm', 'join-token', '--quiet', 'worker');
  await inside(two, 'docker', 'swarm', 'join', '--token', token, `${hosts[0]!.address}:2377`);
  await inside(one, 'docker', 'network', 'create', '--driver', 'overlay', '--attachable', 'wide');
  await inside(one, 'docker', 'run', '--detach', '--name', 'web', '--network', 'wide', 'nginx:1.26');
  expect(
    await inside(
      two,
      'docker',
      'run',
      '--rm',
      '--network',
      'wide',
      'nginx:1.26',
      'curl',
      '-fsS',
      '-m',
      '5',
      'http://web/',
    ),
  ).toContain('nginx in the lab');
}, 30_000);

test('a cut cable isolates a host until it is reconnected', async () => {
  await cut(two);
  expect([await reaches(one, hosts[1]!.address), await reaches(two, hosts[0]!.address)]).toEqual([false, false]);
  expect(status().hosts[1]).toMatchObject({ cable: 'cut', power: 'on' });
  await mend(two);
  expect([await reaches(one, hosts[1]!.address), await reaches(two, hosts[0]!.address)]).toEqual([true, true]);
}, 15_000);

test('a host without power is gone immediately, and has its files and its place in the swarm when power returns', async () => {
  await inside(two, 'sh', '-c', 'echo kept >/root/note');
  await kill(two);
  expect([await reaches(one, hosts[1]!.address), status().hosts[1]?.power]).toEqual([false, 'off']);
  await start(two);
  expect(await inside(two, 'cat', '/root/note')).toBe('kept');
  expect(await inside(two, 'docker', 'info', '--format', '{{.Swarm.LocalNodeState}}')).toBe('active');
}, 30_000);

test('the engine of a host can be stopped, killed and started', async () => {
  await inside('node-03', 'engine', 'stop');
  expect(await exec('node-03', ['docker', 'version'])).toMatchObject({ code: 1 });
  await inside('node-03', 'engine', 'start');
  await inside('node-03', 'engine', 'kill');
  expect(await exec('node-03', ['engine', 'status'])).toMatchObject({ code: 3, stdout: 'stopped\n' });
  await inside('node-03', 'engine', 'start');
  await inside('node-03', 'docker', 'version');
}, 30_000);

test('reset gives fresh hosts in seconds: images, keys and machine ids stay, everything else is removed', async () => {
  const identity = ['sh', '-c', 'cat /etc/machine-id /etc/ssh/*.pub'];
  const before = await inside(one, ...identity);
  await output(run(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!'])).then((pid) => {
    expect(existsSync(`/proc/${pid}`)).toBe(true);
  });
  await reset();
  expect(await inside(one, ...identity)).toBe(before);
  expect(
    await output(
      ssh(
        one,
        'root',
        'docker ps -aq; docker volume ls -q; docker network ls -qf driver=overlay; docker info --format {{.Swarm.LocalNodeState}}',
      ),
    ),
  ).toBe('inactive');
  expect(await inside(one, 'docker', 'run', '--rm', 'mysql:8.0', 'mysqld', '--version')).toContain('8.0');
  expect(await exec(two, ['cat', '/root/note'])).toMatchObject({ code: 1 });
  expect(processesOf('sleep 1000').filter((pid) => namespacesOf([pid]).size > 0)).toEqual([]);
}, 60_000);

test('a bare host has no image and pulls plain names from the registry of the lab', async () => {
  await up(4, { bare: true });
  expect(await inside('node-04', 'docker', 'image', 'ls', '--quiet')).toBe('');
  await output(exec('node-04', ['docker', 'pull', '--quiet', 'nginx:1.26'], { timeoutMs: 60_000 }));
  expect(await inside('node-04', 'docker', 'image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')).toBe('nginx:1.26');
}, 90_000);

test('the packages come from the distribution itself, whatever other sources the machine has', () => {
  const files = {
    '/etc/apt/sources.list':
      '# deb http://old.test/debian bookworm main\ndeb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/debian bookworm main contrib # ours\ndeb-src http://mirror.test/debian bookworm main\n',
    'debian.sources':
      '# a comment\nTypes: deb deb-src\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security bookworm-backports\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://off.test\nSuites: bookworm\nComponents: main\n',
    'engine.list': 'deb [signed-by=/etc/apt/keyrings/engine.gpg] https://engine.test/linux/debian bookworm stable\n',
    'cloud.sources':
      'Types: deb\nURIs: https://cloud.test\nSuites: bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/cloud.gpg\n',
    'cloud.sources.disabled': 'Types: deb\nURIs: https://disabled.test\nSuites: bookworm\nComponents: main\n',
  };
  expect(distributionSources(files, 'bookworm').map(sourceLine)).toEqual([
    'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/debian bookworm main contrib',
    'deb http://mirror.test/debian-security bookworm-security main',
  ]);
});

describe('down leaves nothing behind', () => {
  const linksBefore = links();
  const traces = (): ReturnType<typeof tracesOf> => tracesOf(labProcesses().map(({ pid }) => pid));
  const left = (seen: ReturnType<typeof tracesOf>): string[] => [
    ...leftovers(paths.home, labName, seen, linksBefore),
    ...readdirSync(paths.home).filter((name) => name !== 'lock'),
  ];

  test('of a lab with containers and processes in the runner', async () => {
    await inside(one, 'docker', 'run', '--detach', '--memory', '64m', 'nginx:1.26');
    await output(run(['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 &']));
    const seen = traces();
    expect(seen.processes.size).toBeGreaterThan(10);
    expect(left(seen)).not.toEqual([]);
    await down();
    expect(left(seen)).toEqual([]);
    seen.release();
  }, 30_000);

  test('of a lab whose command was killed half way, along with parts of the lab', async () => {
    const command = spawn(process.execPath, [`${paths.repository}/lab/cli.ts`, 'up', '3'], {
      stdio: 'ignore',
      env: process.env,
    });
    const deadline = Date.now() + 60_000;
    while (initOf('node-03') === undefined && Date.now() < deadline) await new Promise((wake) => setTimeout(wake, 20));
    const ended = new Promise((done) => {
      command.on('exit', done);
    });
    command.kill('SIGKILL');
    await ended;
    const seen = traces();
    expect(seen.namespaces.size).toBeGreaterThan(10);
    const outer = labProcesses().find(({ place, init }) => place === one && !init);
    if (outer !== undefined) process.kill(outer.pid, 'SIGKILL');
    await down();
    expect(left(seen)).toEqual([]);
    seen.release();
  }, 90_000);
});
