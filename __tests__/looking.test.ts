import { describe, expect, test } from '@jest/globals';
import type { Cluster } from '../src/cluster/cluster.ts';
import type { Deployment } from '../src/cluster/deployment.ts';
import { logsOf } from '../src/diagnosis/logs.ts';
import type { Ask } from '../src/engine/ask.ts';
import { reading, script, shellLine, type Command } from '../src/engine/command.ts';
import { answer } from '../src/engine/fact.ts';
import type { Outcome } from '../src/engine/outcome.ts';
import { Secret } from '../src/engine/secret.ts';
import { askFromProbe } from '../src/mysql/client.ts';
import { askStrays } from '../src/stages/strays.ts';
import { deploymentStages } from '../src/stages/index.ts';
import { clusterOf, deploymentOf, EXTERNAL, MANAGED, TWO } from './support/deployment.ts';
import { initialConfiguration } from './support/key.ts';
import { tape } from './support/tape.ts';

/** A command that looks, and the host that it is run on. */
interface Asked {
  readonly host: string;
  readonly command: Command;
}

/**
 * Containers that a deployment of alice runs, by name and as the host's own scripts call them once they have looked.
 */
const OURS = /^(alice-(mysql|probe|nginx-lb)|root-kuscia-autonomy-alice|"\$replica"|"\$\{found%%:\*\}"|"\$container")$/;

/**
 * What a command does that only looks may not do, in words. `foreign` stands in addresses that nothing of the
 * deployment has.
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
    ...docker.filter((verb) => !LOOKS.includes(verb)).map((verb) => `docker ${verb}`),
    ...entered.filter((name) => !OURS.test(name)).map((name) => `goes into ${name}`),
    ...(foreign.test(line) && !NAMES_ONLY.includes(command.purpose) ? [`names ${foreign.exec(line)?.[0]}`] : []),
    ...(stdin instanceof Secret && !SECRETS.includes(command.purpose) ? ['carries a secret'] : []),
  ].map((fault) => `${host}: ${command.purpose}: ${fault}`);
}

/**
 * What docker does when it only looks. It runs nothing but what goes into a container that runs already, and `cp` takes
 * out of one.
 */
const LOOKS = [
  'info',
  'version',
  'events',
  'cp',
  'exec',
  'inspect',
  'logs',
  'ps',
  'container ls',
  'container inspect',
  'image ls',
  'image inspect',
  'network ls',
  'network inspect',
  'node ls',
  'node inspect',
  'swarm join',
];

/** What is only compared with names on the host itself, and goes nowhere. */
const NAMES_ONLY = ['read which database is in use', 'identify the image', 'read the version of the database image'];

/**
 * Questions that carry a secret: to the database, by one of two ways that look first; the others to their host alone.
 */
const SECRETS = ['query the database', 'compare the worker join token', 'compare the manager join token'];

const settled = new Map([...tape('settled')].map(({ host, line, outcome }) => [`${host}\n${line}`, outcome]));
const said = (code: number, stdout = ''): Outcome => ({ ended: 'exited', code, stdout, stderr: '' });

/**
 * Hosts on which alice is deployed, with a database that runs there; `inUse` is what they say of one that runs
 * elsewhere.
 */
function watched(inUse: string): Ask & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    learn: () => undefined,
    reaches: () => true,
    ask(host, question) {
      asked.push({ host, command: question.command });
      const known = settled.get(`${host}\n${shellLine(question.command)}`);
      return Promise.resolve(
        answer(
          question,
          known ?? (question.command.purpose === 'read which database is in use' ? said(0, `${inUse}\n`) : said(1)),
        ),
      );
    },
  };
}

/**
 * Everything that a run of any mode asks while it only looks: every stage's look, what plan shows of verify, and the
 * logs where something fails.
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
  ['as it is deployed', {}],
  ['with another image of the database', { database: { ...MANAGED, image: EVIL } }],
  ['with a database elsewhere', { database: { ...EXTERNAL, address: 'db.evil.example' } }],
  [
    'with a database elsewhere and a CA of its own',
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

describe('whatever only looks runs nothing new, pulls nothing, and gives no secret away', () => {
  test.each(HOSTILE)('%s', async (_, changes) => {
    const cluster = { hosts: TWO, ...changes };
    const asked = [
      ...(await askedBy(deploymentOf(cluster, { secrets }))),
      ...(await askedBy(deploymentOf(cluster, { secrets, repair: true, upgradesDatabase: true }))),
    ];
    expect(asked.length).toBeGreaterThan(100);
    expect([...new Set(asked.flatMap((each) => faultsOf(each, FOREIGN)))]).toEqual([]);
  });

  test('the password goes to a database elsewhere only where the deployment uses that already', async () => {
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
    // Another CA: by it somebody else could prove himself.
    expect(await to('configured', 'PEM')).toEqual([]);
  });

  test('the database of ours is asked in no container but one that was made for it', async () => {
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

  test('and this test sees what is none of that', () => {
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
