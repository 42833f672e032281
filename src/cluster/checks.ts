import { addressChecks } from './checks-addresses.ts';
import { portProblems } from './checks-ports.ts';
import { roleProblems } from './checks-roles.ts';
import { isMapping, show, valueAt, type Problem } from './problem.ts';
import { HOST_NAME } from './schema.ts';
import type { Draft } from './shape.ts';

/**
 * What is wrong between keys that are each right by themselves. Judges nothing that depends on a key that is faulty.
 */
export function checkProblems(draft: Draft, value: unknown): Problem[] {
  return [
    ...hostNameProblems(value),
    ...roleProblems(draft),
    ...addressChecks(draft),
    ...portProblems(draft, value),
    ...externalProblems(value),
    ...userProblems(draft),
    ...localProblems(draft, value),
    ...hostnameRoomProblems(draft),
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
      text: `${show(name)} is no host name (a letter, then letters, digits, "_", "." and "-"; at most 63)`,
    }));
}

/** Keys of a managed database would be without effect on an external one, and the other way round. */
function externalProblems(value: unknown): Problem[] {
  const database = valueAt(value, ['database']);
  if (!isMapping(database)) return [];
  if (!Object.hasOwn(database, 'external'))
    return Object.hasOwn(database, 'tls')
      ? [
          {
            path: ['database', 'tls'],
            at: 'key',
            text: 'has no meaning without an external database: one of its own is asked within its container',
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
          ? 'has no meaning with an external database'
          : `has no meaning with an external database; it belongs under "external"`,
    }));
}

/** root of a database of ours logs in only within its container. */
function userProblems({ database }: Draft): Problem[] {
  if (database?.external !== undefined || database?.user !== 'root') return [];
  return [
    {
      path: ['database', 'user'],
      at: 'value',
      text:
        '"root" logs in only within the container of the database, never from a replica: leave the key out ' +
        '(kuscia), or name another user',
    },
  ];
}

function localProblems(draft: Draft, value: unknown): Problem[] {
  const runners = (draft.hosts ?? [])
    .filter((host) => host.via === 'ssh' && host.runner !== undefined)
    .map(({ name }): Problem => ({
      path: ['hosts', name, 'runner'],
      at: 'key',
      text: 'has no meaning for a host that is reached over SSH; add "via: local" where the runner sits on this host',
    }));
  return [...runners, ...keysWithoutMeaning(draft, value)];
}

/** Keys of SSH on hosts without it. */
function keysWithoutMeaning(draft: Draft, value: unknown): Problem[] {
  return (draft.hosts ?? [])
    .filter((host) => host.via === 'local')
    .flatMap(({ name }) =>
      ['user', 'port', 'bastion']
        .filter((key) => valueAt(value, ['hosts', name, key]) !== undefined)
        .map((key): Problem => ({
          path: ['hosts', name, key],
          at: 'key',
          text: 'has no meaning for a host that is reached with "via: local"',
        })),
    );
}

const LONGEST_HOSTNAME = 63;

/**
 * A replica's hostname is user, domain and hostname, cut at 63: without room for the last part all replicas are one to
 * Kuscia.
 */
function hostnameRoomProblems(draft: Draft): Problem[] {
  const { domain, ssh } = draft;
  if (domain === undefined || ssh === undefined) return [];
  return (draft.hosts ?? []).flatMap((host): Problem[] => {
    if (!host.roles?.includes('replica') || host.via !== 'ssh') return [];
    const user = host.user ?? ssh.user;
    const prefix = `${user}-kuscia-autonomy-${domain}-`;
    if (prefix.length < LONGEST_HOSTNAME) return [];
    const text =
      `the replica's hostname begins with ${show(prefix)} (${prefix.length} characters) and is cut at ` +
      `${LONGEST_HOSTNAME}: nothing of the host's own name is left; take a shorter user or domain`;
    return [{ path: host.user === undefined ? ['ssh', 'user'] : ['hosts', host.name, 'user'], at: 'value', text }];
  });
}
