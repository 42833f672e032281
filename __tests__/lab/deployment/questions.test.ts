import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { paths } from '../../../lab/lab.ts';
import { printedForms, Secret } from '../../../src/engine/secret.ts';
import { freshHosts } from '../support/fresh.ts';
import { CLUSTER, HOSTS } from '../support/cluster.ts';
import { action, DATABASE_PASSWORD, unmasked } from './action.ts';
import { seenOn, stateOf } from './seen.ts';

// A cluster file in a pull request may name anything. A read-only mode acts on none of it: it connects only to servers that the deployment already uses, and starts and pulls nothing.

/** An address that nothing of the deployment has; node-03 answers there, with a MySQL server that asks for the password in clear and notes all it hears. */
const FOREIGN = '10.77.0.99';
const NOTES = '/run/rogue.json';
const ROGUE = `import { writeFileSync } from 'node:fs';
import { mysqlServer } from '${join(paths.repositoryInHost, '__tests__/support/mysql-server.ts')}';
const server = await mysqlServer({ wants: 'mysql_clear_password', password: 'x' }, '${FOREIGN}', 3306);
setInterval(() => writeFileSync('${NOTES}', Buffer.concat(server.seen)), 100);`;

/** Packets that arrived at that address, from any sender. */
const packets = async (): Promise<number> =>
  Number(
    await seenOn(
      'node-03',
      `iptables -nvxL INPUT | awk '$NF == "${FOREIGN}" || $9 == "${FOREIGN}" { print $1; exit }'`,
    ),
  );

const EXTERNAL = `${CLUSTER.replace(' database,', '')}database: { external: { address: ${FOREIGN}, name: kine, user: root } }\n`;
const evil = (name: string): string => `${FOREIGN}:5000/evil/${name}:1`;
type Looking = 'plan' | 'verify' | 'snapshot' | 'check';
const MODES: readonly Looking[] = ['plan', 'verify', 'snapshot', 'check'];
const NONE_READ = { plan: 1, verify: 1, snapshot: 1, check: 1 };
const files = mkdtempSync(join(tmpdir(), 'hostile-'));
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(files, name), text);
  return join(files, name);
};
const link = join(files, 'link.yml');
symlinkSync('/etc/shadow', link);

/** By the content of the file: the file or its text, inputs, and the exit code of each read-only mode. The running cluster is healthy even if other images are described. */
const HOSTILE: readonly [string, string, Readonly<Record<string, string>>, Readonly<Record<Looking, number>>][] = [
  ['a database elsewhere', EXTERNAL, {}, { plan: 0, verify: 1, snapshot: 0, check: 0 }],
  [
    'images and a registry elsewhere',
    `${CLUSTER.replace('secretflow/kuscia:1.1.0b0', evil('kuscia'))}database: { image: "${evil('mysql')}" }\nnetwork: { probe-image: "${evil('probe')}" }\nload-balancer: { image: "${evil('nginx')}" }\nregistry: { server: "${FOREIGN}:5000", username: ci }\n`,
    { 'registry-password': 'registry.Password-77' },
    { plan: 1, verify: 0, snapshot: 0, check: 0 },
  ],
  [
    'a bastion elsewhere',
    `${CLUSTER}ssh: { bastion: "root@${FOREIGN}" }\n`,
    {},
    { plan: 1, verify: 1, snapshot: 1, check: 0 },
  ],
  ['a host elsewhere', CLUSTER.replace('10.77.0.12', FOREIGN), {}, { plan: 1, verify: 1, snapshot: 1, check: 0 }],
  ['a link to accounts', link, {}, NONE_READ],
  ['a text without end', fileOf('huge.yml', `${CLUSTER}# ${'x'.repeat(50_000_000)}\n`), {}, NONE_READ],
  [
    'a bomb of aliases',
    `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghi'.replace(/./g, (key) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${String.fromCharCode(key.charCodeAt(0) - 1)}`).join(', ')}]\n`)}`,
    {},
    NONE_READ,
  ],
];

freshHosts(3);

describe('on a deployed cluster', () => {
  beforeAll(async () => {
    expect((await action(CLUSTER)).code).toBe(0);
    await seenOn('node-03', `ip address add ${FOREIGN}/32 dev eth0; iptables -I INPUT -d ${FOREIGN}`);
    await seenOn(
      'node-03',
      `cat >/run/rogue.mts <<'END'\n${ROGUE}\nEND\nsetsid ${join(paths.repositoryInHost, 'node_modules/node/bin/node')} /run/rogue.mts </dev/null >/run/rogue.log 2>&1 & until [ -e ${NOTES} ]; do sleep 0.2; done`,
    );
  }, 300_000);

  test('the listener sees who comes', async () => {
    const before = await packets();
    await seenOn(
      'node-02',
      `docker exec alice-probe bash -c 'exec 3<>/dev/tcp/${FOREIGN}/3306; head -c 5 <&3 >/dev/null; echo knock >&3'; sleep 0.5`,
    );
    expect(await packets()).toBeGreaterThan(before);
    expect(await seenOn('node-03', `cat ${NOTES}`)).toContain('knock');
  });

  test.each(
    HOSTILE.flatMap(([name, cluster, inputs, ends]) =>
      MODES.map((mode) => [mode, name, cluster, inputs, ends[mode]] as const),
    ),
  )(
    '%s with %s',
    async (mode, name, cluster, inputs, ends) => {
      const [came, since, states] = [
        await packets(),
        await seenOn('node-01', 'date +%s'),
        await Promise.all(HOSTS.map(stateOf)),
      ];
      const { code, log } = await action(cluster, { inputs: { mode, ...inputs } });
      expect([code, unmasked(log).includes(DATABASE_PASSWORD), log.includes('root:')]).toEqual([ends, false, false]);
      if (name === 'a database elsewhere' && mode === 'plan') {
        expect(log).toMatch(new RegExp(`node-02 +\\+ login as root at ${FOREIGN}:3306`));
        expect(log).toContain('version, login and owner of the database');
      }
      // What version an image that is not here brings is not known, so it may be one that cannot be undone.
      if (name.startsWith('images') && mode === 'plan')
        expect([...log.matchAll(/^Error (KS-\d+)/gm)].map(([, code]) => code)).toEqual(['KS-1308']);
      const events = await Promise.all(
        HOSTS.map((host) =>
          seenOn(
            host,
            `docker events --since ${since} --until "$(date +%s)" --format '{{.Type}} {{.Actor.Attributes.name}} {{.Action}}'`,
          ),
        ),
      );
      // A command of several lines continues below its event.
      const done = events
        .flatMap((lines) => lines.split('\n'))
        .filter(
          (line) =>
            /^(container|image|network|volume) /.test(line) &&
            !/^container (alice-(probe|mysql|nginx-lb)|root-kuscia-autonomy-alice) exec_(create|start|die)\b/.test(
              line,
            ),
        );
      expect(done).toEqual([]);
      expect(await Promise.all(HOSTS.map(stateOf))).toEqual(states);
      expect(await packets()).toBe(came);
    },
    60_000,
  );

  test('and what the rogue server received contains no form of the password', async () => {
    const heard = Buffer.from(await seenOn('node-03', `base64 -w0 ${NOTES}`), 'base64').toString('latin1');
    expect(heard).toContain('knock');
    expect(printedForms(new Secret('p', DATABASE_PASSWORD)).filter((form) => heard.includes(form))).toEqual([]);
  });
});
