import { hosts } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { comesTrue, REPLICA, type Fault } from './fault.ts';

const NODE = 'node-03';
const on = (script: string) => () => seenOn(NODE, script);
/** Gives a host that name, and waits until the swarm shows it. */
async function named(host: string, name: string): Promise<void> {
  await seenOn(host, `hostname ${name}`);
  const { address } = hosts.find((place) => place.name === host) ?? { address: '' };
  await comesTrue(
    'node-01',
    `docker node inspect -f '{{.Status.Addr}} {{.Description.Hostname}}' $(docker node ls -q) | grep -qx '${address} ${name}'`,
  );
}

const CONFIG = 'kuscia-swarm/alice/kuscia.yaml';
/** A host name so long that the replica's is cut before its last characters. */
const long = (end: string): string => `compute-of-the-second-hall-rack-seventeen-${end}`;

/** Hosts, files and containers as left by someone. */
export const REPLICA_FAULTS: readonly Fault[] = [
  {
    name: 'hostname-twice',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: () => named(NODE, 'node-02'),
    mend: () => named(NODE, NODE),
    ends: [
      {
        code: 'KS-1210',
        host: NODE,
        evidence: /both replicas would be named root-kuscia-autonomy-alice-node-02 .*hostnames node-02 and node-02/,
        remedy: /distinct hostnames/,
      },
    ],
  },
  {
    name: 'hostnames-truncated',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: () => Promise.all([named('node-02', long('a')), named(NODE, long('b'))]),
    mend: () => Promise.all([named('node-02', 'node-02'), named(NODE, NODE)]),
    ends: [
      {
        code: 'KS-1210',
        host: NODE,
        evidence: /hostnames compute-\S+-a and compute-\S+-b/,
        remedy: /short, distinct hostnames/,
      },
    ],
  },
  {
    name: 'second-machine-of-one-hostname',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on(
      `mkdir /root/twin; docker run -d --name twin --hostname ${REPLICA}-node-02 --network kuscia-exchange-cluster -v /root/${CONFIG}:/home/kuscia/etc/conf/kuscia.yaml -v /root/twin:/home/kuscia/var/images secretflow/kuscia:1.1.0b0 bin/kuscia start -c etc/conf/kuscia.yaml; sleep 20`,
    ),
    mend: on('docker rm -f twin; rm -r /root/twin'),
    ends: [
      {
        code: 'KS-1601',
        host: 'node-02',
        evidence:
          /overlay is 10\.200\.0\.\d+, also twin on node-03 evidence container twin on node-03 is also root-kuscia-autonomy-alice-node-02, at 10\.200\.0\.\d+/,
        cause: /another machine or container runs a replica under the same name/,
        remedy: /docker rm -f.*hostnamectl set-hostname/,
      },
    ],
  },
  {
    name: 'clock-five-minutes-off',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    // All hosts share the kernel's clock: only the host's answer to a query for the time is changed.
    make: on(
      `printf '#!/bin/bash\\nexec /usr/bin/date -d "+5 minutes" "$@"\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date`,
    ),
    mend: on('rm /usr/local/bin/date'),
    ends: [{ code: 'KS-1201', host: NODE, evidence: /its clock is at least (29\d|300) s ahead/, remedy: /NTP/ }],
  },
  {
    name: 'load-balancer-to-a-wrong-port',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: () =>
      seenOn(
        'node-01',
        'cd kuscia-swarm/alice/nginx; sed "s/:20000/:20999/" nginx.conf >new; cat new >nginx.conf; rm new; docker restart alice-nginx-lb',
      ),
    mend: () => Promise.resolve(),
    ends: [
      {
        code: 'KS-1501',
        host: 'node-01',
        evidence: /evidence kuscia-swarm\/alice\/nginx\/nginx\.conf: not as the cluster file describes it/,
        cause: /they were changed on the host/,
        remedy: /mode: apply\): it rewrites the files/,
      },
      {
        code: 'KS-1601',
        host: 'node-02',
        evidence: /through LB is 0 of \d+/,
        cause: /the files of the load balancer are not those of this deployment/,
        remedy: /Fix the load balancer first/,
      },
    ],
  },
  {
    name: 'configuration-changed-by-hand',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    replaces: [`${NODE} ${REPLICA}`],
    make: on(`sed -i 's/^protocol:.*/protocol: NOTLS/' ${CONFIG}; docker restart ${REPLICA}`),
    mend: () => Promise.resolve(),
    ends: { completes: /node-03 +~ +Kuscia configuration +\(protocol NOTLS -> MTLS\)/ },
  },
  {
    name: 'half-written-file',
    usual: true,
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(`cp -p ${CONFIG} /root/kept.yaml; truncate -s 900 ${CONFIG}`),
    mend: on(`rm /root/kept.yaml ${CONFIG}`),
    ends: [
      {
        code: 'KS-1403',
        host: NODE,
        evidence: /domainKeyData is not a base64-encoded RSA private key/,
        remedy: /a valid copy from another replica/,
      },
    ],
  },
];
