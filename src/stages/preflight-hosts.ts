import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import type { Failure } from '../engine/errors.ts';
import { replicaContainer, replicaName } from '../kuscia/names.ts';
import { REQUIRED } from '../kuscia/requirements.ts';
import type { OnHost } from './preflight-facts.ts';

/** What does not fit between hosts, even if each host is fine by itself. */
export const crossHostFailures = (cluster: Cluster, facts: readonly OnHost[]): Failure[] => [
  ...sharedMachineIds(facts),
  ...architectureFailures(cluster, facts),
  ...clockFailures(facts),
  ...nameFailures(cluster, facts),
];

/**
 * Kuscia takes a second host with the same machine-id and name for the same replica (docs/kuscia.md#several-replicas).
 */
function sharedMachineIds(facts: readonly OnHost[]): Failure[] {
  const known = facts.flatMap(({ host, machine }) =>
    machine.is === 'present' && machine.value.machineId !== '' ? [[machine.value.machineId, host.name] as const] : [],
  );
  const byId = Map.groupBy(known, ([id]) => id);
  return [...byId.values()]
    .filter((same) => same.length > 1)
    .map((same) => ({
      code: 'host-unfit' as const,
      host: same.map(([, host]) => host).join(', '),
      what: 'these hosts have the same machine-id, as cloned machines do',
      evidence: `/etc/machine-id is ${same[0]?.[0]}`,
      remedy: 'On all of these hosts but one: rm /etc/machine-id && systemd-machine-id-setup, then restart the host.',
    }));
}

/** Tasks may run on any replica, so images and binaries must be the same everywhere. */
function architectureFailures(cluster: Cluster, facts: readonly OnHost[]): Failure[] {
  const supported = (arch: string): boolean => (REQUIRED.architectures as readonly string[]).includes(arch);
  const known = facts.flatMap(({ host, machine }) =>
    host.roles.includes('replica') && machine.is === 'present' && supported(machine.value.arch)
      ? [{ host: host.name, arch: machine.value.arch.replace('aarch64', 'arm64') }]
      : [],
  );
  const byArch = Map.groupBy(known, ({ arch }) => arch);
  if (byArch.size < 2) return [];
  return [
    {
      code: 'host-unfit',
      host: known.map(({ host }) => host).join(', '),
      what: `the hosts of ${cluster.domain}'s replicas have different architectures`,
      evidence: [...byArch].map(([arch, same]) => `${arch}: ${same.map(({ host }) => host).join(', ')}`).join('; '),
      remedy:
        'Put all replicas of a domain on hosts of one architecture: its tasks run on any of them, with the same ' +
        'images.',
    },
  ];
}

/**
 * Reports only what is certain: the intervals in which the two clocks were read must be further apart than the limit.
 */
function clockFailures(facts: readonly OnHost[]): Failure[] {
  const clocks = facts.flatMap(({ host, machine, asked }) =>
    machine.is === 'present' && asked !== undefined
      ? [{ host: host.name, least: machine.value.clock - asked[1], most: machine.value.clock - asked[0] }]
      : [],
  );
  const slowest = clocks.reduce((a, b) => (b.most < a.most ? b : a), clocks[0] ?? { host: '', least: 0, most: 0 });
  return clocks
    .filter((clock) => clock.least - slowest.most > REQUIRED.clockSkew * 1000)
    .map((clock) => ({
      code: 'host-unfit' as const,
      host: clock.host,
      what:
        `its clock is at least ${Math.floor((clock.least - slowest.most) / 1000)} s ahead of that of ` +
        `${slowest.host}; ${REQUIRED.clockSkew} s are allowed`,
      remedy: 'Synchronise the clocks of all hosts with NTP: Kuscia judges replicas by timestamps that they write.',
    }));
}

/** Replica names must differ, and none may be part of another: kuscia.sh counts matching lines. */
function nameFailures(cluster: Cluster, facts: readonly OnHost[]): Failure[] {
  const replicas = hostsWith(cluster, 'replica').flatMap((host) => {
    const fact = facts.find((onHost) => onHost.host === host)?.machine;
    return fact?.is === 'present'
      ? [
          {
            host: host.name,
            hostname: fact.value.hostname,
            name: replicaName(replicaContainer(cluster, fact.value.user), fact.value.hostname),
          },
        ]
      : [];
  });
  const remedy =
    'Give the hosts short, distinct hostnames, none of them the beginning of another (hostnamectl set-hostname), ' +
    'or use a shorter domain.';
  return replicas.flatMap((one, i) =>
    replicas
      .filter((other, j) => i !== j && other.name.includes(one.name) && (other.name !== one.name || i < j))
      .map((other) => ({
        code: 'hostname-clash' as const,
        host: `${one.host}, ${other.host}`,
        what:
          one.name === other.name
            ? `both replicas would be named ${one.name}`
            : `the replica name ${one.name} is part of ${other.name}`,
        evidence: `hostnames ${one.hostname} and ${other.hostname}`,
        remedy,
      })),
  );
}
