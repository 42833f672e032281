import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { init } from '../../lab/images/kuscia/src/init.ts';
import { observed } from './fixtures.ts';
import { stubHost, type StubHost } from './stub-docker.ts';

const golden = JSON.parse(observed('kuscia-sh.json')) as Record<string, { rc: number; stdout: string; stderr: string }>;
const config = init([
  '--mode',
  'autonomy',
  '--domain',
  'alice',
  '--runtime',
  'runp',
  '--datastore-endpoint',
  'mysql://root:password@tcp(10.77.0.1:3306)/kine',
]).stdout;
const start = [
  'start',
  '-c',
  './autonomy_alice.yaml',
  '-p',
  '20000',
  '-q',
  '20001',
  '-k',
  '20010',
  '-g',
  '20011',
  '-a',
  'none',
  '-m',
  '8G',
  '--cluster',
];
const container = '/root/root-kuscia-autonomy-alice';
const dirs = (host: StubHost): boolean => existsSync(`${host.root}/root-kuscia-autonomy-alice/data`);

/** The output of a golden case up to the inner exit code, with ids and the host's name replaced by the stub's, and without the prompt (no terminal shows it here). */
function said(name: string): string {
  const text = golden[name]?.stdout ?? '';
  // eslint-disable-next-line no-control-regex -- the colours are part of what is compared
  const prompt = /\u001b\[0;32mThe container [^\n]*?\[y\/n\]: \u001b\[0m/;
  return text
    .replaceAll('\r', '')
    .replace(/^(y|maybe)\n/, '')
    .replace(/^rc=[\s\S]*/m, '')
    .replace(prompt, '')
    .replace(/^[0-9a-f]{64}$/gm, '<id>')
    .replace(/node-0\d/g, 'node-02');
}

const ids = (text: string): string => text.replace(/^(helper|container)-id$/gm, '<id>');

describe('kuscia.sh start', () => {
  test('prints the observed lines, in order and colour, and makes the observed folders', () => {
    const host = stubHost(config);
    const { code, stdout, stderr } = host.run(start);
    expect({ code, stdout: ids(stdout), stderr }).toEqual({
      code: 0,
      stdout: said('03c-start-tty-host3-second-replica'),
      stderr: '',
    });
    for (const name of ['', '/data', '/images', '/logs'])
      expect(statSync(`${host.root}/root-kuscia-autonomy-alice${name}`).mode & 0o777).toBe(0o777);
    expect(existsSync(`${host.root}/root-kuscia-autonomy-alice/k3s`)).toBe(false);
  });

  test('runs the container with exactly the observed arguments', () => {
    const host = stubHost(config);
    host.run(start);
    const run = host.calls().find((call) => call[0] === 'run' && call.includes('bin/kuscia'));
    expect(run?.join(' ').replaceAll(host.root, '/root')).toBe(
      'run -dit --name=root-kuscia-autonomy-alice --hostname=root-kuscia-autonomy-alice-node-02 --restart=always --network=kuscia-exchange-cluster -m 8G ' +
        '-p 20001:80 -p 20000:1080 -p 20010:8082 -p 20011:8083 -p 13084:9091 --cap-add=SYS_PTRACE ' +
        `-v /root/autonomy_alice.yaml:/home/kuscia/etc/conf/kuscia.yaml -v ${container}/data:/home/kuscia/var/storage/data -v ${container}/logs:/home/kuscia/var/stdout ` +
        `-v ${container}/images:/home/kuscia/var/images secretflow/kuscia:1.1.0b0 bin/kuscia start -c etc/conf/kuscia.yaml`,
    );
  });

  test('without a terminal probes 60 times, ends with 1 and leaves the container running', () => {
    const host = stubHost(config);
    host.state('terminal', undefined);
    const { code, stdout, stderr } = host.run(start);
    expect({ code, stdout: ids(stdout) }).toEqual({ code: 1, stdout: said('03a2-start-notty-host2-db-up') });
    expect(stderr).toBe(golden['03a2-start-notty-host2-db-up']?.stderr);
    expect(host.sleeps()).toBe(60);
    expect(host.calls().filter(([word]) => word === 'rm' || word === 'stop')).toEqual([['rm', '-f', 'helper-id']]);
    expect(ids(host.run(start).stdout)).toMatch(/installation exit\./);
  });

  test.each([
    ['at end of file', '', '03b-second-call-notty-eof'],
    ['for n', 'n\n', '03b-second-call-notty-answer-n'],
    ['for maybe', 'maybe\n', '03d-second-call-tty-other'],
  ])('with a container in any state does nothing and ends with 0 %s', (_, stdin, name) => {
    const host = stubHost(config);
    host.state('container', 'container-id\n');
    host.state('listed', 'abc\n');
    expect(host.run(start, { stdin })).toEqual({ code: 0, stdout: said(name), stderr: '' });
    expect(host.calls().some(([word]) => word === 'run')).toBe(false);
  });

  test('removes and recreates the container for y', () => {
    const host = stubHost(config);
    host.state('container', 'container-id\n');
    host.state('listed', 'abc\n');
    const { code, stdout } = host.run(start, { stdin: 'y\n' });
    expect({ code, stdout: ids(stdout) }).toEqual({
      code: 0,
      stdout: said('03f-stopped-tty-answer-y').replace(/unchanged/g, 'created'),
    });
  });

  test('requires that only one gateway line contains its name', () => {
    const host = stubHost(config);
    host.state('gateways', 'root-kuscia-autonomy-alice-node-02\nroot-kuscia-autonomy-alice-node-02b\n');
    const { code, stderr } = host.run(start);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^\[Error\] Probe gateway in namespace 'alice' failed\. Please check envoy log in container/,
    );
    expect(host.sleeps()).toBe(60);
  });

  test('reports a restarting container only through the engine, and gives up after 60 tries', () => {
    const host = stubHost(config);
    host.state('restarting', '');
    const { code, stderr } = host.run(start);
    expect(code).toBe(1);
    expect(stderr.match(/is restarting, wait until the container is running/g)).toHaveLength(60);
    expect(stderr).toMatch(/\[Error\] Probe k3s in container 'root-kuscia-autonomy-alice' failed\./);
  });
});

describe('kuscia.sh start refuses', () => {
  const without = (args: readonly string[], flag: string): string[] =>
    args.filter((arg, at) => arg !== flag && args[at - 1] !== flag);

  test('a start without -p, on stderr and before it makes anything', () => {
    const host = stubHost(config);
    expect(host.run(without(start, '-p'))).toEqual({ code: 1, stdout: '', stderr: 'empty domain host port\n' });
    expect(dirs(host)).toBe(false);
  });

  test('runc in a cluster, in red on stdout and before it makes anything', () => {
    const host = stubHost(config.replace('runtime: runp', 'runtime: runc'));
    expect(host.run(start)).toEqual({ code: 1, stdout: said('03h-runc'), stderr: '' });
    expect(dirs(host)).toBe(false);
  });

  test('a network that is not overlay or not attachable, after the folders are made', () => {
    for (const [network, name] of [
      ['[{ "Driver": "bridge" }]', '03n-net-bridge-manager'],
      ['[{ "Driver": "overlay", "Attachable": false }]', '03n-net-not-attachable-manager'],
    ] as const) {
      const host = stubHost(config);
      host.state('listed', 'abc\n');
      host.state('network', network);
      expect(host.run(start)).toEqual({ code: 1, stdout: said(name).replace(/^<id>\n/, ''), stderr: '' });
      expect(dirs(host)).toBe(true);
      expect(host.calls().some(([word]) => word === 'run')).toBe(false);
    }
  });

  test('nothing when a longer network name matches its filter, and then fails on the missing network', () => {
    const host = stubHost(config);
    host.state('listed', 'id-of-kuscia-exchange-cluster-old\n');
    host.state('network', undefined);
    expect(host.run(start)).toEqual({
      code: 1,
      stdout: said('03n-net-substring'),
      stderr: golden['03n-net-substring']?.stderr,
    });
  });

  test('an absent network with the exit code of docker', () => {
    const host = stubHost(config);
    host.state('network', undefined);
    host.state(
      'refused',
      'Could not attach to network kuscia-exchange-cluster: rpc error: code = NotFound desc = network kuscia-exchange-cluster not found',
    );
    expect(host.run(start)).toEqual({
      code: 125,
      stdout: said('03n-net-absent-worker'),
      stderr: golden['03n-net-absent-worker']?.stderr,
    });
  });

  test('an image that can be pulled from nowhere, leaving the folders', () => {
    const host = stubHost(config);
    const { code, stdout } = host.run(start, { env: { KUSCIA_IMAGE: undefined } });
    expect({ code, stdout }).toEqual({ code: 1, stdout: said('03h-image-unset') });
    expect(dirs(host)).toBe(true);
  });
});

describe('kuscia.sh start goes on', () => {
  test('with a missing configuration, to a container named root-kuscia--', () => {
    const host = stubHost(config);
    host.state('start-error', 'failed to create shim task: not a directory');
    host.state('listed', 'abc\n');
    host.state('hostname', 'node-02\n');
    const { code, stdout, stderr } = host.run(
      start.map((arg) => (arg === './autonomy_alice.yaml' ? './nosuch.yaml' : arg)),
    );
    expect({ code, stdout: ids(stdout) }).toEqual({ code: 125, stdout: said('03h-missing-file') });
    expect(stderr.match(/^grep: \/root\/nosuch\.yaml: No such file or directory$/gm)).toHaveLength(6);
  });

  test('without USER, to a name that docker refuses', () => {
    const host = stubHost(config);
    host.state('listed', 'abc\n');
    expect(host.run(start, { env: { USER: undefined } })).toEqual({
      code: 125,
      stdout: said('03h-user-unset').replace(/-kuscia-autonomy-alice\n.*$/s, (text) =>
        text.startsWith('-kuscia-autonomy-alice\nroot') ? '' : text,
      ),
      stderr: golden['03h-user-unset']?.stderr,
    });
    expect(existsSync(`${host.root}/-kuscia-autonomy-alice/data`)).toBe(true);
  });

  test('past a taken port, which leaves a Created container; the next call ends with 0', () => {
    const host = stubHost(config);
    host.state('start-error', 'Bind for 0.0.0.0:20010 failed: port is already allocated');
    const first = host.run(start);
    expect(first.code).toBe(125);
    expect(ids(first.stdout)).toMatch(/<id>\n$/);
    expect(host.run(start)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/installation exit\./) as unknown as string,
    });
  });

  test('to a healthy replica and exit code 1 if the engine image is unavailable', () => {
    const host = stubHost(config);
    host.state('listed', 'abc\n');
    host.state('container', 'container-id\n');
    const { code, stdout, stderr } = host.run(
      start.filter((arg, at) => arg !== '-a' && start[at - 1] !== '-a'),
      { stdin: 'y\n' },
    );
    const shown = said('03q-engine-image-default').split('Error response')[0] ?? '';
    expect({ code, stdout: ids(stdout) }).toEqual({ code: 1, stdout: shown });
    expect(stderr).toMatch(/^Error response from daemon: Get .*network is unreachable\n$/);
    expect(
      host
        .calls()
        .map(([word]) => word)
        .at(-1),
    ).toBe('pull');
    expect(existsSync(`${host.root}/root-kuscia-autonomy-alice/register_app_image.sh`)).toBe(true);
  });

  test('to a second agent block at every call with ALLOW_PRIVILEGED', () => {
    const host = stubHost(config);
    for (let i = 0; i < 2; i++) host.run(start, { env: { ALLOW_PRIVILEGED: 'true' } });
    expect(readFileSync(`${host.root}/autonomy_alice.yaml`, 'utf8').match(/^agent:$/gm)).toHaveLength(2);
  });
});

test.each([
  ['root-kuscia-autonomy-alice', 'node-02', 'root-kuscia-autonomy-alice-node-02'],
  ['root-kuscia-autonomy-alice', 'Node_02.Example', 'root-kuscia-autonomy-alice-node-02-example'],
  [
    'root-kuscia-autonomy-mycompany-secretflow-trainlite',
    'ip-10-0-1-121',
    'root-kuscia-autonomy-mycompany-secretflow-trainlite-ip-10-0-1-1',
  ],
  [
    'root-kuscia-autonomy-mycompany-secretflow-trainlite',
    'ip-10-0-1-122',
    'root-kuscia-autonomy-mycompany-secretflow-trainlite-ip-10-0-1-1',
  ],
])('a replica of %s on host %s is named %s', (ctr, hostname, name) => {
  const host = stubHost(config.replace('alice', ctr.replace('root-kuscia-autonomy-', '')));
  host.state('hostname', `${hostname}\n`);
  host.state('gateways', name);
  expect(host.run(start).stdout).toContain(`domain_hostname=${name}\u001b`);
});

test('kuscia.sh upgrade removes the container and then fails with 125', () => {
  const host = stubHost(config);
  host.state('container', 'container-id\n');
  const { code, stdout, stderr } = host.run(['upgrade', 'root-kuscia-autonomy-alice']);
  expect({ code, said: stdout + stderr }).toEqual({
    code: 125,
    said: golden['06-upgrade-tty']?.stdout
      .replaceAll('\r', '')
      .replace(/^.*Up .*\n/, '')
      .replace(/rc=125[\s\S]*/, ''),
  });
  expect(host.calls().some(([word, , id]) => word === 'rm' && id === 'root-kuscia-autonomy-alice')).toBe(true);
});

test('a bad -P prints the usage and ends with 0, --memory-limit VALUE is illegal', () => {
  const host = stubHost(config);
  expect(host.run([...start, '-P', 'bad']).code).toBe(0);
  expect(host.run(['start', '--memory-limit', '8G'])).toMatchObject({ code: 1, stderr: 'illegal option: --\n' });
});

test('a runtime with quotes or a comment loses its capability', () => {
  for (const runtime of ['"runp"', 'runp # fast']) {
    const host = stubHost(config.replace('runtime: runp', `runtime: ${runtime}`));
    host.run(start);
    expect(host.calls().find((call) => call.includes('bin/kuscia'))).not.toContain('--cap-add=SYS_PTRACE');
  }
});
