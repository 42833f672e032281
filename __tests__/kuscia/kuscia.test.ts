import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jsonPath } from '../../lab/images/kuscia/src/jsonpath.ts';
import { taskObjects } from '../../lab/images/kuscia/src/tasks.ts';
import { absolute, folders } from '../../src/cluster/folders.ts';
import { sha256 } from '../../src/engine/digest.ts';
import { compareVersions } from '../../src/engine/versions.ts';
import fc from '../support/random.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { answer, present } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { Secret } from '../../src/engine/secret.ts';
import { extractScript, makeConfiguration, startedLine, startReplica } from '../../src/kuscia/commands.ts';
import {
  dataSource,
  differences,
  fingerprint,
  readConfiguration,
  wantedConfiguration,
} from '../../src/kuscia/configuration.ts';
import {
  describeAnswer,
  directAnswer,
  isGateway,
  lastErrorLines,
  loadBalancerAnswers,
  requestsFor,
} from '../../src/kuscia/facts.ts';
import { registry } from '../../src/kuscia/registry.ts';
import { replicaContainer, replicaName } from '../../src/kuscia/names.ts';
import { clusterOf, deploymentOf, PASSWORD, THREE, TWO } from '../support/deployment.ts';
import { initialConfiguration, KEY, OTHER_KEY } from '../support/key.ts';
import { factOf, tape } from '../support/tape.ts';

const cluster = clusterOf({ hosts: TWO });
const exited = (code: number, stdout: string, stderr = ''): Outcome => ({ ended: 'exited', code, stdout, stderr });

describe('commands', () => {
  test('generate a configuration without a password', () => {
    const command = makeConfiguration(clusterOf({ protocol: 'MTLS' }));
    expect(shellLine(command)).toBe(
      'docker run --rm secretflow/kuscia:1.1.0b0 kuscia init --mode autonomy --domain alice --runtime runp --protocol MTLS',
    );
    expect([command.terminal, command.stdin, command.reads]).toEqual([undefined, undefined, false]);
  });

  test('start a replica on a terminal with all settings of the cluster file', () => {
    const command = startReplica(cluster);
    expect(command).toMatchObject({ terminal: true, reads: false, timeoutMs: 300_000 });
    expect(command.args.slice(3)).toEqual([
      'kuscia-swarm/alice',
      'secretflow/kuscia:1.1.0b0',
      '-p',
      '20000',
      '-q',
      '20001',
      '-k',
      '20010',
      '-g',
      '20011',
      '-x',
      '13084',
      '-m',
      '2147483648',
      '-a',
      'none',
      '--cluster',
    ]);
    expect(startedLine(cluster)).toBe("autonomy domain 'alice' deployed successfully");
    expect(
      tape('changes')
        .filter(({ line }) => line === shellLine(command))
        .map(({ outcome }) => outcome.stdout.includes(startedLine(cluster))),
    ).toEqual([true, true]);
  });

  describe('actually run', () => {
    let folder: string;
    const program = (name: string, text: string): void => {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, 'bin', name), 0o755);
    };
    const run = ({ program: name, args }: Command, env: Record<string, string> = {}) =>
      spawnSync(name, args, {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`, HOME: folder, ...env },
      });
    const extracted = (): string => readFileSync(join(folder, 'kuscia-swarm/alice/kuscia.sh'), 'utf8');
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'kuscia-'));
      mkdirSync(join(folder, 'bin'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test('copy the script from the image, executable only by its owner', () => {
      program('docker', 'echo "#!/bin/bash"; echo "$@"');
      expect(run(extractScript(cluster))).toMatchObject({ status: 0 });
      expect(extracted()).toBe(
        '#!/bin/bash\nrun --rm --network none secretflow/kuscia:1.1.0b0 cat /home/kuscia/scripts/deploy/kuscia.sh\n',
      );
      expect(statSync(join(folder, 'kuscia-swarm/alice/kuscia.sh')).mode & 0o777).toBe(0o700);
    });

    test.each([
      ['output that is not a script', 'echo "cat: no such file"', 65],
      ['nothing', 'true', 65],
      ['the output of a failed docker', 'echo "#!/bin/bash"; exit 125', 125],
    ])('keep the previous script instead of %s', (_, text, status) => {
      program('docker', 'echo "#!/bin/bash"; echo former');
      run(extractScript(cluster));
      program('docker', text);
      expect(run(extractScript(cluster)).status).toBe(status);
      expect(extracted()).toBe('#!/bin/bash\nformer\n');
      expect(spawnSync('ls', ['-A', join(folder, 'kuscia-swarm/alice')], { encoding: 'utf8' }).stdout).toBe(
        'kuscia.sh\n',
      );
    });

    test('start in a clean environment, in the folder, with the image', () => {
      writeFileSync(join(folder, 'kuscia-swarm/alice/kuscia.sh'), 'env | sort; pwd; printf "%s|" "$@"');
      const { stdout, status } = run(startReplica(cluster), {
        DOMAIN_HOST_PORT: '1',
        ROOT: '/elsewhere',
        KUSCIA_IMAGE: 'other',
        DOCKER_HOST: 'unix:///run/d.sock',
      });
      const root = join(folder, 'kuscia-swarm/alice');
      const lines = stdout.split('\n');
      expect(status).toBe(0);
      expect(
        lines
          .filter((line) => /^[A-Z_]+=/.test(line))
          .map((line) => line.split('=')[0])
          .filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name ?? '')),
      ).toEqual(['DOCKER_HOST', 'HOME', 'KUSCIA_IMAGE', 'LC_ALL', 'PATH', 'ROOT', 'TERM', 'USER']);
      expect(stdout).toContain(`ROOT=${root}\n`);
      expect(stdout).toContain('KUSCIA_IMAGE=secretflow/kuscia:1.1.0b0\n');
      expect(lines.slice(-2)).toEqual([
        root,
        `start|-c|${root}/kuscia.yaml|-p|20000|-q|20001|-k|20010|-g|20011|-x|13084|-m|2147483648|-a|none|--cluster|`,
      ]);
      expect(run(startReplica(cluster)).stdout).not.toContain('DOCKER_HOST');
    });

    test('fail if the folder does not exist', () => {
      expect(run(startReplica({ ...cluster, directory: 'nowhere/at/all' })).status).not.toBe(0);
    });
  });
});

describe('names', () => {
  test.each([
    ['root-kuscia-autonomy-alice', 'node-01', 'root-kuscia-autonomy-alice-node-01'],
    ['root-kuscia-autonomy-alice', 'Node_2.Example.COM', 'root-kuscia-autonomy-alice-node-2-example-com'],
    ['root-kuscia-autonomy-alice', 'h'.repeat(40), `root-kuscia-autonomy-alice-${'h'.repeat(36)}`],
    ['root-kuscia-autonomy-alice', `${'h'.repeat(35)}-x`, `root-kuscia-autonomy-alice-${'h'.repeat(35)}`],
    ['_svc-kuscia-autonomy-alice', 'n', 'svc-kuscia-autonomy-alice-n'],
  ])('of %s on %s', (container, host, name) => {
    expect(replicaName(container, host)).toBe(name);
  });

  test("are those of kuscia.sh, and folders are below the login's home", () => {
    expect(replicaContainer(cluster, 'deploy')).toBe('deploy-kuscia-autonomy-alice');
    expect(folders(cluster)).toEqual({
      root: 'kuscia-swarm/alice',
      config: 'kuscia-swarm/alice/kuscia.yaml',
      script: 'kuscia-swarm/alice/kuscia.sh',
      databasePassword: 'kuscia-swarm/alice/database-password',
      databaseInUse: 'kuscia-swarm/alice/database-in-use',
      databaseRootPassword: 'kuscia-swarm/alice/database-root-password',
      nginx: 'kuscia-swarm/alice/nginx',
    });
    expect([absolute('/home/u', 'a/b'), absolute('/home/u', '/srv/b')]).toEqual(['/home/u/a/b', '/srv/b']);
  });
});

describe('versions', () => {
  test.each([
    ['20.10.24', '20.10.24', 0],
    ['20.10.24+dfsg1', '20.10.24', 0],
    ['20.10.9', '20.10.24', -1],
    ['28.0', '20.10.24', 1],
    ['4.6', '4.6.0', 0],
    ['v1.1.0b0', '1.1', 0],
    ['6.1.0-28-amd64', '4.6', 1],
    ['', '1', -1],
    ['nonsense', '0.1', -1],
  ])('%s against %s: %i', (a, b, order) => {
    expect(compareVersions(a, b)).toBe(order);
    expect(compareVersions(b, a)).toBe(order === 0 ? 0 : -order);
  });
});

describe('a configuration', () => {
  const read = (text: string) => readConfiguration(new Secret('c', text), 'node-02:kuscia.yaml', 'node-02');
  const text = initialConfiguration();

  test('is read with the public half of its key', () => {
    const { domain, publicKey, domainKey } = read(text);
    expect([domain, publicKey, domainKey.reveal()]).toEqual(['alice', KEY.shown, KEY.secret]);
  });

  test.each([
    ['not YAML', 'a: [', 'it is not a YAML mapping'],
    ['a list', '- a', 'it is not a YAML mapping'],
    ['empty', '', 'it is not a YAML mapping'],
    ['of another mode', text.replace('autonomy', 'lite'), 'its mode is not autonomy'],
    ['without a domain', text.replace('domainID', 'other'), 'domainID or domainKeyData is missing'],
    ['without a key', text.replace('domainKeyData', 'other'), 'domainID or domainKeyData is missing'],
    [
      'with an invalid key',
      text.replace(KEY.secret, 'bm8ga2V5'),
      'domainKeyData is not a base64-encoded RSA private key',
    ],
    [
      'too long for the parser',
      `${text}${'#'.repeat(32_768)}`,
      `it has ${text.length + 32_768} characters; at most 32768 are allowed`,
    ],
    ['with circular aliases', `${text}s: &s [*s]\n`, 'it contains unresolved, excessive or circular aliases'],
    ['with a number for a key', text.replace(KEY.secret, '17'), 'domainID or domainKeyData is missing'],
  ])('that is %s is reported by its location, without its content', (_, content, why) => {
    let thrown: unknown;
    try {
      read(content);
    } catch (error) {
      thrown = error;
    }
    expect(failuresOf(thrown)).toEqual([
      {
        code: 'configuration-invalid',
        host: 'node-02',
        what: `the Kuscia configuration in node-02:kuscia.yaml is invalid: ${why}`,
        remedy: expect.stringContaining('Do not generate a new one'),
      },
    ]);
    expect(JSON.stringify(failuresOf(thrown))).not.toContain(KEY.secret);
  });

  test('gets the settings of the cluster file and keeps the rest, including comments and key', () => {
    const own = `# mine\n${text}extra: { a: 1 }\n`;
    const wanted = wantedConfiguration(read(own), clusterOf({ protocol: 'NOTLS' }), 'mysql://x').reveal();
    expect(wanted).toBe(
      `# mine\n${text.replace('datastoreEndpoint: ""', 'datastoreEndpoint: "mysql://x"').replace('protocol: TLS', 'protocol: NOTLS')}extra: { a: 1 }\n`,
    );
    expect(wantedConfiguration(read(wanted), clusterOf({ protocol: 'NOTLS' }), 'mysql://x').reveal()).toBe(wanted);
  });

  test('does not change once it is correct, whatever the password', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme-ascii', maxLength: 300 }), fc.constant('two words '.repeat(30))),
        (source) => {
          const once = wantedConfiguration(read(text), cluster, source);
          const twice = wantedConfiguration(readConfiguration(once, 'x'), cluster, source);
          return (
            twice.reveal() === once.reveal() &&
            (readConfiguration(once, 'x').document.get('datastoreEndpoint') as string) === source &&
            once.reveal().split('\n').length === text.split('\n').length
          );
        },
      ),
    );
  });

  test('differs by keys, with values only if they are not secret', () => {
    const other = read(
      text
        .replace('protocol: TLS', 'protocol: NOTLS')
        .replace('logLevel: INFO', 'logLevel: DEBUG')
        .replace('""', `"${PASSWORD}"`)
        .replace(KEY.secret, OTHER_KEY.secret) + 'new: secretly\n',
    );
    const shown = differences(read(text.replace('runtime: runp\n', '')), other);
    expect(shown).toEqual([
      { field: 'entry', of: 'domainKeyData' },
      { field: 'entry', of: 'logLevel', from: 'INFO', to: 'DEBUG' },
      { field: 'entry', of: 'datastoreEndpoint' },
      { field: 'entry', of: 'protocol', from: 'TLS', to: 'NOTLS' },
      { field: 'entry', of: 'runtime', from: 'absent', to: 'runp' },
      { field: 'entry', of: 'new' },
    ]);
    expect(differences(read(text), read(text))).toEqual([]);
  });

  test('has a data source of its own database', () => {
    expect(dataSource(deploymentOf(), '10.77.0.11')).toBe(`mysql://kuscia:${PASSWORD}@tcp(10.77.0.11:3306)/kine`);
  });

  test('is identified by the fingerprint of its key, however its PEM is broken into lines', () => {
    const rewrapped = Buffer.from(Buffer.from(KEY.shown, 'base64').toString().replace(/\n/g, '\r\n')).toString(
      'base64',
    );
    expect(fingerprint(KEY.shown)).toMatch(/^[0-9a-f]{12}$/);
    expect(fingerprint(rewrapped)).toBe(fingerprint(KEY.shown));
    expect(fingerprint(OTHER_KEY.shown)).not.toBe(fingerprint(KEY.shown));
    expect(sha256(new Secret('s', 'a'))).toBe(sha256('a'));
  });
});

describe('queries to a replica', () => {
  const NAME = 'root-kuscia-autonomy-alice';
  const of = (n: string) => ({
    name: `${NAME}-node-${n}`,
    address: expect.stringMatching(/^10\.200\.0\.\d+$/),
    version: 'v1.1.0b0',
    publicKey: KEY.shown,
    uptime: expect.any(Number),
    heartbeat: expect.any(Number),
  });

  test('gateways and nodes of real replicas are the same from each replica', () => {
    const [first, second] = ['node-01', 'node-02'].map((host) => factOf('settled', host, registry('alice')));
    expect(first).toEqual(
      present({
        gateways: [of('01'), of('02')],
        nodes: ['01', '02'].map((n) => ({ name: `${NAME}-node-${n}`, ready: true })),
        tasks: [],
      }),
    );
    expect(second).toEqual({
      is: 'present',
      value: { ...(first?.is === 'present' ? first.value : {}), gateways: [of('01'), of('02')] },
    });
    if (first?.is === 'present')
      for (const { uptime, heartbeat } of first.value.gateways) expect(heartbeat).toBeGreaterThanOrEqual(uptime);
  });

  test.each([
    ['no replica', factOf('empty', 'node-01', registry('alice')), 'No such container'],
    ['no replica of that domain', factOf('odd', 'node-01', registry('bob')), 'No such container'],
    ['a truncated answer', answer(registry('b'), exited(0, 'Gateway\tg\t\t\t\t\t\t\t\t\t\n')), 'not understood'],
    ['a line that is cut', answer(registry('b'), exited(0, 'Gateway\tg\t\t\nend\n')), 'not understood'],
    ['something else', answer(registry('b'), exited(0, 'Domain\td\t\t\t\t\t\t\t\t\t\nend\n')), 'not understood'],
    ['nonsense', answer(registry('b'), exited(0, 'x')), 'not understood'],
  ])('%s is unknown', (_, fact, why) => {
    expect(fact).toEqual({ is: 'unknown', why: expect.stringContaining(why) });
  });

  test('gateways and nodes with missing fields are read as such', () => {
    const line = (kind: string, name: string, ready = '', node = '', phase = '', task = ''): string =>
      `${[kind, name, '', '', '', '', '', ready, node, phase, task].join('\t')}\n`;
    const pods = [
      line('Pod', 'a-0', 'True', 'n', 'Running', 'a'),
      line('Pod', 'b-0', 'False', 'm', 'Pending', 'b'),
      line('Pod', 'c-0', 'False', '', 'Pending', 'c'),
      line('Pod', 'd-0', 'False', 'n', 'Failed', 'd'),
      line('Pod', 'e-0', 'False', 'n', 'Succeeded', 'e'),
      line('Pod', 'serving-0', 'True', 'n', 'Running'),
    ].join('');
    expect(
      answer(
        registry('b'),
        exited(
          0,
          `${line('Gateway', 'g')}${line('Node', 'n')}${line('Node', 'm', 'Unknown')}${pods}end\na\tjob-a\nx\tjob-x\n`,
        ),
      ),
    ).toEqual(
      present({
        gateways: [{ name: 'g', address: '', version: '', publicKey: '', uptime: 0, heartbeat: 0 }],
        nodes: [
          { name: 'n', ready: false },
          { name: 'm', ready: false },
        ],
        tasks: [
          { job: 'job-a', task: 'a', replica: 'n', phase: 'Running' },
          { job: '', task: 'b', replica: 'm', phase: 'Pending' },
        ],
      }),
    );
  });

  test('inputs and output of its tasks stay on the replica', () => {
    const { args } = registry('alice').command;
    expect(args.join(' ')).not.toMatch(/json( |$)|env|command|containers|terminated|message/);
    const task = taskObjects({
      job: 'job-a',
      domain: 'alice',
      node: `${NAME}-node-01`,
      seconds: 60,
      imageMissing: false,
    });
    const [, , , , objects = '', jobs = ''] = args;
    const running = { ...task.pod, status: { ...task.pod.status, phase: 'Running' } };
    const lines =
      jsonPath(objects, { items: [running] }) +
      jsonPath(jobs, { items: [{ ...task.task, status: { phase: 'Running' } }] });
    expect(lines).not.toContain('not-to-be-read');
    expect(answer(registry('alice'), exited(0, lines))).toEqual(
      present({
        gateways: [],
        nodes: [],
        tasks: [{ job: 'job-a', task: 'job-a-t1', replica: `${NAME}-node-01`, phase: 'Running' }],
      }),
    );
  });

  test('its last error line is the last decisive line, without its time', () => {
    expect(factOf('odd', 'node-01', lastErrorLines('dying'))).toEqual(
      present('FATAL start/start.go:54 Module [k3s] is invalid'),
    );
  });
});

describe('the answer of a gateway', () => {
  const direct = directAnswer(cluster, TWO[1] as (typeof TWO)[0]);
  const BODY = '{"domain":"alice","instance":"r","kuscia":"v1.1.0b0","reason":"unauthorized."}';

  test('is requested with TLS unless the protocol is NOTLS, once, from the probe', () => {
    expect(direct.command.args).toEqual([
      'exec',
      'alice-probe',
      'bash',
      '-c',
      expect.stringContaining('curl --noproxy "*" -ks -m'),
      'bash',
      '5',
      'https://10.77.0.12:20000/',
    ]);
    expect(directAnswer({ ...cluster, protocol: 'NOTLS' }, TWO[1] as (typeof TWO)[0]).command.args.at(-1)).toBe(
      'http://10.77.0.12:20000/',
    );
    expect(directAnswer({ ...cluster, protocol: 'MTLS' }, TWO[1] as (typeof TWO)[0]).command.args.at(-1)).toBe(
      'https://10.77.0.12:20000/',
    );
    expect(
      loadBalancerAnswers(
        { ...cluster, loadBalancer: { ...cluster.loadBalancer, scheme: 'https', port: 8443 } },
        TWO[0] as (typeof TWO)[0],
        5,
      ).command.args.slice(6),
    ).toEqual(['8', ...Array<string>(5).fill('https://10.77.0.11:8443/')]);
  });

  test.each([
    ['a gateway', `${BODY} 401 0\n`, { status: 401, domain: 'alice', instance: 'r', exit: 0 }, true, '401 from r'],
    [
      'another domain',
      `${BODY.replace('alice', 'bob')} 401 0\n`,
      { status: 401, domain: 'bob', instance: 'r', exit: 0 },
      false,
      '401 from domain bob',
    ],
    [
      'one that accepts the request',
      `${BODY} 200 0\n`,
      { status: 200, domain: 'alice', instance: 'r', exit: 0 },
      false,
      '200 from domain alice',
    ],
    [
      'nginx',
      '<html>502 Bad Gateway</html> 502 0\n',
      { status: 502, domain: '', instance: '', exit: 0 },
      false,
      '502, but not from a Kuscia gateway',
    ],
    [
      'a string',
      '"x" 200 0\n',
      { status: 200, domain: '', instance: '', exit: 0 },
      false,
      '200, but not from a Kuscia gateway',
    ],
    [
      'null',
      'null 200 0\n',
      { status: 200, domain: '', instance: '', exit: 0 },
      false,
      '200, but not from a Kuscia gateway',
    ],
    ['a closed port', ' 000 7\n', { status: 0, domain: '', instance: '', exit: 7 }, false, 'refused, or no route'],
    ['silence', ' 000 28\n', { status: 0, domain: '', instance: '', exit: 28 }, false, 'no answer in time'],
    [
      'a gateway with TLS, requested without',
      ' 000 52\n',
      { status: 0, domain: '', instance: '', exit: 52 },
      false,
      'closed without an answer',
    ],
    [
      'a gateway without TLS, requested with it',
      ' 000 35\n',
      { status: 0, domain: '', instance: '', exit: 35 },
      false,
      'no TLS',
    ],
    [
      'a name that no container can resolve',
      ' 000 6\n',
      { status: 0, domain: '', instance: '', exit: 6 },
      false,
      'its name cannot be resolved in a container',
    ],
    ['something rare', ' 000 92\n', { status: 0, domain: '', instance: '', exit: 92 }, false, 'no answer'],
    ['an incomplete record', '', { status: 0, domain: '', instance: '', exit: 0 }, false, 'no answer'],
  ])('is parsed: %s', (_, stdout, value, gateway, words) => {
    expect(answer(direct, exited(0, stdout))).toEqual(present(value));
    expect([isGateway(cluster, value), describeAnswer(cluster, value)]).toEqual([gateway, words]);
  });

  test('is unknown if it could not be requested', () => {
    expect(factOf('empty', 'node-01', directAnswer(cluster, TWO[0] as (typeof TWO)[0]))).toEqual({
      is: 'unknown',
      why: 'could not query the gateway at https://10.77.0.11:20000/: exit 1: Error: No such container: alice-probe',
    });
  });

  test('is read on real hosts, directly and through the load balancer', () => {
    expect(factOf('settled', 'node-02', direct)).toEqual(
      present({ status: 401, domain: 'alice', instance: 'root-kuscia-autonomy-alice-node-02', exit: 0 }),
    );
    const through = factOf(
      'settled',
      'node-01',
      loadBalancerAnswers(cluster, TWO[0] as (typeof TWO)[0], requestsFor(cluster)),
    );
    expect(through.is === 'present' && new Set(through.value.map((each) => describeAnswer(cluster, each)))).toEqual(
      new Set(['01', '02'].map((n) => `401 from root-kuscia-autonomy-alice-node-${n}`)),
    );
    expect([requestsFor(cluster), requestsFor(clusterOf({ hosts: THREE.slice(0, 2) }))]).toEqual([9, 5]);
  });
});
