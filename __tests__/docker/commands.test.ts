import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Archive } from '../../src/cluster/archives.ts';
import type { Host } from '../../src/cluster/cluster.ts';
import {
  createOverlay,
  initSwarm,
  joinSwarm,
  loadImages,
  markTokens,
  pullImage,
  readJoinToken,
  removeContainer,
  removeNetwork,
  restartContainer,
  rotateJoinTokens,
  runContainer,
  setNodeRole,
  startContainer,
} from '../../src/docker/commands.ts';
import { ensureImage } from '../../src/docker/images.ts';
import { namesFor, PROBE_VERSION, runProbe, tryPaths } from '../../src/docker/probe.ts';
import { isStreamed, shellLine, type Command } from '../../src/engine/command.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { Secret } from '../../src/engine/secret.ts';
import { clusterOf, deploymentOf, PASSWORD, THREE } from '../support/deployment.ts';
import { carryOut, ends, images, ok } from '../support/fake.ts';
import { says } from '../support/lines.ts';

const RESOLVE =
  'ip=$(getent ahostsv4 "$1" | head -n 1 | cut -d " " -f 1); [ -n "$ip" ] || { echo "cannot resolve $1" >&2; exit 68; }';
const login = {
  server: 'registry.lab:5000',
  username: 'puller',
  password: new Secret('registry password', 'registry-pass-7'),
};
const token = new Secret('token', 'SWMTKN-1-x');

const NET = { name: 'kuscia-exchange-cluster', subnet: '10.0.0.0/24' } as const;

describe('whole lines', () => {
  const cases: readonly [string, Command, string][] = [
    [
      'initialise',
      initSwarm('10.77.0.11'),
      `sh -c '${RESOLVE}; docker swarm init --advertise-addr "$ip" >/dev/null' sh 10.77.0.11`,
    ],
    ['read a token', readJoinToken('manager'), 'docker swarm join-token -q manager'],
    [
      'mark the tokens',
      markTokens('alice', 'abc'),
      'docker node update --label-add kuscia-swarm.alice.join-tokens=handed-over abc',
    ],
    [
      'rotate the tokens',
      rotateJoinTokens('alice', ['abc', 'def']),
      `sh -c 'for role in worker manager; do docker swarm join-token --rotate -q "$role" >/dev/null || exit; done\nlabel=$1; shift\nfor node in "$@"; do docker node update --label-rm "$label" "$node" >/dev/null || exit; done' sh kuscia-swarm.alice.join-tokens abc def`,
    ],
    ['promote', setNodeRole('abc', 'manager'), 'docker node promote abc'],
    ['demote', setNodeRole('abc', 'worker'), 'docker node demote abc'],
    [
      'create the overlay',
      createOverlay({ ...NET }),
      'docker network create --driver overlay --attachable --subnet 10.0.0.0/24 kuscia-exchange-cluster',
    ],
    [
      'create the overlay with packets of a size',
      createOverlay({ ...NET, mtu: 1350 }),
      'docker network create --driver overlay --attachable --subnet 10.0.0.0/24 --opt com.docker.network.driver.mtu=1350 kuscia-exchange-cluster',
    ],
    [
      'create the overlay that encrypts',
      createOverlay({ ...NET, encrypted: true }),
      'docker network create --driver overlay --attachable --subnet 10.0.0.0/24 --opt encrypted kuscia-exchange-cluster',
    ],
    [
      'create the overlay that does not',
      createOverlay({ ...NET, encrypted: false }),
      'docker network create --driver overlay --attachable --subnet 10.0.0.0/24 kuscia-exchange-cluster',
    ],
    ['remove a network', removeNetwork('id'), 'docker network rm id'],
    ['restart', restartContainer('c'), 'docker restart c'],
    ['remove', removeContainer('c'), 'docker rm --force --volumes c'],
    ['run', runContainer('run it', ['--name=c', 'image', 'a b']), "docker run --detach --name=c image 'a b'"],
    ['pull', pullImage('nginx:1.26'), 'docker pull --quiet nginx:1.26'],
  ];
  test.each(cases)('%s', (_, command, line) => {
    expect(shellLine(command)).toBe(line);
    expect(command.stdin).toBeUndefined();
  });

  test('only reading a token reads', () => {
    expect(cases.filter(([, { reads }]) => reads).map(([name]) => name)).toEqual(['read a token']);
  });

  test('secrets go in by standard input', () => {
    const pull = pullImage('registry.lab:5000/a:1', login);
    const join = joinSwarm('node-02', '10.77.0.11:2377', token, 'nginx:1.26');
    expect([pull, join].map(({ stdin }) => (stdin as Secret).reveal())).toEqual([
      'registry-pass-7',
      '{"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"@ip@","RemoteAddrs":["10.77.0.11:2377"],"JoinToken":"SWMTKN-1-x"}',
    ]);
    expect([pull, join].map(shellLine).join()).not.toMatch(/registry-pass-7|SWMTKN/);
    expect(pull.args.slice(2)).toEqual(['sh', 'registry.lab:5000/a:1', 'puller', 'registry.lab:5000']);
    expect(join.args.slice(2)).toEqual(['sh', 'node-02', 'nginx:1.26']);
    expect(pull.timeoutMs).toBe(1_800_000);
  });
});

describe('scripts, run for real with a docker and a curl that record what they get', () => {
  let folder: string;
  const said = (): string => readFileSync(join(folder, 'said'), 'utf8');
  const program = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const run = (command: Command, path = `${folder}:${process.env['PATH'] ?? ''}`) =>
    spawnSync(command.program, command.args, {
      input:
        command.stdin instanceof Secret
          ? command.stdin.reveal()
          : isStreamed(command.stdin)
            ? readFileSync(command.stdin.file)
            : (command.stdin ?? ''),
      encoding: 'utf8',
      env: { PATH: path, SAID: join(folder, 'said') },
    });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'docker-'));
    program(
      'docker',
      'printf "%s|" docker "$@" >>"$SAID"; case "$*" in *password-stdin*|*swarm/join*) cat >>"$SAID";; esac; echo >>"$SAID"; case "$*" in *login*) [ -d "$2" ] && stat -c %a "$2" >>"$SAID"; exit "${LOGIN:-0}";; esac',
    );
    program('curl', 'printf "%s|" curl "$@" >>"$SAID"; cat >>"$SAID"; echo >>"$SAID"; printf "\\n200"');
    program('getent', '[ "$2" = unknown ] || echo "10.1.2.3 STREAM node"');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('joining uses the address that the host itself resolves', () => {
    rmSync(join(folder, 'said'), { force: true });
    expect(run(joinSwarm('node-02', 'm:2377', token, 'i'))).toMatchObject({ status: 0, stdout: '\n200' });
    const [line = ''] = said().split('\n');
    expect(line).toMatch(/^curl\|-sS\|-m\|60\|--unix-socket\|\/var\/run\/docker\.sock\|/);
    expect(JSON.parse(line.slice(line.indexOf('{"Listen')))).toMatchObject({
      AdvertiseAddr: '10.1.2.3',
      JoinToken: 'SWMTKN-1-x',
    });
  });

  test('joining fails if the name does not resolve', () => {
    rmSync(join(folder, 'said'), { force: true });
    expect(run(joinSwarm('unknown', 'm:2377', token, 'i'))).toMatchObject({
      status: 68,
      stderr: 'cannot resolve unknown\n',
    });
    expect(run(initSwarm('unknown'))).toMatchObject({ status: 68 });
    expect(() => said()).toThrow();
  });

  test("joining uses the image's curl if the host has none", () => {
    rmSync(join(folder, 'said'), { force: true });
    const bare = mkdtempSync(join(tmpdir(), 'bare-'));
    for (const name of ['sed', 'head', 'cut', 'cat', 'sh'])
      writeFileSync(
        join(bare, name),
        `#!/bin/sh\nexec ${execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()} "$@"\n`,
        { mode: 0o755 },
      );
    for (const name of ['docker', 'getent'])
      writeFileSync(join(bare, name), readFileSync(join(folder, name)), { mode: 0o755 });
    const command = joinSwarm('node-02', 'm:2377', token, 'nginx:1.26');
    expect(run({ ...command, program: '/bin/sh' }, bare).status).toBe(0);
    expect(said()).toMatch(
      /^docker\|run\|--rm\|-i\|-v\|\/var\/run\/docker\.sock:\/var\/run\/docker\.sock\|nginx:1\.26\|curl\|/,
    );
    rmSync(bare, { recursive: true });
  });

  test.each([
    ['exited', 'start', 0, '2', '3\n9\n', ''],
    ['paused', 'unpause', 0, '0', '', ''],
    ['exited', 'start', 1, '3', '3\n9\n0\n', 'Error response from daemon: try 3\n'],
  ])(
    'a container that is %s is sent %s, at most three times; the exit code is %i after %s refusals',
    (state, verb, status, refusals, pauses, stderr) => {
      const starting = mkdtempSync(join(folder, 'starting-'));
      const refuse = `echo x >>"$SAID.tries"; n=$(wc -l <"$SAID.tries"); [ "$*" = "${verb} c" ] && [ "$n" -gt ${refusals} ] || { printf 'Error response from daemon: try %s\\nError: failed to start containers: c\\n' "$n" >&2; exit 1; }`;
      writeFileSync(join(starting, 'docker'), `#!/bin/sh\n${refuse}\n`, { mode: 0o755 });
      writeFileSync(join(starting, 'sleep'), '#!/bin/sh\necho "$1" >>"$SAID"\n', { mode: 0o755 });
      rmSync(join(folder, 'said'), { force: true });
      rmSync(join(folder, 'said.tries'), { force: true });
      expect(run(startContainer('c', state), `${starting}:${process.env['PATH'] ?? ''}`)).toMatchObject({
        status,
        stderr,
      });
      expect(spawnSync('cat', [join(folder, 'said')], { encoding: 'utf8' }).stdout).toBe(pauses);
    },
  );

  describe('an archive is loaded', () => {
    const archive: Archive = {
      file: '',
      bytes: 9,
      images: [
        { name: 'a:1', ids: ['sha256:1', 'sha256:m'] },
        { name: 'b:1', ids: ['sha256:2'], layers: ['sha256:x', 'sha256:y'] },
      ],
    };
    /** Loads it on a host where docker answers these questions for the images so. */
    const loaded = (answers: Readonly<Record<string, string>>, load = 'cat >>"$SAID"') => {
      const there = Object.entries(answers).map(([name, said]) => `${name}) echo '${said}' ;;`);
      const bin = mkdtempSync(join(folder, 'bin-'));
      writeFileSync(
        join(bin, 'docker'),
        `#!/bin/sh\ncase "$1 $2" in 'load --quiet') ${load} ;; 'image inspect') case "$5" in ${there.join(' ')} *) echo "Error: No such image: $5" >&2; exit 1 ;; esac ;; 'image rm') echo " untagged $3" >>"$SAID" ;; esac\n`,
        { mode: 0o755 },
      );
      rmSync(join(folder, 'said'), { force: true });
      writeFileSync(join(folder, 'archive'), 'the bytes');
      const { status, stderr } = run(
        loadImages({ ...archive, file: join(folder, 'archive') }, () => undefined),
        `${bin}:${process.env['PATH'] ?? ''}`,
      );
      return { status, stderr: stderr.trimEnd().split('\n').at(-1), said: said() };
    };
    const B = 'sha256:2 ["sha256:x","sha256:y"]';

    test.each([
      ['under the ids of its configurations', { 'a:1': 'sha256:1 []', 'b:1': B }],
      ['under the id of its manifest', { 'a:1': 'sha256:m []', 'b:1': B }],
      [
        'under an id created by the engine, with the right layers',
        { 'a:1': 'sha256:1 []', 'b:1': 'sha256:9 ["sha256:x","sha256:y"]' },
      ],
    ])('%s', (_, answers) => {
      expect(loaded(answers)).toEqual({ status: 0, stderr: '', said: 'the bytes' });
    });

    test.each([
      ['another id', { 'a:1': 'sha256:2 []', 'b:1': B }, 'a:1', 'a:1 is sha256:2 here, not sha256:1 sha256:m'],
      [
        'the beginning of an id',
        { 'a:1': 'sha256: []', 'b:1': B },
        'a:1',
        'a:1 is sha256: here, not sha256:1 sha256:m',
      ],
      ['nothing under the name', { 'b:1': B }, 'a:1', 'a:1 is absent here, not sha256:1 sha256:m'],
      [
        'other layers',
        { 'a:1': 'sha256:1 []', 'b:1': 'sha256:9 ["sha256:x"]' },
        'b:1',
        'b:1 is sha256:9 here, not sha256:2 ["sha256:x","sha256:y"]',
      ],
      ['a star', { 'a:1': '* *', 'b:1': B }, 'a:1', 'a:1 is * here, not sha256:1 sha256:m'],
    ])('and loses its name if it is a different image: %s', (_, answers, name, stderr) => {
      expect(loaded(answers)).toEqual({ status: 65, stderr, said: `the bytes untagged ${name}\n` });
    });

    test('or not, if docker refuses it; then nothing else is done', () => {
      expect(
        loaded({ 'a:1': 'sha256:1 []', 'b:1': B }, 'echo "unexpected EOF" >&2; echo refused >>"$SAID"; exit 1'),
      ).toEqual({ status: 1, stderr: 'unexpected EOF', said: 'refused\n' });
    });
  });

  test('a login exists in a folder of its own, only while the image is pulled', () => {
    rmSync(join(folder, 'said'), { force: true });
    expect(run(pullImage('r/a:1', login)).status).toBe(0);
    const lines = said().trim().split('\n');
    const home = /--config\|([^|]+)/.exec(lines[0] ?? '')?.[1] ?? '';
    expect(lines).toEqual([
      `docker|--config|${home}|login|--username|puller|--password-stdin|registry.lab:5000|registry-pass-7`,
      '700',
      `docker|--config|${home}|pull|--quiet|r/a:1|`,
    ]);
    expect(home).toMatch(/^\/(dev\/shm|run)\//);
    expect(spawnSync('stat', ['-f', '-c', '%T', posix.dirname(home)], { encoding: 'utf8' }).stdout).toBe('tmpfs\n');
    expect(spawnSync('test', ['-e', home]).status).toBe(1);
  });

  test.each([
    ['that fails', 'exit 1', 1, undefined],
    ['whose docker is killed', 'kill -9 $$', 137, undefined],
    ['whose every process is killed', 'kill -9 0', null, 'SIGKILL'],
    ['whose every process is ended', 'kill -TERM 0', null, 'SIGTERM'],
  ])('and is gone after a pull %s', async (_, how, code, signal) => {
    const bin = mkdtempSync(join(tmpdir(), 'docker-'));
    writeFileSync(
      join(bin, 'docker'),
      `#!/bin/sh\n[ "$3" != login ] || { cat >"$2/config.json"; echo "$2" >"$HOME_OF_LOGIN"; exit 0; }\n${how}\n`,
      { mode: 0o755 },
    );
    // A slow machine: what removes the login is late.
    writeFileSync(join(bin, 'setsid'), '#!/bin/sh\nsleep 0.5\nexec /usr/bin/setsid "$@"\n', { mode: 0o755 });
    const { program, args } = pullImage('r/a:1', login);
    const told = join(bin, 'home');
    const ended = spawnSync('/usr/bin/setsid', ['--wait', program, ...args], {
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME_OF_LOGIN: told },
      input: 'registry-pass-7',
    });
    const home = readFileSync(told, 'utf8').trim();
    expect([
      home.startsWith('/'),
      ended.status === code || ended.signal === signal || (signal !== undefined && (ended.status ?? 0) > 128),
    ]).toEqual([true, true]);
    for (let look = 0; existsSync(home) && look < 100; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(existsSync(home)).toBe(false);
    rmSync(bin, { recursive: true });
  });
});

describe('ensureImage', () => {
  const NAME = 'registry.lab:5000/kuscia:1';
  const withLogin = () =>
    deploymentOf(
      { registry: { server: 'registry.lab:5000', username: 'puller' } },
      { secrets: { databasePassword: new Secret('p', PASSWORD), registryPassword: login.password } },
    );
  const step = (name: string, deployment = withLogin()) =>
    ({
      host: 'a',
      change: '+',
      ...says('w', 'y'),
      apply: (act: Parameters<typeof ensureImage>[0]) => ensureImage(act, 'a', name, deployment),
    }) as const;

  test('pulls nothing that exists', async () => {
    const { fleet } = await carryOut(step(NAME), [images('a', { [NAME]: `sha256:${'a'.repeat(64)}` })]);
    expect(fleet.ran).toHaveLength(1);
  });

  test.each([
    ['with the login from that registry', NAME, withLogin(), pullImage(NAME, login)],
    ['without from another', 'nginx:1', withLogin(), pullImage('nginx:1')],
    [
      'without from one whose name begins alike',
      'registry.lab:50001/a:1',
      withLogin(),
      pullImage('registry.lab:50001/a:1'),
    ],
    ['without a login if there is none', NAME, deploymentOf(), pullImage(NAME)],
  ])('pulls %s', async (_, name, deployment, pull) => {
    const { fleet, events } = await carryOut(step(name, deployment), [images('a'), ok('a', pull)]);
    expect(fleet.ran.at(-1)?.line).toBe(shellLine(pull));
    expect(events.flatMap((event) => (event.is === 'said' ? [event.text] : []))).toEqual([`pulling ${name}`]);
  });

  test.each([
    ['docker.io/me/a:1', true],
    ['me/a:1', true],
    ['a', true],
    ['ghcr.io/me/a:1', false],
    ['localhost:5000/a', false],
  ])('%s is on Docker Hub: %s', async (name, hub) => {
    const deployment = deploymentOf(
      { registry: { server: 'docker.io', username: 'puller' } },
      { secrets: withLogin().secrets },
    );
    const pull = pullImage(name, hub ? { ...login, server: 'docker.io' } : undefined);
    await carryOut(step(name, deployment), [images('a'), ok('a', pull)]);
  });

  test.each([
    [
      ends('a', pullImage(NAME, login), { ended: 'exited', code: 1, stderr: 'manifest unknown\n' }),
      'image-unavailable',
      'exit 1: manifest unknown',
    ],
    [
      ends('a', pullImage(NAME, login), { ended: 'lost', reason: 'reset' }),
      'connection-lost',
      expect.stringContaining('connection lost: reset'),
    ],
  ])('says what the registry answered', async (answer, code, evidence) => {
    const thrown = await carryOut(step(NAME), [images('a'), answer]).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failuresOf(thrown)).toMatchObject([{ code, host: 'a', what: `could not pull ${NAME}`, evidence }]);
  });
});

test('the probe is started without a proxy, with a configuration that returns its own name and the request', () => {
  const { args } = runProbe(clusterOf(), THREE[1] as Host);
  const proxies = [
    'http_proxy',
    'HTTP_PROXY',
    'https_proxy',
    'HTTPS_PROXY',
    'ftp_proxy',
    'FTP_PROXY',
    'all_proxy',
    'ALL_PROXY',
  ].map((name) => `--env=${name}=`);
  const start = args.indexOf('-c') + 1;
  expect(args.slice(0, start)).toEqual([
    'run',
    '--detach',
    '--name=alice-probe',
    '--restart=always',
    '--network=kuscia-exchange-cluster',
    '--network-alias=alice-probe-node-02',
    '--memory=128m',
    ...proxies,
    '--entrypoint=sh',
    'nginx:1.26',
    '-c',
  ]);
  expect(args.slice(start + 1)).toEqual(['sh', 'alice-probe-node-02']);
  const folder = mkdtempSync(join(tmpdir(), 'probe-'));
  const text = (args[start] ?? '').replaceAll('/tmp/', `${folder}/`).replace(/^exec .*$/m, '');
  execFileSync('sh', ['-c', text, 'sh', 'alice-probe-node-02']);
  expect(readFileSync(join(folder, 'kuscia-swarm-probe.conf'), 'utf8')).toContain(
    'return 200 "alice-probe-node-02 $http_x_nonce $http_x_pad";',
  );
  expect(readFileSync(join(folder, 'kuscia-swarm-probe'), 'utf8')).toBe(`${PROBE_VERSION}\n`);
  rmSync(folder, { recursive: true });
});

describe('the data path is tried from within the probe', () => {
  const asked = (cluster = clusterOf()) => tryPaths(cluster, cluster.hosts[0] as Host, cluster.hosts.slice(1)).command;
  const PEERS = ['alice-probe-node-02', 'alice-probe-node-03'];

  test('bypassing any proxy, with random content, larger than two packets', () => {
    const { program, reads, args } = asked();
    expect([program, reads, args.slice(0, 4)]).toEqual(['docker', true, ['exec', 'alice-probe', 'sh', '-c']]);
    expect(args[6]).toContain('n=$RANDOM$RANDOM$RANDOM');
    expect(args[6]).toContain('curl --noproxy "*" -s -m 4');
    expect(args[6]).toContain('ask "$1" 3000');
    expect(args[6]).toContain('for size in 1450 1400 1350 1300 1250 1200 1100 1000 576;');
    expect(args.slice(7)).toEqual(['bash', '--', ...PEERS]);
  });

  test('with sizes up to those of the network', () => {
    const { args } = asked(clusterOf({ network: { ...clusterOf().network, mtu: 1230 } }));
    expect(args[6]).toContain('ask "$1" 2560');
    expect(args[6]).toContain('for size in 1230 1200 1100 1000 576;');
  });

  test('with the names that containers of the host use, and no others', () => {
    const named = clusterOf({ hosts: THREE.map((host) => ({ ...host, address: `${host.name}.example` })) });
    const names = (host: number): readonly string[] => namesFor(named, named.hosts[host] as Host);
    expect([names(0), names(1), names(2)]).toEqual([
      ['node-01.example', 'node-02.example', 'node-03.example'],
      ['node-02.example', 'node-01.example'],
      ['node-03.example', 'node-01.example'],
    ]);
    expect(namesFor(clusterOf(), THREE[0] as Host)).toEqual([]);
    expect(asked(named).args.slice(7)).toEqual([
      'bash',
      'node-01.example',
      'node-02.example',
      'node-03.example',
      '--',
      ...PEERS,
    ]);
  });
});
