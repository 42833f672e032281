import { describe, expect, test } from '@jest/globals';
import type { Cluster } from '../src/cluster/cluster.ts';
import type { Deployment } from '../src/cluster/deployment.ts';
import { logsOf } from '../src/diagnosis/logs.ts';
import type { Ask } from '../src/engine/ask.ts';
import { reading, script, shellLine, type Command } from '../src/engine/command.ts';
import { gather } from '../src/engine/fact.ts';
import type { Outcome } from '../src/engine/outcome.ts';
import { Secret } from '../src/engine/secret.ts';
import { askFromProbe } from '../src/mysql/client.ts';
import { askStrays } from '../src/stages/strays.ts';
import { deploymentStages } from '../src/stages/index.ts';
import { clusterOf, deploymentOf, EXTERNAL, MANAGED, TWO } from './support/deployment.ts';
import { initialConfiguration } from './support/key.ts';
import { tape } from './support/tape.ts';

/** A reading command, and the host that it runs on. */
interface Asked {
  readonly host: string;
  readonly command: Command;
}

/** Containers that a deployment of alice runs, by name and by the variables of scripts that have found them. */
const OURS = /^(alice-(mysql|probe|nginx-lb)|root-kuscia-autonomy-alice|"\$replica"|"\$\{found%%:\*\}"|"\$container")$/;

/**
 * What the command does that a reading command must not do, in words. `foreign` matches addresses that do not belong to
 * the deployment.
 */
function faultsOf({ host, command }: Asked, foreign: RegExp): string[] {
  const { stdin } = command;
  const said = typeof stdin === 'string' ? stdin : '';
  const line = `${shellLine(command)}\n${said}`;
  const docker = [...line.matchAll(/\bdocker\s+(?:-\S+\s+)*(\w+)(?:\s+(\w+))?/g)].map(([, verb = '', next = '']) =>
    ['container', 'image', 'network', 'volume', 'node', 'swarm', 'system'].includes(verb) ? `${verb} ${next}` : verb,
  );
  const entered = [...line.matchAll(/\bdocker exec (?:--interactive )?(\S+)/g)].map(([, name = '']) => name);
  return [
    ...(command.reads ? [] : ['changes something']),
    ...docker
      .filter((verb) => !LOOKS.includes(verb) && !(verb === 'system dial' && asksOnly(command)))
      .map((verb) => `docker ${verb}`),
    ...entered.filter((name) => !OURS.test(name)).map((name) => `goes into ${name}`),
    ...(foreign.test(line) && !NAMES_ONLY.includes(command.purpose) ? [`names ${foreign.exec(line)?.[0]}`] : []),
    ...(stdin instanceof Secret && !SECRETS.includes(command.purpose) ? ['carries a secret'] : []),
  ].map((fault) => `${host}: ${command.purpose}: ${fault}`);
}

/** Whether it is a request that changes nothing: HTTP's GET (RFC 9110, section 9.2.1). */
const asksOnly = ({ request, args }: Command): boolean =>
  request !== undefined &&
  args[3]
    ?.match(/^\S+/gm)
    ?.filter((word) => /^[A-Z]+$/.test(word))
    .join() === 'GET';

/** Docker commands that only read. `exec` only enters containers that already run, and `cp` only copies out of them. */
const LOOKS = ['info', 'version', 'events', 'cp', 'exec', 'inspect', 'logs', 'ps', 'container inspect', 'swarm join'];

/** Commands that only compare addresses with names on the host itself and send them nowhere. */
const NAMES_ONLY = ['read which database is in use', 'read the version of the database image'];

/** Queries that contain a secret: to the database, in two ways that both check first; the others only to their host. */
const SECRETS = ['query the database', 'compare the worker join token', 'compare the manager join token'];

const settled = new Map([...tape('settled')].map(({ host, line, outcome }) => [`${host}\n${line}`, outcome]));
const said = (code: number, stdout = ''): Outcome => ({ ended: 'exited', code, stdout, stderr: '' });

/** Hosts on which alice is deployed with its own database; `inUse` is what they report about an external one. */
function watched(inUse: string): Ask & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    learn: () => undefined,
    reaches: () => true,
    ask: (host, question) =>
      gather(question, (command) => {
        asked.push({ host, command });
        const known = settled.get(`${host}\n${shellLine(command)}`);
        return Promise.resolve(
          known ?? (command.purpose === 'read which database is in use' ? said(0, `${inUse}\n`) : said(1)),
        );
      }),
  };
}

/**
 * Everything that a run of any mode asks while it only reads: the plan of every stage, the preview of verify, and the
 * logs in case of failures.
 */
async function askedBy(of: Deployment, inUse = 'absent'): Promise<Asked[]> {
  const ask = watched(inUse);
  for (const stage of deploymentStages(of)) {
    await stage.plan(ask);
    await stage.preview?.(ask);
  }
  await askStrays(ask, of.cluster);
  const logs = of.cluster.hosts.map((host) => ({
    host: host.name,
    command: logsOf(of.cluster, host, 60, 'mark').command,
  }));
  return [...ask.asked, ...logs];
}

const EVIL = 'registry.evil.example/x:1';
const HOSTILE: readonly [string, Partial<Cluster>][] = [
  ['as deployed', {}],
  ['with another image of the database', { database: { ...MANAGED, image: EVIL } }],
  ['with an external database', { database: { ...EXTERNAL, address: 'db.evil.example' } }],
  [
    'with an external database and its own CA',
    { database: { ...EXTERNAL, address: 'db.evil.example', ca: '-----BEGIN CERTIFICATE-----' } },
  ],
  ['with another image of Kuscia', { image: EVIL }],
  ['with another image of the load balancer', { loadBalancer: { ...clusterOf().loadBalancer, image: EVIL } }],
  ['with another image of the probe', { network: { ...clusterOf().network, probeImage: EVIL } }],
  ['with another registry', { registry: { server: 'registry.evil.example', username: 'ci' } }],
  ['with another folder', { directory: '/srv/elsewhere' }],
];

const secrets = {
  ...deploymentOf().secrets,
  registryPassword: new Secret('registry password', 'registry-pass-7'),
  kusciaConfig: new Secret('c', initialConfiguration()),
};
const FOREIGN = /evil\.example/;

describe('a read-only mode runs nothing new, pulls nothing, and exposes no secret', () => {
  test.each(HOSTILE)('%s', async (_, changes) => {
    const cluster = { hosts: TWO, ...changes };
    const asked = [
      ...(await askedBy(deploymentOf(cluster, { secrets }))),
      ...(await askedBy(deploymentOf(cluster, { secrets, repair: true, upgradesDatabase: true }))),
    ];
    expect(asked.length).toBeGreaterThan(100);
    expect([...new Set(asked.flatMap((each) => faultsOf(each, FOREIGN)))]).toEqual([]);
  });

  test('the password is sent to an external database only if the deployment already uses it', async () => {
    const to = async (inUse: string, ca?: string): Promise<string[]> => {
      const asked = await askedBy(
        deploymentOf({ hosts: TWO, database: { ...EXTERNAL, ...(ca !== undefined && { ca }) } }),
        inUse,
      );
      return [
        ...new Set(
          asked
            .filter(
              ({ command }) =>
                shellLine(command).includes(EXTERNAL.address) && command.purpose !== 'read which database is in use',
            )
            .map(({ host, command }) => `${host} ${command.purpose}`),
        ),
      ];
    };
    const reach = TWO.map(({ name }) => `${name} reach the database at 10.77.0.14:3307 from a container`);
    expect(await to('absent')).toEqual([]);
    expect(await to('nonsense')).toEqual([]);
    expect((await to('configured')).sort()).toEqual(['node-01 query the database', ...reach]);
    expect((await to('written down')).sort()).toEqual(['node-01 query the database', ...reach]);
    // Another CA: with it, someone else could impersonate the database.
    expect(await to('configured', 'PEM')).toEqual([]);
  });

  test('our own database is queried only in the container that was created for it', async () => {
    const asked = (await askedBy(deploymentOf({ hosts: TWO }))).filter(
      ({ command }) => command.purpose === 'query the database',
    );
    expect([...new Set(asked.map(({ host, command }) => `${host} ${command.args.slice(2, 5).join(' ')}`))]).toEqual([
      'node-01 sh alice-mysql /run/secrets/database-password',
    ]);
    expect(asked[0]?.command.args[1]).toMatch(
      /^found=\$\(docker container inspect [^\n]*\) \|\| exit\ncase \$found in \*":\$2:"\*\) ;; \*\) [^\n]* exit 77 ;; esac\n/,
    );
  });

  test('this test detects each violation', () => {
    const faults = (command: Command): string[] =>
      faultsOf({ host: 'h', command }, FOREIGN).map((each) => each.replace(/^h: x: /, ''));
    expect(faults(reading('x', ['docker', 'run', '--rm', EVIL, 'true']))).toEqual(['docker run', 'names evil.example']);
    expect(faults(reading('x', script('a=$(docker create "$1")', 'a')))).toEqual(['docker create']);
    expect(faults(reading('x', script('docker image pull "$1"', 'a')))).toEqual(['docker image pull']);
    expect(faults(reading('x', script('docker --config x pull "$1"', 'a')))).toEqual(['docker x']);
    expect(faults(reading('x', ['docker', 'exec', 'other', 'true']))).toEqual(['goes into other']);
    expect(faults(reading('x', ['cat'], { stdin: new Secret('s', 'abc') }))).toEqual(['carries a secret']);
    expect(
      faults(askFromProbe(clusterOf(), { ...EXTERNAL, address: 'db.evil.example' }, new Secret('p', 'abc'), [])),
    ).toEqual([expect.stringContaining('names evil.example')]);
  });
});
