import { addressProblems } from './checks-addresses.ts';
import { portProblems } from './checks-ports.ts';
import { roleProblems } from './checks-roles.ts';
import { isMapping, show, valueAt, type Problem } from './problem.ts';
import { HOST_NAME } from './schema.ts';
import type { PartialClusterFile } from './shape.ts';

/**
 * Reports conflicts between keys that are valid by themselves. Skips checks that depend on an invalid key.
 */
export function checkProblems(file: PartialClusterFile, value: unknown): Problem[] {
  return [
    ...hostNameProblems(value),
    ...roleProblems(file),
    ...addressProblems(file),
    ...portProblems(file, value),
    ...externalProblems(value),
    ...userProblems(file),
    ...localProblems(file, value),
    ...hostnameLengthProblems(file),
  ];
}

function hostNameProblems(value: unknown): Problem[] {
  const hosts = valueAt(value, ['hosts']);
  const names = isMapping(hosts) ? Object.keys(hosts) : [];
  return names
    .filter((name) => !HOST_NAME.test(name))
    .map((name) => ({
      path: ['hosts', name],
      at: 'key',
      text: `${show(name)} is not a valid host name (a letter, then letters, digits, "_", "." and "-"; at most 63)`,
    }));
}

/** Keys of a managed database have no effect on an external one, and vice versa. */
function externalProblems(value: unknown): Problem[] {
  const database = valueAt(value, ['database']);
  if (!isMapping(database)) return [];
  if (!Object.hasOwn(database, 'external'))
    return Object.hasOwn(database, 'tls')
      ? [
          {
            path: ['database', 'tls'],
            at: 'key',
            text: 'has no effect without "database.external": a managed database is accessed inside its container',
          },
        ]
      : [];
  if (!isMapping(database['external'])) return [];
  return ['port', 'listen', 'volume', 'name', 'user']
    .filter((key) => Object.hasOwn(database, key))
    .map((key) => ({
      path: ['database', key],
      at: 'key',
      text:
        key === 'volume'
          ? 'has no effect with an external database'
          : 'has no effect with an external database; move it under "external"',
    }));
}

/** root of a managed database can log in only inside its container. */
function userProblems({ database }: PartialClusterFile): Problem[] {
  if (database?.external !== undefined || database?.user !== 'root') return [];
  return [
    {
      path: ['database', 'user'],
      at: 'value',
      text:
        '"root" can log in only inside the database container, not from a replica; omit the key (default: ' +
        'kuscia) or use another user',
    },
  ];
}

function localProblems(file: PartialClusterFile, value: unknown): Problem[] {
  const runners = (file.hosts ?? [])
    .filter((host) => host.via === 'ssh' && host.runner !== undefined)
    .map(({ name }): Problem => ({
      path: ['hosts', name, 'runner'],
      at: 'key',
      text: 'has no effect for a host reached over SSH; add "via: local" if the runner is on this host',
    }));
  return [...runners, ...ineffectiveSshKeys(file, value)];
}

/** Reports SSH keys on hosts that are not reached over SSH. */
function ineffectiveSshKeys(file: PartialClusterFile, value: unknown): Problem[] {
  return (file.hosts ?? [])
    .filter((host) => host.via === 'local')
    .flatMap(({ name }) =>
      ['user', 'port', 'bastion']
        .filter((key) => valueAt(value, ['hosts', name, key]) !== undefined)
        .map((key): Problem => ({
          path: ['hosts', name, key],
          at: 'key',
          text: 'has no effect for a host with "via: local"',
        })),
    );
}

const MAX_HOSTNAME_LENGTH = 63;

/**
 * A replica's hostname is made of user, domain and hostname, truncated to 63 characters. Without room for the hostname,
 * Kuscia cannot tell the replicas apart.
 */
function hostnameLengthProblems(file: PartialClusterFile): Problem[] {
  const { domain, ssh } = file;
  if (domain === undefined || ssh === undefined) return [];
  return (file.hosts ?? []).flatMap((host): Problem[] => {
    if (!host.roles?.includes('replica') || host.via !== 'ssh') return [];
    const user = host.user ?? ssh.user;
    const prefix = `${user}-kuscia-autonomy-${domain}-`;
    if (prefix.length < MAX_HOSTNAME_LENGTH) return [];
    const text =
      `the replica's hostname starts with ${show(prefix)} (${prefix.length} characters) and is ` +
      `truncated to ${MAX_HOSTNAME_LENGTH}, which leaves no room for the host's name; use a shorter user or domain`;
    return [{ path: host.user === undefined ? ['ssh', 'user'] : ['hosts', host.name, 'user'], at: 'value', text }];
  });
}
