import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, HOSTS, MORE_MEMORY, REPLICA, type Fault } from './fault.ts';

const on = (host: string, script: string) => () => seenOn(host, script);
const everywhere = (script: string) => () => Promise.all(HOSTS.map((host) => seenOn(host, script)));

/** Outer packets of the overlay over 1400 bytes: 1350 of what containers send. */
const NARROW = 'INPUT -p udp --dport 4789 -m length --length 1401:65535 -j DROP';
const NARROW_DATABASE = 'FORWARD -p tcp --dport 3306 -m length --length 1351:65535 -j DROP';
const CUT = 'INPUT -p udp --dport 4789 -j DROP';

/** A program that answers everything with 200, as a proxy may. */
const PROXY = 'docker run -d --name proxy -p 3128:80 nginx:1.26';
const CONFIGURED = `mkdir -p /root/.docker; printf '%s' '{"proxies":{"default":{"httpProxy":"http://10.77.0.11:3128","httpsProxy":"http://10.77.0.11:3128"}}}' >/root/.docker/config.json`;
/** A probe as Docker made it before proxies were kept from it. */
const OLD_PROBE =
  'docker rm -f alice-probe; docker run -d --name=alice-probe --restart=always --network=kuscia-exchange-cluster --network-alias=alice-probe-$(hostname) nginx:1.26';

/** node-02 by a name that only the hosts and the runner know, by their /etc/hosts. */
const NAMED = MORE_MEMORY.replace('10.77.0.12,', 'node-02,');

/** nginx without bash. */
const BARE = `${CLUSTER}network: { probe-image: 'nginx:bare' }\n`;
const MAKE_BARE =
  "docker run --name bare nginx:1.26 sh -c 'rm /bin/bash'; docker commit bare nginx:bare; docker rm bare";

/** An external database that accepts no login without TLS. */
const EXTERNAL = `${CLUSTER.replace(' database,', '')}database: { external: { address: 10.77.0.11, port: 3406, name: kine, user: root } }\n`;

/** Paths between containers that lose packets, and programs that answer in place of others. */
export const PATH_FAULTS: readonly Fault[] = [
  {
    name: 'data-path-narrow',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-02', `iptables -I ${NARROW}`),
    mend: on('node-02', `iptables -D ${NARROW}`),
    ends: [
      {
        code: 'KS-1216',
        host: 'node-01',
        evidence:
          /packets over 1350 bytes are lost between node-01 and node-02 .*packets of 1350 bytes pass, packets of 1400 bytes do not/,
        cause: /silently drops larger packets/,
        remedy: /network\.mtu: 1350/,
      },
    ],
  },
  {
    name: 'database-path-narrow',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-01', `iptables -I ${NARROW_DATABASE}`),
    mend: on('node-01', `iptables -D ${NARROW_DATABASE}`),
    ends: [
      {
        code: 'KS-1306',
        host: 'node-02',
        evidence:
          /packets over 1300 bytes are lost between containers on node-02 and the database evidence packets of 1300 bytes arrive, packets of 1400 bytes do not/,
        cause: /silently drops larger packets/,
        remedy: /packets of 1500 bytes/,
      },
    ],
  },
  {
    name: 'proxy-answers-for-a-cut-path',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    replaces: HOSTS.map((host) => `${host} alice-probe`),
    make: async () => {
      await seenOn('node-01', PROXY);
      await everywhere(`${CONFIGURED}; ${OLD_PROBE}; rm -r /root/.docker`)();
      await seenOn('node-02', `iptables -I ${CUT}`);
    },
    mend: async () => {
      await seenOn('node-02', `iptables -D ${CUT}`);
      await seenOn('node-01', 'docker rm -f proxy');
    },
    ends: [
      {
        code: 'KS-1204',
        host: 'node-01',
        evidence: /node-01 (cannot reach node-02|and node-02 cannot reach each other) .*no answer in 4 s/,
        cause: /4789\/udp/,
        remedy: /Open 4789\/udp/,
      },
    ],
  },
  {
    name: 'probe-with-a-proxy-is-made-anew',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    replaces: ['node-02 alice-probe'],
    make: on('node-02', `${CONFIGURED}; ${OLD_PROBE}; rm -r /root/.docker`),
    mend: () => Promise.resolve(),
    ends: { completes: /replace probe alice-probe +\(it was started by another version of kuscia-swarm\)/ },
  },
  {
    name: 'name-that-only-hosts-know',
    on: 'deployed cluster',
    cluster: NAMED,
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: everywhere('getent hosts node-02'),
    mend: () => Promise.resolve(),
    ends: [
      {
        code: 'KS-1217',
        host: 'node-02',
        evidence: /the name node-02 does not resolve in a container on node-02/,
        cause: /never read its \/etc\/hosts/,
        remedy: /IPv4 address in the cluster file/,
      },
    ],
  },
  {
    name: 'probe-image-without-bash',
    on: 'deployed cluster',
    cluster: BARE,
    mode: 'apply',
    when: 'before',
    replaces: ['node-01 alice-probe', 'node-02 alice-probe', 'node-03 alice-probe'],
    make: everywhere(MAKE_BARE),
    mend: everywhere('docker image rm -f nginx:bare'),
    ends: [{ code: 'KS-1218', host: 'node-02', evidence: /its image lacks bash/, remedy: /network\.probe-image/ }],
  },
  {
    name: 'database-wants-tls',
    on: 'deployed cluster',
    cluster: EXTERNAL,
    mode: 'apply',
    when: 'before',
    make: on(
      'node-01',
      'mkdir -p /run/tls; cd /run/tls; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db -days 2 -keyout key.pem -out cert.pem 2>/dev/null; chmod 644 key.pem; docker run -d --name=strict -p 3406:3306 -v /run/tls:/tls -v /root/kuscia-swarm/alice/database-password:/password -e MYSQL_ROOT_PASSWORD_FILE=/password -e MYSQL_DATABASE=kine mysql:8.0 --ssl-cert=/tls/cert.pem --ssl-key=/tls/key.pem --require-secure-transport=ON; sleep 12',
    ),
    mend: async () => {
      await seenOn('node-01', 'docker rm -fv strict; rm -r /run/tls');
      await seenOn('node-02', 'rm kuscia-swarm/alice/database-in-use');
    },
    ends: [
      {
        code: 'KS-1305',
        host: 'node-02',
        evidence: /ERROR (3159|1045)/,
        cause: /require_secure_transport/,
        remedy: /REQUIRE NONE/,
      },
    ],
  },
  {
    name: 'database-out-of-reach-of-containers',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-02', 'iptables -I FORWARD -p tcp --dport 3306 -j DROP'),
    mend: on('node-02', 'iptables -D FORWARD -p tcp --dport 3306 -j DROP'),
    ends: [
      {
        code: 'KS-1301',
        host: 'node-02',
        evidence: /cannot reach the database at 10\.77\.0\.11:3306 evidence no answer in 4 s/,
        cause: /node-02 itself can connect, its containers cannot/,
        remedy: /net\.ipv4\.ip_forward/,
      },
    ],
  },
  {
    name: 'silent-replica-hides-no-other',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on(
      'node-03',
      'iptables -I FORWARD -p tcp --dport 1080 -j DROP; iptables -t raw -I PREROUTING -p tcp --dport 20000 -j DROP',
    ),
    mend: on(
      'node-03',
      'iptables -D FORWARD -p tcp --dport 1080 -j DROP; iptables -t raw -D PREROUTING -p tcp --dport 20000 -j DROP',
    ),
    ends: [
      {
        code: 'KS-1601',
        host: 'node-03',
        evidence: new RegExp(`${REPLICA}-node-03: direct is no answer in time`),
        cause: /.*/,
        remedy: /node-01 can reach 10\.77\.0\.13:20000/,
      },
    ],
  },
];
