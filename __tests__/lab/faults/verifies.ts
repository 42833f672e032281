import { kill, start } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, comesTrue, type Fault } from './fault.ts';
import { silence } from './hosts.ts';
import { runOf } from './run.ts';

const NODE = 'node-03';
const on = (host: string, script: string) => () => seenOn(host, script);

/** What verify says last while one replica's host is away. */
const STILL_WORKS =
  /is not healthy: 1 of 2 replicas pass every check, 1 of 2 serves through http:\/\/10\.77\.0\.11:8080, the database answers, .*node-03 does not answer/;
const AWAY = {
  code: 'KS-1101',
  host: NODE,
  evidence: /does not respond at 10\.77\.0\.13 port 22 evidence \S+/,
  remedy: /Check that node-03 is up/,
};

const SMALLER = CLUSTER.replace(/^ {2}node-03.*\n/m, '');
const IDLE = CLUSTER.replace('10.77.0.13, roles: [replica]', '10.77.0.13, roles: [worker]');
/** Applies a smaller cluster file, which no longer describes the last replica. */
const shrunkTo = (cluster: string) => async (): Promise<void> => {
  const { code, log } = await runOf(cluster, 'apply');
  if (code !== 0) throw new Error(`the smaller cluster cannot be applied\n${log}`);
};
const stray = (where: RegExp) => ({
  completes: /(is healthy: 1 of 1 replicas .*; 1 warning|Nothing was changed \(mode: plan\))/,
  warns: [
    {
      code: 'Warning KS-1602',
      host: NODE,
      evidence: new RegExp(
        `replica root-kuscia-autonomy-alice-node-03 works on ${where.source} evidence heartbeat \\d+ s ago at 10\\.200\\.0\\.\\d+, node Ready`,
      ),
      cause: /which stops nothing/,
      remedy:
        /docker stop root-kuscia-autonomy-alice and docker rm -f .*kubectl delete gateway root-kuscia-autonomy-alice-node-03 -n alice/,
    },
  ],
});

/** Drops whatever comes by the cable, for the host and for its containers. */
const darkness = (how: '-I' | '-D'): string => `iptables -t raw ${how} PREROUTING -i eth0 -j DROP`;

/** Packets to the gateway of a replica are dropped before docker leads them into the container. */
const gateway = (how: '-I' | '-D'): string => `iptables -t raw ${how} PREROUTING -i eth0 -p tcp --dport 20000 -j DROP`;

/** The reports of verify while something cannot be queried, and about undescribed parts. */
export const VERIFY_FAULTS: readonly Fault[] = [
  {
    name: 'host-down-and-verify',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: () => kill(NODE),
    mend: () => start(NODE),
    says: [STILL_WORKS],
    ends: [
      AWAY,
      {
        code: 'KS-1601',
        host: NODE,
        evidence: /overlay is not known \(not reached\)/,
        cause: /^node-03 does not answer$/,
        remedy: /Check that node-03 is up/,
      },
    ],
  },
  {
    name: 'host-silent-and-verify',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on(NODE, darkness('-I')),
    mend: on(NODE, darkness('-D')),
    says: [STILL_WORKS],
    ends: [AWAY],
  },
  {
    // What docker leads on to the replica passes all the same.
    name: 'host-silent-and-plan',
    on: 'deployed cluster',
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: on(NODE, silence('-I')),
    mend: on(NODE, silence('-D')),
    says: [
      /What works of alice now: 2 of 2 replicas serve through http:\/\/10\.77\.0\.11:8080, the database answers, .*node-03 does not answer\./,
    ],
    ends: [AWAY],
  },
  {
    name: 'gateway-silent-and-verify',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on(NODE, gateway('-I')),
    mend: on(NODE, gateway('-D')),
    says: [/1 of 2 replicas pass every check, 1 of 2 serves through/],
    ends: [
      {
        code: 'KS-1601',
        host: NODE,
        evidence: /direct is no answer in time/,
        cause: /^unknown|nginx cannot reach a replica/,
        remedy: /See that node-01 reaches 10\.77\.0\.13:20000/,
      },
    ],
  },
  {
    name: 'host-taken-out-of-the-file',
    on: 'deployed cluster',
    cluster: SMALLER,
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: shrunkTo(SMALLER),
    mend: () => Promise.resolve(),
    ends: stray(/node-03 \(10\.77\.0\.13\), a node of the swarm that is not in the cluster file/),
  },
  {
    name: 'host-taken-out-of-the-file-and-plan',
    on: 'deployed cluster',
    cluster: SMALLER,
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: shrunkTo(SMALLER),
    mend: () => Promise.resolve(),
    ends: stray(/node-03 \(10\.77\.0\.13\), a node of the swarm that is not in the cluster file/),
  },
  {
    name: 'role-taken-away',
    on: 'deployed cluster',
    cluster: IDLE,
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: shrunkTo(IDLE),
    mend: () => Promise.resolve(),
    ends: stray(/node-03, which has no role replica/),
  },
  {
    name: 'swarm-locked-and-verify',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: async () => {
      await seenOn(
        'node-01',
        'docker swarm update --autolock=true >/dev/null; docker swarm unlock-key --quiet >/root/unlock; engine stop; engine start',
      );
      await comesTrue('node-01', `docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx locked`);
    },
    mend: async () => {
      await seenOn('node-01', 'docker swarm unlock </root/unlock; rm /root/unlock');
      await comesTrue('node-01', 'docker swarm update --autolock=false >/dev/null');
    },
    ends: [
      {
        code: 'KS-1207',
        host: 'node-01',
        evidence: /its engine says that its swarm is locked/,
        cause: /the swarm locks its managers \(autolock\)/,
        remedy: /docker swarm unlock/,
      },
    ],
  },
];
