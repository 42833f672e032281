import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answer, present, type Fact } from '../../src/engine/fact.ts';
import { othersOn, type ExposedPath } from '../../src/host/ownership.ts';

const said = (...lines: readonly string[]): Fact<readonly ExposedPath[]> =>
  answer(othersOn('f'), { ended: 'exited', code: 0, stdout: [...lines, 'end', ''].join('\n'), stderr: '' });
const LOGIN = 'login=1000 1000 998';

describe('the owners of the folder and all its parents', () => {
  test.each<[string, string, string | undefined]>([
    ["root's", 'path=41ed 0 0 root:root /', undefined],
    ["the login's", 'path=41c0 1000 1000 ada:ada /home/ada', undefined],
    ["another's", 'path=41ed 1001 1001 bob:bob /home/bob', 'it belongs to neither root nor the login'],
    ["everybody's", 'path=41ff 0 0 root:root /srv', 'it is writable by everyone'],
    ["everybody's, where each may take away their own only", 'path=43ff 0 0 root:root /tmp', undefined],
    ["a group's", 'path=41fd 0 50 root:staff /srv', 'it is writable by its group'],
    ["the login's own group's", 'path=41fd 1000 1000 ada:ada /home/ada', undefined],
    ["docker's group's, who are root anyway", 'path=45f8 0 998 root:docker /run/lock/kuscia-swarm', undefined],
    ["another member's of docker's group: the lock", 'path=45f8 1001 998 bob:docker /run/lock/kuscia-swarm', undefined],
    [
      "another member's of docker's group: a folder",
      'path=45f8 1001 998 bob:docker /srv/kuscia',
      'it belongs to neither root nor the login',
    ],
    ['a link, whose mode says nothing', 'path=a1ff 0 0 root:root /srv', undefined],
    ["another's link", 'path=a1ff 1001 1001 bob:bob /srv/kuscia', 'it belongs to neither root nor the login'],
  ])('%s', (_, line, why) => {
    expect(said(LOGIN, line)).toMatchObject(present(why === undefined ? [] : [{ why }]));
  });

  test.each([['nothing'], ['path=41ed 0 0 root:root /'], [LOGIN], [LOGIN, 'path=zz']])('%j is unknown', (...lines) => {
    expect(said(...lines).is).toBe('unknown');
  });
});

describe('on a real host', () => {
  let base: string;
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'owner-'));
    mkdirSync(join(base, 'open/own'), { recursive: true });
    mkdirSync(join(base, 'closed'));
    chmodSync(join(base, 'open'), 0o777);
    symlinkSync(join(base, 'open/own'), join(base, 'closed/link'));
  });
  afterAll(() => rmSync(base, { recursive: true }));

  const asked = (folder: string, cwd = '/', env: Readonly<Record<string, string>> = {}): readonly string[] => {
    const question = othersOn(folder);
    const { stdout, stderr, status } = spawnSync(question.command.program, question.command.args, {
      encoding: 'utf8',
      cwd,
      env: { ...process.env, ...env },
    });
    const fact = answer(question, { ended: 'exited', code: status ?? 1, stdout, stderr });
    return fact.is === 'present'
      ? fact.value.map(({ path }) => path).filter((path) => path.startsWith(base))
      : [JSON.stringify(fact)];
  };

  test('every parent is checked, of existing and of future paths', () => {
    expect([
      asked(join(base, 'closed/kuscia')),
      asked(join(base, 'open/own/kuscia/alice')),
      asked('kuscia/alice', join(base, 'open/own')),
    ]).toEqual([[], [join(base, 'open')], [join(base, 'open')]]);
  });

  test('a link is followed', () => {
    expect(asked(join(base, 'closed/link/kuscia'))).toEqual([join(base, 'open')]);
  });

  test("another's folder is reported", () => {
    // Whoever runs the test: the login is somebody else, and the folder is not root's.
    const bin = join(base, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'id'), '#!/bin/sh\necho 4242\n', { mode: 0o755 });
    if (process.getuid?.() === 0) chownSync(join(base, 'closed'), 12345, 12345);
    expect(asked(join(base, 'closed/kuscia'), '/', { PATH: `${bin}:${process.env['PATH'] ?? ''}` })).toContain(
      join(base, 'closed'),
    );
  });
});
