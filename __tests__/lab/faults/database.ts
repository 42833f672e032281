import { seenOn } from '../deployment/seen.ts';
import { DATABASE_PASSWORD } from '../deployment/action.ts';
import { CLUSTER, REPLICA, type Fault } from './fault.ts';

const on = (script: string) => () => seenOn('node-01', script);
const asRoot = (password: string, statement: string): string => `docker exec -e MYSQL_PWD='${password}' alice-mysql mysql -h 127.0.0.1 -u root -e "${statement}"`;
const OTHER_PASSWORD = 'Another-Password.77';
const password = (from: string, to: string): (() => Promise<string>) => on(asRoot(from, `ALTER USER root@'%' IDENTIFIED BY '${to}', root@localhost IDENTIFIED BY '${to}'`));

const slow = (how: '-I' | '-D'): string => {
  const toDatabase = `iptables -t mangle ${how} PREROUTING -i eth0 -p tcp --dport 3306`;
  // The last one put in stands first.
  return `${toDatabase} -j DROP; ${toDatabase} -m limit --limit 10/min --limit-burst 1 -j ACCEPT`;
};

/** The database, and who uses it. */
export const DATABASE_FAULTS: readonly Fault[] = [
  {
    name: 'database-stopped', on: 'deployed cluster', mode: 'verify', when: 'before', changesNothing: true,
    make: on('docker stop alice-mysql; sleep 6'),
    mend: () => Promise.resolve(),
    ends: [{ code: 'KS-1601', host: 'node-02', evidence: /node is API silent/, remedy: /mode: apply/ }],
  },
  {
    name: 'database-stopped-is-started', on: 'deployed cluster', mode: 'apply', when: 'before',
    make: on('docker stop alice-mysql'),
    mend: () => Promise.resolve(),
    ends: { completes: /start database alice-mysql +\(exited\)/ },
  },
  {
    name: 'database-slow', on: 'deployed cluster', mode: 'apply', when: 'before',
    // One packet in six seconds reaches it: every answer comes, after more than the 5 s that Kuscia waits.
    make: on(slow('-I')),
    mend: on(slow('-D')),
    ends: [{ code: 'KS-1301', host: 'node-02', evidence: /cannot reach the database at 10\.77\.0\.11:3306.*no answer in 4 s/, remedy: /3306\/tcp/ }],
  },
  {
    name: 'database-password-changed', usual: true, on: 'deployed cluster', mode: 'apply', when: 'before', changesNothing: true,
    make: password(DATABASE_PASSWORD, OTHER_PASSWORD),
    mend: password(OTHER_PASSWORD, DATABASE_PASSWORD),
    ends: [{ code: 'KS-1302', host: 'node-01', evidence: /ERROR 1045/, remedy: /database-password/ }],
  },
  {
    name: 'database-of-another-domain', on: 'deployed cluster', mode: 'apply', when: 'before', changesNothing: true,
    cluster: `${CLUSTER.replace('domain: alice', 'domain: bob').replace(' database,', '')}database: { external: { address: 10.77.0.11, port: 3306, user: root, name: kine } }\nports: { gateway: 21000, internal: 21001, api: 21002, api-grpc: 21003, metrics: 21004 }\nload-balancer: { port: 8090 }\n`,
    make: () => Promise.resolve(),
    mend: () => Promise.resolve(),
    ends: [{ code: 'KS-1304', host: 'node-02', evidence: /belongs to domain alice, not to bob .*root-kuscia-autonomy-alice-node-02/, remedy: /a database of its own/ }],
  },
  {
    name: 'replica-with-another-key', on: 'deployed cluster', mode: 'verify', when: 'before',
    make: () => seenOn('node-03', `cd kuscia-swarm/alice; cp -p kuscia.yaml /root/kept.yaml
other=$(docker run --rm secretflow/kuscia:1.1.0b0 kuscia init --mode autonomy --domain alice --runtime runp | grep ^domainKeyData:)
sed "s|^domainKeyData:.*|$other|" /root/kept.yaml >kuscia.yaml; docker restart ${REPLICA}; sleep 18`),
    mend: () => seenOn('node-03', `cat /root/kept.yaml >kuscia-swarm/alice/kuscia.yaml; rm /root/kept.yaml; docker restart ${REPLICA}; sleep 20`),
    ends: [{ code: 'KS-1601', host: 'node-03', evidence: /key is \w{8} differs/, remedy: /./ }],
  },
];
