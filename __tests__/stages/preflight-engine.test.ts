import { describe, expect, test } from '@jest/globals';
import type { Cluster, Host } from '../../src/cluster/cluster.ts';
import { engine, NO_DOCKER, PODMAN, type Engine } from '../../src/docker/facts.ts';
import type { Network } from '../../src/docker/networks.ts';
import { answer, present } from '../../src/engine/fact.ts';
import type { Setup } from '../../src/host/setup.ts';
import { engineSilent } from '../../src/stages/engine-silent.ts';
import { exhausted } from '../../src/stages/pools.ts';
import { dockerFindings } from '../../src/stages/preflight-engine.ts';
import { bypasses } from '../../src/stages/preflight-proxy.ts';
import { clusterOf, EXTERNAL, THREE } from '../support/deployment.ts';
import { BRIDGE, engineOutside, RULES, setupOf } from '../support/facts.ts';

/** What an engine outside a swarm says of itself. */
const OUTSIDE =
  '{"ServerVersion":"29.0.1","NCPU":8,"MemTotal":1,"DockerRootDir":"/var/lib/docker","Swarm":{"NodeID":"","NodeAddr":"","LocalNodeState":"inactive","ControlAvailable":false,"Error":"","RemoteManagers":null}}';

const replicaHost = THREE[1] as Host;

interface Told {
  readonly engine?: Partial<Engine>;
  readonly setup?: Partial<Setup>;
  readonly networks?: readonly Network[];
  readonly routes?: readonly string[];
  readonly host?: Host;
  readonly cluster?: Partial<Cluster>;
}

const findings = ({
  engine = {},
  setup = {},
  networks = [BRIDGE],
  routes = ['172.17.0.0/16'],
  host = replicaHost,
  cluster = {},
}: Told) =>
  dockerFindings(clusterOf(cluster), host, { engine: engineOutside(engine), setup: setupOf(setup), networks, routes });

/** A bridge network of the host with that subnet. */
const bridge = (name: string, subnet: string, changes: Partial<Network> = {}): Network => ({
  ...BRIDGE,
  id: name,
  name,
  subnets: [subnet],
  ...changes,
});
const GATEWAY = bridge('docker_gwbridge', '172.18.0.0/16');
const without = (...gone: readonly RegExp[]): readonly string[] =>
  RULES.filter((rule) => !gone.some((each) => each.test(rule)));

/** So many networks, in the order in which an engine gives them built-in ranges. */
const built = (count: number): Network[] =>
  Array.from({ length: count }, (_, i) =>
    bridge(`n${i}`, i < 15 ? `172.${17 + i}.0.0/16` : `192.168.${(i - 15) * 16}.0/20`),
  );

const proxied = (noProxy: string, changes: Partial<Setup['proxies'][number]> = {}): Partial<Setup> => ({
  proxies: [
    { file: '/root/.docker/config.json', engine: 'default', keys: ['httpProxy', 'httpsProxy'], noProxy, ...changes },
  ],
});
const COVERED = 'localhost,127.0.0.0/8,10.77.0.0/24,10.200.0.0/16';

test('a suitable host has no findings', () => {
  expect(findings({})).toEqual([]);
});

describe('found before anything is changed, with its evidence and the command that fixes it', () => {
  const cases: readonly { name: string; told: Told; what: RegExp; evidence: RegExp; remedy: RegExp; advice?: true }[] =
    [
      {
        name: 'an old engine',
        told: { engine: { version: '20.10.23' } },
        what: /^Docker Engine 20\.10\.23 is too old$/,
        evidence: /kuscia#984/,
        remedy: /20\.10\.24/,
      },
      {
        name: 'live-restore',
        told: { engine: { liveRestore: true } },
        what: /live-restore/,
        evidence: /LiveRestoreEnabled true/,
        remedy: /remove "live-restore" from \/etc\/docker\/daemon\.json.*systemctl reload docker/,
      },
      {
        name: 'userns-remap',
        told: {
          engine: {
            securityOptions: ['name=seccomp,profile=default', 'name=userns'],
            rootDir: '/var/lib/docker/100000.100000',
          },
        },
        what: /userns-remap is enabled/,
        evidence: /name=userns, Docker Root Dir \/var\/lib\/docker\/100000\.100000/,
        remedy: /remove "userns-remap" from \/etc\/docker\/daemon\.json.*systemctl restart docker/,
      },
      {
        name: 'a rootless engine',
        told: {
          engine: { securityOptions: ['name=seccomp,profile=builtin', 'name=rootless', 'name=cgroupns'] },
          setup: { elsewhere: [{ by: 'DOCKER_HOST', at: 'unix:///run/user/1000/docker.sock' }] },
        },
        what: /rootless/,
        evidence: /name=rootless/,
        remedy: /systemctl enable --now docker/,
      },
      {
        name: 'nftables',
        told: { engine: { firewall: 'nftables' } },
        what: /nftables/,
        evidence: /FirewallBackend nftables/,
        remedy: /"firewall-backend": "iptables" in \/etc\/docker\/daemon\.json/,
      },
      {
        name: 'nftables beside firewalld',
        told: { engine: { firewall: 'nftables+firewalld' }, setup: { rules: [] } },
        what: /nftables/,
        evidence: /nftables\+firewalld/,
        remedy: /systemctl restart docker/,
      },
      {
        name: 'no logs',
        told: { engine: { logDriver: 'none' } },
        what: /keep no logs/,
        evidence: /LoggingDriver none/,
        remedy: /"log-driver": "local"/,
        advice: true,
      },
      {
        name: 'logs that go elsewhere and are not kept',
        told: {
          engine: { logDriver: 'fluentd' },
          setup: { options: [{ where: '/etc/docker/daemon.json', name: 'cache-disabled', value: 'true' }] },
        },
        what: /keep no logs/,
        evidence: /LoggingDriver fluentd; .*"cache-disabled": "true"/,
        remedy: /"log-driver": "local"/,
        advice: true,
      },
      {
        name: 'iptables: false',
        told: {
          setup: { options: [{ where: '/etc/docker/daemon.json', name: 'iptables', value: 'false' }], rules: [] },
        },
        what: /iptables: false/,
        evidence: /^\/etc\/docker\/daemon\.json: "iptables": false$/,
        remedy: /remove "iptables": false from \/etc\/docker\/daemon\.json/,
      },
      {
        name: '--iptables=false',
        told: { setup: { options: [{ where: 'dockerd', name: 'iptables', value: 'false' }] } },
        what: /iptables: false/,
        evidence: /dockerd runs with --iptables=false/,
        remedy: /remove --iptables=false from the arguments of dockerd/,
      },
      {
        name: 'ip_forward',
        told: { setup: { kernel: { 'net.ipv4.ip_forward': 0 } } },
        what: /IP forwarding is off/,
        evidence: /^net\.ipv4\.ip_forward = 0$/,
        remedy: /sysctl -w net\.ipv4\.ip_forward=1/,
      },
      {
        name: 'another engine',
        told: { setup: { elsewhere: [{ by: 'DOCKER_HOST', at: 'tcp://10.0.0.9:2375' }] } },
        what: /uses the engine at tcp:\/\/10\.0\.0\.9:2375, not the one at \/var\/run\/docker\.sock$/,
        evidence: /^set by DOCKER_HOST$/,
        remedy: /Remove DOCKER_HOST from the login's environment/,
      },
      {
        name: 'another context',
        told: {
          setup: { elsewhere: [{ by: 'currentContext in /root/.docker/config.json', at: 'ssh://x (context far)' }] },
        },
        what: /uses the engine at ssh:\/\/x \(context far\)/,
        evidence: /currentContext in \/root\/\.docker\/config\.json/,
        remedy: /docker context use default/,
      },
      {
        name: 'no chains',
        told: { setup: { rules: [] } },
        what: /firewall rules are missing/,
        evidence:
          /chain DOCKER of table nat, chain DOCKER of table filter, .*MASQUERADE of bridge \(172\.17\.0\.0\/16\)/,
        remedy: /Restart the Docker Engine on that host.*systemctl restart docker/,
      },
      {
        name: 'no chains but a masquerade rule of others',
        told: {
          setup: {
            rules: [
              'nat -A POSTROUTING -o eth0 -j MASQUERADE',
              'nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
            ],
          },
        },
        what: /firewall rules are missing/,
        evidence: /chain DOCKER of table nat(?!.*MASQUERADE)/,
        remedy: /systemctl restart docker/,
      },
      {
        name: 'rules flushed, chains left',
        told: { setup: { rules: RULES.filter((rule) => / :/.test(rule)) } },
        what: /firewall rules are missing/,
        evidence: /none of: the jump from PREROUTING to DOCKER, the jump from FORWARD to DOCKER, MASQUERADE of bridge/,
        remedy: /systemctl restart docker/,
      },
      {
        name: 'a table nat that was flushed',
        told: { networks: [BRIDGE, GATEWAY], setup: { rules: without(/^nat -A/) } },
        what: /firewall rules are missing/,
        evidence:
          /PREROUTING to DOCKER, MASQUERADE of bridge \(172\.17\.0\.0\/16\), MASQUERADE of docker_gwbridge \(172\.18\.0\.0\/16\)$/,
        remedy: /systemctl restart docker/,
      },
      {
        name: 'a way from FORWARD that is missing',
        told: { setup: { rules: without(/FORWARD/) } },
        what: /firewall rules are missing/,
        evidence: /none of: the jump from FORWARD to DOCKER$/,
        remedy: /systemctl restart docker/,
      },
      {
        name: 'no range left',
        told: { networks: built(31), routes: [] },
        what: /no address pool is left for the network docker_gwbridge/,
        evidence: /^all 31 pools .* taken by 31 networks of Docker \(n0, n1, n2, \.\.\.\)/,
        remedy: /docker network prune.*default-address-pools/,
      },
      {
        name: 'a proxy',
        told: { setup: proxied('') },
        what: /gives containers a proxy \(httpProxy, httpsProxy\).* for localhost, 127\.0\.0\.1, 10\.77\.0\.11, 10\.77\.0\.12, 10\.77\.0\.13, 10\.200\.0\.0\/24$/,
        evidence: /^\/root\/\.docker\/config\.json: proxies\.default, noProxy is not set$/,
        remedy:
          /remove "proxies" from \/root\/\.docker\/config\.json.*"noProxy" to localhost,127\.0\.0\.1,10\.77\.0\.11/,
      },
      {
        name: 'a proxy that leaves out some',
        told: { setup: proxied('.corp, 10.77.0.0/24,localhost,127.0.0.1'), cluster: { database: EXTERNAL } },
        what: / for 10\.200\.0\.0\/24$/,
        evidence: /noProxy \.corp, 10\.77/,
        remedy: /"noProxy" to \.corp,10\.77\.0\.0\/24,localhost,127\.0\.0\.1,10\.77\.0\.11/,
      },
      {
        name: 'a proxy for this very engine',
        told: { setup: proxied('', { engine: 'unix:///var/run/docker.sock' }) },
        what: /gives containers a proxy/,
        evidence: /proxies\.unix:/,
        remedy: /noProxy/,
      },
      {
        name: 'few inotify instances',
        told: { setup: { kernel: { 'fs.inotify.max_user_instances': 127 } } },
        what: /max_user_instances is 127/,
        evidence: /at least 128/,
        remedy: /sysctl -w fs\.inotify\.max_user_instances=8192/,
        advice: true,
      },
      {
        name: 'few inotify watches',
        told: { setup: { kernel: { 'fs.inotify.max_user_watches': 4096 } } },
        what: /max_user_watches is 4096/,
        evidence: /at least 8192/,
        remedy: /sysctl -w fs\.inotify\.max_user_watches=8192/,
        advice: true,
      },
      {
        name: 'no terminal',
        told: { setup: { noTerminal: 'sh: 1: cannot create /dev/ptmx: No such file or directory' } },
        what: /no pseudo-terminal can be opened/,
        evidence: /cannot create \/dev\/ptmx/,
        remedy: /mount -t devpts/,
      },
      {
        name: 'no terminal left',
        told: { setup: { kernel: { 'kernel.pty.nr': 3072, 'kernel.pty.max': 4096, 'kernel.pty.reserve': 1024 } } },
        what: /no pseudo-terminal is left/,
        evidence: /kernel\.pty\.nr = 3072/,
        remedy: /sysctl -w kernel\.pty\.max=8192/,
      },
    ];
  test.each(cases)('$name', ({ told, what, evidence, remedy, advice }) => {
    expect(findings(told)).toEqual([
      expect.objectContaining({
        what: expect.stringMatching(what),
        evidence: expect.stringMatching(evidence),
        remedy: expect.stringMatching(remedy),
        ...(advice && { advice }),
      }),
    ]);
    expect(findings(told)[0]?.advice).toBe(advice);
  });

  const fine: readonly [string, Told][] = [
    ['iptables under firewalld', { engine: { firewall: 'iptables+firewalld' } }],
    ['rules that the login may not read', { setup: { rules: undefined } }],
    [
      'a gateway bridge with its rules',
      {
        networks: [BRIDGE, GATEWAY],
        setup: { rules: [...RULES, 'nat -A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE'] },
      },
    ],
    [
      'the chains of Docker 28',
      {
        setup: {
          rules: [
            'filter :DOCKER - [0:0]',
            'filter :DOCKER-FORWARD - [0:0]',
            'filter -A FORWARD -j DOCKER-FORWARD',
            ...without(/^filter/),
          ],
        },
      },
    ],
    [
      'SNAT in place of MASQUERADE',
      {
        setup: {
          rules: [
            ...without(/MASQUERADE/),
            'nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j SNAT --to-source 10.77.0.12',
          ],
        },
      },
    ],
    [
      'a bridge that is not masqueraded',
      { networks: [{ ...BRIDGE, masquerade: false }], setup: { rules: without(/MASQUERADE/) } },
    ],
    ['an unrelated network whose rule is missing', { networks: [BRIDGE, bridge('theirs', '172.30.0.0/16')] }],
    ['one range that is left', { networks: built(30), routes: [] }],
    [
      'no free range if the gateway bridge exists',
      { networks: [...built(31), GATEWAY], routes: [], setup: { rules: undefined } },
    ],
    ['a proxy past which everything goes', { setup: proxied(COVERED) }],
    ['a proxy past which all goes', { setup: proxied('*') }],
    ['a proxy for another engine', { setup: proxied('', { engine: 'tcp://elsewhere:2376' }) }],
    [
      'inotify as old kernels have it',
      { setup: { kernel: { 'fs.inotify.max_user_instances': 128, 'fs.inotify.max_user_watches': 8192 } } },
    ],
    ['settings that are not known', { setup: { kernel: {} } }],
    ['no terminal on a host without a replica', { host: THREE[0] as Host, setup: { noTerminal: 'no' } }],
    [
      'one terminal left',
      { setup: { kernel: { 'kernel.pty.nr': 3071, 'kernel.pty.max': 4096, 'kernel.pty.reserve': 1024 } } },
    ],
    ['iptables: true', { setup: { options: [{ where: '/etc/docker/daemon.json', name: 'iptables', value: 'true' }] } }],
    ['a driver that keeps logs', { engine: { logDriver: 'journald' } }],
    ['logs that also go elsewhere', { engine: { logDriver: 'fluentd' } }],
    [
      'no second copy of logs that are kept',
      {
        engine: { logDriver: 'local' },
        setup: { options: [{ where: '/etc/docker/daemon.json', name: 'cache-disabled', value: 'true' }] },
      },
    ],
  ];
  test.each(fine)('%s is fine', (_, told) => {
    expect(findings(told)).toEqual([]);
  });

  test('all at once', () => {
    const told: Told = {
      engine: { version: '19.3', liveRestore: true, logDriver: 'none' },
      setup: { ...proxied(''), kernel: { 'net.ipv4.ip_forward': 0 }, noTerminal: 'x', rules: [] },
      networks: built(31),
      routes: [],
    };
    expect(findings(told)).toHaveLength(8);
  });

  test('the configuration file of an engine that does not answer, and what else is wrong there', () => {
    const options = ['live-restore', 'iptables'].map((name) => ({
      where: '/etc/docker/daemon.json',
      name,
      value: String(name === 'live-restore'),
    }));
    const setup = setupOf({
      ...proxied(''),
      options,
      rules: [],
      kernel: { 'net.ipv4.ip_forward': 0 },
      elsewhere: [{ by: 'DOCKER_HOST', at: 'tcp://x' }],
    });
    const found = dockerFindings(clusterOf(), replicaHost, {
      engine: undefined,
      setup,
      networks: undefined,
      routes: undefined,
    });
    expect(found.map(({ evidence }) => evidence)).toEqual([
      '/etc/docker/daemon.json: "iptables": false',
      '/etc/docker/daemon.json: "live-restore": true',
      expect.stringContaining('config.json'),
      'net.ipv4.ip_forward = 0',
    ]);
  });

  test('what is unknown about the setup is not a finding', () => {
    expect(
      dockerFindings(clusterOf(), replicaHost, {
        engine: engineOutside(),
        setup: undefined,
        networks: undefined,
        routes: undefined,
      }),
    ).toEqual([]);
  });
});

describe('address ranges of an engine', () => {
  const pools = (...addressPools: Engine['addressPools']) => ({ version: '27.1', addressPools });
  const route = (onLink: readonly string[], routes = onLink) => ({ networks: [], routes, onLink });
  const cases: readonly [
    string,
    Pick<Engine, 'version' | 'addressPools'>,
    Parameters<typeof exhausted>[1],
    number | undefined,
  ][] = [
    ['the built-in ones, free', pools(), route([]), undefined],
    ['the built-in ones, behind routes of a VPN', pools(), route(['172.16.0.0/12', '192.168.0.0/16']), 31],
    ['routes through a gateway keep none since 27', pools(), route([], ['172.16.0.0/12', '192.168.0.0/16']), undefined],
    [
      'routes through a gateway keep all before',
      { version: '26.1.5', addressPools: [] },
      route([], ['172.16.0.0/12', '192.168.0.0/16']),
      31,
    ],
    [
      'its own, all taken',
      pools({ base: '10.9.0.0/23', size: 24 }),
      { networks: [bridge('a', '10.9.0.0/24'), bridge('b', '10.9.1.128/25')], routes: [], onLink: [] },
      2,
    ],
    [
      'its own, one left',
      pools({ base: '10.9.0.0/22', size: 24 }),
      { networks: [bridge('a', '10.9.0.0/24'), bridge('b', '10.9.1.0/24')], routes: [], onLink: [] },
      undefined,
    ],
    [
      'overlays take none of them',
      pools({ base: '10.9.0.0/24', size: 24 }),
      { networks: [bridge('a', '10.9.0.0/24', { scope: 'swarm', driver: 'overlay' })], routes: [], onLink: [] },
      undefined,
    ],
    [
      'several pools',
      pools({ base: '10.8.0.0/24', size: 24 }, { base: '10.9.0.0/24', size: 24 }),
      route(['10.8.0.0/16']),
      undefined,
    ],
    [
      'IPv6 neither helps nor harms',
      pools({ base: 'fd00::/48', size: 64 }, { base: '10.9.0.0/24', size: 24 }),
      route(['10.9.0.0/16']),
      1,
    ],
    ['only IPv6 says nothing', pools({ base: 'fd00::/48', size: 64 }), route([]), undefined],
    ['more than can be searched', pools({ base: '10.0.0.0/8', size: 30 }), route(['10.0.0.0/8']), undefined],
    [
      'nonsense',
      pools(
        { base: 'x', size: 24 },
        { base: '10.9.0.0/24', size: 16 },
        { base: '10.9.0.0/24', size: 40 },
        { base: '10.9.0.0/24', size: 24.5 },
      ),
      route([]),
      undefined,
    ],
  ];
  test.each(cases)('%s', (_, engine, taken, count) => {
    expect(exhausted(engine, taken)).toBe(count);
  });
});

test.each([
  ['*', '10.77.0.11', true],
  ['', '10.77.0.11', false],
  ['10.77.0.11', '10.77.0.11', true],
  ['10.77.0.1', '10.77.0.11', false],
  ['a, 10.77.0.0/24', '10.77.0.11', true],
  ['10.77.0.11:8080', '10.77.0.11', false],
  ['10.200.0.0/24', '10.200.0.0/24', true],
  ['10.0.0.0/8', '10.200.0.0/24', true],
  ['10.200.0.0/25', '10.200.0.0/24', false],
  ['10.200.0.1', '10.200.0.0/24', false],
  ['example.com', 'node.example.com', true],
  ['.example.com', 'node.example.com', true],
  ['*.example.com', 'node.example.com', true],
  ['.example.com', 'example.com', false],
  ['EXAMPLE.com', 'example.com', true],
  ['ample.com', 'example.com', false],
  ['localhost', 'localhost', true],
  ['.', 'localhost', false],
  ['localhost', '127.0.0.1', false],
  ['127.0.0.0/8', '127.0.0.1', true],
])('with NO_PROXY %j a request to %s bypasses the proxy: %s', (noProxy, destination, past) => {
  expect(bypasses(noProxy, destination)).toBe(past);
});

describe('an engine that does not answer', () => {
  const down = "could not read the engine's state: Cannot connect to the Docker daemon";
  const cases: readonly [
    string,
    string,
    Setup | undefined,
    { what?: string; evidence?: RegExp; cause: RegExp | undefined; remedy: RegExp },
  ][] = [
    [
      'that does not run',
      down,
      setupOf({ socket: 'absent' }),
      {
        cause: /the Docker Engine is not running: \/var\/run\/docker\.sock does not exist/,
        remedy: /systemctl start docker/,
      },
    ],
    [
      'that the login may not use',
      down,
      setupOf({ socket: 'denied' }),
      { cause: /is not allowed to use the Docker Engine/, remedy: /usermod -aG docker/ },
    ],
    ['that hangs', down, setupOf(), { cause: undefined, remedy: /systemctl status docker/ }],
    ['of which no more is known', down, undefined, { cause: undefined, remedy: /docker version must show a Server/ }],
    [
      "that is not the host's",
      down,
      setupOf({ elsewhere: [{ by: 'DOCKER_HOST', at: 'tcp://10.0.0.9:2375' }] }),
      {
        cause: /talks to tcp:\/\/10\.0\.0\.9:2375 \(set by DOCKER_HOST\)/,
        remedy: /Remove DOCKER_HOST from the login's environment/,
      },
    ],
    [
      'for docker is elsewhere',
      NO_DOCKER,
      setupOf({ path: '/usr/local/bin:/usr/bin', docker: '', found: ['/opt/docker/bin/docker'] }),
      {
        what: NO_DOCKER,
        evidence: /PATH is \/usr\/local\/bin:\/usr\/bin\ndocker is at \/opt\/docker\/bin\/docker$/,
        cause: /non-interactive shell/,
        remedy: /ln -s \/opt\/docker\/bin\/docker \/usr\/local\/bin\/docker/,
      },
    ],
    [
      'for docker is elsewhere and /usr/local/bin is not searched',
      NO_DOCKER,
      setupOf({ path: '/usr/bin', docker: '', found: ['/snap/bin/docker'] }),
      { what: NO_DOCKER, cause: /non-interactive/, remedy: /ln -s \/snap\/bin\/docker \/usr\/bin\/docker/ },
    ],
    [
      'for docker is nowhere',
      NO_DOCKER,
      setupOf({ docker: '', found: [] }),
      { what: NO_DOCKER, cause: /not installed/, remedy: /Install the Docker Engine \(20\.10\.24 or newer\)/ },
    ],
    [
      'for docker is not found, of which no more is known',
      NO_DOCKER,
      undefined,
      { what: NO_DOCKER, evidence: /on the PATH/, cause: /non-interactive/, remedy: /command -v docker/ },
    ],
    [
      'for its client is old',
      "could not read the engine's state: exit 1: Run 'docker system COMMAND --help' for more information on a command.",
      setupOf(),
      { cause: /older than 18\.09/, remedy: /^Install the Docker Engine/ },
    ],
    ['for it is Podman', PODMAN, setupOf(), { cause: /Podman/, remedy: /podman-docker/ }],
  ];
  test.each(cases)(
    '%s',
    (_, why, setup, { what = 'the Docker Engine does not answer', evidence = /./, cause, remedy }) => {
      const failure = engineSilent('node-02', why, setup);
      expect(failure).toMatchObject({
        code: 'engine-unreachable',
        host: 'node-02',
        what,
        evidence: expect.stringMatching(evidence),
        remedy: expect.stringMatching(remedy),
      });
      expect(failure.cause).toEqual(cause === undefined ? undefined : expect.stringMatching(cause));
    },
  );

  test.each([
    [{ code: 127, stderr: 'sh: 1: exec: docker: not found' }, NO_DOCKER],
    [{ code: 0, stdout: OUTSIDE, status: 200, server: 'Libpod/4.9.3 (linux)' }, PODMAN],
    [{ code: 1, stderr: 'permission denied' }, "could not read the engine's state: exit 1: permission denied"],
    [
      { code: 1, stderr: 'too old', status: 400, server: 'Docker/29.0.1 (linux)' },
      "could not read the engine's state: status 400: too old",
    ],
  ])('is recognised by %j', (outcome, why) => {
    expect(answer(engine, { ended: 'exited', stdout: '', stderr: '', ...outcome })).toEqual({ is: 'unknown', why });
  });
});

describe('what newer engines say of themselves', () => {
  const said = (more: string) =>
    answer(engine, { ended: 'exited', code: 0, stderr: '', stdout: `${OUTSIDE.slice(0, -1)},${more}}` });
  test.each<[string, Partial<Engine>]>([
    ['"FirewallBackend":{"Driver":"nftables"}', { firewall: 'nftables' }],
    [
      '"FirewallBackend":{"Driver":"iptables+firewalld","Info":[["ReloadedAt","2026-01-01T00:00:00Z"]]}',
      { firewall: 'iptables+firewalld' },
    ],
    ['"FirewallBackend":null', { firewall: '' }],
    [
      '"DefaultAddressPools":[{"Base":"172.30.0.0/16","Size":24}]',
      { addressPools: [{ base: '172.30.0.0/16', size: 24 }] },
    ],
    ['"LiveRestoreEnabled":true', { liveRestore: true }],
    [
      '"SecurityOptions":["name=apparmor","name=seccomp,profile=builtin","name=rootless","name=cgroupns"]',
      { securityOptions: ['name=apparmor', 'name=seccomp,profile=builtin', 'name=rootless', 'name=cgroupns'] },
    ],
    ['"LoggingDriver":"none"', { logDriver: 'none' }],
  ])('%s', (more, read) => {
    expect(said(more)).toMatchObject(present(read));
  });
});
