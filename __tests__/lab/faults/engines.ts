import { seenOn } from '../deployment/seen.ts';
import { comesTrue, MORE_MEMORY, type Fault, type Named } from './fault.ts';

const on = (host: string, script: string) => () => seenOn(host, script);

/** Starts the engine of a host again with one more option in its daemon.json; and as it was. */
const configured = (host: string, option: string) =>
  on(
    host,
    `cd /etc/docker && cp daemon.json daemon.kept && sed -i '0,/{/s//{ ${option},/' daemon.json && engine stop && engine start`,
  );
const restored = (host: string) =>
  on(host, 'mv /etc/docker/daemon.kept /etc/docker/daemon.json && engine stop && engine start');

const unfit = (host: string, evidence: RegExp, remedy: RegExp, cause?: RegExp): readonly Named[] => [
  { code: 'KS-1201', host, evidence, remedy, ...(cause && { cause }) },
];

/** The effect of a firewall reload on Docker's rules. */
const WIPED = 'iptables -F; iptables -t nat -F; iptables -X; iptables -t nat -X';
const RESTARTED = 'engine stop; engine start';

const availability = (how: string) => on('node-01', `docker node update --availability ${how} node-02`);
const FAR = 'docker context create far --docker host=tcp://10.77.0.11:2375 && docker context use far';

/**
 * Each of them is refused before anything is changed: the same run made changes first, some of them harm, before
 * preflight knew them.
 */
export const ENGINE_FAULTS: readonly Fault[] = [
  {
    name: 'rules-flushed',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-02', WIPED),
    mend: on('node-02', RESTARTED),
    ends: unfit(
      'node-02',
      /Docker's firewall rules are missing .*chain DOCKER of table nat, chain DOCKER of table filter/,
      /Restart the Docker Engine on that host.*systemctl restart docker/,
      /moby#16816/,
    ),
  },
  {
    name: 'rules-flushed-but-masquerade',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(
      'node-02',
      `${WIPED}; iptables -P FORWARD ACCEPT; iptables -t nat -A POSTROUTING -s 172.16.0.0/12 -o eth0 -j MASQUERADE`,
    ),
    mend: on('node-02', `iptables -t nat -F; ${RESTARTED}`),
    ends: unfit('node-02', /Docker's firewall rules are missing/, /systemctl restart docker/, /moby#16816/),
  },
  {
    name: 'nat-rules-flushed',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: on('node-01', 'iptables -t nat -F'),
    mend: on('node-01', RESTARTED),
    ends: unfit(
      'node-01',
      /none of: the jump from PREROUTING to DOCKER, MASQUERADE of (bridge|docker_gwbridge)/,
      /systemctl restart docker/,
      /moby#16816/,
    ),
  },
  {
    name: 'ip-forward-off',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-02', 'sysctl -w net.ipv4.ip_forward=0'),
    mend: on('node-02', 'sysctl -w net.ipv4.ip_forward=1'),
    ends: unfit('node-02', /IP forwarding is off.*net\.ipv4\.ip_forward = 0/, /sysctl -w net\.ipv4\.ip_forward=1/),
  },
  {
    name: 'node-drained',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: availability('drain'),
    mend: availability('active'),
    ends: [
      {
        code: 'KS-1207',
        host: 'node-02',
        evidence: /its node is drained: .*docker node inspect \w+ on node-01: Availability drain/,
        cause: /somebody set this/,
        remedy: /on node-01: docker node update --availability active \w+/,
      },
    ],
  },
  {
    name: 'node-paused',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: availability('pause'),
    mend: availability('active'),
    ends: [
      {
        code: 'KS-1207',
        host: 'node-02',
        evidence: /its node is paused/,
        cause: /somebody set this/,
        remedy: /docker node update --availability active/,
      },
    ],
  },
  {
    name: 'swarm-locked',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: async () => {
      await seenOn(
        'node-01',
        `docker swarm update --autolock=true >/dev/null && docker swarm unlock-key -q >/run/unlock-key && ${RESTARTED}`,
      );
      await comesTrue('node-01', `docker info --format '{{.Swarm.LocalNodeState}}' | grep -qx locked`);
    },
    mend: async () => {
      await seenOn(
        'node-01',
        'docker swarm unlock </run/unlock-key && docker swarm update --autolock=false && rm /run/unlock-key',
      );
      await comesTrue('node-01', `[ "$(docker node ls --format '{{.Status}}' | sort -u)" = Ready ]`);
    },
    ends: [
      {
        code: 'KS-1207',
        host: 'node-01',
        evidence: /its swarm is locked .*needs to be unlocked/,
        cause: /autolock/,
        remedy: /docker swarm unlock/,
      },
    ],
  },
  {
    name: 'proxy-for-containers',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(
      'node-02',
      `mkdir -p /root/.docker && echo '{"proxies":{"default":{"httpProxy":"http://10.77.0.11:3128","httpsProxy":"http://10.77.0.11:3128"}}}' >/root/.docker/config.json`,
    ),
    mend: on('node-02', 'rm -r /root/.docker'),
    ends: unfit(
      'node-02',
      /gives containers a proxy \(httpProxy, httpsProxy\).*\/root\/\.docker\/config\.json: proxies\.default, noProxy is not set/,
      /remove "proxies" from \/root\/\.docker\/config\.json.*"noProxy" to localhost,/,
      /Docker's client sets/,
    ),
  },
  {
    name: 'docker-context-elsewhere',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-03', FAR),
    mend: on('node-03', 'docker context use default; rm -r /root/.docker'),
    ends: [
      {
        code: 'KS-1202',
        host: 'node-03',
        evidence: /the Docker Engine does not answer/,
        cause: /talks to tcp:\/\/10\.77\.0\.11:2375 \(context far\)/,
        remedy: /docker context use default/,
      },
    ],
  },
  {
    name: 'docker-host-elsewhere',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'plan',
    when: 'before',
    changesNothing: true,
    make: on('node-02', `sed -i '1i export DOCKER_HOST=tcp://10.77.0.11:2375' /root/.bashrc`),
    mend: on('node-02', 'sed -i 1d /root/.bashrc'),
    ends: [
      {
        code: 'KS-1202',
        host: 'node-02',
        evidence: /the Docker Engine does not answer/,
        cause: /talks to tcp:\/\/10\.77\.0\.11:2375 \(set by DOCKER_HOST\)/,
        remedy: /Remove DOCKER_HOST from the login's environment.*~\/\.bashrc/,
      },
    ],
  },
  {
    name: 'docker-off-the-path',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-03', 'mkdir -p /opt/docker/bin && mv /usr/bin/docker /opt/docker/bin/'),
    mend: on('node-03', 'ln -s /opt/docker/bin/docker /usr/local/bin/docker'),
    ends: [
      {
        code: 'KS-1202',
        host: 'node-03',
        evidence:
          /docker is not on the PATH of a non-interactive login evidence .*PATH is \S*\/usr\/bin\S* docker is at \/opt\/docker\/bin\/docker/,
        cause: /reads no profile/,
        remedy: /ln -s \/opt\/docker\/bin\/docker \/usr\/local\/bin\/docker/,
      },
    ],
  },
  {
    name: 'no-terminal-to-be-had',
    on: 'deployed cluster',
    cluster: MORE_MEMORY,
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on('node-03', 'mv /dev/ptmx /dev/ptmx.kept'),
    mend: on('node-03', 'mv /dev/ptmx.kept /dev/ptmx'),
    ends: unfit(
      'node-03',
      /no pseudo-terminal can be opened.*\/dev\/ptmx: the device does not exist/,
      /mount -t devpts/,
    ),
  },
  {
    name: 'live-restore',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: configured('node-02', '"live-restore": true'),
    mend: restored('node-02'),
    ends: unfit('node-02', /live-restore/, /remove "live-restore" from \/etc\/docker\/daemon\.json/),
  },
  {
    name: 'userns-remap',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: configured('node-01', '"userns-remap": "default"'),
    mend: restored('node-01'),
    ends: unfit(
      'node-01',
      /userns-remap is enabled.*SecurityOptions name=userns/,
      /remove "userns-remap" from \/etc\/docker\/daemon\.json/,
    ),
  },
  {
    name: 'iptables-false',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: configured('node-02', '"iptables": false'),
    mend: restored('node-02'),
    ends: unfit(
      'node-02',
      /not allowed to manage firewall rules.*\/etc\/docker\/daemon\.json: "iptables": false/,
      /remove "iptables": false from \/etc\/docker\/daemon\.json/,
    ),
  },
  {
    name: 'address-ranges-used-up',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(
      'node-03',
      'for i in $(seq 40); do docker network create n$i || break; done >/dev/null 2>&1; docker network ls -q | wc -l',
    ),
    mend: on('node-03', 'docker network prune --force >/dev/null'),
    ends: unfit(
      'node-03',
      /no address pool is left for the network docker_gwbridge.*all 31 pools/,
      /docker network prune.*default-address-pools/,
    ),
  },
  {
    name: 'node-under-another-address',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: async () => {
      const token = await seenOn(
        'node-01',
        'docker swarm init --advertise-addr 10.77.0.11 >/dev/null && docker swarm join-token -q worker',
      );
      await seenOn(
        'node-03',
        `ip address add 10.77.0.113/24 dev eth0 && docker swarm join --advertise-addr 10.77.0.113 --token ${token} 10.77.0.11:2377 >/dev/null`,
      );
      for (const host of ['node-01', 'node-03'])
        await comesTrue(host, 'docker network inspect docker_gwbridge >/dev/null 2>&1');
      await comesTrue('node-01', `[ "$(docker node ls --format '{{.Status}}')" = "$(printf 'Ready\\nReady')" ]`);
    },
    mend: async () => {
      const node = await seenOn('node-03', `docker info --format '{{.Swarm.NodeID}}'; docker swarm leave >/dev/null`);
      await comesTrue('node-01', `docker node rm ${node} >/dev/null 2>&1`);
      await seenOn('node-03', 'ip address del 10.77.0.113/24 dev eth0');
    },
    ends: unfit(
      'node-03',
      /registered under 10\.77\.0\.113, not under 10\.77\.0\.13/,
      /docker swarm leave on node-03, then docker node rm \w+ on node-01.*--advertise-addr/,
      /another of its addresses/,
    ),
  },
  {
    name: 'no-logs-kept',
    on: 'empty hosts',
    mode: 'apply',
    when: 'before',
    make: configured('node-02', '"log-driver": "none"'),
    mend: restored('node-02'),
    ends: {
      completes: /is healthy/,
      warns: [{ code: 'Warning KS-1201', host: 'node-02', evidence: /keep no logs/, remedy: /"log-driver": "local"/ }],
    },
  },
];
