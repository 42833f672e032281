import { ensureRegistry, powerOff } from '../../../lab/host.ts';
import { registry, registryHost } from '../../../lab/lab.ts';
import { seenOn } from '../deployment/seen.ts';
import { CLUSTER, imaged, REPLICA, type Fault } from './fault.ts';

/** The first host whose replica is recreated, and so the one that gets a bad image. */
const FIRST = 'node-02';
const on = (script: string) => () => seenOn(FIRST, script);

/** Builds an image `secretflow/kuscia:TAG` on the host from the usual one, with one of its files replaced. */
const spoilt = (tag: string, path: string, content: string): string =>
  `d=$(mktemp -d); cd "$d"; printf '%s' '${content}' >file; chmod 755 file; printf 'FROM secretflow/kuscia:1.1.0b0\\nCOPY file ${path}\\n' >Dockerfile; docker build -q -t secretflow/kuscia:${tag} . ; cd /; rm -r "$d"`;
const forgotten = (tag: string): string => `docker image rm -f secretflow/kuscia:${tag}`;
/** Kuscia itself, with another ending for \`kuscia start\`. */
const program = (start: string): string =>
  `#!/bin/bash\n[ "$1" != start ] || { ${start}; }\nexec -a bin/kuscia /home/kuscia/libexec/kuscia /home/kuscia/libexec/stand-in.cjs "$@"\n`;

/** A program of another architecture: an ELF header that says aarch64, as a kernel reads it. */
const FOREIGN = String.raw`\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\267\000\001\000\000\000`;

/** Images and where they come from. */
export const IMAGE_FAULTS: readonly Fault[] = [
  {
    name: 'registry-down',
    on: 'deployed cluster',
    cluster: imaged(`${registryHost}/secretflow/kuscia:1.1.0b0`),
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: () => powerOff([registry]),
    mend: () => ensureRegistry(registry),
    ends: [
      {
        code: 'KS-1209',
        host: FIRST,
        evidence: /evidence exit 1: .*(no route to host|i\/o timeout|connection refused)/,
        cause: /cannot reach the registry/,
        remedy: /the registry is up/,
      },
    ],
  },
  {
    name: 'registry-login-refused',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    cluster: `${imaged('127.0.0.1:5001/secretflow/kuscia:1.1.0b0')}registry: { server: "127.0.0.1:5001", username: puller }\n`,
    inputs: () => Promise.resolve({ 'registry-password': 'not-the-password' }),
    // Nobody knows the password whose hash this is.
    make: on(`mkdir -p /run/closed && cd /run/closed && echo 'puller:$2y$05$abcdefghijklmnopqrstuuKJ0pW2V9gq1Xo3mZcT4yN5rL6sD7eF8' >users
printf '%s\\n' 'version: 0.1' 'storage: { inmemory: {} }' 'http: { addr: "127.0.0.1:5001" }' 'auth: { htpasswd: { realm: lab, path: /run/closed/users } }' >lab.yml
setsid docker-registry serve lab.yml >log 2>&1 & echo $! >/run/closed/pid; until curl -s -o /dev/null http://127.0.0.1:5001/v2/; do sleep 0.1; done`),
    mend: on('kill $(cat /run/closed/pid); rm -r /run/closed'),
    ends: [
      {
        code: 'KS-1209',
        host: FIRST,
        evidence: /401 Unauthorized/,
        cause: /the registry rejects the login/,
        remedy: /registry-password.*registry login in the cluster file is correct/,
      },
    ],
  },
  {
    name: 'image-absent',
    on: 'deployed cluster',
    cluster: imaged(`${registryHost}/secretflow/kuscia:9.9.9`),
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: () => Promise.resolve(),
    mend: () => Promise.resolve(),
    ends: [
      {
        code: 'KS-1209',
        host: FIRST,
        evidence: /manifest .*unknown/,
        cause: /the image does not exist in the registry/,
        remedy: /Correct the name or tag/,
      },
    ],
  },
  {
    name: 'disk-full-while-pulling',
    on: 'deployed cluster',
    cluster: imaged(`${registryHost}/secretflow/kuscia:1.0.0b0`),
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(
      'docker image rm -f secretflow/kuscia:1.0.0b0; mount -t tmpfs -o size=64k full /var/lib/docker/tmp; head -c 100k /dev/zero >/var/lib/docker/tmp/full || true',
    ),
    mend: on('umount /var/lib/docker/tmp; docker pull -q secretflow/kuscia:1.0.0b0'),
    ends: [
      {
        code: 'KS-1209',
        host: FIRST,
        evidence: /no space left on device/,
        cause: /^a disk is full$/,
        remedy: /Free disk space on that host/,
      },
    ],
  },
  {
    name: 'image-of-another-architecture',
    on: 'deployed cluster',
    cluster: imaged('secretflow/kuscia:foreign'),
    mode: 'apply',
    when: 'before',
    changesNothing: true,
    make: on(
      `d=$(mktemp -d); mkdir "$d/bin"; printf '${FOREIGN}' >"$d/bin/cat"; head -c 4096 /dev/zero >>"$d/bin/cat"; chmod 755 "$d/bin/cat"; tar -C "$d" -c . | docker import --platform linux/arm64 --change 'ENV PATH=/bin' - secretflow/kuscia:foreign; rm -r "$d"`,
    ),
    mend: on(forgotten('foreign')),
    ends: [
      {
        code: 'KS-1107',
        host: FIRST,
        evidence: /exec format error/,
        cause: /a different architecture than the host/,
        remedy: /docker manifest inspect/,
      },
    ],
  },
  {
    name: 'image-never-healthy',
    on: 'deployed cluster',
    cluster: imaged('secretflow/kuscia:idle'),
    mode: 'apply',
    when: 'before',
    replaces: [`${FIRST} ${REPLICA}`],
    make: on(spoilt('idle', '/home/kuscia/bin/kuscia', program('exec sleep infinity'))),
    mend: on(forgotten('idle')),
    ends: [
      {
        code: 'KS-1404',
        host: FIRST,
        evidence: /kuscia\.sh did not start the replica: exit 1/,
        cause: /^unknown; /,
        remedy: /docker logs/,
      },
    ],
  },
  {
    name: 'replica-restarts-for-ever',
    on: 'deployed cluster',
    cluster: imaged('secretflow/kuscia:restless'),
    mode: 'apply',
    when: 'before',
    replaces: [`${FIRST} ${REPLICA}`],
    make: on(
      spoilt(
        'restless',
        '/home/kuscia/bin/kuscia',
        program('echo "2026-11-24 10:00:00.000 FATAL start/start.go:54 out of luck"; exit 1'),
      ),
    ),
    mend: on(forgotten('restless')),
    ends: [
      {
        code: 'KS-1404',
        host: FIRST,
        evidence: /out of luck/,
        cause:
          /^unknown; last lines of docker logs root-kuscia-autonomy-alice \(before it was removed\): .*out of luck/,
        remedy: /docker logs/,
      },
    ],
  },
  {
    name: 'kuscia-sh-does-nothing',
    usual: true,
    on: 'deployed cluster',
    cluster: imaged('secretflow/kuscia:lazy'),
    mode: 'apply',
    when: 'before',
    replaces: [`${FIRST} ${REPLICA}`],
    make: on(spoilt('lazy', '/home/kuscia/scripts/deploy/kuscia.sh', '#!/bin/bash\nexit 0\n')),
    mend: on(forgotten('lazy')),
    ends: [
      {
        code: 'KS-1404',
        host: FIRST,
        evidence: /kuscia\.sh exited with 0, but did not report that it deployed the replica/,
        cause: /^unknown; /,
        remedy: /run again/,
      },
    ],
  },
  {
    name: 'port-taken-between-plan-and-apply',
    usual: true,
    on: 'deployed cluster',
    cluster: `${CLUSTER}ports: { gateway: 20500 }\n`,
    mode: 'apply',
    when: /^ {2}node-02 +~ +replace replica/m,
    replaces: [`${FIRST} ${REPLICA}`],
    make: () => seenOn('node-03', 'docker run -d --name squatter -p 20500:80 nginx:1.26'),
    mend: () => seenOn('node-03', 'docker rm -f squatter'),
    ends: [{ code: 'KS-1208', host: 'node-03', evidence: /squatter/, remedy: /Find what listens there/ }],
  },
  {
    name: 'disk-full',
    on: 'deployed cluster',
    mode: 'apply',
    when: 'before',
    make: () =>
      seenOn(
        'node-03',
        'mount -t tmpfs -o size=64k tmpfs /root/kuscia-swarm; head -c 100k /dev/zero >/root/kuscia-swarm/full || true',
      ),
    mend: () => seenOn('node-03', 'umount /root/kuscia-swarm'),
    ends: [
      {
        code: 'KS-1107',
        host: 'node-03',
        evidence: /No space left on device/,
        cause: /^a disk is full$/,
        remedy: /Free disk space on that host/,
      },
    ],
  },
];
