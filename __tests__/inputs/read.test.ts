import { describe, expect, test } from '@jest/globals';
import fc from '../support/random.ts';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { certificate } from '../../lab/images/kuscia/src/certificate.ts';
import { DeploymentError } from '../../src/engine/errors.ts';
import { INPUT_LIST, inputVariable, type InputName } from '../../src/inputs/catalogue.ts';
import { secretsGiven } from '../../src/inputs/masked.ts';
import { passwordFault } from '../../src/inputs/password.ts';
import { readInputs, type Inputs } from '../../src/inputs/read.ts';
import { STAGES } from '../../src/stages/index.ts';
import { SOUND } from '../cluster/faults.ts';

const rsa = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const key = rsa();
const otherKey = rsa();
const pem = (of: KeyObject): string => of.export({ type: 'pkcs8', format: 'pem' }).toString();
const encrypted = key
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
  .toString();
const chain = certificate({ subject: 'lb', key, years: 1, authority: false });

/** The beginning of a key file as ssh-keygen writes it; what follows does not matter here. */
function openSsh(cipher: string): string {
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    Buffer.from([0, 0, 0, cipher.length]),
    Buffer.from(cipher),
    Buffer.alloc(40),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

type Given = Partial<Record<InputName, string>>;

const ENOUGH: Given = {
  cluster: 'cluster.yml',
  'ssh-key': openSsh('none'),
  'known-hosts': 'node-01 ssh-ed25519 AAAA',
  'database-password': 'correct:horse@battery/staple',
};

const LOCAL = SOUND.replaceAll('roles:', 'via: local, roles:');
const HTTPS = `${SOUND}load-balancer: { scheme: https }\n`;
const REGISTRY = `${SOUND}registry: { server: r.example.org, username: ci }\n`;

function read(inputs: Given, file = SOUND): Inputs {
  const env = Object.fromEntries(
    Object.entries(inputs).map(([name, text]) => [inputVariable(name as InputName), text]),
  );
  const read = (path: string): string => {
    if (path !== '/repository/cluster.yml') throw Object.assign(new Error('no'), { code: 'ENOENT' });
    return file;
  };
  return readInputs({ GITHUB_WORKSPACE: '/repository', ...env }, { read });
}

function faults(inputs: Given, file = SOUND): string[] {
  try {
    read(inputs, file);
  } catch (thrown) {
    if (thrown instanceof DeploymentError) return thrown.failures.map(({ code, what }) => `${code} ${what}`);
    throw thrown;
  }
  return [];
}

describe('sufficient inputs', () => {
  test('give a deployment', () => {
    const { mode, stages, deployment, login } = read({ ...ENOUGH, repair: 'True' });
    expect([mode, stages, deployment.repair, deployment.cluster.domain]).toEqual(['apply', STAGES, true, 'alice']);
    expect([deployment.taskWaitMs, read({ ...ENOUGH, 'task-wait': '0' }).deployment.taskWaitMs]).toEqual([600_000, 0]);
    expect(deployment.secrets.databasePassword.reveal()).toBe('correct:horse@battery/staple');
    expect(Object.keys(deployment.secrets)).toEqual(['databasePassword']);
    expect(login.sshKey?.reveal()).toBe(openSsh('none'));
    expect(login.knownHosts).toBe('node-01 ssh-ed25519 AAAA');
    expect(login.passphrase).toBeUndefined();
  });

  test.each([
    ['all', STAGES],
    ['verify preflight', ['preflight', 'verify']],
    ['mysql-up,swarm-init,\n swarm-init', ['swarm-init', 'mysql-up']],
    ['preflight, all', STAGES],
  ])('stage %p', (stage, stages) => expect(read({ ...ENOUGH, stage }).stages).toEqual(stages));

  test('mode verify is the stage verify', () => expect(read({ ...ENOUGH, mode: 'verify' }).stages).toEqual(['verify']));

  test('the cluster can be given as text', () =>
    expect(read({ ...ENOUGH, cluster: SOUND }).deployment.cluster.hosts).toHaveLength(3));

  test('hosts that are all local need neither key nor known hosts', () => {
    const login = read({ cluster: 'cluster.yml', 'database-password': 'secretly', here: 'node-01' }, LOCAL).login;
    expect(login).toEqual({});
  });

  test('certificate and key of an https load balancer', () => {
    const { secrets } = read(
      { ...ENOUGH, 'load-balancer-certificate': chain, 'load-balancer-key': pem(key).replaceAll('\n', '\r\n') },
      HTTPS,
    ).deployment;
    expect(secrets.loadBalancerCertificate?.reveal()).toBe(`${chain.trim()}\n`);
    expect(secrets.loadBalancerKey?.reveal()).toBe(pem(key));
  });

  test('secrets that this cluster does not use are left out of the deployment, but are masked', () => {
    const given: Given = {
      ...ENOUGH,
      'registry-password': 'unneeded',
      'load-balancer-key': pem(key),
      'load-balancer-certificate': chain,
    };
    expect(Object.keys(read(given).deployment.secrets)).toEqual(['databasePassword']);
    const env = Object.fromEntries(
      Object.entries(given).map(([name, text]) => [inputVariable(name as InputName), text]),
    );
    expect(secretsGiven(env, { read: () => SOUND }).map(({ name }) => name)).toEqual([
      'ssh key',
      'database password',
      'registry password',
      'load balancer key',
    ]);
  });

  test('a secret that cannot be masked without hiding names is refused', () => {
    const env = {
      INPUT_CLUSTER: 'cluster.yml',
      'INPUT_DATABASE-PASSWORD': 'frontend',
      'INPUT_REGISTRY-PASSWORD': 'node',
      'INPUT_SEAL-KEY': 'sixteen characters',
    };
    expect(
      secretsGiven(env, { read: () => SOUND.replaceAll('node-01', 'frontend-01') }).map(({ name }) => name),
    ).toEqual(['seal key']);
  });

  test('a configuration keeps every byte', () => {
    expect(read({ ...ENOUGH, 'kuscia-config': 'mode: autonomy\r\n\n' }).deployment.secrets.kusciaConfig?.reveal()).toBe(
      'mode: autonomy\r\n\n',
    );
  });

  test('no part of it shows a secret when printed', () => {
    const inputs = read({ ...ENOUGH, 'registry-password': 'hunter22' }, REGISTRY);
    expect(`${inspect(inputs, { depth: 9 })}${JSON.stringify(inputs)}`).not.toMatch(/correct:horse|hunter22|OPENSSH/);
  });
});

interface Case {
  readonly name: string;
  readonly inputs: Given;
  readonly file?: string;
  readonly faults: readonly (string | RegExp)[];
}

const CASES: readonly Case[] = [
  {
    name: 'nothing at all',
    inputs: {},
    faults: [/input database-password is missing: this run accesses/, /input cluster is missing: it describes/],
  },
  {
    name: 'only the cluster file',
    inputs: { cluster: 'cluster.yml' },
    faults: [
      /input ssh-key is missing: node-01, node-02, node-03 are reached over SSH$/,
      /input known-hosts is missing: node-01/,
      /input database-password is missing/,
    ],
  },
  {
    name: 'blank inputs',
    inputs: { ...ENOUGH, 'ssh-key': '\n', 'known-hosts': '  ' },
    faults: [/input ssh-key is missing/, /input known-hosts is missing/],
  },
  {
    name: 'a misspelt mode',
    inputs: { ...ENOUGH, mode: 'aply' },
    faults: [/input mode is "aply"; did you mean "apply"\? \(apply, plan, verify, check\)$/],
  },
  {
    name: 'misspelt stages',
    inputs: { ...ENOUGH, stage: 'swarminit, x' },
    faults: [/input stage is "swarminit"; did you mean "swarm-init"\?/, /input stage is "x" \(preflight/],
  },
  { name: 'no stage', inputs: { ...ENOUGH, stage: ',' }, faults: [/input stage names no stage/] },
  {
    name: 'repair with another word',
    inputs: { ...ENOUGH, repair: 'yes' },
    faults: [/input repair is "yes"; must be true or false/],
  },
  {
    name: 'waits that are not minutes',
    inputs: { ...ENOUGH, 'task-wait': '1h', 'lock-wait': '361' },
    faults: [
      /input task-wait is "1h"; must be a whole number of minutes from 0 to 360/,
      /input lock-wait is "361"; must be a whole number of minutes/,
    ],
  },
  {
    name: 'a cluster file that does not exist',
    inputs: { ...ENOUGH, cluster: 'other.yml' },
    faults: [/input cluster names a file that cannot be read: "other.yml" \(ENOENT\)/],
  },
  {
    name: 'faults of inputs and of the cluster file, together and in this order',
    inputs: { cluster: 'cluster.yml', mode: 'x' },
    file: SOUND.replace('load-balancer', 'loadbalancer'),
    faults: [
      /^input-invalid input mode/,
      /^input-invalid input database-password/,
      /^cluster-file-invalid cluster.yml:4:61 {2}hosts.node-01.roles\[2\]/,
    ],
  },
  {
    name: 'faults of a cluster text',
    inputs: { ...ENOUGH, cluster: `\n${SOUND.replace('alice', 'Alice')}` },
    faults: [/^cluster-file-invalid cluster:2:9 {2}domain/],
  },
  {
    name: 'a public key',
    inputs: { ...ENOUGH, 'ssh-key': 'ssh-ed25519 AAAAC3 me' },
    faults: [/ssh-key is a public key/],
  },
  {
    name: 'a key in one line',
    inputs: {
      ...ENOUGH,
      'ssh-key': openSsh('none')
        .replaceAll('\n', ' ')
        .replaceAll(/-----(BEGIN|END) /g, '-----$1_'),
    },
    faults: [/ssh-key is not a private key/],
  },
  {
    name: 'a truncated key',
    inputs: { ...ENOUGH, 'ssh-key': openSsh('none').slice(0, -10) },
    faults: [/ssh-key is truncated/],
  },
  {
    name: 'a key with escaped line breaks',
    inputs: { ...ENOUGH, 'ssh-key': openSsh('none').replaceAll('\n', '\\n') },
    faults: [/ssh-key contains "\\n" instead of line breaks/],
  },
  {
    name: 'an encrypted OpenSSH key without passphrase',
    inputs: { ...ENOUGH, 'ssh-key': openSsh('aes256-ctr') },
    faults: [/ssh-key-passphrase is missing: the SSH key is encrypted/],
  },
  {
    name: 'an encrypted PEM key without passphrase',
    inputs: { ...ENOUGH, 'ssh-key': encrypted },
    faults: [/ssh-key-passphrase is missing/],
  },
  {
    name: 'an encrypted key with passphrase',
    inputs: { ...ENOUGH, 'ssh-key': encrypted, 'ssh-key-passphrase': 'open sesame' },
    faults: [],
  },
  {
    name: 'https without certificate and key',
    inputs: ENOUGH,
    file: HTTPS,
    faults: [/load-balancer-certificate is missing: the load balancer uses https/, /load-balancer-key is missing/],
  },
  {
    name: 'a key that does not match the certificate',
    inputs: { ...ENOUGH, 'load-balancer-certificate': chain, 'load-balancer-key': pem(otherKey) },
    file: HTTPS,
    faults: [/load-balancer-key does not match the certificate/],
  },
  {
    name: 'a certificate and a key that are not PEM',
    inputs: { ...ENOUGH, 'load-balancer-certificate': 'x', 'load-balancer-key': 'y' },
    file: HTTPS,
    faults: [/certificate is not a PEM certificate/, /load-balancer-key is not a PEM private key/],
  },
  {
    name: 'an encrypted load balancer key',
    inputs: { ...ENOUGH, 'load-balancer-certificate': chain, 'load-balancer-key': encrypted },
    file: HTTPS,
    faults: [/load-balancer-key is encrypted; nginx/],
  },
  {
    name: 'secrets that are too short to be masked, used by this cluster or not',
    inputs: {
      ...ENOUGH,
      'ssh-key-passphrase': 'abc',
      'database-password': 'abc',
      'registry-password': ' ab ',
      'seal-key': 'abc',
      'kuscia-config': 'seven77',
      'load-balancer-key': 'abc',
    },
    faults: [
      /ssh-key-passphrase is shorter than 8 characters; masking it would hide ordinary words/,
      /database-password is shorter than 8/,
      /registry-password is shorter than 8/,
      /kuscia-config is shorter than 8/,
      /load-balancer-key is not a PEM private key/,
      /seal-key is too short/,
    ],
  },
  ...['alice', 'node', 'load-balancer', 'ubuntu-latest', 'kuscia-start'].map((word) => ({
    name: `a secret that masks ${word}`,
    inputs: { ...ENOUGH, 'database-password': word, 'registry-password': word },
    faults:
      word.length < 8
        ? [/database-password is shorter than 8/, /registry-password is shorter/]
        : [/database-password is part of a name used in logs and outputs/, /registry-password is part of a name/],
  })),
  {
    name: 'a secret that is part of a host name',
    inputs: { ...ENOUGH, 'database-password': 'frontend' },
    file: SOUND.replaceAll('node-01', 'frontend-01'),
    faults: [/database-password is part of a name/],
  },
  {
    name: 'a secret that contains a host name',
    inputs: { ...ENOUGH, 'database-password': 'node-01-and-more' },
    faults: [],
  },
  {
    name: 'an encrypted key of the bastion without passphrase',
    inputs: { ...ENOUGH, 'bastion-key': openSsh('aes256-ctr') },
    faults: [/bastion-key-passphrase is missing: the bastion key is encrypted/],
  },
  {
    name: 'a public key for the bastion',
    inputs: { ...ENOUGH, 'bastion-key': 'ssh-ed25519 AAAAC3 me' },
    faults: [/bastion-key is a public key/],
  },
  {
    name: 'a registry without password',
    inputs: ENOUGH,
    file: REGISTRY,
    faults: [/registry-password is missing: images are pulled from r.example.org as ci/],
  },
];

/** Everything that the cluster of this file could need, a registry and https among it. */
const BOTH = `${REGISTRY}load-balancer: { scheme: https }\n`;
const SSH = ['ssh-key', 'known-hosts'];
const NEEDS: readonly [string, Given, string, readonly string[]][] = [
  [
    'apply',
    {},
    BOTH,
    [...SSH, 'database-password', 'registry-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  [
    'check',
    { mode: 'check' },
    BOTH,
    [...SSH, 'database-password', 'registry-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  [
    'plan, which pulls nothing',
    { mode: 'plan' },
    BOTH,
    [...SSH, 'database-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  ['verify', { mode: 'verify' }, BOTH, [...SSH, 'database-password', 'load-balancer-certificate', 'load-balancer-key']],
  [
    'preflight',
    { stage: 'preflight' },
    BOTH,
    [...SSH, 'database-password', 'registry-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  ['swarm-init', { stage: 'swarm-init' }, BOTH, SSH],
  ['swarm-join', { stage: 'swarm-join' }, BOTH, SSH],
  ['network-create', { stage: 'network-create' }, BOTH, [...SSH, 'registry-password']],
  ['mysql-up', { stage: 'mysql-up' }, BOTH, [...SSH, 'database-password', 'registry-password']],
  ['kuscia-init', { stage: 'kuscia-init' }, BOTH, [...SSH, 'database-password', 'registry-password']],
  [
    'kuscia-start',
    { stage: 'kuscia-start' },
    BOTH,
    [...SSH, 'registry-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  [
    'nginx-lb',
    { stage: 'nginx-lb' },
    BOTH,
    [...SSH, 'registry-password', 'load-balancer-certificate', 'load-balancer-key'],
  ],
  ['two stages', { stage: 'swarm-init, mysql-up' }, BOTH, [...SSH, 'database-password', 'registry-password']],
  ['divide', { mode: 'divide' }, BOTH, []],
  ['snapshot on a host’s own runner', { mode: 'snapshot', here: 'node-01' }, LOCAL, ['database-password']],
  [
    'swarm-init on a host’s own runner, which records what its host answers',
    { stage: 'swarm-init', here: 'node-01' },
    LOCAL,
    ['database-password'],
  ],
  ['unlock on a host’s own runner', { mode: 'unlock', here: 'node-01' }, LOCAL, []],
  [
    'a host’s own runner that reaches another over SSH too',
    { stage: 'swarm-init', here: 'node-01' },
    LOCAL.replace('via: local, roles: [replica]', 'roles: [replica]'),
    [...SSH, 'database-password'],
  ],
];

describe('a missing input', () => {
  test.each(NEEDS)('%s', (_, inputs, file, needed) => {
    expect(
      faults({ cluster: 'cluster.yml', ...inputs }, file).map(
        (fault) => /^input-invalid input (\S+) is missing: /.exec(fault)?.[1] ?? fault,
      ),
    ).toEqual(needed);
  });

  test('cannot be read by code that should not use it: that is a defect, not an empty password', () => {
    const { databasePassword } = read({ ...ENOUGH, 'database-password': '', stage: 'swarm-init' }).deployment.secrets;
    expect(() => databasePassword.reveal()).toThrow('the database password was not given');
    expect(`${inspect(databasePassword)}${JSON.stringify(databasePassword)}`).toBe('Secret(database password)"***"');
  });
});

describe('approved runners', () => {
  const LABELLED = SOUND.replace('roles: [manager', 'via: local, runner: [self-hosted, evil], roles: [manager');
  const runner = (agreed: string, file = LABELLED, inputs: Given = {}): unknown => {
    const [first] = read({ cluster: 'cluster.yml', mode: 'divide', 'approved-runners': agreed, ...inputs }, file)
      .deployment.cluster.hosts;
    return first?.route.via === 'local' ? first.route.runner : first?.route.via;
  };
  test.each<[string, string, string, unknown]>([
    ['replace those of the file', '{"node-01":["self-hosted","node-01"]}', LABELLED, ['self-hosted', 'node-01']],
    [
      'are used if the file names none',
      '{"node-01":["one"]}',
      LABELLED.replace('runner: [self-hosted, evil], ', ''),
      ['one'],
    ],
    ['are not used for a host over SSH', '{"node-01":["one"]}', SOUND, 'ssh'],
    ['may be empty if the file names none', '{}', LABELLED.replace('runner: [self-hosted, evil], ', ''), undefined],
  ])('%s', (_, agreed, file, wanted) => expect(runner(agreed, file)).toEqual(wanted));

  test('are not required if the cluster is given as text in the workflow, or the file is trusted', () => {
    expect([runner('{}', SOUND, { cluster: LABELLED }), runner('')]).toEqual([
      ['self-hosted', 'evil'],
      ['self-hosted', 'evil'],
    ]);
  });

  test.each<[string, string, RegExp]>([
    [
      'a host that has none there',
      '{"node-02":["one"]}',
      /^runner-not-approved node-01 has a runner, but not in the cluster file on the default branch$/,
    ],
    ['a default branch without cluster file', '{}', /^runner-not-approved node-01 has a runner/],
    [
      'text that is not JSON with labels',
      '{"node-01":"evil"}',
      /^input-invalid input approved-runners is not valid JSON with labels by host$/,
    ],
  ])('refuse %s', (_, agreed, said) => {
    expect(faults({ cluster: 'cluster.yml', mode: 'divide', 'approved-runners': agreed }, LABELLED)).toEqual([
      expect.stringMatching(said),
    ]);
  });
});

describe('invalid inputs', () => {
  test.each(CASES)('$name', ({ inputs, file, faults: expected }) => {
    expect(faults(inputs, file)).toEqual(expected.map((fault) => expect.stringMatching(fault)));
  });

  test('no message shows a secret', () => {
    const inputs: Given = {
      cluster: 'cluster.yml',
      'ssh-key': 'hunter22-key',
      'database-password': 'hunter22 password',
      'load-balancer-key': 'hunter22-lb',
      'registry-password': 'hunter22',
      'known-hosts': 'x',
    };
    expect(faults(inputs).length).toBeGreaterThan(2);
    expect(faults(inputs).join()).not.toContain('hunter22');
  });

  test('a remedy says how to set it, in and outside GitHub', () => {
    try {
      read({ ...ENOUGH, 'database-password': '' });
    } catch (thrown) {
      expect((thrown as DeploymentError).failures[0]?.remedy).toMatch(
        /^Set the input database-password \(outside GitHub: --database-password-file PATH or KUSCIA_SWARM_DATABASE_PASSWORD\)/,
      );
    }
    expect.assertions(1);
  });
});

describe('a database password', () => {
  test.each([
    'password',
    'a:b@c/d:e',
    'x#y?z=1&w',
    '100%$HOME',
    '(tcp)(tcp)',
    'p@tcp(h:1)/x',
    '-rf----rf',
    '!~{}[]|;<>*^+,._',
  ])('%p is accepted', (password) => expect(passwordFault(password)).toBeUndefined());

  test.each([
    ['a b c d', 'whitespace'],
    ['abcd\n', 'whitespace'],
    ['abcd\u00a0', 'whitespace'],
    ['abc"', 'quote'],
    ["abc'", 'quote'],
    ['abc`', 'quote'],
    ['abc\\', 'quote'],
    ['pässword', 'ASCII'],
    ['abcd\u0000', 'ASCII'],
    ['seven77', 'shorter than 8'],
    ['xmode:y', '"mode:"'],
    ['protocol:TLS', '"protocol:"'],
  ])('%p is refused', (password, why) => expect(passwordFault(password)).toContain(why));

  test("an accepted one survives when the DSN is split as Go's MySQL driver splits it, and kuscia.sh reads no other key in it", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 40, unit: 'binary-ascii' }), (password) => {
        fc.pre(passwordFault(password) === undefined);
        const dsn = `root:${password}@tcp(10.0.0.11:3306)/kine`;
        const slash = dsn.lastIndexOf('/');
        const at = dsn.lastIndexOf('@', slash);
        expect([dsn.slice(slash + 1), dsn.slice(at + 1, slash), dsn.slice(dsn.indexOf(':') + 1, at)]).toEqual([
          'kine',
          'tcp(10.0.0.11:3306)',
          password,
        ]);
        expect(`datastoreEndpoint: mysql://${dsn}`.split(/\s+/)).toHaveLength(2);
      }),
      { numRuns: 500 },
    );
  });
});

test('any input gives valid inputs or a DeploymentError without a secret', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '',
      ' ',
      '\n',
      SOUND,
      'cluster.yml',
      '__proto__',
      chain,
      pem(otherKey),
      encrypted,
      openSsh('none'),
      openSsh('x'.repeat(200)),
    ),
  );
  const names = INPUT_LIST.map(({ name }) => name);
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), text),
      fc.string({ minLength: 8, unit: 'binary-ascii' }),
      (inputs, secret) => {
        const marked = Object.fromEntries(
          Object.entries(inputs).map(([name, value]) => [
            name,
            ['ssh-key', 'database-password', 'load-balancer-key'].includes(name) ? `${value}hunter22${secret}` : value,
          ]),
        );
        expect(faults({ ...ENOUGH, ...marked }).join()).not.toContain('hunter22');
      },
    ),
    { numRuns: 200 },
  );
});

describe('one of several jobs', () => {
  const WITH = { ...ENOUGH, 'seal-key': 'correct horse battery staple' };
  const APART: Given = { cluster: 'cluster.yml', 'database-password': 'correct:horse@battery/staple' };

  test('gets no artifacts and reaches every host, if it is the only one', () => {
    const { job } = read(ENOUGH);
    expect(job).toEqual({
      reaches: job.reaches,
      runner: '"ubuntu-latest"',
      origin: { domain: 'alice', repository: '', run: '', call: '', attempt: 1 },
    });
    expect(job.reaches).toEqual(read(ENOUGH).deployment.cluster.hosts.map(({ name }) => name));
  });

  test('takes the part of one host and exchanges sealed files', () => {
    const { job } = read({
      ...WITH,
      host: 'node-02',
      here: 'node-02',
      'artifacts-in': '/tmp/in',
      'artifacts-out': 'out',
    });
    expect([
      job.host,
      job.here,
      job.artifacts?.received,
      job.artifacts?.handedOver,
      job.artifacts?.key.reveal(),
    ]).toEqual(['node-02', undefined, '/tmp/in', '/repository/out', 'correct horse battery staple']);
  });

  test('on one of several hosts reaches only that one', () => {
    const { job } = read({ ...APART, here: 'node-02' }, LOCAL);
    expect([job.here, job.reaches, job.host]).toEqual(['node-02', ['node-02'], undefined]);
    expect(read({ ...APART, mode: 'unlock', here: 'node-01' }, LOCAL).job.reaches).toEqual(['node-01']);
  });

  test.each([
    ['two', '"two"'],
    ['["self-hosted","linux"]', '["self-hosted","linux"]'],
    ['{"group": "x"}', '{"group":"x"}'],
    ['"one"', '"one"'],
  ])('runs on %s', (runner, json) => {
    expect(read({ ...ENOUGH, runner }).job.runner).toBe(json);
  });

  const wrong: readonly [string, Given, string, readonly RegExp[]][] = [
    [
      'a host that does not exist',
      { ...ENOUGH, host: 'node-2' },
      SOUND,
      [/input host is "node-2", which is not a host in the cluster file; did you mean "node-0\d"\? \(node-01/],
    ],
    ['nothing about where it runs', APART, LOCAL, [/input here is missing: node-01 and .* have via: local/]],
    [
      'a place from which the lock cannot be released',
      { ...APART, mode: 'unlock', here: 'node-02' },
      LOCAL,
      [/input here is "node-02", but the lock is on node-01, which only its own runner can reach/],
    ],
    [
      'a wrong place',
      { ...APART, here: 'node-9' },
      LOCAL,
      [/input here is "node-9", which is not a host/, /input here is missing/],
    ],
    [
      'another domain',
      { ...ENOUGH, domain: 'bob' },
      SOUND,
      [/input domain is "bob", but the cluster file describes "alice"/],
    ],
    [
      'a misspelt mode of the workflow',
      { ...ENOUGH, 'workflow-mode': 'aply' },
      SOUND,
      [/input mode of the workflow is "aply"; did you mean "apply"\? \(apply, plan\)$/],
    ],
    [
      'a mode that only an action has',
      { ...ENOUGH, 'workflow-mode': 'verify' },
      SOUND,
      [/input mode of the workflow is "verify" \(apply, plan\)$/],
    ],
    [
      'folders without a key',
      { ...ENOUGH, 'artifacts-in': 'in' },
      SOUND,
      [/input seal-key is missing: artifacts exchanged between jobs are always sealed/],
    ],
    [
      'a broken runner',
      { ...ENOUGH, runner: '[self-hosted' },
      SOUND,
      [/input runner is "\[self-hosted", which is not valid JSON/],
    ],
  ];
  test.each(wrong)('refuses %s', (_, inputs, file, what) => {
    const found = faults(inputs, file);
    expect(found).toHaveLength(what.length);
    what.forEach((pattern, i) => expect(found[i]).toMatch(pattern));
  });
});
