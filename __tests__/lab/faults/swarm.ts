import { kill, start } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, comesTrue, MORE_MEMORY, REPLICA, type Fault } from './fault.ts';
import { runOf } from './run.ts';

const NODE = 'node-03';
const on = (host: string, script: string) => () => seenOn(host, script);

/** Drops packets to these ports, whoever sends them. */
const portCut = (how: '-I' | '-D', ...ports: readonly string[]): string =>
  ports
    .flatMap((port) =>
      ['INPUT', 'OUTPUT'].map((chain) => `iptables ${how} ${chain} -p ${port.replace('/', ' --dport ')} -j DROP`),
    )
    .join('; ');

const nodeIs = (state: string): Promise<unknown> =>
  comesTrue('node-01', `docker node ls --format '{{.Hostname}} {{.Status}}' | grep -qx '${NODE} ${state}'`);

/** The swarm, its network and its ports. */
export const SWARM_FAULTS: readonly Fault[] = [
  {
    name: 'port-4789-cut',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: on(NODE, portCut('-I', 'udp/4789')),
    mend: on(NODE, portCut('-D', 'udp/4789')),
    ends: [
      {
        code: 'KS-1204',
        host: NODE,
        evidence: /node-0\d (cannot reach node-03|and node-03 cannot reach each other) .*no answer in 4 s/,
        cause: /4789\/udp is blocked/,
        remedy: /Open 4789\/udp/,
      },
    ],
  },
  {
    name: 'port-7946-cut',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: async () => {
      await seenOn(NODE, portCut('-I', 'udp/7946', 'tcp/7946'));
      await comesTrue('node-01', '! docker exec alice-probe getent hosts alice-probe-node-03 >/dev/null');
    },
    mend: on(NODE, portCut('-D', 'udp/7946', 'tcp/7946')),
    ends: [
      {
        code: 'KS-1204',
        host: NODE,
        evidence: /its name does not resolve on the network/,
        cause: /7946 \(tcp and udp\)/,
        remedy: /7946\/tcp and udp/,
      },
    ],
  },
  {
    name: 'port-2377-cut',
    on: 'deployed cluster',
    mode: 'verify',
    when: 'before',
    changesNothing: true,
    make: async () => {
      await seenOn(NODE, portCut('-I', 'tcp/2377'));
      await nodeIs('Down');
    },
    mend: on(NODE, portCut('-D', 'tcp/2377')),
    ends: [
      {
        code: 'KS-1207',
        host: NODE,
        evidence: /node \S+ .*down/,
        cause: /cannot reach a manager on 2377\/tcp|^unknown; last lines of log of the Docker Engine/,
        remedy: /2377\/tcp/,
      },
    ],
  },
  {
    name: 'ghost-node',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    make: async () => {
      // An engine that could not take leave of the others in time says so, and may have left or not.
      await comesTrue(
        NODE,
        `docker swarm leave --force >/dev/null 2>&1; [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ]`,
      );
      await nodeIs('Down');
      const { code, log } = await runOf(CLUSTER, 'apply');
      if (code !== 0) throw new Error(`the host that had left does not join again\n${log}`);
    },
    mend: on('node-01', `docker node rm $(docker node ls --format '{{.ID}} {{.Status}}' | sed -n 's/ Down$//p')`),
    ends: {
      completes: /is healthy/,
      warns: [
        {
          code: 'Warning KS-1207',
          host: 'node-01',
          evidence:
            /the swarm still lists a second node node-03 \((\w+)\), which is down evidence docker node ls: \1 node-03 down, at 10\.77\.0\.13/,
          cause: /its old entry stays/,
          remedy: /docker node rm \w+/,
        },
      ],
    },
  },
  {
    name: 'engine-killed-hard',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    // Killed between making the interface in the host's own namespace and moving it into the network's: there it is left, and in the way of the next engine (moby#47728).
    make: async () => {
      await seenOn(
        NODE,
        `ns=/var/run/docker/netns/1-$(docker network inspect -f '{{slice .Id 0 10}}' kuscia-exchange-cluster); engine kill && nsenter --net=$ns ip link set vxlan0 netns 1 name vx-left && : >/var/log/dockerd.log && engine start`,
      );
      await comesTrue(
        NODE,
        `ip -d link show vx-left | grep -q 'vxlan id .* dstport 4789' && grep -q 'vxlan interface: file exists' /var/log/dockerd.log && ! docker ps --format '{{.Names}}' | grep -qx alice-probe`,
      );
    },
    mend: on(NODE, 'engine stop; ip link delete vx-left; engine start'),
    ends: [
      {
        code: 'KS-1107',
        host: NODE,
        evidence: /creating vxlan interface: file exists/,
        cause: /a stale VXLAN interface is left on the host because its engine was killed \(moby#47728\)/,
        remedy: /stop the engine, delete the interfaces listed by `ip -d link show type vxlan`/,
      },
    ],
  },
  {
    name: 'worker-rebooted-without-manager',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    make: async () => {
      await kill('node-01');
      await kill(NODE);
      // Its engine answers only after it has given up on the managers.
      await start(NODE).catch(() => start(NODE));
      await comesTrue(NODE, `docker container inspect -f '{{.State.Status}}' ${REPLICA} | grep -qx exited`);
      await start('node-01');
      await comesTrue(NODE, `docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx active`);
      await nodeIs('Ready');
    },
    mend: () => Promise.resolve(),
    ends: { completes: /start replica root-kuscia-autonomy-alice +\(exited \(255\)/ },
  },
  {
    name: 'subnet-clash',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(NODE, 'docker network create --subnet 10.200.0.128/25 elsewhere'),
    mend: on(NODE, 'docker network rm elsewhere'),
    ends: [
      { code: 'KS-1206', host: NODE, evidence: /network elsewhere: 10\.200\.0\.128\/25/, remedy: /network\.subnet/ },
    ],
  },
];
