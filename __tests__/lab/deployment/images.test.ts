import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { cut, mend, paths, registry, reset, up } from '../../../lab/lab.ts';
import type { Archive } from '../../../src/cluster/archives.ts';
import { loadImages } from '../../../src/docker/commands.ts';
import { readArchive } from '../../../src/inputs/archive.ts';
import { labFleet } from '../../support/lab-fleet.ts';
import { action, type ActionRun } from './action.ts';
import { seenOn } from './seen.ts';

const HOSTS = ['node-01', 'node-02', 'node-03'];
const KUSCIA = 'secretflow/kuscia:1.1.0b0';
const CLUSTER = `domain: alice
image: ${KUSCIA}
hosts:
  node-01: { address: 10.77.0.11, roles: [manager, database, load-balancer] }
  node-02: { address: 10.77.0.12, roles: [replica] }
  node-03: { address: 10.77.0.13, roles: [replica] }
`;

/** A folder that hosts see too, under the same path. */
const shared = join(paths.github, 'images-test');
const saved = join(shared, 'saved');
const NGINX = join(saved, 'nginx.tar');
const MYSQL = join(saved, 'mysql.tar.gz');
const REPLICA = join(saved, 'kuscia.tar');

const bytesOf = (...files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0);
const received = (host: string): Promise<number> =>
  seenOn(host, 'cat /sys/class/net/eth0/statistics/rx_bytes').then(Number);
const listed = (host: string): Promise<string> =>
  seenOn(host, `docker image ls --format '{{.Repository}}:{{.Tag}}' | sort`);
/** Processes on a host that still handle an archive. */
const loading = (host: string): Promise<string> =>
  seenOn(
    host,
    `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep '^docker load' || true`,
  );

/** Which archive was sent to which host, as the log has it; and that nothing was pulled. */
function sendingIn({ log }: ActionRun): string[] {
  expect(log).not.toContain('pulling ');
  return [...log.matchAll(/^ +(node-\d\d) +sending (\S+) \((\S+),/gm)]
    .map(([, host, name, file]) => `${host} ${name} ${file}`)
    .sort();
}

const ended = ({ code, log, matrix }: ActionRun) => ({ code, log: code === 0 ? '' : log, healthy: matrix?.healthy });
const WELL = { code: 0, log: '', healthy: true };

/** A folder with these archives, each by its name or another one. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(shared, 'folder-'));
  for (const [name, file] of Object.entries(files)) linkSync(file, join(folder, name));
  return folder;
}

/** Hosts without images that reach no registry. */
async function offline(): Promise<void> {
  await reset(HOSTS, { bare: true });
  await Promise.all(
    HOSTS.map((host) =>
      seenOn(host, `iptables -I OUTPUT -d ${registry.address} -j REJECT; docker pull -q nginx:1.26 && exit 1; true`),
    ),
  );
  expect(await Promise.all(HOSTS.map(listed))).toEqual(['', '', '']);
}

beforeAll(async () => {
  await up(3);
  await reset(HOSTS, { bare: false });
  rmSync(shared, { recursive: true, force: true });
  mkdirSync(saved, { recursive: true });
  await seenOn(
    'node-01',
    `cd ${saved}; docker save -o nginx.tar nginx:1.26; docker save mysql:8.0 | gzip -1 >mysql.tar.gz; docker save -o kuscia.tar ${KUSCIA}`,
  );
}, 600_000);

afterAll(async () => {
  rmSync(shared, { recursive: true, force: true });
  await reset(HOSTS, { bare: false });
}, 120_000);

describe('hosts without images and without a registry', () => {
  beforeAll(offline, 120_000);

  const inputs = { images: saved };
  const replicaGone = (host: string): Promise<string> =>
    seenOn(host, `docker rm -f root-kuscia-autonomy-alice && docker image rm ${KUSCIA}`);

  test('suggest the folder if there is none', async () => {
    const { code, log } = await action(CLUSTER);
    expect(code).toBe(1);
    expect(log).toMatch(/KS-1209 image-unavailable/);
    expect(log).toMatch(/set\s+the\s+input\s+images\s+to\s+a\s+directory/);
  }, 200_000);

  test('get the images that they lack from the folder, each once, and become healthy', async () => {
    const before = await Promise.all(HOSTS.map(received));
    const applied = await action(CLUSTER, { inputs });
    expect(ended(applied)).toEqual(WELL);
    expect(sendingIn(applied)).toEqual([
      'node-01 mysql:8.0 mysql.tar.gz',
      'node-01 nginx:1.26 nginx.tar',
      'node-02 nginx:1.26 nginx.tar',
      `node-02 ${KUSCIA} kuscia.tar`,
      'node-03 nginx:1.26 nginx.tar',
      `node-03 ${KUSCIA} kuscia.tar`,
    ]);
    const after = await Promise.all(HOSTS.map(received));
    const wanted = [bytesOf(NGINX, MYSQL), bytesOf(NGINX, REPLICA), bytesOf(NGINX, REPLICA)];
    for (const [i, bytes] of wanted.entries()) {
      const came = (after[i] ?? 0) - (before[i] ?? 0);
      expect(came).toBeGreaterThan(bytes);
      expect(came).toBeLessThan(bytes * 1.1 + 20_000_000);
    }
  }, 400_000);

  test('are sent nothing in a second run', async () => {
    const before = await received('node-03');
    const again = await action(CLUSTER, { inputs });
    expect([ended(again), again.changed, sendingIn(again)]).toEqual([WELL, 0, []]);
    expect((await received('node-03')) - before).toBeLessThan(10_000_000);
  }, 200_000);

  test('get an image again only where it was removed', async () => {
    await replicaGone('node-03');
    const applied = await action(CLUSTER, { inputs });
    expect([ended(applied), sendingIn(applied)]).toEqual([WELL, [`node-03 ${KUSCIA} kuscia.tar`]]);
  }, 200_000);

  /** Waits until half of the archive has come to a host. */
  async function halfCame(host: string, before: number): Promise<void> {
    const deadline = Date.now() + 60_000;
    while ((await received(host)) - before < bytesOf(REPLICA) / 2) {
      if (Date.now() > deadline) throw new Error(`${host} gets no archive`);
      await sleep(50);
    }
  }

  test('do not use a partial image when the cable is pulled, and the next run completes', async () => {
    await replicaGone('node-03');
    const before = await received('node-03');
    const running = action(CLUSTER, { inputs });
    await halfCame('node-03', before);
    await cut('node-03');
    const lost = await running;
    await mend('node-03');
    expect([lost.code, sendingIn(lost)]).toEqual([1, [`node-03 ${KUSCIA} kuscia.tar`]]);
    expect(lost.log).toMatch(/KS-1106 connection-lost/);
    expect(await listed('node-03')).not.toContain(KUSCIA);
    const completed = await action(CLUSTER, { inputs });
    expect([ended(completed), sendingIn(completed)]).toEqual([WELL, [`node-03 ${KUSCIA} kuscia.tar`]]);
  }, 400_000);

  test('have nothing left running when a run is cancelled, and the next run completes', async () => {
    await replicaGone('node-03');
    const before = await received('node-03');
    const flag = join(shared, 'cancel');
    const running = action(CLUSTER, { inputs, cancelOnce: flag });
    await halfCame('node-03', before);
    const began = Date.now();
    await seenOn('node-01', `touch ${flag}`);
    const cancelled = await running;
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(cancelled.code).toBe(1);
    expect(cancelled.log).toMatch(/KS-1111 cancelled/);
    expect([await loading('node-03'), await listed('node-03')]).toEqual(['', expect.not.stringContaining(KUSCIA)]);
    const completed = await action(CLUSTER, { inputs });
    expect([ended(completed), sendingIn(completed)]).toEqual([WELL, [`node-03 ${KUSCIA} kuscia.tar`]]);
  }, 400_000);
});

describe('a host that is the runner', () => {
  beforeAll(offline, 120_000);

  test('loads the archives in place, all images from one', async () => {
    await reset(['node-02'], { bare: false });
    await seenOn('node-02', `docker save -o ${shared}/all.tar nginx:1.26 mysql:8.0 ${KUSCIA}`);
    const cluster = `domain: alice\nimage: ${KUSCIA}\nhosts:\n  node-01: { address: 10.77.0.11, via: local, roles: [manager, database, replica, load-balancer] }\n`;
    const applied = await action(cluster, {
      on: 'node-01',
      inputs: { images: folderOf({ 'all.tar': join(shared, 'all.tar') }), 'ssh-key': '', 'known-hosts': '' },
    });
    expect([ended(applied), sendingIn(applied)]).toEqual([WELL, [expect.stringMatching(/^node-01 \S+ all\.tar$/)]]);
  }, 400_000);
});

describe('a wrong archive', () => {
  beforeAll(offline, 120_000);
  beforeEach(async () => void expect(await listed('node-02')).toBe(''));

  /** An archive truncated to this length. */
  function shortened(file: string, part: number): string {
    const copy = join(shared, `short-${basename(file)}`);
    copyFileSync(file, copy);
    truncateSync(copy, Math.floor(bytesOf(file) * part));
    return copy;
  }

  test('that is truncated, or contains another image under the name, is reported before any host is contacted', async () => {
    // The list names nginx by its digest; the content under that digest is of mysql.
    await seenOn(
      'node-01',
      `cd ${shared}; mkdir n m; tar -xf ${NGINX} -C n; tar -xzf ${MYSQL} -C m; cp m/[0-9a-f]*.json n/$(cd n; ls [0-9a-f]*.json); tar -cf other.tar -C n .; rm -r n m`,
    );
    const images = folderOf({
      'short.tar': shortened(REPLICA, 0.6),
      'other.tar': join(shared, 'other.tar'),
      'mysql.tar.gz': MYSQL,
    });
    const { code, log } = await action(CLUSTER, { inputs: { images } });
    expect(code).toBe(1);
    expect(log).toMatch(/KS-1001 input-invalid: 2 findings|KS-1001[^]*KS-1001/);
    expect(log.replace(/\s+/g, ' ')).toMatch(/"short\.tar", which cannot be read/);
    expect(log.replace(/\s+/g, ' ')).toMatch(
      /"other\.tar", in which the configuration of nginx:1\.26 does not match its digest/,
    );
    expect(log).not.toContain('node-02');
  }, 60_000);

  const send = (archive: Archive) =>
    labFleet.run(
      'node-02',
      loadImages(archive, () => undefined),
    );
  const read = async (file: string): Promise<Archive> => (await readArchive(file)) as Archive;

  test.each([0.02, 0.5, 0.97])(
    'that is cut off during the transfer leaves no image: %d of it arrived',
    async (part) => {
      for (const file of [NGINX, MYSQL]) {
        expect(await send({ ...(await read(file)), file: shortened(file, part) })).toMatchObject({
          ended: 'exited',
          code: 1,
        });
        expect(await listed('node-02')).toBe('');
      }
    },
    120_000,
  );

  test('that was replaced during the run loses its name on the host', async () => {
    const nginx = await read(NGINX);
    const { images } = await read(MYSQL);
    expect(
      await send({
        ...nginx,
        images: nginx.images.map((image) => ({ ...image, ids: images[0]?.ids ?? [], layers: images[0]?.layers ?? [] })),
      }),
    ).toMatchObject({
      ended: 'exited',
      code: 65,
      stderr: expect.stringMatching(/nginx:1\.26 is sha256:\w{64} here, not sha256:/),
    });
    expect(await listed('node-02')).toBe('');
    expect(await send(nginx)).toMatchObject({ ended: 'exited', code: 0 });
    expect(await listed('node-02')).toBe('nginx:1.26');
    await seenOn('node-02', 'docker image rm nginx:1.26');
  }, 120_000);
});
