// npm run bench: deploys the same cluster with kuscia-swarm and its rivals on the lab's hosts, interleaved, and writes the measurements to results.json and RESULTS.md.
// `bench.ts [--runs N] [--rivals floor,ansible-tuned] [--quick [--twelve]]`. A benchmark wants a machine that does nothing else.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

process.env['LAB_HOME'] ??= '/var/lib/kuscia-swarm-lab-bench';
process.env['LAB_CACHE'] ??= '/var/lib/kuscia-swarm-lab/cache';
process.env['LAB_PACKAGES'] ??= 'python3,python3-docker,python3-requests';
const { down, exec, hosts, paths, reset, run, up } = await import('../lab/lab.ts');

const { values: asked } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    rivals: { type: 'string' },
    quick: { type: 'boolean', default: false },
    twelve: { type: 'boolean', default: false },
  },
});
const RUNS = asked.quick ? 1 : Number(asked.runs);
const PASSWORD = 'Bench-Password.1';
const root = paths.repository;
const THREE = hosts.slice(0, 3).map(({ name }) => name);
const NODE = join(root, 'node_modules/node/bin/node');
const CLUSTER = join(root, 'examples/two-replicas.yml');
const work = mkdtempSync(join(tmpdir(), 'bench-'));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** One way to deploy, as a command of the runner place. */
interface Rival {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const playbook = (config: string): Rival => ({
  name: `ansible-${config}`,
  argv: [
    'ansible-playbook',
    '-i',
    join(root, 'bench/ansible/hosts.ini'),
    '--private-key',
    paths.sshKey,
    '--ssh-common-args',
    `-o UserKnownHostsFile=${paths.knownHosts}`,
    join(root, 'bench/ansible/deploy.yml'),
  ],
  env: { ANSIBLE_CONFIG: join(root, `bench/ansible/${config}.cfg`), ANSIBLE_HOME: join(work, 'ansible') },
});
const ours = (cluster: string, mode: string): Rival => ({
  name: 'kuscia-swarm',
  argv: [NODE, join(root, 'dist/index.cjs'), '--cluster', cluster, '--mode', mode],
});
const RIVALS: readonly Rival[] = [
  ours(CLUSTER, 'apply'),
  { name: 'floor', argv: ['bash', join(root, 'bench/floor.sh'), paths.sshKey, paths.knownHosts] },
  playbook('tuned'),
  playbook('mitogen'),
  playbook('stock'),
].filter(({ name }) => asked.rivals === undefined || name === 'kuscia-swarm' || asked.rivals.split(',').includes(name));

/** What one run took. Seconds, MiB. */
interface Figures {
  readonly seconds: number;
  readonly cpu: number;
  readonly peak: number;
  /** SSH handshakes and sessions, the most on any host. */
  readonly handshakes: number;
  readonly sessions: number;
}

async function timed({ name, argv, env }: Rival): Promise<Figures> {
  const file = join(work, 'time');
  // Connections left open by an earlier run would be a head start.
  spawnSync('bash', [
    '-c',
    'for s in ~/.ansible/cp/*; do [ -S "$s" ] && ssh -o ControlPath="$s" -O exit x 2>/dev/null; done; rm -rf ~/.ansible/cp',
  ]);
  const before = await counts();
  const ended = await run(['/usr/bin/time', '-o', file, '-f', '%e %U %S %M', ...argv], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NO_COLOR: '1',
      BENCH_DATABASE_PASSWORD: PASSWORD,
      KUSCIA_SWARM_DATABASE_PASSWORD: PASSWORD,
      KUSCIA_SWARM_SSH_KEY: readFileSync(paths.sshKey, 'utf8'),
      KUSCIA_SWARM_KNOWN_HOSTS: readFileSync(paths.knownHosts, 'utf8'),
      ...env,
    },
    timeoutMs: 600_000,
  });
  if (ended.code !== 0)
    throw new Error(
      `${name} ended with ${String(ended.code)}\n${ended.stdout.slice(-4_000)}${ended.stderr.slice(-2_000)}`,
    );
  const after = await counts();
  const [seconds = 0, user = 0, system = 0, peak = 0] = (readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  const most = (what: 'handshakes' | 'sessions'): number =>
    Math.max(...after.map((count, i) => count[what] - (before[i]?.[what] ?? 0)));
  return { seconds, cpu: user + system, peak: peak / 1024, handshakes: most('handshakes'), sessions: most('sessions') };
}

const counts = (): Promise<{ handshakes: number; sessions: number }[]> =>
  Promise.all(
    THREE.map(async (name) => {
      const { stdout } = await exec(name, [
        'bash',
        '-c',
        `grep -c 'Accepted publickey' /var/log/sshd.log; grep -c 'Starting session' /var/log/sshd.log; true`,
      ]);
      const [handshakes = 0, sessions = 0] = stdout.trim().split('\n').map(Number);
      return { handshakes, sessions };
    }),
  );

/** Fresh hosts, whose sshd logs each session. */
async function fresh(count = 3): Promise<void> {
  const names = hosts.slice(0, count).map(({ name }) => name);
  await reset(names);
  for (const name of names)
    await must(
      name,
      `sed -i '/^LogLevel/d' /etc/ssh/sshd_config; echo 'LogLevel VERBOSE' >>/etc/ssh/sshd_config; kill -HUP "$(cat /run/sshd.pid)"; docker version >/dev/null`,
    );
}

async function must(host: string, script: string): Promise<string> {
  const ended = await exec(host, ['bash', '-c', script]);
  if (ended.code !== 0) throw new Error(`${host}: ${script}: ${ended.stderr}`);
  return ended.stdout;
}

/** The end state, by a script that knows none of the rivals; throws if it is not reached. */
async function proveEndState(): Promise<void> {
  const script = `bash -s`;
  const asks = async (host: string, what: string): Promise<string> => {
    const ended = await exec(host, ['bash', '-c', `${script} ${what}`], {
      stdin: readFileSync(join(root, 'bench/end-state.sh'), 'utf8'),
    });
    if (ended.code !== 0) throw new Error(`${host}: ${ended.stderr}`);
    return ended.stdout;
  };
  await asks('node-01', 'manager');
  const [one, two] = [await asks('node-02', 'replica'), await asks('node-03', 'replica')];
  if (one !== two) throw new Error(`the replicas differ:\n${one}${two}`);
}

type Scenario = 'fresh' | 'nothing to do' | 'verify' | '12 hosts, nothing to do';
const results: { scenario: Scenario; rival: string; figures: Figures }[] = [];
const keep = (scenario: Scenario, rival: string, figures: Figures): void => {
  results.push({ scenario, rival, figures });
  say(
    `${scenario.padEnd(24)} ${rival.padEnd(16)} ${figures.seconds.toFixed(2).padStart(7)} s  cpu ${figures.cpu.toFixed(2)} s  ${figures.peak.toFixed(0)} MiB  ${figures.handshakes} handshakes, ${figures.sessions} sessions`,
  );
};

/** Failed runs of any rival: listed in the table, and repeated on fresh hosts. */
const failures: { rival: string; message: string }[] = [];
const TRIES = 3;

async function measure(): Promise<void> {
  for (let i = 0; i < RUNS; i += 1) {
    for (const rival of RIVALS) await rounds(rival, TRIES);
  }
}

/** One whole round of a rival. Of a round that failed no figure is kept; throws after so many that failed one after the other. */
async function rounds(rival: Rival, tries: number): Promise<void> {
  try {
    for (const [scenario, figures] of await round(rival)) keep(scenario, rival.name, figures);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    failures.push({ rival: rival.name, message });
    say(`FAILED, and its round is made again: ${message}`);
    if (tries === 1) throw error;
    await rounds(rival, tries - 1);
  }
}

async function round(rival: Rival): Promise<readonly (readonly [Scenario, Figures])[]> {
  const seen: [Scenario, Figures][] = [];
  await fresh();
  seen.push(['fresh', await timed(rival)]);
  await proveEndState();
  for (let again = 0; again < (asked.quick ? 1 : 2); again += 1) seen.push(['nothing to do', await timed(rival)]);
  if (rival.name === 'kuscia-swarm') seen.push(['verify', await timed(ours(CLUSTER, 'verify'))]);
  return seen;
}

/** Twelve hosts in one swarm, two of them replicas: what more hosts cost when there is nothing to do. */
async function measureTwelve(): Promise<void> {
  const many = hosts
    .slice(0, 12)
    .map(
      ({ name, address }, i) =>
        `  ${name}: { address: ${address}, roles: [${i === 0 ? 'manager, database, load-balancer' : i < 3 ? 'replica' : 'worker'}] }`,
    );
  const cluster = join(work, 'twelve.yml');
  writeFileSync(cluster, `domain: alice\nimage: secretflow/kuscia:1.1.0b0\nhosts:\n${many.join('\n')}\n`);
  await up(12);
  await fresh(12);
  await timed(ours(cluster, 'apply'));
  const workers = hosts.slice(3, 12).map(({ name, address }) => `${name}=${address}`);
  const floor = RIVALS.find(({ name }) => name === 'floor');
  for (let i = 0; i < RUNS; i += 1) {
    keep('12 hosts, nothing to do', 'kuscia-swarm', await timed(ours(cluster, 'apply')));
    if (floor) keep('12 hosts, nothing to do', 'floor', await timed({ ...floor, argv: [...floor.argv, ...workers] }));
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

/** Start of the bundle over that of node itself, in milliseconds. */
function bundleStart(): { node: number; bundle: number } {
  const time = (...args: readonly string[]): number => {
    const begun = process.hrtime.bigint();
    execFileSync(NODE, args, { stdio: 'ignore' });
    return Number(process.hrtime.bigint() - begun) / 1e6;
  };
  const times = Array.from(
    { length: 20 },
    () => [time('-e', '0'), time(join(root, 'dist/index.cjs'), '--help')] as const,
  );
  return { node: median(times.map(([node]) => node)), bundle: median(times.map(([, bundle]) => bundle)) };
}

function table(start: { node: number; bundle: number }): string {
  const of = (scenario: Scenario, rival: string, figure: keyof Figures): number =>
    median(
      results
        .filter((each) => each.scenario === scenario && each.rival === rival)
        .map(({ figures }) => figures[figure]),
    );
  const rows = [...new Set(results.map(({ scenario, rival }) => `${scenario}\0${rival}`))].map((key) => {
    const [scenario = 'fresh', rival = ''] = key.split('\0') as [Scenario, string];
    const seconds = of(scenario, rival, 'seconds');
    const count = results.filter((each) => each.scenario === scenario && each.rival === rival).length;
    const ratio = seconds / of(scenario, 'kuscia-swarm', 'seconds');
    return `| ${scenario} | ${rival} | ${count} | ${seconds.toFixed(2)} | ${ratio.toFixed(2)} | ${of(scenario, rival, 'cpu').toFixed(2)} | ${of(scenario, rival, 'peak').toFixed(0)} | ${of(scenario, rival, 'handshakes')} | ${of(scenario, rival, 'sessions')} |`;
  });
  const ours3 = of('nothing to do', 'kuscia-swarm', 'seconds');
  const targets: readonly (readonly [string, number, string])[] = [
    ['fresh over the floor', of('fresh', 'kuscia-swarm', 'seconds') / of('fresh', 'floor', 'seconds'), '1.2'],
    ['nothing to do over the floor', ours3 / of('nothing to do', 'floor', 'seconds'), '1.6'],
    ['tuned Ansible over ours, nothing to do', of('nothing to do', 'ansible-tuned', 'seconds') / ours3, 'at least 14'],
    ['mitogen over ours, nothing to do', of('nothing to do', 'ansible-mitogen', 'seconds') / ours3, 'at least 7'],
    ['handshakes per host', of('fresh', 'kuscia-swarm', 'handshakes'), '1'],
    ['sessions per host, nothing to do', of('nothing to do', 'kuscia-swarm', 'sessions'), '2'],
    ['verify, s', of('verify', 'kuscia-swarm', 'seconds'), '2'],
    [
      '12 hosts, nothing to do, over the floor with 12',
      of('12 hosts, nothing to do', 'kuscia-swarm', 'seconds') / of('12 hosts, nothing to do', 'floor', 'seconds'),
      '1.6',
    ],
    ['peak memory, fresh, MiB', of('fresh', 'kuscia-swarm', 'peak'), '150'],
    ['bundle start over node, ms', start.bundle - start.node, '60'],
  ];
  return [
    '# Results',
    '',
    `${new Date().toISOString().slice(0, 10)}, commit ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()}, ${cpus().length} cores (${cpus()[0]?.model ?? ''}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${execFileSync(NODE, ['--version'], { encoding: 'utf8' }).trim()}. Made by \`npm run bench\`; medians.`,
    '',
    'Three lab hosts on one machine share its cores with the controller. This penalises rivals that run a program on every host, so the ratios are smaller between real hosts.',
    "The hosts already have the images, and the replicas are stand-ins that start in about a second, so no figure includes image pulls or Kuscia's own start. Each run starts without an open connection.",
    '',
    '| scenario | with | runs | s | × ours | CPU s | peak MiB | handshakes | sessions |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    failures.length === 0
      ? 'No run failed.'
      : `Failed runs, whose rounds were repeated: ${failures.map(({ rival, message }) => `${rival} (${message.split('\n')[0] ?? ''})`).join(', ')}.`,
    '',
    '| target | measured | limit |',
    '| --- | ---: | ---: |',
    ...targets.map(
      ([what, figure, wanted]) =>
        `| ${what} | ${Number.isNaN(figure) ? 'not measured' : figure.toFixed(2)} | ${wanted} |`,
    ),
    '',
  ].join('\n');
}

function installRivals(): void {
  const missing = [
    ['ansible-playbook', 'ansible'],
    ['/usr/share/doc/ansible-mitogen', 'ansible-mitogen'],
    ['/usr/bin/time', 'time'],
  ].flatMap(([sign = '', name = '']) =>
    (sign.startsWith('/') ? existsSync(sign) : spawnSync('which', [sign]).status === 0) ? [] : [name],
  );
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')} with apt-get`);
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

installRivals();
try {
  const start = bundleStart();
  say(`node ${start.node.toFixed(0)} ms, bundle ${start.bundle.toFixed(0)} ms`);
  await up(3, { say });
  await measure();
  if (asked.twelve || !asked.quick) await measureTwelve();
  writeFileSync(
    join(root, 'bench/results.json'),
    `${JSON.stringify({ date: new Date().toISOString(), start, failures, results }, null, 1)}\n`,
  );
  writeFileSync(join(root, 'bench/RESULTS.md'), table(start));
  say(table(start));
} finally {
  await down();
  rmSync(work, { recursive: true, force: true });
}
