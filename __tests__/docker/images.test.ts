import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Archive } from '../../src/cluster/archives.ts';
import type { Host } from '../../src/cluster/cluster.ts';
import type { Deployment } from '../../src/cluster/deployment.ts';
import { loadImages, pullImage } from '../../src/docker/commands.ts';
import { ensureImage } from '../../src/docker/images.ts';
import type { Act } from '../../src/engine/ask.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { failuresOf } from '../../src/engine/errors.ts';
import { absent, present } from '../../src/engine/fact.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { RunCache } from '../../src/engine/run-cache.ts';
import { planSwarmJoin } from '../../src/stages/swarm-join.ts';
import { deploymentOf, THREE } from '../support/deployment.ts';
import { engineInside, engineOutside, enginesOf, nodeOf } from '../support/facts.ts';
import { stepOf } from '../support/plans.ts';
import { carryOut, ends, images, ok, type Script } from '../support/fake.ts';
import { says } from '../support/lines.ts';

const [first] = THREE as [Host];

const NGINX: Archive = {
  file: '/images/nginx.tar',
  bytes: 3_300_000_000,
  images: [{ name: 'nginx:1.26', ids: ['sha256:1'] }],
};
const REST: Archive = {
  file: '/images/rest.tgz',
  bytes: 5_000_000,
  images: [
    { name: 'mysql:8.0', ids: ['sha256:2'] },
    { name: 'secretflow/kuscia:1.1.0b0', ids: ['sha256:3'] },
  ],
};
const withArchives = (): Deployment => deploymentOf({}, { archives: [NGINX, REST] });

const step = (name: string, deployment: Deployment) =>
  ({
    host: 'a',
    change: '+',
    ...says('w', 'y'),
    apply: (act: Act) => ensureImage(act, 'a', name, deployment),
  }) as const;
const LACKS = images('a');
const load = (archive: Archive): Command => loadImages(archive, () => undefined);
const failureOf = (name: string, deployment: Deployment, ...scripts: Script[]) =>
  carryOut(step(name, deployment), [LACKS, ...scripts]).then(
    () => undefined,
    (thrown: unknown) => failuresOf(thrown)[0],
  );

describe('an image that a host lacks', () => {
  test.each([
    ['nginx:1.26', NGINX, 'sending nginx:1.26 (nginx.tar, 3.1 GiB)'],
    ['docker.io/library/nginx:1.26', NGINX, 'sending docker.io/library/nginx:1.26 (nginx.tar, 3.1 GiB)'],
    ['mysql:8.0', REST, 'sending mysql:8.0 (rest.tgz, 5 MiB)'],
  ])('%s is sent from the archive that contains it', async (name, archive, said) => {
    const { fleet, events } = await carryOut(step(name, withArchives()), [LACKS, ok('a', load(archive))]);
    expect(fleet.ran.at(-1)).toEqual({ host: 'a', line: shellLine(load(archive)), stdin: `the file ${archive.file}` });
    expect(events.flatMap((event) => (event.is === 'said' ? [event.text] : []))).toEqual([said]);
  });

  test.each(['nginx:1.27', 'other/nginx:1.26', 'nginx@sha256:1', 'nginx:1.26@sha256:1', 'nginx'])(
    '%s is pulled, because no archive contains it',
    async (name) => {
      const { fleet } = await carryOut(step(name, withArchives()), [LACKS, ok('a', pullImage(name))]);
      expect(fleet.lines().at(-1)).toBe(shellLine(pullImage(name)));
    },
  );

  test('is not sent if it exists there', async () => {
    const { fleet } = await carryOut(step('nginx:1.26', withArchives()), [images('a', { 'nginx:1.26': 'sha256:9' })]);
    expect(fleet.ran).toHaveLength(1);
  });

  test.each([
    ['found', { 'nginx:1.26': 'sha256:9' }, []],
    ['brought', {}, [ok('a', load(NGINX))]],
  ])('is not queried again in a run that has %s it', async (_, listed, brings) => {
    const deployment = withArchives();
    const bring = (act: Act, host: string): Promise<void> => ensureImage(act, host, 'nginx:1.26', deployment);
    const { fleet } = await carryOut(
      {
        ...step('nginx:1.26', deployment),
        apply: async (act) => {
          for (const host of ['a', 'a', 'b']) await bring(act, host);
        },
      },
      [images('a', listed), ...brings, images('b', { 'nginx:1.26': 'sha256:9' })],
    );
    expect([fleet.lines('a'), fleet.lines('b')].map(({ length }) => length)).toEqual([1 + brings.length, 1]);
  });

  test('is queried again in the next run', async () => {
    const again = step('nginx:1.26', withArchives());
    const there = images('a', { 'nginx:1.26': 'sha256:9' });
    for (const run of [1, 2])
      expect([run, (await carryOut(again, [there])).fleet.lines()]).toEqual([run, [there.line]]);
  });

  test('has a longer time limit the larger it is', () => {
    expect([load(REST), load(NGINX)].map(({ timeoutMs }) => Math.round(timeoutMs / 60_000))).toEqual([30, 84]);
  });
});

describe('a failure is reported', () => {
  const cases: readonly [string, Outcome, object][] = [
    [
      'another image',
      {
        ended: 'exited',
        code: 65,
        stdout: 'Loaded image: nginx:1.26\n',
        stderr: 'nginx:1.26 is sha256:7 here, not sha256:1\n',
      },
      {
        code: 'image-differs',
        what: 'nginx.tar contains a different image than it lists',
        evidence: 'nginx:1.26 is sha256:7 here, not sha256:1',
        remedy: expect.stringContaining('docker save -o nginx.tar nginx:1.26'),
      },
    ],
    [
      'a truncated archive',
      { ended: 'exited', code: 1, stdout: '', stderr: 'unexpected EOF\n' },
      { code: 'image-unavailable', what: 'could not send nginx:1.26 (nginx.tar)', evidence: 'exit 1: unexpected EOF' },
    ],
    [
      'a lost connection',
      { ended: 'lost', reason: 'reset', stdout: '', stderr: '' },
      { code: 'connection-lost', what: 'could not send nginx:1.26 (nginx.tar)' },
    ],
    [
      'a deadline',
      { ended: 'timed-out', afterMs: 1000, stdout: '', stderr: '' },
      { code: 'image-unavailable', evidence: expect.stringContaining('timed out after 1 s') },
    ],
  ];
  test.each(cases)('%s', async (_, outcome, failure) => {
    expect(await failureOf('nginx:1.26', withArchives(), ends('a', load(NGINX), outcome))).toMatchObject({
      host: 'a',
      ...failure,
    });
  });

  test.each([
    [
      'no folder',
      'nginx:1.27',
      deploymentOf(),
      'If the host has no access to a registry, set the input images to a directory of image archives.',
    ],
    [
      'a folder without it',
      'nginx:1.27',
      withArchives(),
      'The directory set in the input images does not contain this image, only nginx:1.26, mysql:8.0, secretflow/kuscia:1.1.0b0.',
    ],
    [
      'a digest',
      'nginx@sha256:1',
      withArchives(),
      'name it by tag to send it from the directory set in the input images',
    ],
  ])('with the way round a registry: %s', async (_, name, deployment, remedy) => {
    expect(await failureOf(name, deployment, ends('a', pullImage(name), { ended: 'exited', code: 1 }))).toMatchObject({
      code: 'image-unavailable',
      remedy: expect.stringContaining(remedy),
    });
  });
});

/** Hosts on which a command that provides an image lasts until the test ends it, and then has provided all images that it names. */
class Slow implements Pick<Act, 'ask' | 'attempt' | 'say' | 'cached'> {
  readonly said: string[] = [];
  readonly brought: string[] = [];
  readonly under: {
    readonly host: string;
    readonly command: Command;
    readonly end: (outcome?: Partial<Outcome>) => Promise<void>;
  }[] = [];
  readonly #there = new Set<string>();
  readonly #cache = new RunCache();

  cached: Act['cached'] = (host, make) => this.#cache.of(host, make);

  ask: Act['ask'] = (host, question) =>
    Promise.resolve(
      [...this.#there].some(
        (each) =>
          each.startsWith(`${host} `) &&
          question.read({
            ended: 'exited',
            code: 0,
            stderr: '',
            stdout: JSON.stringify([{ Id: 'sha256:1', RepoTags: [each.slice(host.length + 1)] }]),
          }).is === 'present',
      )
        ? present('sha256:1' as never)
        : absent,
    );

  attempt: Act['attempt'] = (host, command) =>
    new Promise((resolve) => {
      const names = [NGINX, REST]
        .flatMap(({ images }) => images.map(({ name }) => name))
        .filter((name) => command.args.includes(name));
      const end = async (outcome: Partial<Outcome> = {}): Promise<void> => {
        if (outcome.ended === undefined) for (const name of names) this.#there.add(`${host} ${name}`);
        this.under.splice(
          this.under.findIndex((each) => each.command === command),
          1,
        );
        resolve({ ended: 'exited', code: 0, stdout: '', stderr: '', ...outcome } as Outcome);
        await turn();
      };
      this.brought.push(`${host} ${command.purpose}`);
      this.under.push({ host, command, end });
    });

  say = (host: string, text: string): void => void this.said.push(`${host} ${text}`);
}

/** Until everything that is not waiting for a timer has gone on. */
const turn = async (): Promise<void> => {
  for (let i = 0; i < 30; i += 1) await Promise.resolve();
};

describe('two steps that need an image on one host', () => {
  const want = (slow: Slow, deployment: Deployment) => (host: string, name: string) =>
    ensureImage(slow as unknown as Act, host, name, deployment);

  test.each([
    ['sent', withArchives()],
    ['pulled', deploymentOf()],
  ])('share it, whether it is %s', async (_, deployment) => {
    const slow = new Slow();
    const all = Promise.all(['a', 'a', 'b', 'a'].map((host) => want(slow, deployment)(host, 'nginx:1.26')));
    await turn();
    expect(slow.under.map(({ host }) => host)).toEqual(['a', 'b']);
    for (const { end } of [...slow.under]) await end();
    await all;
    expect(slow.brought).toHaveLength(2);
  });

  test('share it if one of them joins the host to the swarm', async () => {
    const slow = new Slow();
    const deployment = withArchives();
    const engines = enginesOf(THREE, (host) => present(host === first ? engineInside(host) : engineOutside()));
    const joining = planSwarmJoin(deployment, { engines, nodes: present([nodeOf(first)]) });
    const act = slow as unknown as Act;
    const join = stepOf(joining, 'node-02 join')
      .apply(act)
      .catch(() => undefined);
    const early = want(slow, deployment)('node-02', 'nginx:1.26');
    await turn();
    expect(slow.brought).toEqual(['node-02 load nginx:1.26']);
    await slow.under[0]?.end();
    await Promise.all([early, join]);
    expect(slow.brought).toHaveLength(1);
  });

  test('share an archive that contains both', async () => {
    const slow = new Slow();
    const deployment = withArchives();
    const all = Promise.all(
      ['mysql:8.0', 'secretflow/kuscia:1.1.0b0'].map((name) => want(slow, deployment)('a', name)),
    );
    await turn();
    await slow.under[0]?.end();
    await all;
    expect(slow.brought).toEqual(['a load mysql:8.0, secretflow/kuscia:1.1.0b0']);
  });

  test('take turns if they need different ones', async () => {
    const slow = new Slow();
    const deployment = withArchives();
    const all = Promise.all(['mysql:8.0', 'nginx:1.26'].map((name) => want(slow, deployment)('a', name)));
    await turn();
    expect(slow.under).toHaveLength(1);
    await slow.under[0]?.end();
    expect(slow.under).toHaveLength(1);
    await slow.under[0]?.end();
    await all;
    expect(slow.brought).toHaveLength(2);
  });

  test('each try again if it failed', async () => {
    const slow = new Slow();
    const deployment = withArchives();
    const all = Promise.allSettled(['nginx:1.26', 'nginx:1.26'].map((name) => want(slow, deployment)('a', name)));
    await turn();
    await slow.under[0]?.end({ ended: 'lost', reason: 'reset' });
    await slow.under[0]?.end();
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('the progress of an archive', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('is reported every ten seconds, until its end', async () => {
    const slow = new Slow();
    const done = ensureImage(slow as unknown as Act, 'a', 'nginx:1.26', withArchives());
    await turn();
    const { stdin } = slow.under[0]!.command;
    const sent = (bytes: number): void => (stdin as { onSent(bytes: number): void }).onSent(bytes);
    sent(512 * 1024 ** 2);
    jest.advanceTimersByTime(10_000);
    sent(1024 ** 3);
    jest.advanceTimersByTime(10_000);
    sent(NGINX.bytes - 1.5 * 1024 ** 3);
    jest.advanceTimersByTime(10_000);
    await slow.under[0]?.end();
    await done;
    jest.advanceTimersByTime(60_000);
    expect(slow.said).toEqual([
      'a sending nginx:1.26 (nginx.tar, 3.1 GiB)',
      'a sent 512 MiB of 3.1 GiB',
      'a sent 1.5 GiB of 3.1 GiB',
      'a all 3.1 GiB sent; the host is unpacking the image',
    ]);
  });
});
