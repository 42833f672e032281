import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { paths, run, type Ended } from '../../lab/lab.ts';
import { DATABASE_PASSWORD } from './deployment/action.ts';
import { seenOn } from './deployment/seen.ts';
import { freshHosts } from './support/fresh.ts';

freshHosts(3);

describe.each(['README.md', 'README.zh.md'])('the terminal commands in %s', (page) => {
  const [, block = ''] =
    /```sh\n([^`]*dist\/index\.cjs[^`]*)```/.exec(readFileSync(join(paths.repository, page), 'utf8')) ?? [];
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'terminal-'));
    for (const name of ['package.json', 'scripts', 'node_modules', 'dist'])
      symlinkSync(join(paths.repository, name), join(folder, name));
    cpSync(join(paths.repository, 'examples/two-replicas.yml'), join(folder, 'cluster.yml'));
    mkdirSync(join(folder, '.ssh'));
    cpSync(paths.sshKey, join(folder, '.ssh/id_ed25519'));
    cpSync(paths.knownHosts, join(folder, '.ssh/known_hosts'));
    writeFileSync(join(folder, 'password'), `${DATABASE_PASSWORD}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The output of a command typed in a clone, with the files that it names. */
  const typed = (text: string): Promise<Ended> =>
    run(['bash', '--noprofile', '--norc', '-e', '-c', `cd "$HOME"\n${text}`], {
      env: { PATH: process.env['PATH'], HOME: folder },
      timeoutMs: 100_000,
    });

  test('show a plan', async () => {
    const { code, stdout, stderr } = await typed(block);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/swarm-init +node-01 +\+ initialise the swarm/);
    expect(stdout.trimEnd()).toMatch(/Nothing was changed \(mode: plan\)\.$/);
    expect(stdout).not.toContain(DATABASE_PASSWORD);
    expect(await seenOn('node-01', `docker info --format '{{.Swarm.LocalNodeState}}'`)).toBe('inactive');
  }, 120_000);

  test('check in mode check', async () => {
    const { code, stdout } = await typed(block.replace(/.*npm run.*\n/, '').replace('--mode plan', '--mode check'));
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('alice: the inputs and the cluster file are valid; 3 hosts'),
    ]);
  }, 60_000);
});
