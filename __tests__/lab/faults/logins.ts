import { exec } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, MORE_MEMORY, REPLICAS, type Fault, type Named } from './fault.ts';

const NODE = 'node-02';
const BASTION = 'node-03';
/** By sh: a bash whose standard input is a socket reads .bashrc, which may be the file to be fixed (bash(1), INVOCATION). */
const on = (host: string, script: string) => () => exec(host, ['sh', '-c', script]);
const one = (named: Omit<Named, 'host'>): readonly Named[] => [{ host: NODE, ...named }];

/** Adds to the configuration of sshd (the first value of an option counts, and Debian reads that folder first), and removes it again. */
const sshd = (...lines: readonly string[]): { make: () => Promise<unknown>; mend: () => Promise<unknown> } => {
  const reload = 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5';
  return {
    make: on(
      NODE,
      `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >/etc/ssh/sshd_config.d/a-fault.conf; ${reload}`,
    ),
    mend: on(NODE, `rm -f /etc/ssh/sshd_config.d/a-fault.conf; ${reload}`),
  };
};

/** The cluster with node-02 reached as another user, in the group docker. */
const AS_DEPLOY = CLUSTER.replace('10.77.0.12,', '10.77.0.12, user: deploy,');
const THROUGH = CLUSTER.replace('10.77.0.12,', '10.77.0.12, bastion: root@10.77.0.13,');
const refused = { on: 'deployed cluster', mode: 'apply', when: 'before', changesNothing: true } as const;

/** Logins that are let in and do not run commands, hosts that want more than the key, and ways that lead nowhere. */
export const LOGIN_FAULTS: readonly Fault[] = [
  {
    name: 'command-dropped-by-bashrc',
    ...refused,
    cluster: MORE_MEMORY,
    make: on(NODE, `cp -p /root/.bashrc /root/.bashrc.kept; sed -i '1i exec sh' /root/.bashrc`),
    mend: on(NODE, 'mv /root/.bashrc.kept /root/.bashrc'),
    ends: one({
      code: 'KS-1115',
      evidence: /does not run commands .*exit 0, nothing printed/,
      cause: /startup file of the login shell of root/,
      remedy: /grep -nE .*chsh/,
    }),
  },
  {
    name: 'command-dropped-on-empty-hosts',
    ...refused,
    on: 'empty hosts',
    make: on(NODE, `cp -p /root/.bashrc /root/.bashrc.kept; sed -i '1i exec sh' /root/.bashrc`),
    mend: on(NODE, 'mv /root/.bashrc.kept /root/.bashrc'),
    ends: one({
      code: 'KS-1115',
      evidence: /does not run commands .*exit 0, nothing printed/,
      cause: /startup file of the login shell of root/,
      remedy: /grep -nE .*chsh/,
    }),
  },
  {
    name: 'shell-is-csh',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    replaces: REPLICAS,
    make: on(NODE, 'usermod -s /bin/tcsh root'),
    mend: on(NODE, 'usermod -s /bin/bash root'),
    ends: { completes: /replace replica/ },
  },
  {
    name: 'shell-is-nologin',
    ...refused,
    cluster: AS_DEPLOY,
    make: on(NODE, 'usermod -s /usr/sbin/nologin deploy'),
    mend: on(NODE, 'usermod -s /bin/bash deploy'),
    ends: one({
      code: 'KS-1115',
      evidence: /exit 1: This account is currently not available/,
      cause: /login shell of deploy is nologin/,
      remedy: /chsh -s/,
    }),
  },
  {
    name: 'host-closed-by-nologin',
    ...refused,
    cluster: AS_DEPLOY,
    make: on(NODE, 'echo Going down >/etc/nologin'),
    mend: on(NODE, 'rm -f /etc/nologin'),
    ends: one({
      code: 'KS-1115',
      evidence: /exit 254: .*Going down/,
      cause: /\/etc\/nologin/,
      remedy: /rm \/etc\/nologin/,
    }),
  },
  {
    name: 'password-expired',
    ...refused,
    cluster: AS_DEPLOY,
    make: async () => {
      await exec(NODE, ['chage', '-d', '0', 'deploy']);
      await sshd('UsePAM yes').make();
    },
    mend: async () => {
      await exec(NODE, ['chage', '-d', '20000', '-M', '-1', 'deploy']);
      await sshd().mend();
    },
    ends: one({
      code: 'KS-1115',
      evidence: /password/i,
      cause: /password of deploy has expired/,
      remedy: /chage -l deploy/,
    }),
  },
  {
    name: 'account-expired',
    ...refused,
    cluster: AS_DEPLOY,
    make: async () => {
      await exec(NODE, ['chage', '-E', '2020-01-01', 'deploy']);
      await sshd('UsePAM yes').make();
    },
    mend: async () => {
      await exec(NODE, ['chage', '-E', '-1', 'deploy']);
      await sshd().mend();
    },
    ends: one({
      code: 'KS-1115',
      evidence: /rejects the account .*expired/,
      cause: /deploy is expired, locked or denied/,
      remedy: /chage -E -1 deploy/,
    }),
  },
  {
    name: 'more-than-the-key',
    ...refused,
    ...sshd('AuthenticationMethods publickey,publickey'),
    ends: one({
      code: 'KS-1116',
      evidence: /accepted the key of root but also requires publickey/,
      cause: /second factor/,
      remedy: /AuthenticationMethods publickey/,
    }),
  },
  {
    name: 'no-common-key-exchange',
    ...refused,
    ...sshd('KexAlgorithms sntrup761x25519-sha512@openssh.com'),
    ends: one({
      code: 'KS-1117',
      evidence: /no key exchange algorithm in common .*sntrup761x25519-sha512@openssh\.com/,
      cause: /curve25519-sha256/,
      remedy: /KexAlgorithms \+/,
    }),
  },
  {
    name: 'bastion-forbids-forwarding',
    ...refused,
    cluster: THROUGH,
    make: on(
      BASTION,
      `echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/a-fault.conf; kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5`,
    ),
    mend: on(BASTION, 'rm -f /etc/ssh/sshd_config.d/a-fault.conf; kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'),
    ends: one({
      code: 'KS-1118',
      evidence: /the bastion 10\.77\.0\.13 does not forward .*prohibited/,
      cause: /forbids forwarding/,
      remedy: /AllowTcpForwarding yes/,
    }),
  },
  {
    name: 'bastion-does-not-reach-the-host',
    ...refused,
    cluster: THROUGH,
    make: () => seenOn(BASTION, 'iptables -I OUTPUT -p tcp -d 10.77.0.12 --dport 22 -j REJECT --reject-with tcp-reset'),
    mend: () => seenOn(BASTION, 'iptables -D OUTPUT -p tcp -d 10.77.0.12 --dport 22 -j REJECT --reject-with tcp-reset'),
    ends: one({
      code: 'KS-1101',
      evidence: /the bastion 10\.77\.0\.13 cannot reach node-02 .*Connection refused/,
      remedy: /nc -vz 10\.77\.0\.12 22/,
    }),
  },
];
