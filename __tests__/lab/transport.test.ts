import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from '../support/random.ts';
import { wholeFile } from '../../src/artifacts/whole-file.ts';
import type { Host, SshRoute } from '../../src/cluster/cluster.ts';
import { changing, reading, script } from '../../src/engine/command.ts';
import { failuresOf, type Failure } from '../../src/engine/errors.ts';
import type { Event } from '../../src/engine/events.ts';
import { Secret } from '../../src/engine/secret.ts';
import type { Connection } from '../../src/transport/connection.ts';
import { openFleet, type FleetOptions, type OpenFleet } from '../../src/transport/fleet.ts';
import { knownKeys, readKnownHosts } from '../../src/transport/host-keys.ts';
import { marked, transportContract } from '../transport/contract.ts';
import { expectHarmless } from '../transport/flooded.ts';
import { up } from '../../lab/lab.ts';
import { freePort, layCable, makeKey, startSshd, type Sshd, type SshdOptions } from '../transport/sshd.ts';

const exec = promisify(execFile);
// Making keys takes seconds on a busy machine.
jest.setTimeout(30_000);
let folder: string;
let keyFile: string;
let key: Secret;
let publicKey: string;
let sshd: Sshd;

beforeAll(async () => {
  // The first lab to be set up builds the hosts' root, from which sshd comes.
  await up(1);
  folder = await mkdtemp(join(tmpdir(), 'transport-'));
  keyFile = await makeKey(folder, 'login');
  key = new Secret('ssh-key', await readFile(keyFile, 'utf8'));
  publicKey = await readFile(`${keyFile}.pub`, 'utf8');
  sshd = await startSshd(publicKey, { types: ['ed25519', 'ecdsa', 'rsa'] });
}, 600_000);

const fleets: OpenFleet[] = [];

afterAll(async () => {
  // A failed test has not closed its connections, and jest waits for open ones.
  await Promise.all(fleets.map((fleet) => fleet.close()));
  await sshd.stop();
  await rm(folder, { recursive: true });
});

const hello = reading('say hello', ['echo', 'hello']);
const greeted = { ended: 'exited', code: 0, stdout: 'hello\n' };

function host(name: string, port: number, route: Partial<SshRoute> = {}): Host {
  return { name, address: '127.0.0.1', roles: ['worker'], route: { via: 'ssh', user: 'root', port, ...route } };
}

function fleetOf(hosts: readonly Host[], options: Partial<FleetOptions> = {}): OpenFleet {
  const fleet = openFleet(hosts, { sshKey: key, emit: () => undefined, connectMs: 5_000, ...options });
  fleets.push(fleet);
  return fleet;
}

/** Known hosts that name everybody: whom they do not name is not connected. */
const anybody = (): Promise<string> => sshd.line('ed25519', '*');

/** The failures of opening these hosts; none when they open. */
async function failuresOfOpening(
  hosts: readonly Host[],
  options: Partial<FleetOptions> = {},
): Promise<readonly Failure[]> {
  const fleet = fleetOf(hosts, options);
  try {
    await fleet.connectAll();
    return [];
  } catch (thrown) {
    return failuresOf(thrown);
  } finally {
    await fleet.close();
  }
}

async function soon<T>(look: () => Promise<T>, wanted: T): Promise<void> {
  const deadline = Date.now() + 5_000;
  let last = await look();
  while (last !== wanted && Date.now() < deadline) {
    await sleep(50);
    last = await look();
  }
  expect(last).toEqual(wanted);
}

describe('commands over SSH', () => {
  let fleet: OpenFleet;
  beforeAll(async () => {
    fleet = fleetOf([host('node-01', sshd.port)], { knownHosts: await sshd.line('ed25519') });
  });
  afterAll(() => fleet.close());
  transportContract((): Connection => ({
    host: 'node-01',
    lost: undefined,
    run: (command) => fleet.run('node-01', command),
    close: () => fleet.close(),
  }));

  const GIGABYTES: readonly (readonly [what: string, output: 1 | 2, via: 'ssh' | 'local'])[] = [
    ['workflow commands', 1, 'ssh'],
    ['workflow commands', 2, 'ssh'],
    ['an endless line', 2, 'ssh'],
    ['bytes that are no UTF-8', 1, 'ssh'],
    ['terminal sequences', 2, 'ssh'],
    ['workflow commands', 2, 'local'],
    ['terminal sequences', 1, 'local'],
  ];
  test.each(GIGABYTES)(
    'a gigabyte of %s on output %i over %s costs little memory and is not interpreted',
    async (what, output, via) => {
      const floods = [[what, output, 1024 ** 3]] as const;
      const { kept, ms, after, before } = expectHarmless(
        via === 'local'
          ? { host: { ...host('node-01', 22), route: { via } }, floods }
          : { host: host('node-01', sshd.port), keyFile, knownHosts: await sshd.line('ed25519'), floods },
      );
      console.log(
        `${what} on ${output} over ${via}: ${ms[0]} ms, ${Math.round((after - before) / 2 ** 20)} MiB more memory`,
      );
      expect(Math.min(...kept)).toBeGreaterThan(2 ** 21);
    },
    120_000,
  );

  test('the signal is named', async () => {
    expect(await fleet.run('node-01', reading('die', script('kill -KILL $$')))).toMatchObject({
      ended: 'killed',
      signal: 'SIGKILL',
    });
  });
});

describe('the host key', () => {
  const plain = () => [host('node-01', sshd.port)];
  const named = () => `[127.0.0.1]:${sshd.port}`;

  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('pinned as %s is the one requested', async (type) => {
    expect(await failuresOfOpening(plain(), { knownHosts: await sshd.line(type) })).toEqual([]);
  });

  test('is found under a hashed name', async () => {
    const file = join(folder, 'hashed');
    await writeFile(file, `${await sshd.line('ed25519')}\n`);
    await exec('ssh-keygen', ['-H', '-f', file]);
    const hashed = await readFile(file, 'utf8');
    expect(hashed).toMatch(/^\|1\|/);
    expect(await failuresOfOpening(plain(), { knownHosts: hashed })).toEqual([]);
  });

  test('known only for another port is not accepted', async () => {
    const [failure, ...more] = await failuresOfOpening(plain(), {
      knownHosts: await sshd.line('ed25519', '127.0.0.1'),
    });
    expect(more).toEqual([]);
    expect(failure).toMatchObject({ code: 'host-key-unknown', host: 'node-01' });
    expect(failure?.remedy).toContain(named());
  });

  test('that is unknown prevents the connection', async () => {
    const mark = join(folder, randomUUID());
    const fleet = fleetOf(plain());
    const outcome = await fleet.run('node-01', reading('leave a mark', ['touch', mark]));
    await fleet.close();
    expect(outcome).toMatchObject({ ended: 'lost', reason: expect.stringContaining('node-01 is not in known-hosts') });
    await expect(readFile(mark)).rejects.toThrow('ENOENT');
    let connections = 0;
    const listener = createServer((socket) => ((connections += 1), socket.destroy()));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const [failure] = await failuresOfOpening([host('node-01', port)]);
    expect(failure).toMatchObject({
      code: 'host-key-unknown',
      evidence: `no entry for [127.0.0.1]:${port}; no connection was made`,
    });
    const [pinnedOne] = await failuresOfOpening([host('node-01', port)], {
      knownHosts: await sshd.line('ed25519', `[127.0.0.1]:${port}`),
    });
    expect([pinnedOne?.code, connections > 0]).toEqual(['host-unreachable', true]);
    listener.close();
  });

  test('that differs is reported with both fingerprints', async () => {
    const other = await makeKey(folder, randomUUID());
    const [failure] = await failuresOfOpening(plain(), {
      knownHosts: `${named()} ${await readFile(`${other}.pub`, 'utf8')}`,
    });
    const prints = await Promise.all(
      [other, join(sshd.folder, 'host_ed25519.pub')].map(
        async (file) => (await exec('ssh-keygen', ['-lf', file])).stdout.split(' ')[1] ?? 'nothing',
      ),
    );
    expect(failure).toMatchObject({ code: 'host-key-mismatch', host: 'node-01' });
    for (const print of prints) expect(failure?.evidence).toContain(print);
  });

  test('that is revoked is refused, even if it is also pinned', async () => {
    const knownHosts = `${await sshd.line('ed25519')}\n@revoked * ${await sshd.line('ed25519', '').then((line) => line.trim())}`;
    expect(await failuresOfOpening(plain(), { knownHosts })).toMatchObject([
      { code: 'host-key-revoked', host: 'node-01' },
    ]);
  });

  test('of a type that the host does not have is reported', async () => {
    const bare = await startSshd(publicKey, { types: ['ed25519'] });
    try {
      const knownHosts = await sshd.line('rsa', `[127.0.0.1]:${bare.port}`);
      const [failure] = await failuresOfOpening([host('node-01', bare.port)], { knownHosts });
      expect(failure).toMatchObject({
        code: 'host-key-unknown',
        what: expect.stringContaining('ssh-rsa'),
        evidence: expect.stringContaining('ssh-ed25519'),
      });
    } finally {
      await bare.stop();
    }
  });

  test('is looked up as ssh-keygen -F does', async () => {
    const keys = await Promise.all([1, 2, 3].map(() => makeKey(folder, randomUUID())));
    const [a = '', b = '', c = ''] = await Promise.all(
      keys.map(async (file) => (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')),
    );
    const file = join(folder, 'many');
    await writeFile(
      file,
      `one.example,10.0.0.? ${a}\n\n# a comment\n*.example,!two.example ${b} why not\n[three.example]:2222 ${c}\n@revoked four.example ${a}\n`,
    );
    const plainText = await readFile(file, 'utf8');
    await exec('ssh-keygen', ['-H', '-f', file]);
    for (const text of [plainText, await readFile(file, 'utf8')]) {
      await writeFile(file, text);
      for (const [name, port] of [
        ['one.example', 22],
        ['two.example', 22],
        ['x.example', 22],
        ['10.0.0.7', 22],
        ['10.0.0.77', 22],
        ['three.example', 22],
        ['three.example', 2222],
        ['nobody', 22],
      ] as const) {
        const asked = port === 22 ? name : `[${name}]:${port}`;
        const { stdout } = await exec('ssh-keygen', ['-F', asked, '-f', file]).catch(
          (error: { stdout: string }) => error,
        );
        const found = stdout
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'))
          .map((line) => line.split(' ').slice(1, 3).join(' '));
        const ours = knownKeys(readKnownHosts(text), name, port);
        const accepted = [a, b, c].filter(
          (key) => ours.check(Buffer.from(key.split(' ')[1] ?? '', 'base64')).is === 'ok',
        );
        expect({ asked, keys: accepted.sort() }).toEqual({ asked, keys: found.sort() });
      }
    }
  });
});

describe('randomly generated known hosts', () => {
  const label = fc.constantFrom('a', 'b', 'node-01', 'node-02', 'x.lab', 'y.lab', '10.0.0.7');
  const pattern = fc.oneof(
    { weight: 3, arbitrary: label },
    {
      weight: 2,
      arbitrary: fc.string({
        unit: fc.constantFrom('*', '?', 'a', 'node', '-', '.', '0', '1', 'lab'),
        minLength: 1,
        maxLength: 6,
      }),
    },
  );
  const named = fc
    .tuple(fc.boolean(), pattern, fc.constantFrom(22, 22, 22, 2222))
    .map(([negated, name, port]) => `${negated ? '!' : ''}${port === 22 ? name : `[${name}]:${port}`}`);
  const line = fc.record({
    marker: fc.constantFrom('', '', '', '@revoked '),
    names: fc.array(named, { minLength: 1, maxLength: 4 }),
    key: fc.nat(2),
    hash: fc.boolean(),
    comment: fc.constantFrom('', ' why not'),
  });

  test('are read as ssh-keygen -F reads them', async () => {
    const keys = await Promise.all(
      [1, 2, 3].map(async () =>
        (await readFile(`${await makeKey(folder, randomUUID())}.pub`, 'utf8')).split(' ').slice(0, 2).join(' '),
      ),
    );
    const file = join(folder, 'random');
    let [looked, found] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), async (lines) => {
        const plain = lines.map(
          ({ marker, names, key, comment }) => `${marker}${names.join(',')} ${keys[key]}${comment}`,
        );
        await writeFile(file, `${plain.filter((_, i) => lines[i]?.hash === true).join('\n')}\n`);
        // It hashes names that are not patterns, and leaves patterns and marked lines unchanged.
        await exec('ssh-keygen', ['-H', '-f', file]).catch(() => undefined);
        await writeFile(
          file,
          `${await readFile(file, 'utf8')}\n${plain.filter((_, i) => lines[i]?.hash !== true).join('\n')}\n`,
        );
        const known = readKnownHosts(await readFile(file, 'utf8'));
        for (const [name, port] of [
          ['a', 22],
          ['node-01', 22],
          ['x.lab', 22],
          ['10.0.0.7', 22],
          ['node-01', 2222],
        ] as const) {
          const asked = port === 22 ? name : `[${name}]:${port}`;
          const { stdout } = await exec('ssh-keygen', ['-F', asked, '-f', file]).catch(
            (error: { stdout: string }) => error,
          );
          const told = stdout
            .split('\n')
            .filter((each) => each !== '' && !each.startsWith('#'))
            .map((each) => each.split(' '));
          const said = (revoked: boolean): Set<string> =>
            new Set(
              told
                .filter(([marker]) => (marker === '@revoked') === revoked)
                .map((each) =>
                  each
                    .slice(revoked ? 2 : 1)
                    .slice(0, 2)
                    .join(' '),
                ),
            );
          const theirs = keys.map((key) =>
            said(true).has(key)
              ? 'revoked'
              : said(false).has(key)
                ? 'ok'
                : said(false).size > 0
                  ? 'mismatch'
                  : 'unknown',
          );
          const ours = knownKeys(known, name, port);
          expect({
            asked,
            plain,
            keys: keys.map((key) => ours.check(Buffer.from(key.split(' ')[1] ?? '', 'base64')).is),
          }).toEqual({ asked, plain, keys: theirs });
          looked += 1;
          found += told.length > 0 ? 1 : 0;
        }
      }),
      { numRuns: 60, endOnFailure: true },
    );
    expect(looked).toBe(300);
    expect(found).toBeGreaterThan(50);
  }, 120_000);
});

describe('the login', () => {
  async function opening(privateKey: string, passphrase?: string, user = 'root'): Promise<readonly Failure[]> {
    return failuresOfOpening([host('node-01', sshd.port, { user }), host('node-02', sshd.port, { user })], {
      sshKey: new Secret('ssh-key', privateKey),
      knownHosts: await sshd.line('ed25519'),
      ...(passphrase !== undefined && { passphrase: new Secret('passphrase', passphrase) }),
    });
  }

  async function withPassphrase(...options: string[]): Promise<string> {
    const file = join(folder, randomUUID());
    await writeFile(file, await readFile(keyFile), { mode: 0o600 });
    await exec('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'sesame', '-f', file, ...options]);
    return readFile(file, 'utf8');
  }

  test('works with a key that lost its last newline and has DOS line endings', async () => {
    expect(await opening(key.reveal().trim().replaceAll('\n', '\r\n'))).toEqual([]);
  });

  test('works with a passphrase', async () => {
    expect(await opening(await withPassphrase(), 'sesame')).toEqual([]);
  });

  test.each([undefined, 'wrong'])('with the passphrase %s names the input, once for all hosts', async (passphrase) => {
    expect(await opening(await withPassphrase(), passphrase)).toMatchObject([
      { code: 'input-invalid', what: 'ssh-key cannot be unlocked' },
    ]);
  });

  test.each([
    ['a truncated key', (text: string) => text.slice(0, text.length / 2)],
    ['something else', () => 'hunter2'],
  ])('with %s names the input without showing it', async (_, spoil) => {
    const text = spoil(key.reveal());
    const failures = await opening(text);
    expect(failures).toMatchObject([{ code: 'input-invalid', what: expect.stringContaining('ssh-key') }]);
    expect(JSON.stringify(failures)).not.toContain(text.trim().split('\n').at(-1));
  });

  test('with a public key names the input', async () => {
    expect(await opening(publicKey)).toMatchObject([{ code: 'input-invalid' }]);
  });

  test('with a key that the host does not know is refused, by each host', async () => {
    const stranger = await readFile(await makeKey(folder, randomUUID()), 'utf8');
    expect(await opening(stranger)).toMatchObject([
      { code: 'login-refused', host: 'node-01' },
      { code: 'login-refused', host: 'node-02' },
    ]);
  });

  test('works with an RSA key in PEM form', async () => {
    const rsa = await makeKey(folder, randomUUID(), '-t', 'rsa', '-b', '2048', '-m', 'PEM');
    const server = await startSshd(await readFile(`${rsa}.pub`, 'utf8'));
    try {
      const sshKey = new Secret('ssh-key', await readFile(rsa, 'utf8'));
      expect(
        await failuresOfOpening([host('node-01', server.port)], { sshKey, knownHosts: await server.line('ed25519') }),
      ).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});

describe('a connection', () => {
  test('that no host accepts is a failure of each host, all reported at once', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const failures = await failuresOfOpening(
      [host('node-01', one), host('node-02', two), { ...host('node-03', 22), address: 'no-such-host.invalid' }],
      { knownHosts: await anybody() },
    );
    expect(failures.map(({ code, host }) => [code, host])).toEqual(
      ['node-01', 'node-02', 'node-03'].map((name) => ['host-unreachable', name]),
    );
  });

  test('to a silent host ends at the deadline', async () => {
    const silent = await layCable();
    const started = Date.now();
    expect(
      await failuresOfOpening([host('node-01', silent.port)], { connectMs: 800, knownHosts: await anybody() }),
    ).toMatchObject([{ code: 'host-unreachable', host: 'node-01' }]);
    expect(Date.now() - started).toBeLessThan(15_000);
    await silent.remove();
  });

  test('is made once, however many need it, and once more after it was lost', async () => {
    const cable = await layCable(sshd.port);
    const events: Event[] = [];
    const fleet = fleetOf([host('node-01', cable.port)], {
      knownHosts: await sshd.line('ed25519', `[127.0.0.1]:${cable.port}`),
      emit: (event) => events.push(event),
    });
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => fleet.run('node-01', hello)));
    for (const outcome of outcomes) expect(outcome).toMatchObject(greeted);
    expect(cable.connections()).toBe(1);
    expect(events).toHaveLength(4);
    expect(events[0]).toMatchObject({
      is: 'command',
      host: 'node-01',
      command: hello,
      outcome: greeted,
      ms: expect.any(Number),
    });

    const running = fleet.run('node-01', reading('wait', ['sleep', '5']));
    await sleep(500);
    await sshd.killSessions();
    expect(await running).toMatchObject({ ended: 'lost', reason: expect.stringMatching(/closed|reset/i) });
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    expect(cable.connections()).toBe(2);
    await fleet.close();
    await cable.remove();
  });

  test('that is cut is detected by its own watch, with and without a running command', async () => {
    const cable = await layCable(sshd.port);
    const fleet = fleetOf([host('node-01', cable.port)], {
      knownHosts: await sshd.line('ed25519', `[127.0.0.1]:${cable.port}`),
    });
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    const running = fleet.run('node-01', reading('wait', script('echo begun; sleep 40'), { timeoutMs: 60_000 }));
    await sleep(1_000);
    cable.cut();
    expect(await running).toMatchObject({ ended: 'lost', reason: 'Keepalive timeout', stdout: 'begun\n' });
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    await fleet.close();
    await cable.remove();
  }, 40_000);

  test('that is cut still lets a deadline end a command', async () => {
    const cable = await layCable(sshd.port);
    const fleet = fleetOf([host('node-01', cable.port)], {
      knownHosts: await sshd.line('ed25519', `[127.0.0.1]:${cable.port}`),
    });
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    cable.cut();
    expect(await fleet.run('node-01', { ...hello, timeoutMs: 500 })).toMatchObject({ ended: 'timed-out' });
    await fleet.close();
    await cable.remove();
  });

  test('to a host that allows few sessions runs everything, one after the other', async () => {
    const server = await startSshd(publicKey, { extra: ['MaxSessions 3'] });
    const fleet = fleetOf([host('node-01', server.port)], { knownHosts: await server.line('ed25519') });
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => fleet.run('node-01', reading('wait', script('sleep 0.1; echo hello')))),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject(greeted);
    await fleet.close();
    await server.stop();
  });

  test.each([
    ['that is known', [1, 2, 3]],
    ['that is not known yet', []],
  ] as const)('to a host with few sessions does not delay an urgent command, with a number %s', async (_, learning) => {
    const server = await startSshd(publicKey, { extra: ['MaxSessions 2'] });
    try {
      const fleet = fleetOf([host('node-01', server.port)], { knownHosts: await server.line('ed25519') });
      await Promise.all(learning.map(() => fleet.run('node-01', reading('wait', ['sleep', '0.5']))));
      const running = fleet.run('node-01', reading('wait', ['sleep', '30'], { timeoutMs: 60_000 }));
      const brief = fleet.run('node-01', reading('wait', ['sleep', '0.5']));
      expect(await fleet.run('node-01', { ...hello, urgent: true })).toMatchObject(greeted);
      const waiting = fleet.run('node-01', hello);
      await fleet.close();
      expect([(await running).ended, (await waiting).ended]).toEqual(['killed', 'lost']);
      await brief;
    } finally {
      await server.stop();
    }
  });

  test('to a host that opens no session at all is reported', async () => {
    const server = await startSshd(publicKey, { extra: ['MaxSessions 0'] });
    const fleet = fleetOf([host('node-01', server.port)], { knownHosts: await server.line('ed25519') });
    expect(await fleet.run('node-01', hello)).toMatchObject({
      ended: 'lost',
      reason: expect.stringContaining('does not open a session'),
    });
    await fleet.close();
    await server.stop();
  });
});

/** The host with a separate server, for as long as `use` takes. */
async function withServer<T>(
  options: SshdOptions,
  use: (server: Sshd, known: string) => Promise<T>,
  authorized = publicKey,
): Promise<T> {
  const server = await startSshd(authorized, options);
  try {
    return await use(server, await server.line('ed25519'));
  } finally {
    await server.stop();
  }
}

describe('a login', () => {
  const ascii = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1));

  test.each(['/bin/sh', '/bin/bash', '/bin/tcsh', '/bin/csh'])('may have any shell: %s', async (shell) => {
    await withServer(
      { prepare: `usermod -s ${shell} deploy; echo 'echo Welcome' >/home/deploy/.cshrc` },
      async (server, knownHosts) => {
        const fleet = fleetOf([host('node-01', server.port, { user: 'deploy' })], { knownHosts });
        expect(await fleet.connect()).toEqual(new Map());
        const told = await fleet.run(
          'node-01',
          reading('show', [
            ...script('echo "$SHELL"; for a in "$@"; do printf "%s\\0" "$a"; done'),
            ...ascii,
            ascii.join(''),
          ]),
        );
        expect(told).toMatchObject({
          ended: 'exited',
          code: 0,
          stdout: `${shell}\n${[...ascii, ascii.join(''), ''].join('\0')}`,
        });
        expect(
          await fleet.run(
            'node-01',
            changing('take it', script('cat; exit 3'), { stdin: new Secret('password', "it's !!\n\\") }),
          ),
        ).toMatchObject({ ended: 'exited', code: 3, stdout: "it's !!\n\\" });
        expect(
          await fleet.run(
            'node-01',
            changing('take it', script('test -t 0 && read -r a && echo "<$a>" >&2; exit 4'), {
              stdin: 'yes\n',
              terminal: true,
            }),
          ),
        ).toMatchObject({ ended: 'exited', code: 4, stdout: '<yes>\n', stderr: '' });
        expect(await fleet.run('node-01', reading('wait', ['sleep', '20'], { timeoutMs: 500 }))).toMatchObject({
          ended: 'timed-out',
        });
        await fleet.close();
      },
    );
  });

  test('whose key allows no terminal still provides one for a command', async () => {
    await withServer(
      {},
      async (server, knownHosts) => {
        const fleet = fleetOf([host('node-01', server.port)], { knownHosts });
        expect(
          await fleet.run('node-01', reading('show', script('test -t 0 && test -t 1 && echo one'), { terminal: true })),
        ).toMatchObject({ ended: 'exited', code: 0, stdout: 'one\n' });
        await fleet.close();
      },
      `restrict ${publicKey}`,
    );
  });

  interface Refusing {
    readonly what: string;
    readonly options: SshdOptions;
    readonly user?: string;
    readonly evidence: RegExp;
    readonly cause: RegExp;
    readonly remedy: RegExp;
  }
  const first = (line: string): string => `echo '${line}' >/root/.bashrc`;
  const REFUSING: readonly Refusing[] = [
    {
      what: 'exec sh',
      options: { prepare: first('exec sh') },
      evidence: /^exit 0, nothing printed$/,
      cause: /startup file/,
      remedy: /grep -nE .*\.bashrc.*chsh/,
    },
    {
      what: 'exit',
      options: { prepare: first('exit 0') },
      evidence: /^exit 0, nothing printed$/,
      cause: /startup file/,
      remedy: /grep -nE .*\.bashrc.*chsh/,
    },
    {
      what: 'nologin',
      options: { prepare: 'usermod -s /usr/sbin/nologin root' },
      evidence: /exit 1: .*not available/,
      cause: /nologin/,
      remedy: /chsh -s/,
    },
    {
      what: '/etc/nologin',
      user: 'deploy',
      options: { prepare: 'echo Going down for maintenance. >/etc/nologin' },
      evidence: /exit 254: .*Going down/,
      cause: /\/etc\/nologin/,
      remedy: /rm \/etc\/nologin/,
    },
    {
      what: 'a forced command',
      options: { extra: ['ForceCommand echo This account is closed.'] },
      evidence: /exit 0: This account is closed/,
      cause: /forced command/,
      remedy: /ForceCommand/,
    },
    {
      what: 'a restricted shell',
      options: { prepare: 'usermod -s /bin/rbash root' },
      evidence: /restricted/,
      cause: /restricted/,
      remedy: /chsh/,
    },
    {
      what: 'an expired password',
      user: 'deploy',
      options: { prepare: 'chage -d 0 deploy', extra: ['UsePAM yes'] },
      evidence: /password/i,
      cause: /password of deploy has expired/,
      remedy: /chage -l deploy/,
    },
  ];

  test.each(REFUSING)(
    'that runs something else is reported by its first command: $what',
    async ({ options, user = 'root', evidence, cause, remedy }) => {
      await withServer(options, async (server, knownHosts) => {
        const fleet = fleetOf([host('node-01', server.port, { user })], { knownHosts });
        const began = Date.now();
        // Both at once, as questions are asked; with standard input it would wait for ever.
        const [bare, fed] = await Promise.all([
          fleet.run('node-01', hello),
          fleet.run('node-01', changing('take it', ['cat'], { stdin: new Secret('password', 'echo top secret') })),
        ]);
        expect(Date.now() - began).toBeLessThan(8_000);
        const failure = {
          code: 'login-unusable',
          host: 'node-01',
          evidence: expect.stringMatching(evidence),
          cause: expect.stringMatching(cause),
          remedy: expect.stringMatching(remedy),
        };
        expect([bare, fed]).toMatchObject([
          { ended: 'lost', failure },
          { ended: 'lost', failure },
        ]);
        await fleet.close();
        const other = fleetOf([host('node-01', server.port, { user })], { knownHosts });
        expect([...(await other.connect('and start a shell')).values()]).toMatchObject([[failure]]);
        await other.close();
      });
    },
  );

  test('that passes standard input to something else is given no secret, and is reported', async () => {
    const leak = `/tmp/leak-${randomUUID()}`;
    await withServer({ prepare: first(`exec tee ${leak}`) }, async (server, knownHosts) => {
      const fleet = fleetOf([host('node-01', server.port)], { knownHosts });
      const fed = changing('take it', ['cat'], { stdin: new Secret('password', 'top secret'), timeoutMs: 60_000 });
      expect(await fleet.run('node-01', fed)).toMatchObject({ ended: 'lost', failure: { code: 'login-unusable' } });
      expect(await readFile(leak.replace('/tmp', tmpdir()), 'utf8')).toBe('');
      expect(await fleet.run('node-01', hello)).toMatchObject({ ended: 'lost', failure: { code: 'login-unusable' } });
      await fleet.close();
    });
  });

  test('with a long, slow greeting is waited for', async () => {
    await withServer({ prepare: first('yes welcome | head -n 20000; sleep 4') }, async (server, knownHosts) => {
      const fleet = fleetOf([host('node-01', server.port)], { knownHosts });
      const fed = fleet.run('node-01', changing('take it', ['cat'], { stdin: 'in\n' }));
      expect(await Promise.all([fed, fleet.run('node-01', hello)])).toMatchObject([
        { ended: 'exited', code: 0, stdout: 'in\n' },
        greeted,
      ]);
      await fleet.close();
    });
  });

  test.each([
    ['publickey', ['AuthenticationMethods publickey,publickey']],
    [
      'keyboard-interactive',
      ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods publickey,keyboard-interactive'],
    ],
  ])('of which the host requires more than the key is reported with the requirement: %s', async (wanted, extra) => {
    const rsa = await makeKey(folder, randomUUID(), '-t', 'rsa', '-b', '2048');
    const both = `${publicKey}\n${await readFile(`${rsa}.pub`, 'utf8')}`;
    await withServer(
      { extra },
      async (server, knownHosts) => {
        for (const sshKey of [key, new Secret('ssh-key', await readFile(rsa, 'utf8'))]) {
          expect(await failuresOfOpening([host('node-01', server.port)], { knownHosts, sshKey })).toMatchObject([
            {
              code: 'login-incomplete',
              host: 'node-01',
              what: expect.stringContaining(`also requires ${wanted}`),
              remedy: expect.stringContaining('AuthenticationMethods publickey'),
            },
          ]);
        }
      },
      both,
    );
  });

  test('to an expired account is reported as such if the host verifies the key first', async () => {
    await withServer({ prepare: 'chage -E 2020-01-01 deploy', extra: ['UsePAM yes'] }, async (server, knownHosts) => {
      expect(await failuresOfOpening([host('node-01', server.port, { user: 'deploy' })], { knownHosts })).toMatchObject(
        [
          {
            code: 'login-unusable',
            host: 'node-01',
            evidence: expect.stringMatching(/expired/),
            remedy: expect.stringContaining('chage -l deploy'),
          },
        ],
      );
    });
  });

  test.each([
    [
      'key exchange',
      ['KexAlgorithms sntrup761x25519-sha512@openssh.com'],
      /sntrup761x25519-sha512@openssh\.com/,
      /curve25519-sha256/,
      /KexAlgorithms \+/,
    ],
    ['cipher', ['Ciphers aes256-cbc'], /aes256-cbc/, /aes128-gcm/, /Ciphers \+/],
    ['MAC', ['Ciphers aes256-ctr', 'MACs umac-64@openssh.com'], /umac-64/, /hmac-sha2-256/, /MACs \+/],
  ])('to a host without a common %s shows what both offer', async (kind, extra, evidence, cause, remedy) => {
    await withServer({ extra }, async (server, knownHosts) => {
      expect(await failuresOfOpening([host('node-01', server.port)], { knownHosts })).toMatchObject([
        {
          code: 'no-common-algorithm',
          what: expect.stringContaining(kind),
          evidence: expect.stringMatching(evidence),
          cause: expect.stringMatching(cause),
          remedy: expect.stringMatching(remedy),
        },
      ]);
    });
  });
});

describe('a file that is streamed', () => {
  const MANY = 200 * 1024 ** 2;
  /** At most this much is in transit: the buffers of both sides of a channel. */
  const WINDOW = 8 * 1024 ** 2;
  const file = (): string => join(folder, 'large');
  beforeAll(async () => {
    await writeFile(file(), '');
    await exec('truncate', ['-s', String(MANY), file()]);
  });

  /** Starts to stream it into a script, on a separate connection; `sent` returns how much has been sent. */
  async function streaming(text: string, ...values: readonly string[]) {
    const cancel = new AbortController();
    const fleet = fleetOf([host('node-01', sshd.port)], {
      knownHosts: await sshd.line('ed25519'),
      signal: cancel.signal,
    });
    const told = { sent: 0 };
    const running = fleet.run(
      'node-01',
      changing('take it', script(text, ...values), {
        stdin: { file: file(), bytes: MANY, onSent: (bytes) => void (told.sent += bytes) },
        timeoutMs: 60_000,
      }),
    );
    return { fleet, cancel, told, running };
  }

  /** How much has gone once no more goes. */
  async function settled(told: { readonly sent: number }): Promise<number> {
    for (let last = -1; last !== told.sent || last === 0; await sleep(500)) last = told.sent;
    return told.sent;
  }

  test('waits for a host that reads none of it, and continues when it does', async () => {
    const go = join('/tmp', randomUUID());
    const { fleet, told, running } = await streaming('until [ -e "$1" ]; do sleep 0.1; done; wc -c', go);
    expect(await settled(told)).toBeLessThan(WINDOW);
    expect(await fleet.run('node-01', reading('let it go on', ['touch', go]))).toMatchObject({
      ended: 'exited',
      code: 0,
    });
    expect(await running).toMatchObject({ ended: 'exited', code: 0, stdout: `${MANY}\n` });
    expect(told.sent).toBe(MANY);
    await fleet.close();
  });

  test('is lost with its connection', async () => {
    const { fleet, told, running } = await streaming('sleep 30');
    expect(await settled(told)).toBeLessThan(WINDOW);
    await sshd.killSessions();
    expect(await running).toMatchObject({ ended: 'lost' });
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    await fleet.close();
  });

  test('ends with the run, and so does the command that read it', async () => {
    const mark = randomUUID();
    const { fleet, cancel, told, running } = await streaming('sleep 60; : "$1"', mark);
    expect(await settled(told)).toBeLessThan(WINDOW);
    const started = Date.now();
    cancel.abort();
    expect(await running).toMatchObject({ ended: 'killed' });
    await fleet.close();
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(told.sent).toBeLessThan(WINDOW);
    const other = fleetOf([host('node-01', sshd.port)], { knownHosts: await sshd.line('ed25519') });
    expect((await other.run('node-01', marked(mark).count)).stdout).toBe('0\n');
    await other.close();
  });
});

describe('a standard output that is streamed', () => {
  /** Starts to write it into a file, on a separate connection; resolves when the first part has arrived. */
  async function streaming(text: string, ...values: readonly string[]) {
    const cancel = new AbortController();
    const fleet = fleetOf([host('node-01', sshd.port)], {
      knownHosts: await sshd.line('ed25519'),
      signal: cancel.signal,
    });
    const kept = await mkdtemp(join(folder, 'kept-'));
    const begun = Promise.withResolvers<void>();
    const stdout = { keep: wholeFile(join(kept, 'output')), onReceived: () => begun.resolve() };
    const running = fleet.run('node-01', changing('write', script(text, ...values), { stdout, timeoutMs: 60_000 }));
    await begun.promise;
    expect(await readdir(kept)).toHaveLength(1);
    return { fleet, cancel, running, kept: () => readdir(kept) };
  }

  test.each([
    ['while the command still writes', 'while head -c 65536 /dev/zero; do sleep 0.05; done'],
    // Its exit code has arrived, and a process that it left behind is still writing.
    ['once the command has exited', '{ while head -c 65536 /dev/zero; do sleep 0.05; done; } & sleep 0.2; exit 0'],
  ])('is lost with its connection and leaves nothing, %s', async (_, text) => {
    const { fleet, running, kept } = await streaming(text);
    await sleep(1_000);
    await sshd.killSessions();
    expect(await running).toMatchObject({ ended: 'lost' });
    expect(await kept()).toEqual([]);
    expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
    await fleet.close();
  });

  test('leaves nothing when the run is cancelled, and neither does the command that wrote it', async () => {
    const mark = randomUUID();
    const { fleet, cancel, running, kept } = await streaming('head -c 300000 /dev/zero; sleep 60; : "$1"', mark);
    cancel.abort();
    await fleet.close();
    expect(await kept()).toEqual([]);
    expect(await running).toMatchObject({ ended: 'killed' });
    const other = fleetOf([host('node-01', sshd.port)], { knownHosts: await sshd.line('ed25519') });
    expect((await other.run('node-01', marked(mark).count)).stdout).toBe('0\n');
    await other.close();
  });
});

describe('a connection through a bastion', () => {
  const route = (port: number): Partial<SshRoute> => ({ bastion: { address: '127.0.0.1', user: 'root', port } });

  test('reaches the host, and both keys are checked', async () => {
    const bastion = await startSshd(publicKey);
    try {
      const hosts = [host('node-01', sshd.port, route(bastion.port))];
      const both = `${await sshd.line('ed25519')}\n${await bastion.line('ecdsa')}`;
      const fleet = fleetOf(hosts, { knownHosts: both });
      expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
      const { stdout } = await fleet.run('node-01', reading('see who came', script('echo "$SSH_CONNECTION"')));
      expect(stdout.trim().endsWith(` ${sshd.port}`)).toBe(true);
      const running = fleet.run('node-01', reading('wait', ['sleep', '20']));
      await sleep(500);
      await bastion.killSessions();
      expect(await running).toMatchObject({ ended: 'lost' });
      expect(await fleet.run('node-01', hello)).toMatchObject(greeted);
      await fleet.close();
      expect(await failuresOfOpening(hosts, { knownHosts: await sshd.line('ed25519') })).toMatchObject([
        { code: 'host-key-unknown', host: 'node-01', what: expect.stringContaining('bastion') },
      ]);
      const [unknownHost] = await failuresOfOpening(hosts, { knownHosts: await bastion.line('ecdsa') });
      expect(unknownHost).toMatchObject({ code: 'host-key-unknown', what: expect.not.stringContaining('bastion') });
      expect(
        await failuresOfOpening([host('node-01', await freePort(), route(bastion.port))], {
          knownHosts: `${both}\n${await anybody()}`,
        }),
      ).toMatchObject([{ code: 'host-unreachable', host: 'node-01' }]);
    } finally {
      await bastion.stop();
    }
  });
});

describe('a bastion', () => {
  const through = (port: number, user = 'root'): Partial<SshRoute> => ({
    bastion: { address: '127.0.0.1', user, port },
  });
  const known = async (bastion: Sshd): Promise<string> =>
    `${await sshd.line('ed25519')}\n${await bastion.line('ed25519')}`;

  test.each([
    ['by its configuration', { extra: ['AllowTcpForwarding no'] }, ''],
    ['to this host', { extra: ['PermitOpen 192.0.2.1:22'] }, ''],
    ['by the line of the key', {}, 'restrict '],
  ])('that forbids forwarding is reported: %s', async (_, options, prefix) => {
    await withServer(
      options,
      async (bastion) => {
        expect(
          await failuresOfOpening([host('node-01', sshd.port, through(bastion.port))], {
            knownHosts: await known(bastion),
          }),
        ).toMatchObject([
          {
            code: 'bastion-refuses',
            host: 'node-01',
            what: expect.stringContaining('the bastion 127.0.0.1'),
            evidence: expect.stringContaining('prohibited'),
            remedy: expect.stringContaining('AllowTcpForwarding'),
          },
        ]);
      },
      `${prefix}${publicKey}`,
    );
  });

  test('that cannot reach the host is reported', async () => {
    await withServer({}, async (bastion) => {
      expect(
        await failuresOfOpening([host('node-01', await freePort(), through(bastion.port))], {
          knownHosts: `${await known(bastion)}\n${await anybody()}`,
        }),
      ).toMatchObject([
        {
          code: 'host-unreachable',
          host: 'node-01',
          what: expect.stringMatching(/the bastion 127\.0\.0\.1 cannot reach node-01/),
          evidence: 'Connection refused',
        },
      ]);
    });
  });

  test('that requires another key gets its own', async () => {
    const file = await makeKey(folder, randomUUID(), '-N', 'open sesame');
    const [bastionKey, bastionPassphrase] = [
      new Secret('bastion-key', await readFile(file, 'utf8')),
      new Secret('passphrase', 'open sesame'),
    ];
    await withServer(
      {},
      async (bastion) => {
        const hosts = [host('node-01', sshd.port, through(bastion.port))];
        const knownHosts = await known(bastion);
        expect(await failuresOfOpening(hosts, { knownHosts, bastionKey, bastionPassphrase })).toEqual([]);
        expect(await failuresOfOpening(hosts, { knownHosts })).toMatchObject([
          {
            code: 'login-refused',
            what: expect.stringContaining('the bastion'),
            remedy: expect.stringContaining('ssh-key'),
          },
        ]);
        expect(await failuresOfOpening(hosts, { knownHosts, bastionKey })).toMatchObject([
          { code: 'input-invalid', what: 'bastion-key cannot be unlocked' },
        ]);
      },
      await readFile(`${file}.pub`, 'utf8'),
    );
  });
});

describe('the end of a run', () => {
  async function counting(mark: string): Promise<string> {
    const fleet = fleetOf([host('node-01', sshd.port)], { knownHosts: await sshd.line('ed25519') });
    const { stdout } = await fleet.run('node-01', marked(mark).count);
    await fleet.close();
    return stdout;
  }

  test.each([false, true])('by its deadline leaves no command running, terminal %s', async (terminal) => {
    const mark = randomUUID();
    const fleet = fleetOf([host('node-01', sshd.port)], { knownHosts: await sshd.line('ed25519') });
    expect(await fleet.run('node-01', { ...marked(mark).endless, timeoutMs: 500, terminal })).toMatchObject({
      ended: 'timed-out',
    });
    await fleet.close();
    expect(await counting(mark)).toBe('0\n');
  });

  test('by its signal ends all commands of all hosts within five seconds', async () => {
    const mark = randomUUID();
    const cancel = new AbortController();
    const fleet = fleetOf([host('node-01', sshd.port), host('node-02', sshd.port)], {
      knownHosts: await sshd.line('ed25519'),
      signal: cancel.signal,
    });
    const running = ['node-01', 'node-02'].flatMap((name) =>
      Array.from({ length: 10 }, () => fleet.run(name, marked(mark).endless)),
    );
    await soon(() => counting(mark), '16\n');
    const started = Date.now();
    cancel.abort();
    const outcomes = await Promise.all(running);
    await fleet.close();
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(outcomes.map(({ ended }) => ended).sort()).toEqual([
      ...Array<string>(16).fill('killed'),
      ...Array<string>(4).fill('lost'),
    ]);
    expect(await counting(mark)).toBe('0\n');
    expect(await fleet.run('node-01', hello)).toMatchObject({ ended: 'lost' });
  });

  test.each(['that ignores signals', 'over a cable that is cut'])(
    'abandons a last command %s when its time is over',
    async (how) => {
      const cable = await layCable(sshd.port);
      const fleet = fleetOf([host('node-01', cable.port)], {
        knownHosts: await sshd.line('ed25519', `[127.0.0.1]:${cable.port}`),
      });
      const running = fleet.run('node-01', reading('wait', ['sleep', '20']));
      await sleep(500);
      fleet.last('node-01', reading('wait', script('trap "" TERM; sleep 20'), { timeoutMs: 1_500 }));
      const cut = how !== 'that ignores signals';
      if (cut) cable.cut();
      const started = Date.now();
      await fleet.close();
      expect(Date.now() - started).toBeLessThan(cut ? 6_500 : 3_500);
      expect((await running).ended).toBe(cut ? 'lost' : 'killed');
      await cable.remove();
    },
  );

  test('does not wait for a host that is still connecting', async () => {
    const silent = await layCable();
    const cancel = new AbortController();
    const fleet = fleetOf([host('node-01', silent.port)], {
      signal: cancel.signal,
      connectMs: 20_000,
      knownHosts: await anybody(),
    });
    const opening = fleet.connectAll();
    await soon(() => Promise.resolve(silent.connections()), 1);
    const started = Date.now();
    cancel.abort();
    await expect(opening).rejects.toMatchObject({ failures: [{ code: 'cancelled', host: 'node-01' }] });
    expect(Date.now() - started).toBeLessThan(15_000);
    await silent.remove();
  });
});
