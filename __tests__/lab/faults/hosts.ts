import { readFileSync } from 'node:fs';
import { exec, kill, paths, sshd, start } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, MORE_MEMORY, NO_LOG, REPLICAS, type Fault } from './fault.ts';

const NODE = 'node-03';
/** While kuscia.sh starts the second replica, which takes some seconds. */
const STARTING = /^ {2}node-03 +~ +replace replica/m;
const hostAnd = (code: string, evidence: RegExp, remedy: RegExp, cause?: RegExp) => [
  { code, host: NODE, evidence, remedy, ...(cause && { cause }) },
];
const on = (script: string) => () => seenOn(NODE, script);
const later = (script: string) => async () => {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await exec(NODE, ['bash', '-c', script]);
};

/** Drops whatever comes in or goes out by the cable, and says nothing. */
export const silence = (how: '-I' | '-D'): string =>
  `iptables ${how} INPUT -i eth0 -j DROP; iptables ${how} OUTPUT -o eth0 -j DROP`;
const hostKeys = (script: string): string => `cd /etc/ssh && ${script} && kill -HUP "$(cat /run/sshd.pid)"`;

/** The known hosts with every key of the host marked as revoked. */
function revoked(): string {
  const known = readFileSync(paths.knownHosts, 'utf8');
  const keys = known.split('\n').filter((line) => line.startsWith(NODE));
  return [known, ...keys.map((line) => `@revoked ${line}`)].join('\n');
}

/** Hosts that are gone, or do not let anybody in. */
export const HOST_FAULTS: readonly Fault[] = [
  {
    name: 'host-down',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: () => kill(NODE),
    mend: () => start(NODE),
    ends: hostAnd('KS-1101', /does not respond at 10\.77\.0\.13 port 22 evidence \S+/, /Check that node-03 is up/),
  },
  {
    name: 'host-lost-in-a-stage',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: STARTING,
    replaces: REPLICAS,
    takes: [NODE],
    make: async () => {
      await later('true')();
      await kill(NODE);
    },
    mend: () => start(NODE),
    ends: hostAnd(
      'KS-1106',
      /connection lost: (Keepalive timeout|the host closed the connection|read ECONNRESET)/,
      /Check that the host is up/,
      NO_LOG,
    ),
  },
  {
    name: 'sshd-killed-under-a-command',
    usual: true,
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: STARTING,
    replaces: REPLICAS,
    takes: [NODE],
    make: later('kill -9 $(pidof sshd)'),
    mend: () => sshd(NODE, 'start'),
    // Between two commands, on a slow machine, the next one finds nobody there.
    ends: hostAnd(
      'KS-1106',
      /connection lost: (the host closed the connection|read ECONNRESET|node-03 does not respond at 10\.77\.0\.13 port 22 \(connect ECONNREFUSED)/,
      /run again\. Completed changes are kept/,
      NO_LOG,
    ),
  },
  {
    name: 'half-open-connection',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: STARTING,
    replaces: REPLICAS,
    takes: [NODE],
    make: later(silence('-I')),
    mend: on(silence('-D')),
    ends: hostAnd('KS-1106', /connection lost: Keepalive timeout/, /run again\. Completed changes are kept/, NO_LOG),
  },
  {
    name: 'host-key-changed',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(hostKeys('mkdir kept && mv ssh_host_* kept/ && ssh-keygen -A >/dev/null')),
    mend: on(hostKeys('rm ssh_host_* && mv kept/* . && rmdir kept')),
    ends: hostAnd(
      'KS-1103',
      /presents \S+ SHA256:\S+; known-hosts has SHA256:/,
      /ssh-keygen -lf .*Only if it matches/,
      /^the host was reinstalled, or another machine responds in its place$/,
    ),
  },
  {
    name: 'host-key-revoked',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    inputs: () => Promise.resolve({ 'known-hosts': revoked() }),
    make: () => Promise.resolve(),
    mend: () => Promise.resolve(),
    ends: hostAnd('KS-1104', /@revoked .*SHA256:/, /hostile/),
  },
  {
    name: 'key-refused',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('mv /root/.ssh/authorized_keys /root/.ssh/kept'),
    mend: on('mv /root/.ssh/kept /root/.ssh/authorized_keys'),
    ends: hostAnd('KS-1105', /rejects the login as root evidence /, /~root\/\.ssh\/authorized_keys/),
  },
  {
    name: 'not-in-group-docker',
    on: 'deployed cluster',
    cluster: CLUSTER.replace('10.77.0.13,', '10.77.0.13, user: deploy,'),
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('gpasswd -d deploy docker'),
    mend: on('gpasswd -a deploy docker'),
    ends: hostAnd('KS-1202', /permission denied/, /usermod -aG docker/, /is not allowed to use the Docker Engine/),
  },
  {
    name: 'engine-stopped',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('engine stop'),
    mend: on('engine start'),
    ends: hostAnd(
      'KS-1202',
      /Cannot connect to the Docker daemon/,
      /systemctl start docker/,
      /the Docker Engine is not running/,
    ),
  },
];
