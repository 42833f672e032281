import type { Cluster, Host } from '../cluster/cluster.ts';
import type { Deployment } from '../cluster/deployment.ts';
import { folders } from '../cluster/folders.ts';
import { failuresOf, type Failure } from '../engine/errors.ts';
import type { Fact } from '../engine/fact.ts';
import { Plan } from '../engine/plan.ts';
import { Secret } from '../engine/secret.ts';
import { unknownFailures } from '../engine/unknown.ts';
import type { OpenedFile } from '../host/files.ts';
import { fingerprint, readConfiguration, type Configuration } from '../kuscia/configuration.ts';
import type { DatabaseState } from '../mysql/facts.ts';

/** The configuration on one host. */
export interface OnHost {
  readonly host: Host;
  readonly file: Fact<OpenedFile>;
}

/** A configuration and where it was found. */
interface Found {
  readonly where: string;
  readonly configuration: Configuration;
}

/**
 * The caller's configuration first, then those of the hosts in the order of the cluster file; one that cannot be read
 * is a failure.
 */
export function findConfigurations(plan: Plan, { cluster, secrets }: Deployment, files: readonly OnHost[]): Found[] {
  const found: Found[] = [];
  const add = (where: string, text: Secret, host?: string): void => {
    try {
      const configuration = readConfiguration(text, where, host);
      if (configuration.domain === cluster.domain) found.push({ where, configuration });
      else
        plan.failures.push({
          code: 'configuration-invalid',
          ...(host !== undefined && { host }),
          what: `the Kuscia configuration in ${where} belongs to domain ${configuration.domain}, not ${cluster.domain}`,
          remedy: 'Set directory in the cluster file to the folder of this domain, or correct the input kuscia-config.',
        });
    } catch (thrown) {
      plan.failures.push(...failuresOf(thrown));
    }
  };
  if (secrets.kusciaConfig) add('the input kuscia-config', secrets.kusciaConfig);
  for (const { host, file } of files) {
    if (file.is === 'present') add(`${host.name}:${folders(cluster).config}`, file.value.content, host.name);
    plan.failures.push(
      ...unknownFailures(host.name, [file], 'Allow the login to read its own files on that host, then run again.'),
    );
  }
  return found;
}

/** Why the configurations, or they and the database, do not share one domain key. */
export function keyFailures(cluster: Cluster, found: readonly Found[], database: Fact<DatabaseState>): Failure[] {
  const byKey = Map.groupBy(found, ({ configuration }) => fingerprint(configuration.publicKey));
  const holders = [...byKey].map(([key, same]) => `${key} in ${same.map(({ where }) => where).join(', ')}`);
  if (byKey.size > 1) {
    return [
      {
        code: 'domain-key-conflict',
        what: `domain ${cluster.domain} has ${byKey.size} different keys`,
        evidence: holders.join('; '),
        remedy:
          'Find out which key the partners know, and remove the configurations with other keys. Kuscia itself would ' +
          'accept them all and fail later.',
      },
    ];
  }
  const stored =
    database.is === 'present' && database.value.login === 'accepted'
      ? database.value.gateways.filter((gateway) => gateway.domain === cluster.domain && gateway.publicKey !== '')
      : [];
  const [ours] = byKey.keys();
  if (ours === undefined) {
    if (stored.length === 0) return [];
    return [
      {
        code: 'domain-key-missing',
        what: `the database already contains domain ${cluster.domain}, but no host has its configuration`,
        evidence: `replicas in the database: ${stored.map(({ name }) => name).join(', ')}`,
        remedy:
          "Give the domain's configuration as the input kuscia-config. If it is lost, the domain cannot be " +
          'continued: use an empty database and exchange certificates with the partners again.',
      },
    ];
  }
  const others = stored.filter((gateway) => fingerprint(gateway.publicKey) !== ours);
  if (others.length === 0) return [];
  return [
    {
      code: 'domain-key-conflict',
      what: `replicas in the database have a different key from the configuration of ${cluster.domain}`,
      evidence:
        `${holders.join('; ')}; in the database ` +
        `${others.map(({ name, publicKey }) => `${fingerprint(publicKey)} of ${name}`).join(', ')}`,
      remedy:
        'Put the configuration with the key that the partners know on every host. Remove each replica whose entry ' +
        'shows another key (docker rm -f; if only restarted, it keeps the certificate of its former key and does not ' +
        `start), and then its entry, which is not removed with it: kubectl delete gateway NAME -n ${cluster.domain}, ` +
        'in another replica. Then run again.',
    },
  ];
}
