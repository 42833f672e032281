import { asDatabaseRoot, seenOn } from '../deployment/seen.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';
import { CLUSTER, HOSTS, REPLICA, type Fault } from './fault.ts';

const on = (script: string) => () => seenOn('node-01', script);
const OTHER_PASSWORD = 'Another-Password.77';
const password =
  (to: string): (() => Promise<unknown>) =>
  () =>
    asDatabaseRoot(`ALTER USER kuscia@'%' IDENTIFIED BY '${to}'`);

/** Takes every new connection at once, and lets nothing through in either direction before 6 s have passed: a server that is too slow for Kuscia, which waits 5 s. */
const DELAY = `use strict; use IO::Socket::INET; use IO::Select; $SIG{CHLD} = "IGNORE";
my $l = IO::Socket::INET->new(LocalPort => 3399, Listen => 50, ReuseAddr => 1) or die;
while (1) { my $c = $l->accept or next; next if fork; my $s = IO::Socket::INET->new(PeerAddr => "10.77.0.11", PeerPort => 3306) or exit; my $w = IO::Select->new($c, $s);
  while (my @r = $w->can_read) { sleep 6; for my $f (@r) { exit unless sysread $f, my $b, 65536; syswrite $f == $c ? $s : $c, $b } } exit }`;
const REDIRECT = 'PREROUTING -t nat -i eth0 -p tcp --dport 3306 -j REDIRECT --to-port 3399';

/** On node-03: the configuration with its own key, and as it was. */
const ANOTHER_KEY = `cp -p kuscia-swarm/alice/kuscia.yaml /root/kept.yaml
other=$(docker run --rm secretflow/kuscia:1.1.0b0 kuscia init --mode autonomy --domain alice --runtime runp | grep ^domainKeyData:)
sed "s|^domainKeyData:.*|$other|" /root/kept.yaml >kuscia-swarm/alice/kuscia.yaml`;
const OWN_KEY = 'cat /root/kept.yaml >kuscia-swarm/alice/kuscia.yaml; rm /root/kept.yaml';
/** The command to start a replica by hand. */
const STARTED_BY_HAND = `cd kuscia-swarm/alice; export ROOT=$PWD USER=root KUSCIA_IMAGE=secretflow/kuscia:1.1.0b0
script -qec './kuscia.sh start -c ./kuscia.yaml -p 20000 -q 20001 -k 20010 -g 20011 -x 13084 -m 8GiB -a none --cluster' /dev/null </dev/null`;

/** The database, and who uses it. */
export const DATABASE_FAULTS: readonly Fault[] = [
  {
    name: 'database-stopped',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on('docker stop alice-mysql; sleep 6'),
    mend: () => Promise.resolve(),
    ends: [
      {
        code: 'KS-1301',
        host: 'node-01',
        evidence: /evidence docker inspect alice-mysql: exited \(0\)/,
        cause: /the database was stopped/,
        remedy: /mode: apply\): it starts the database, with the data of its volume/,
      },
      {
        code: 'KS-1601',
        host: 'node-02',
        evidence: /node is API silent/,
        cause: /the database is not running/,
        remedy: /Fix the database first/,
      },
    ],
  },
  {
    name: 'database-stopped-is-started',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    make: on('docker stop alice-mysql'),
    mend: () => Promise.resolve(),
    ends: { completes: /start database alice-mysql +\(exited \(0\)\)/ },
  },
  {
    name: 'database-slow',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    make: on(
      `printf '%s' '${DELAY}' >/run/delay.pl; setsid perl /run/delay.pl </dev/null >/dev/null 2>&1 & echo $! >/run/delay.pid; sleep 0.5; iptables -I ${REDIRECT}`,
    ),
    mend: on(`iptables -D ${REDIRECT}; kill $(cat /run/delay.pid); rm /run/delay.p*`),
    ends: [
      {
        code: 'KS-1301',
        host: 'node-02',
        evidence: /10\.77\.0\.11:3306 answers a container on node-02 too slowly; connected, but no greeting in 4 s/,
        cause: /the database is slow.*Kuscia gives up after 5 s/,
        remedy: /load of the database.*skip-name-resolve/,
      },
    ],
  },
  {
    name: 'database-password-changed',
    usual: true,
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: password(OTHER_PASSWORD),
    mend: password(DATABASE_PASSWORD),
    ends: [{ code: 'KS-1302', host: 'node-01', evidence: /ERROR 1045/, remedy: /database-password/ }],
  },
  {
    // Whose it is shows once bob uses it, before anything is made that writes there.
    name: 'database-of-another-domain',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    cluster: `${CLUSTER.replace('domain: alice', 'domain: bob').replace(' database,', '')}database: { external: { address: 10.77.0.11, port: 3306, user: kuscia, name: kine } }\nports: { gateway: 21000, internal: 21001, api: 21002, api-grpc: 21003, metrics: 21004 }\nload-balancer: { port: 8090 }\n`,
    make: () => Promise.resolve(),
    mend: () => Promise.all(HOSTS.map((host) => seenOn(host, 'docker rm -f bob-probe; rm -rf kuscia-swarm/bob'))),
    ends: [
      {
        code: 'KS-1304',
        host: 'node-02',
        evidence: /belongs to domain alice, not to bob .*root-kuscia-autonomy-alice-node-02/,
        remedy: /a database of its own/,
      },
    ],
  },
  {
    name: 'replica-with-another-key',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    // Only a new container takes another key.
    make: () => seenOn('node-03', `${ANOTHER_KEY}; docker rm -f ${REPLICA}; ${STARTED_BY_HAND}; sleep 18`),
    mend: async () => {
      await seenOn('node-03', `${OWN_KEY}; docker rm -f ${REPLICA}`);
      await seenOn('node-02', `docker exec ${REPLICA} kubectl delete gateway ${REPLICA}-node-03 -n alice`);
    },
    ends: [
      {
        code: 'KS-1601',
        host: 'node-03',
        evidence: /key is \w{8} differs; kuscia-swarm\/alice\/kuscia\.yaml on node-03: sha256 \w{12}, changed 20/,
        cause: /the replicas have different domain keys/,
        remedy: /which key the partners know.*docker rm -f.*KS-1401/,
      },
    ],
  },
  {
    name: 'replica-restarted-with-another-key',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    // The container has kept the certificate authority of the former key: Kuscia ends at once, over and over.
    make: () =>
      seenOn(
        'node-03',
        `${ANOTHER_KEY}; docker restart ${REPLICA}; until [ "$(docker inspect -f '{{.RestartCount}}' ${REPLICA})" -ge 2 ]; do sleep 1; done`,
      ),
    mend: () => seenOn('node-03', `${OWN_KEY}; docker restart ${REPLICA}; sleep 20`),
    ends: [
      {
        code: 'KS-1601',
        host: 'node-03',
        evidence: /root-kuscia-autonomy-alice-node-03: .*PrivateKey doesn't match parent's PublicKey/,
        cause: /key/i,
        remedy: /kuscia\.yaml|docker logs/,
      },
    ],
  },
];
