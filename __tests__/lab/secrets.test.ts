import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hosts, reset } from '../../lab/lab.ts';
import { open } from '../../src/artifacts/seal.ts';
import { quote } from '../../src/engine/quote.ts';
import { Secret } from '../../src/engine/secret.ts';
import { SPELLINGS } from '../support/spellings.ts';
import { action, unmasked, type ActionRun } from './deployment/action.ts';
import { seenOn } from './deployment/seen.ts';
import { ALLOWED_FILES, ALLOWED_STARTS, isOfKuscia, MADE, NOT_OURS, type Containers } from './secrets/allowed.ts';
import { contentOf, entriesOf, since, type Entry } from './secrets/files.ts';
import { lookOn } from './secrets/look.ts';
import { Recording, startedIn } from './secrets/record.ts';
import { artifacts, auditedRuns, CLUSTER, logs } from './secrets/runs.ts';
import { makeSecrets, search } from './secrets/secrets.ts';
import { freshHosts } from './support/fresh.ts';

freshHosts(3);

const HOSTS = hosts.slice(0, 3).map(({ name }) => name);
const { given, certificate } = await makeSecrets();
const RUNS = auditedRuns(given, certificate);

const recordings = new Map<string, Recording>();
const secrets: Record<string, string> = { ...given };
const ended: { readonly name: string; readonly run: Pick<ActionRun, 'log' | 'left'> }[] = [];
let before: Entry[] = [];

const everywhere = async <T>(ask: (host: string) => Promise<T[]>): Promise<T[]> =>
  (await Promise.all(HOSTS.map(ask))).flat();
const recordingOf = (host: string): Recording => {
  const recording = recordings.get(host);
  if (!recording) throw new Error(`${host} is not recorded`);
  return recording;
};
const started = () => [...recordings.values()].flatMap((recording) => recording.started());

beforeAll(async () => {
  await Promise.all(HOSTS.map(async (host) => recordings.set(host, await Recording.begin(host))));
}, 120_000);

afterAll(async () => {
  for (const folder of [artifacts, logs]) rmSync(folder, { recursive: true, force: true });
  for (const recording of recordings.values()) recording.forget();
  // Without their recorder no program can be started there.
  await reset(HOSTS);
}, 120_000);

describe('the recorder and the search', () => {
  const withSeen: unknown = expect.arrayContaining(['SEEN=by-environment']);
  const LEAK = `Leaked "by" 'hand' <&> $HOME \\ 1/3 + 100% é密`;
  const cases = Object.entries(SPELLINGS).flatMap(([how, spell]) =>
    [...new Set(spell(LEAK))].map((spelt, i) => ({ how, spelt, name: `${how.replaceAll(' ', '-')}-${i}` })),
  );

  test.each(HOSTS)(
    'see a short-lived program on %s, its arguments and its environment',
    async (host) => {
      const seen = await recordingOf(host).through('SEEN=by-environment /bin/true seen-by-argument', 'deploy');
      expect(seen).toContainEqual(
        expect.objectContaining({
          program: '/bin/true',
          args: ['/bin/true', 'seen-by-argument'],
          environment: withSeen,
        }),
      );
      const inside = await recordingOf(host).through(
        'docker run --rm --env SEEN=by-environment nginx:1.26 true seen-in-a-container',
        'deploy',
      );
      expect(inside).toContainEqual(
        expect.objectContaining({ args: ['true', 'seen-in-a-container'], environment: withSeen }),
      );
    },
    60_000,
  );

  const [TRUE, A, AB] = ['/bin/true', 'a', 'A=b'].map(
    (text) => `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16)}`).join('')}"`,
  );
  const START = { host: 'node-01', program: '/bin/true', args: ['a', 'a'], environment: ['A=b'] };
  const BACK = '7 <... execve resumed>)             = 0';
  test.each([
    [[`7 execve(${TRUE}, [${A}, ${A}], [${AB}]) = 0`], [START]],
    [
      [
        `7 execve(${TRUE}, [${A}, ${A}], [${AB}] <unfinished ...>`,
        `8 execve(${TRUE}, [${A}, ${A}], [${AB}] <unfinished ...>`,
        BACK,
      ],
      [START, START],
    ],
    [[`7 execveat(3, ${TRUE}, [${A}, ${A}], [${AB}]) = -1 ENOENT (No such file or directory)`], [START]],
    // The trace of a program that is killed in the middle (seen in storms of SIGKILL, and in this test); if all words were read, they count.
    [[`7 execve(${TRUE}, [${A}, ${A}], [${AB}]) = ? <unavailable>`], [START]],
    [
      [`7 execve(${TRUE}, [${A}, ${A}], [${AB}] <detached ...>`, '8 ???( <unfinished ...>', '9 ???( <detached ...>'],
      [START],
    ],
    [
      [
        `7 execve(${TRUE}, [${A}, 0x5, 0x6, ${A}], [${AB}] <detached ...>`,
        '8 execve(0x5, 0x6, 0x7 <detached ...>',
        `9 execve(${TRUE}, 0x6, [${AB}]) = ?`,
      ],
      [],
    ],
    [
      [
        '7 execve(0x5, 0x6, 0x7 <unfinished ...>',
        '8 <... execve resumed>)             = 0',
        '7 <... execve resumed>)             = ?',
      ],
      [],
    ],
  ])('read the output of strace: %j', (lines, started) => expect(startedIn('node-01', lines)).toEqual(started));

  test.each([
    [[`7 execve(${TRUE}, [${A}, 0x5], [${AB}]) = 0`]],
    [[`7 execve(${TRUE}, [${A}, ${A}...], [${AB}]) = 0`]],
    [['7 execve(0x5, 0x6, 0x7 <unfinished ...>', BACK]],
    [['7 clone() = 8']],
  ])('reject output that cannot be parsed: %j', (lines) =>
    expect(() => startedIn('node-01', lines)).toThrow('cannot be read'),
  );

  test('find a secret that is leaked by hand, in each of its forms and places', async () => {
    const find = search({ leak: LEAK });
    const clean = await everywhere(entriesOf);
    const lines = cases.flatMap(({ spelt, name }) => [
      `/bin/true ${quote(spelt)}`,
      `LEAK=${quote(spelt)} /bin/true in-environment`,
      `printf %s ${quote(spelt)} >/tmp/leak.${name}`,
    ]);
    for (const host of HOSTS) {
      const seen = (
        await recordingOf(host).through(
          `${lines.join('\n')}\nprintf '%s\\n' ${quote(LEAK)} | docker run --interactive --name leak nginx:1.26 cat >/dev/null`,
        )
      ).filter(({ program }) => program === '/bin/true');
      const files = since(clean, await entriesOf(host)).filter(({ type }) => type === 'f');
      for (const { how, spelt, name } of cases) {
        const found: unknown = expect.arrayContaining([{ secret: 'leak', how: firstNameOf(spelt, how) }]);
        expect(find(seen.find(({ args }) => args[1] === spelt)?.args[1] ?? '')).toEqual(found);
        expect(
          find(seen.find(({ environment }) => environment.includes(`LEAK=${spelt}`))?.environment.join('\n') ?? ''),
        ).toEqual(found);
        expect(find(contentOf(files.find(({ path }) => path === `/tmp/leak.${name}`) as Entry) ?? '')).toEqual(found);
      }
      expect(
        files.filter((file) => /-json\.log$/.test(file.path) && find(contentOf(file) ?? '').length > 0),
      ).toHaveLength(1);
      await seenOn(host, 'docker rm leak; rm /tmp/leak.*');
    }
  }, 60_000);

  /** Two ways of spelling can come to the same; it is then found under the first. */
  const firstNameOf = (spelt: string, how: string): string =>
    Object.entries(SPELLINGS).find(([, spell]) => spell(LEAK).includes(spelt))?.[0] ?? how;
});

describe('a deployment', () => {
  beforeAll(async () => {
    before = await everywhere(entriesOf);
  }, 60_000);

  test.each(RUNS)(
    '$name',
    async ({ name, cluster = CLUSTER, fails, says, ...options }) => {
      const run = await action(cluster, options);
      ended.push({ name, run });
      expect({ failed: run.code !== 0, log: (run.code !== 0) === (fails === true) ? '' : unmasked(run.log) }).toEqual({
        failed: fails === true,
        log: '',
      });
      for (const words of says) expect(unmasked(run.log)).toMatch(words);
      const manages = await seenOn('node-01', `docker info --format '{{.Swarm.ControlAvailable}}'`);
      if (manages === 'true')
        for (const role of ['worker', 'manager'])
          secrets[`${role} join token after ${name}`] = await seenOn('node-01', `docker swarm join-token -q ${role}`);
    },
    200_000,
  );

  test('a snapshot by the runner on a host, which has no SSH key', async () => {
    const { code, ...run } = await lookOn('node-02', given, certificate);
    ended.push({ name: 'a look on a host', run });
    expect({ code, log: code === 0 ? '' : unmasked(run.log) }).toEqual({ code: 0, log: '' });
    expect(unmasked(run.log)).toContain('the answers were sealed and handed over');
    expect([...run.left.keys()].map((path) => path.replace(/\d{13}/, 'TIME')).sort()).toEqual([
      './out/snapshot.node-02.TIME.age',
      './output',
      './summary',
    ]);
  }, 60_000);
});

describe('no secret', () => {
  let find: ReturnType<typeof search>;
  let now: Entry[] = [];

  beforeAll(async () => {
    const key =
      /^domainKeyData: *(\S+)$/m.exec(
        await seenOn('node-02', 'cat /home/deploy/kuscia-swarm/alice/kuscia.yaml'),
      )?.[1] ?? '';
    Object.assign(secrets, { 'domain key': key, 'domain key, as PEM': Buffer.from(key, 'base64').toString('utf8') });
    find = search(secrets);
    now = await everywhere(entriesOf);
  }, 60_000);

  test('is missing from the search, and tokens were rotated', () => {
    // By the deployment that was cancelled, or by the one after it.
    expect(ended.some(({ run }) => unmasked(run.log).includes('rotate the join tokens'))).toBe(true);
    expect(
      new Set(
        Object.entries(secrets)
          .filter(([name]) => name.startsWith('worker join token'))
          .map(([, token]) => token),
      ).size,
    ).toBeGreaterThan(1);
    expect(secrets['domain key, as PEM']).toContain('PRIVATE KEY');
    expect(Object.values(secrets).filter((text) => text.length < 12)).toEqual([]);
  });

  test('is in the arguments or the environment of any program on any host, except where others put it', async () => {
    const containers: Containers = {
      database: [await seenOn('node-01', `docker inspect --format '{{.Config.Hostname}}' alice-mysql`)],
      replicas: ['deploy-kuscia-autonomy-alice-node-02', 'deploy-kuscia-autonomy-alice-node-03'],
    };
    const used = new Set<string>();
    const all = started();
    const found = all.flatMap((each) =>
      [
        ...each.args.map((text) => ({ is: 'argument', text })),
        ...each.environment.map((text) => ({ is: 'variable', text })),
      ].flatMap(({ is, text }) =>
        find(text).flatMap(({ secret, how }) => {
          const allowed = ALLOWED_STARTS.find(
            (row) => row.secret === secret && row.in === is && text.startsWith(row.begins) && row.by(each, containers),
          );
          if (allowed) used.add(allowed.why);
          return allowed
            ? []
            : [`${each.host}: ${each.args.slice(0, 3).join(' ').slice(0, 100)}: ${secret} in ${is}, ${how}`];
        }),
      ),
    );
    expect(found).toEqual([]);
    expect([...used].sort()).toEqual(ALLOWED_STARTS.map(({ why }) => why).sort());
    for (const host of HOSTS)
      expect((await recordingOf(host).through('/bin/true still-recorded')).map(({ args }) => args[1])).toContain(
        'still-recorded',
      );
  }, 60_000);

  test('is in a log, a summary, an output, or anything else a run leaves', () => {
    const seen = ended.flatMap(({ name, run }) => [
      { where: `${name}: log`, what: Buffer.from(unmasked(run.log)) },
      ...[...run.left].map(([path, what]) => ({ where: `${name}: ${path}`, what })),
    ]);
    expect(seen.filter(({ what }) => what.length > 0).length).toBeGreaterThan(2 * RUNS.length);
    expect(
      seen.flatMap(({ where, what }) => find(what).map(({ secret, how }) => `${where}: ${secret}, ${how}`)),
    ).toEqual([]);
  });

  test('is in an artifact, and each is sealed', () => {
    const files = readdirSync(artifacts).sort();
    expect(files.map((name) => name.replace(/\d{13}/, 'TIME'))).toEqual([
      'join-tokens.TIME.age',
      'kuscia-configuration.TIME.age',
      'plan.TIME.age',
      'provenance.TIME.age',
    ]);
    for (const name of files) {
      const content = readFileSync(join(artifacts, name));
      expect(content.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
      expect(find(content)).toEqual([]);
    }
  });

  test('is in the opened logs of failed runs', async () => {
    const files = readdirSync(logs).sort();
    const kept = await Promise.all(
      files.map(async (name) =>
        Buffer.from(
          await open(readFileSync(join(logs, name)), new Secret('seal key', given['seal key']), name),
        ).toString(),
      ),
    );
    expect(files.map((name) => name.replace(/\d{13}/, 'TIME'))).toEqual(
      RUNS.filter(({ keepsLogs }) => keepsLogs).map(() => 'logs.TIME.age'),
    );
    for (const text of kept) {
      for (const host of HOSTS) expect(text).toContain(`===== ${host}: docker ps`);
      expect(find(text)).toEqual([]);
      expect(find((JSON.parse(text) as { content: string }).content)).toEqual([]);
    }
  });

  test('is in a file of a host, except where it must be, readable only by its owner', () => {
    const used = new Set<string>();
    const found = since(before, now)
      .filter(({ type }) => type === 'f')
      .flatMap((file) =>
        find(contentOf(file) ?? Buffer.alloc(0)).flatMap(({ secret, how }) => {
          const allowed = ALLOWED_FILES.find(
            (row) => row.path.test(file.path) && row.access === file.access && row.secrets.includes(secret),
          );
          if (allowed) used.add(allowed.why);
          return allowed ? [] : [`${file.host}:${file.path} (${file.access}): ${secret}, ${how}`];
        }),
      );
    expect(found).toEqual([]);
    expect([...used].sort()).toEqual(ALLOWED_FILES.map(({ why }) => why).sort());
  }, 60_000);

  test('is where others can read it: owners and modes of all files created on the hosts', () => {
    const old = new Set(before.map(({ host, path }) => `${host}:${path}`));
    const made = now.filter(
      ({ host, path }) => !old.has(`${host}:${path}`) && !NOT_OURS.test(path) && !isOfKuscia(path),
    );
    const byHost = Map.groupBy(made, ({ host }) => host);
    for (const host of HOSTS) {
      expect(
        Object.fromEntries((byHost.get(host) ?? []).map(({ path, type, access }) => [path, `${type} ${access}`])),
      ).toEqual(MADE[host === 'node-01' ? 'first' : 'replica']);
    }
  });
});
