import { kill, start } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, HOSTS, imaged, MORE_MEMORY, REPLICA, REPLICAS, type Fault, type Signal } from './fault.ts';
import { runOf } from './run.ts';

const FIRST = 'node-02';
const DATABASE = 'node-01 alice-mysql';
const BALANCER = 'node-01 alice-nginx-lb';
const PROBES = HOSTS.map((host) => `${host} alice-probe`);
const OTHER_DATABASE_PORT = `${CLUSTER}database: { port: 3307 }\n`;
const gatewayAt = (port: number): string => `${CLUSTER}ports: { gateway: ${port} }\n`;
const on = (host: string, script: string) => () => seenOn(host, script);

/** The line of progress with which the run begins to replace something. */
const replacing = (host: string, what: string): RegExp => new RegExp(`^ {2}${host} +~ +replace ${what}`, 'm');
/** The line of progress that reports that the replaced container was restored. */
const undone = (host: string, what: string): RegExp => new RegExp(`^ {2}${host} +undone +replace ${what}`, 'm');
const later = (ms: number, act: (signal: Signal) => unknown) => async (signal: Signal) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await act(signal);
};

/** Something that listens on loopback only, as local services do. */
const listens = (port: number): string =>
  `setsid perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 5) or die; sleep' ${port} </dev/null >/dev/null 2>&1 & echo $! >/run/listener; sleep 0.3`;
const LISTENS_NO_MORE = 'kill $(cat /run/listener); rm /run/listener';
const loopback = (
  host: string,
  port: number,
  cluster: string,
): Pick<Fault, 'on' | 'cluster' | 'mode' | 'when' | 'changesNothing' | 'make' | 'mend' | 'ends'> => ({
  on: 'deployed cluster',
  cluster,
  mode: 'apply',
  when: 'before',
  changesNothing: true,
  make: on(host, listens(port)),
  mend: on(host, LISTENS_NO_MORE),
  ends: [{ code: 'KS-1208', host, evidence: new RegExp(String(port)), remedy: /Find what listens there/ }],
});

/** Builds an image on a host from another one, with one of its programs replaced. */
const made = (image: string, from: string, path: string, program: string): string =>
  `d=$(mktemp -d); cd "$d"; printf '%s\\n' '#!/bin/bash' '${program}' >file; chmod 755 file; printf 'FROM ${from}\\nCOPY file ${path}\\n' >Dockerfile; docker build -q -t ${image} . ; cd /; rm -r "$d"`;
const forget = (image: string) => (host: string) => seenOn(host, `docker image rm -f ${image}`);
/** nginx that approves of any configuration and cannot be started. */
const NO_NGINX =
  'case " $* " in *" -t "*) exit 0 ;; *" -g "*) echo "nginx: [emerg] out of luck" >&2; exit 1 ;; esac; exit 1';
/** A Kuscia that is killed, as by the kernel for exceeding its memory limit, if that is below 4 GiB. */
const HUNGRY =
  '[ "$1" != start ] || [ "$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)" -ge 4294967296 ] || kill -KILL $$; exec -a bin/kuscia /home/kuscia/libexec/kuscia /home/kuscia/libexec/stand-in.cjs "$@"';

/** The lease that a run left when it was killed; the next one would wait a minute for it. */
const LEASE_ENDS = String.raw`printf '\n0\n0\n\n' >/run/lock/kuscia-swarm/alice.lease`;
/** What Docker's client gives a container where its configuration names a proxy. */
const PROXIES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']
  .map((name) => `-e ${name}=http://10.77.0.11:3128`)
  .join(' ');

/** Faults that are detected before anything is changed, or while only the containers of the row are. */
const KEPT: readonly Fault[] = [
  {
    name: 'probe-behind-a-proxy',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    replaces: [`${FIRST} alice-probe`],
    make: async () => {
      await seenOn('node-01', 'docker run -d --name squid -p 3128:80 nginx:1.26');
      await seenOn(
        FIRST,
        `docker rm -f alice-probe; docker run -d --name=alice-probe --restart=always --network=kuscia-exchange-cluster --network-alias=alice-probe-${FIRST} --memory=64m ${PROXIES} nginx:1.26`,
      );
    },
    mend: () => seenOn('node-01', 'docker rm -f squid'),
    ends: { completes: /^alice is healthy/m },
  },
  {
    name: 'key-without-pty',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    replaces: REPLICAS,
    make: on(FIRST, `sed -i 's/^/no-pty /' .ssh/authorized_keys`),
    mend: on(FIRST, `sed -i 's/^no-pty //' .ssh/authorized_keys`),
    ends: { completes: /replace replica root-kuscia-autonomy-alice +\(memory 8 GiB -> 4 GiB\)/ },
  },
  {
    name: 'database-moves-to-another-port',
    on: 'deployed cluster',
    cluster: OTHER_DATABASE_PORT,
    mode: 'apply',
    when: 'before',
    replaces: [DATABASE, ...REPLICAS],
    make: () => Promise.resolve(),
    mend: () => Promise.resolve(),
    ends: { completes: /replace database alice-mysql.*\(port 3306 -> 3307\)/ },
  },
  { name: 'database-port-taken-on-loopback', ...loopback('node-01', 3307, OTHER_DATABASE_PORT) },
  { name: 'replica-port-taken-on-loopback', ...loopback(FIRST, 20500, gatewayAt(20500)) },
  {
    name: 'load-balancer-port-taken-on-loopback',
    ...loopback('node-01', 8090, `${CLUSTER}load-balancer: { port: 8090 }\n`),
  },
];

/** A new one that does not come to life: the one before it is put back. */
const PUT_BACK: readonly Fault[] = [
  {
    name: 'memory-too-small-for-the-replica',
    on: 'deployed cluster',
    cluster: `${imaged('secretflow/kuscia:hungry')}memory: 2GiB\n`,
    mode: 'apply',
    when: 'before',
    replaces: [`${FIRST} ${REPLICA}`],
    make: on(FIRST, made('secretflow/kuscia:hungry', 'secretflow/kuscia:1.1.0b0', '/home/kuscia/bin/kuscia', HUNGRY)),
    mend: () => forget('secretflow/kuscia:hungry')(FIRST),
    ends: [{ code: 'KS-1404', host: FIRST, evidence: /undone: /, cause: /./, remedy: /docker logs/ }],
    says: [undone(FIRST, 'replica')],
  },
  {
    name: 'database-image-exits-at-once',
    on: 'deployed cluster',
    cluster: `${CLUSTER}database: { image: "mysql:8.0-broken" }\n`,
    mode: 'apply',
    when: 'before',
    replaces: [DATABASE],
    make: on(
      'node-01',
      made('mysql:8.0-broken', 'mysql:8.0', '/usr/local/bin/docker-entrypoint.sh', 'echo "out of luck" >&2; exit 1'),
    ),
    mend: () => forget('mysql:8.0-broken')('node-01'),
    ends: [{ code: 'KS-1', host: 'node-01', evidence: /out of luck/, cause: /./, remedy: /./ }],
  },
  {
    name: 'load-balancer-image-does-not-start',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    replaces: [BALANCER],
    cluster: `${CLUSTER}load-balancer: { image: "nginx:1.26-broken" }\nnetwork: { probe-image: "nginx:1.26" }\n`,
    make: on('node-01', made('nginx:1.26-broken', 'nginx:1.26', '/usr/sbin/nginx', NO_NGINX)),
    mend: () => forget('nginx:1.26-broken')('node-01'),
    ends: [{ code: 'KS-1', host: 'node-01', evidence: /out of luck/, cause: /./, remedy: /./ }],
  },
  {
    name: 'probe-image-does-not-run',
    on: 'deployed cluster',
    cluster: `${CLUSTER}network: { probe-image: "nginx:1.26-broken" }\n`,
    mode: 'apply',
    when: 'before',
    replaces: PROBES,
    make: () =>
      Promise.all(
        HOSTS.map((host) => seenOn(host, made('nginx:1.26-broken', 'nginx:1.26', '/usr/sbin/nginx', NO_NGINX))),
      ),
    mend: () => Promise.all(HOSTS.map(forget('nginx:1.26-broken'))),
    ends: [
      {
        code: 'KS-1218',
        host: 'node-0',
        evidence: /undone: the former probe alice-probe runs again and works/,
        remedy: /network\.probe-image/,
      },
    ],
  },
];

/** What happens in the middle of a replacement: the next run finishes or undoes it. */
const IN_THE_MIDDLE: readonly Fault[] = [
  {
    name: 'power-lost-while-the-database-is-replaced',
    on: 'deployed cluster',
    cluster: OTHER_DATABASE_PORT,
    mode: 'apply',
    when: replacing('node-01', 'database'),
    takes: ['node-01'],
    make: later(300, () => kill('node-01')),
    mend: () => start('node-01'),
    ends: [{ code: 'KS-1106', host: 'node-01', evidence: /connection lost/, cause: /./, remedy: /./ }],
  },
  {
    name: 'connection-lost-while-the-database-is-replaced',
    on: 'deployed cluster',
    cluster: OTHER_DATABASE_PORT,
    mode: 'apply',
    when: replacing('node-01', 'database'),
    replaces: [DATABASE],
    takes: ['node-01'],
    make: later(300, () => seenOn('node-01', 'kill -9 $(pidof sshd)')),
    mend: on('node-01', '/usr/sbin/sshd -E /var/log/sshd.log'),
    ends: [
      {
        code: 'KS-1106',
        host: 'node-01',
        evidence: /connection lost/,
        cause: /^unknown; no log of node-01 could be read$/,
        remedy: /run again/,
      },
    ],
  },
  {
    name: 'cancelled-while-a-replica-is-replaced',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: replacing(FIRST, 'replica'),
    replaces: [`${FIRST} ${REPLICA}`],
    takes: [FIRST],
    make: later(1_500, (signal) => signal('SIGINT')),
    mend: () => Promise.resolve(),
    ends: [{ code: 'KS-1111', host: FIRST, evidence: /in the middle of "replace replica/, remedy: /./ }],
  },
  {
    name: 'killed-while-a-replica-is-replaced',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: replacing(FIRST, 'replica'),
    replaces: [`${FIRST} ${REPLICA}`],
    takes: [FIRST],
    make: later(1_500, (signal) => signal('SIGKILL')),
    mend: on('node-01', LEASE_ENDS),
    ends: { dies: true },
  },
  {
    name: 'killed-while-gateways-are-on-two-other-ports',
    on: 'deployed cluster',
    cluster: gatewayAt(20600),
    mode: 'apply',
    when: /nginx forwards to the gateway ports/,
    make: later(0, (signal) => signal('SIGKILL')),
    prepare: async () => {
      await runOf(
        gatewayAt(20500),
        'apply',
        {},
        { at: replacing('node-03', 'replica'), act: later(0, (signal) => signal('SIGKILL')) },
      );
      await seenOn('node-01', LEASE_ENDS);
    },
    mend: on('node-01', LEASE_ENDS),
    ends: { dies: true },
    says: [/nginx forwards to the gateway ports 20000 and 20500 and 20600 until all replicas have moved/],
  },
  {
    name: 'killed-while-the-database-is-replaced',
    on: 'deployed cluster',
    cluster: OTHER_DATABASE_PORT,
    mode: 'apply',
    when: replacing('node-01', 'database'),
    takes: ['node-01'],
    make: later(500, (signal) => signal('SIGKILL')),
    mend: on('node-01', LEASE_ENDS),
    ends: { dies: true },
  },
];

/** Replacements: what works is never let go of before the new one is proven. */
export const REPLACEMENT_FAULTS: readonly Fault[] = [...KEPT, ...PUT_BACK, ...IN_THE_MIDDLE];
