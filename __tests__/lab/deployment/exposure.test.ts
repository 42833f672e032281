import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { exec, paths, reset, up } from '../../../lab/lab.ts';
import { action, DATABASE_PASSWORD, unmasked } from './action.ts';
import { asDatabaseRoot, seenOn } from './seen.ts';

const HOSTS = ['node-01', 'node-02', 'node-03'];
const REPLICAS = HOSTS.slice(1);
const REPLICA = 'root-kuscia-autonomy-alice';
const EXAMPLE = `${paths.repository}/examples/two-replicas.yml`;

/** The answer to a login to the database from a container on a host: the error, or the word in. */
async function loginFrom(host: string, user: string, password = DATABASE_PASSWORD): Promise<string> {
  const { stdout, stderr } = await exec(host, [
    'docker',
    'run',
    '--rm',
    '-e',
    `MYSQL_PWD=${password}`,
    'mysql:8.0',
    'mysql',
    '-h',
    '10.77.0.11',
    '-u',
    user,
    '--batch',
    '--skip-column-names',
    '-e',
    `SELECT 'in'`,
  ]);
  return stdout.trim() || (/ERROR \d+/.exec(stderr)?.[0] ?? stderr.trim());
}

/** TCP ports on which each host listens, with the address if it is not every one: `3306 at 10.77.0.11`. Ports only on the loopback are not reachable for others and left out. */
async function listening(host: string): Promise<string[]> {
  const lines = (await seenOn(host, `ss -Hltn | awk '{ print $4 }'`))
    .split('\n')
    .map((line) => /^(.*):(\d+)$/.exec(line) ?? []);
  const shown = lines.flatMap(([, address = '', port = '']) =>
    /^(127\.|\[::1\])/.test(address) ? [] : [/^(\*|0\.0\.0\.0|\[::\])$/.test(address) ? port : `${port} at ${address}`],
  );
  return [...new Set(shown)].sort();
}

/** Addresses of nobody here, which node-03 answers for. */
const PARTNER = '10.77.0.98';
const STRANGER = '10.77.0.99';
const PORTS = { 'node-01': [2377, 7946, 3306, 8080], 'node-02': [7946, 20000, 20001, 20010, 20011, 13084] } as const;

/** Those of the ports that node-03 gets a connection to, from one of its addresses. */
async function reached(from: string): Promise<number[]> {
  const told = await Promise.all(
    Object.entries(PORTS).flatMap(([host, ports]) =>
      ports.map(async (port) => ({
        port,
        said: await seenOn(
          'node-03',
          `curl -ks -o /dev/null --interface ${from} --connect-timeout 3 -m 4 -w '%{time_connect}' http://10.77.0.1${host.slice(-1)}:${port}/ || true`,
        ),
      })),
    ),
  );
  return told.flatMap(({ port, said }) => (Number(said) > 0 ? [port] : []));
}

/** The ports of a host with these roles according to the exposure table of the security page. */
function promised(...roles: readonly string[]): string[] {
  const page = readFileSync(`${paths.repository}/docs/security.md`, 'utf8');
  const table = page.slice(page.indexOf('## Who can reach what'), page.indexOf('### An example firewall'));
  const rows = [...table.matchAll(/^\| `(\d+)\/tcp` \| ([^|]*) \| ([^|]*) \|/gm)].map(
    ([, port = '', on = '', at = '']) => ({ port, on, at }),
  );
  return rows
    .filter(({ on }) => on === 'every host' || roles.some((role) => on.includes(`\`${role}\``)))
    .map(({ port, at }) => (at.includes('every address') ? port : `${port} at 10.77.0.11`))
    .sort();
}

/** Makes of the deployed cluster what earlier versions made: root is the user, published everywhere, with the password of the input. */
async function asBefore(): Promise<void> {
  await asDatabaseRoot(
    `CREATE USER root@'%' IDENTIFIED BY '${DATABASE_PASSWORD}'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION; DROP USER kuscia@'%'; ALTER USER root@localhost IDENTIFIED BY '${DATABASE_PASSWORD}'`,
  );
  await seenOn(
    'node-01',
    `docker rm -f alice-mysql; rm kuscia-swarm/alice/database-root-password
    docker run -d --name=alice-mysql --restart=always --publish=3306:3306 --volume=alice-mysql:/var/lib/mysql --volume=$PWD/kuscia-swarm/alice/database-password:/run/secrets/database-password:ro \
    --env=MYSQL_ROOT_PASSWORD_FILE=/run/secrets/database-password --env=MYSQL_DATABASE=kine mysql:8.0 --max-connections=1000 --skip-name-resolve --optimizer-switch=derived_merge=off; sleep 4`,
  );
  for (const host of REPLICAS)
    await seenOn(
      host,
      `sed -i 's|mysql://kuscia:|mysql://root:|' kuscia-swarm/alice/kuscia.yaml && docker restart ${REPLICA} && sleep 8`,
    );
}

const gateways = (): Promise<string> =>
  seenOn('node-02', `docker exec ${REPLICA} kubectl get gateways -n alice --no-headers | cut -d' ' -f1 | sort`);

describe('what a deployment opens', () => {
  beforeAll(async () => {
    await up(3);
    await reset();
    const first = await action(EXAMPLE);
    expect({ code: first.code, log: first.code === 0 ? '' : unmasked(first.log) }).toEqual({ code: 0, log: '' });
  }, 600_000);

  test.each([
    ['node-01', ['manager', 'database', 'load-balancer']],
    ['node-02', ['replica']],
    ['node-03', ['replica']],
  ])('%s listens on the ports in the exposure table, and on no others', async (host, roles) => {
    expect(promised(...roles).length).toBeGreaterThan(3);
    expect(await listening(host)).toEqual(promised(...roles));
  });

  test('the user in the cluster file can access only its own database; root and unknown users are refused from everywhere', async () => {
    for (const host of HOSTS) {
      expect(await loginFrom(host, 'kuscia')).toBe('in');
      expect([await loginFrom(host, 'root'), await loginFrom(host, 'stranger')]).toEqual([
        expect.stringMatching(/ERROR (1045|1130|1698)/),
        expect.stringMatching(/ERROR (1045|1130)/),
      ]);
    }
    const [databases, accounts] = [
      await seenOn(
        'node-01',
        `docker exec -e MYSQL_PWD='${DATABASE_PASSWORD}' alice-mysql mysql -h 127.0.0.1 -u kuscia -N -e 'SHOW DATABASES'`,
      ),
      await asDatabaseRoot(`SELECT User, Host FROM mysql.user WHERE User NOT LIKE 'm%' ORDER BY User`),
    ];
    expect([databases.split('\n').sort(), accounts]).toEqual([
      ['information_schema', 'kine'],
      'kuscia\t%\nroot\tlocalhost',
    ]);
  }, 60_000);

  test("root has its own password, and it is only on the database's host", async () => {
    const own = await seenOn(
      'node-01',
      'stat -c %a kuscia-swarm/alice/database-root-password; cat kuscia-swarm/alice/database-root-password',
    );
    expect(own).toMatch(/^600\n[\w-]{40}$/);
    for (const host of REPLICAS)
      expect(await seenOn(host, `grep -rlF '${own.split('\n')[1]}' kuscia-swarm /run/lock || echo nowhere`)).toBe(
        'nowhere',
      );
  });

  test('the example firewall on the security page admits the hosts, the partner, and nobody else', async () => {
    const [, example = ''] =
      /### An example firewall[^]*?```sh\n([^]*?)```/.exec(
        readFileSync(`${paths.repository}/docs/security.md`, 'utf8'),
      ) ?? [];
    const rules = example.replaceAll('10.0.0.0/24', '10.77.0.8/29').replaceAll('198.51.100.7', PARTNER);
    expect(rules.match(/^iptables -I /gm)).toHaveLength(6);
    await seenOn('node-03', `for address in ${PARTNER} ${STRANGER}; do ip address add "$address/32" dev eth0; done`);
    const everything = [...PORTS['node-01'], ...PORTS['node-02']];
    expect(await reached(STRANGER)).toEqual(everything);
    try {
      for (const host of HOSTS) await seenOn(host, rules);
      expect([await reached('10.77.0.13'), await reached(PARTNER), await reached(STRANGER)]).toEqual([
        [2377, 7946, 3306, 7946, 20000],
        [8080],
        [],
      ]);
      const verified = await action(EXAMPLE, { inputs: { mode: 'verify' } });
      expect([verified.code, verified.matrix?.healthy]).toEqual([0, true]);
    } finally {
      for (const host of HOSTS) await seenOn(host, rules.replaceAll('iptables -I ', 'iptables -D '));
      await seenOn('node-03', `for address in ${PARTNER} ${STRANGER}; do ip address del "$address/32" dev eth0; done`);
    }
    expect(await reached('10.77.0.13')).toEqual(everything);
  }, 120_000);

  test('a cluster deployed by an earlier version is migrated by one apply, as its plan says, and keeps serving meanwhile', async () => {
    await asBefore();
    expect([await loginFrom('node-03', 'root'), await loginFrom('node-03', 'kuscia')]).toEqual([
      'in',
      expect.stringContaining('ERROR 1045'),
    ]);
    const data = await asDatabaseData();
    const verified = await action(EXAMPLE, { inputs: { mode: 'verify' } });
    expect([verified.code, unmasked(verified.log)]).toEqual([
      1,
      expect.stringMatching(/KS-1307 database-root: node-01: root of alice-mysql can log in from elsewhere/),
    ]);
    const planned = await action(EXAMPLE, { inputs: { mode: 'plan' } });
    expect({ code: planned.code, log: planned.code === 0 ? '' : unmasked(planned.log) }).toEqual({ code: 0, log: '' });
    const { changes } = JSON.parse(planned.outputs['plan'] ?? '{}') as {
      changes: { stage: string; host: string; change: string; what: string; why: string }[];
    };
    expect(changes.map(({ stage, host, change, what, why }) => `${stage} ${host} ${change} ${what} (${why})`)).toEqual([
      'mysql-up node-01 + user kuscia of database kine, with rights on that database only (absent on the server)',
      expect.stringMatching(
        /^mysql-up node-01 ~ replace database alice-mysql \(published at every address -> 10\.77\.0\.11; image sha256:[0-9a-f]{12}\)$/,
      ),
      ...REPLICAS.map((host) => `kuscia-init ${host} ~ Kuscia configuration (datastoreEndpoint)`),
    ]);
    expect(planned.log).toContain('close root of alice-mysql to all but its own container');

    const load = exec(
      'node-03',
      [
        'bash',
        '-c',
        `until [ -e /tmp/enough ]; do curl -s -o /dev/null -m 10 -w '%{http_code}\\n' http://10.77.0.11:8080; sleep 0.1; done | sort | uniq -c`,
      ],
      { timeoutMs: 400_000 },
    );
    const applied = await action(EXAMPLE);
    await seenOn('node-03', 'touch /tmp/enough');
    expect({ code: applied.code, log: applied.code === 0 ? '' : unmasked(applied.log) }).toEqual({ code: 0, log: '' });
    expect((await load).stdout.trim()).toMatch(/^\d+ 401$/);
    for (const host of REPLICAS) expect(applied.log).toMatch(new RegExp(`${host}.*restart replica`));
    expect(applied.log).toContain('close root of alice-mysql');

    for (const host of HOSTS)
      expect([await loginFrom(host, 'root'), await loginFrom(host, 'kuscia')]).toEqual([
        expect.stringMatching(/ERROR (1045|1130|1698)/),
        'in',
      ]);
    expect(await listening('node-01')).toEqual(promised('manager', 'database', 'load-balancer'));
    expect(await asDatabaseData()).toEqual(data);
    expect((await gateways()).split('\n')).toEqual(REPLICAS.map((host) => `${REPLICA}-${host}`));
    const again = await action(EXAMPLE);
    expect({ code: again.code, changed: again.changed, healthy: again.matrix?.healthy }).toEqual({
      code: 0,
      changed: 0,
      healthy: true,
    });
  }, 600_000);
});

/** The data that the domain needs, as the database has it: the domain's object, and its volume. */
const asDatabaseData = (): Promise<string> =>
  seenOn(
    'node-01',
    `docker exec -e MYSQL_PWD='${DATABASE_PASSWORD}' alice-mysql sh -c 'for user in kuscia root; do mysql -h 127.0.0.1 -u $user -N -e "SELECT MIN(id), name FROM kine.kine WHERE name = \\"/registry/kuscia.secretflow/domains/alice\\" GROUP BY name" 2>/dev/null && exit; done'; stat -c 'inode %i' "$(docker volume inspect -f '{{.Mountpoint}}' alice-mysql)"`,
  );
