import type { Exited } from '../../src/engine/outcome.ts';

type Json = Record<string, unknown>;

/** Of each kind of JSON that docker prints, the keys that are read; the rest is not kept. */
const KEPT: readonly { readonly of: RegExp; readonly keep: (raw: Json) => Json }[] = [
  {
    of: /^docker info /,
    keep: (raw) => ({
      ...pick(
        raw,
        'ServerVersion',
        'NCPU',
        'MemTotal',
        'DockerRootDir',
        'SecurityOptions',
        'LiveRestoreEnabled',
        'FirewallBackend',
        'DefaultAddressPools',
        'LoggingDriver',
        'ServerErrors',
      ),
      ...('Swarm' in raw && { Swarm: swarm(sub(raw, 'Swarm')) }),
    }),
  },
  {
    of: /docker node inspect/,
    keep: (raw) => ({ ...pick(raw, 'ID', 'Spec', 'Status'), Description: pick(sub(raw, 'Description'), 'Hostname') }),
  },
  {
    of: /docker network inspect/,
    keep: (raw) => pick(raw, 'Id', 'Name', 'Driver', 'Scope', 'Attachable', 'IPAM', 'Options'),
  },
  {
    of: /docker container inspect/,
    keep: (raw) => ({
      ...raw,
      State: pick(sub(raw, 'State'), 'Status', 'Error', 'ExitCode', 'StartedAt'),
      Networks: addresses(sub(raw, 'Networks')),
    }),
  },
];

const sub = (raw: Json, key: string): Json => (raw[key] ?? {}) as Json;
const pick = (raw: Json, ...keys: string[]): Json =>
  Object.fromEntries(keys.flatMap((key) => (key in raw ? [[key, raw[key]]] : [])));

const addresses = (raw: Json): Json =>
  Object.fromEntries(Object.entries(raw).map(([name, network]) => [name, pick(network as Json, 'IPAddress')]));

const swarm = (raw: Json): Json => ({
  ...pick(raw, 'LocalNodeState', 'NodeID', 'NodeAddr', 'ControlAvailable', 'RemoteManagers', 'Error'),
  ...(raw['Cluster'] !== undefined && { Cluster: raw['Cluster'] === null ? null : pick(sub(raw, 'Cluster'), 'ID') }),
});

/** The outcome with only those parts of its JSON that are read, so that a tape can be read by a person. */
export function trimmed(line: string, outcome: Exited): Exited {
  const kind = KEPT.find(({ of }) => of.test(line));
  if (kind) return { ...outcome, stdout: eachLine(outcome.stdout, kind.keep) };
  return outcome;
}

const eachLine = (stdout: string, keep: (raw: Json) => Json): string =>
  stdout
    .split('\n')
    .map((line) => (line.startsWith('{') ? JSON.stringify(keep(JSON.parse(line) as Json)) : line))
    .join('\n');
