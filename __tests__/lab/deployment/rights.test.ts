import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paths, reset, up } from '../../../lab/lab.ts';
import { CLUSTER, HOSTS } from '../support/cluster.ts';
import { action } from './action.ts';
import { answering, seenOn } from './seen.ts';

const AS_DEPLOY = `${CLUSTER}ssh: { user: deploy }\n`;
const BY_SUDO = `${CLUSTER}ssh: { user: deploy, sudo: true }\n`;
const REPLICAS = ['deploy-kuscia-autonomy-alice-node-02', 'deploy-kuscia-autonomy-alice-node-03'];

/** The file of the security page. */
const [, SUDOERS = ''] =
  /\/etc\/sudoers\.d\/kuscia-swarm -->\n```sudoers\n([\s\S]*?)```/.exec(
    readFileSync(`${paths.repository}/docs/security.md`, 'utf8'),
  ) ?? [];

const everywhere = (script: string): Promise<string[]> => Promise.all(HOSTS.map((host) => seenOn(host, script)));
const sudoers = (text: string): Promise<string[]> =>
  everywhere(
    `printf '%s' '${text}' >/etc/sudoers.d/kuscia-swarm; chmod 440 /etc/sudoers.d/kuscia-swarm; visudo -c >/dev/null`,
  );

describe('the rights of a login', () => {
  beforeAll(async () => {
    await up(3);
  }, 600_000);

  beforeEach(async () => {
    await reset();
    await everywhere('gpasswd -d deploy docker');
  }, 60_000);

  // Group docker belongs to every host; the next test file needs it.
  afterAll(() => reset(), 60_000);

  test('can be group docker through sudo, as on the security page, even if sudo creates its own terminal', async () => {
    await sudoers(`Defaults use_pty\n${SUDOERS}`);
    const applied = await action(BY_SUDO);
    expect({
      code: applied.code,
      log: applied.code === 0 ? '' : applied.log,
      healthy: applied.matrix?.healthy,
    }).toEqual({ code: 0, log: '', healthy: true });
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual(REPLICAS);
    expect(
      await everywhere(
        "id -nG deploy; find /home/deploy/kuscia-swarm -not -user deploy | grep -v '/\\(data\\|images\\|logs\\)/' || true",
      ),
    ).toEqual(HOSTS.map(() => 'deploy'));
    const again = await action(BY_SUDO);
    expect({ code: again.code, changed: again.changed }).toEqual({ code: 0, changed: 0 });
    expect((await action(BY_SUDO, { inputs: { mode: 'verify' } })).code).toBe(0);
  }, 200_000);

  test('are enough to end running commands', async () => {
    await sudoers(`Defaults use_pty\n${SUDOERS}`);
    const ended = await action(BY_SUDO, { interrupt: { signal: 'INT', after: 9 } });
    expect(ended.log).toContain('KS-1111');
    const running = await everywhere(
      `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done | grep -E '^(bash )?(sudo|docker (run|exec|pull|start)|\\./kuscia\\.sh|script )' || true`,
    );
    expect(running).toEqual(['', '', '']);
    expect((await action(BY_SUDO)).code).toBe(0);
  }, 200_000);

  test.each([
    ['no line', '', /a password is required/],
    ['a line that asks for a password', 'deploy ALL=(:docker) /bin/sh\n', /a password is required/],
    ['a line for another group', 'deploy ALL=(:users) NOPASSWD: /bin/sh\n', /password|not allowed/],
    ['a line for another program', 'deploy ALL=(:docker) NOPASSWD: /bin/true\n', /password|not allowed/],
  ])(
    'that are missing are reported for each host: %s',
    async (_, text, evidence) => {
      await sudoers(text);
      const { code, log, changed } = await action(BY_SUDO);
      expect({ code, changed }).toEqual({ code: 1, changed: 0 });
      expect(log).toContain('KS-1114 right-missing: 3 findings');
      expect(log).toMatch(evidence);
      for (const host of HOSTS)
        expect(log).toMatch(
          new RegExp(
            `^ +${host} +deploy is not allowed to run /bin/sh with the group docker through sudo without a password`,
            'm',
          ),
        );
      expect(log).toContain('deploy ALL=(:docker) NOPASSWD: /bin/sh');
    },
    60_000,
  );

  test('of an account with neither group nor sudo are reported with both remedies', async () => {
    const { code, log } = await action(AS_DEPLOY);
    expect(code).toBe(1);
    expect(log).toContain('KS-1202 engine-unreachable: 3 findings');
    expect(log).toMatch(/permission denied/);
    expect(log.replace(/\s+/g, ' ')).toMatch(
      /add the account to group docker \(usermod -aG docker USER\), or let it get that group through sudo \(sudo: true in the cluster file\)/,
    );
  }, 60_000);
});

describe('one bastion in front of all hosts', () => {
  const BEHIND = CLUSTER.replace('hosts:', 'ssh: { bastion: root@10.77.0.11 }\nhosts:').replace(
    'node-01: { address: 10.77.0.11,',
    'node-01: { address: 10.77.0.11, bastion: none,',
  );
  /** Lets only the bastion in. */
  const closed = (how: '-I' | '-D'): Promise<string[]> =>
    Promise.all(
      ['node-02', 'node-03'].map((host) =>
        seenOn(host, `iptables ${how} INPUT -p tcp --dport 22 ! -s 10.77.0.11 -j DROP`),
      ),
    );

  beforeAll(async () => {
    await up(3);
    await reset();
    await closed('-I');
  }, 600_000);
  afterAll(() => closed('-D'), 60_000);

  test('deploys to hosts that are reachable only through it, with one handshake to each, checked by their own keys', async () => {
    const handshakes = (): Promise<string[]> => everywhere(`grep -c 'Accepted publickey' /var/log/sshd.log || true`);
    const before = await handshakes();
    const applied = await action(BEHIND);
    expect({
      code: applied.code,
      log: applied.code === 0 ? '' : applied.log,
      healthy: applied.matrix?.healthy,
    }).toEqual({ code: 0, log: '', healthy: true });
    // The bastion is a host too: one for itself, and one for each host behind it.
    expect((await handshakes()).map((count, i) => Number(count) - Number(before[i]))).toEqual([3, 1, 1]);
  }, 200_000);

  test('whose key is not the pinned one is reported, and no host behind it is contacted', async () => {
    const known = readFileSync(paths.knownHosts, 'utf8').split('\n');
    const without = known.filter((line) => !line.includes('10.77.0.11')).join('\n');
    const { code, log } = await action(BEHIND, { inputs: { 'known-hosts': without } });
    expect(code).toBe(1);
    expect(log).toMatch(/KS-1102 host-key-unknown/);
    expect(log).toMatch(/the bastion 10\.77\.0\.11 of node-02/);
  }, 60_000);
});
