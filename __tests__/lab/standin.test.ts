import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { hosts, run, sshTo, type Ended } from '../../lab/lab.ts';
import { freshHosts } from './support/fresh.ts';

// The stand-in on real hosts, as the tutorial is walked: what only Docker, a swarm and a real database can show.
const image = 'secretflow/kuscia:1.1.0b0';
const ctr = 'root-kuscia-autonomy-alice';
const network = 'kuscia-exchange-cluster';
const database = hosts[0]!.address;
const start = `export KUSCIA_IMAGE=${image}; ./kuscia.sh start -c ./autonomy_alice.yaml -p 20000 -q 20001 -k 20010 -g 20011 -a none -m 8G --cluster`;
const [node1, node2, node3] = ['node-01', 'node-02', 'node-03'] as const;

/** A command on a host, with a terminal or without; it has a minute and a half. */
function on(name: string, command: string, { terminal = false } = {}): Promise<Ended> {
  const [ssh = 'ssh', ...rest] = sshTo(name, [command]);
  // A terminal whose input stays open and silent: an input at its end would put a NUL into a probe.
  const line = terminal
    ? ['bash', '-c', 'exec 3< <(exec sleep 100); "$@" <&3; code=$?; kill $!; exit $code', '-', ssh, '-tt', ...rest]
    : [ssh, '-n', ...rest];
  return run(line, { timeoutMs: 100_000 });
}

async function said(name: string, command: string): Promise<string> {
  const ended = await on(name, command);
  expect(ended).toMatchObject({ code: 0 });
  return ended.stdout.trim();
}

/** The seconds until a command on a host prints the expected text; fails with the last output after `limit`. */
async function until(name: string, command: string, wanted: RegExp, limit: number): Promise<number> {
  const since = Date.now();
  for (; ; await sleep(500)) {
    const last = (await on(name, command)).stdout;
    const passed = (Date.now() - since) / 1000;
    if (wanted.test(last)) return passed;
    if (passed > limit) throw new Error(`no ${wanted} in ${limit} s; the last was: ${last}`);
  }
}

const kubectl = (args: string): string => `docker exec ${ctr} kubectl ${args}`;
const withTerminal = (name: string, command: string): Promise<Ended> =>
  on(name, `${command}; echo "[rc=$?]"`, { terminal: true });

freshHosts(3);
beforeAll(async () => {
  await said(node1, `docker swarm init --advertise-addr ${database}`);
  const token = await said(node1, 'docker swarm join-token -q worker');
  for (const name of [node2, node3]) await said(name, `docker swarm join --token ${token} ${database}:2377`);
  await said(node1, `docker network create -d overlay --attachable --subnet 10.200.0.0/24 ${network}`);
  await said(
    node1,
    'docker run -d --name alice-mysql -p 3306:3306 -e MYSQL_ROOT_PASSWORD=password -e MYSQL_DATABASE=kine mysql:8',
  );
  await until(node1, 'docker exec alice-mysql mysql -uroot -ppassword -h127.0.0.1 -e "SELECT 1" kine', /1/, 60);
  const config = await said(
    node1,
    `docker run --rm ${image} kuscia init --mode autonomy --domain alice --runtime runp --datastore-endpoint "mysql://root:password@tcp(${database}:3306)/kine"`,
  );
  for (const name of [node1, node2, node3]) {
    await said(
      name,
      `echo '${Buffer.from(`${config}\n\n`).toString('base64')}' | base64 -d >autonomy_alice.yaml; docker run --rm ${image} cat /home/kuscia/scripts/deploy/kuscia.sh >kuscia.sh; chmod u+x kuscia.sh`,
    );
  }
}, 180_000);

describe('kuscia init in a container', () => {
  test('is refused with -it and no terminal, and -t alone spoils the file with CR', async () => {
    expect(await on(node1, `docker run -it --rm ${image} kuscia init --mode autonomy --domain alice`)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('the input device is not a TTY') as unknown as string,
    });
    expect(
      await said(
        node1,
        `docker run -t --rm ${image} kuscia init --mode autonomy --domain alice --runtime runp | grep -c $'\\r'`,
      ),
    ).toBe('31');
  });

  test('shows by a label, a file and its version that it is a stand-in', async () => {
    expect(
      await said(
        node1,
        `docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.description"}}' ${image}`,
      ),
    ).toMatch(/^Stand-in .* not Kuscia/);
    expect(await said(node1, `docker run --rm ${image} cat STAND-IN.md`)).toMatch(/^# This is not Kuscia/);
    expect(await said(node1, 'docker run --rm secretflow/kuscia:1.0.0b0 kuscia version')).toMatch(
      /v1\.0\.0b0 \(stand-in/,
    );
  });
});

describe('the first replica, with a terminal', () => {
  test('is deployed, says so with CR LF, and is found by its gateway', async () => {
    const { stdout } = await withTerminal(node2, start);
    expect(stdout).toContain("autonomy domain 'alice' deployed successfully\u001b[0m\r\n[rc=0]");
    expect(stdout).toMatch(/is overlay and swarm scope type\.\S+\r\n[0-9a-f]{64}\r\n\S+Starting container/);
    expect(await said(node2, kubectl('get gateways -n alice --no-headers'))).toMatch(
      new RegExp(`^${ctr}-node-02 .* 10\\.200\\.0\\.\\d+ +v1\\.1\\.0b0$`),
    );
  }, 120_000);

  test('logged its success before its gateway existed', async () => {
    const log = await said(node2, `docker logs -t ${ctr}`);
    const success = Date.parse(/^(\S+) .*Kuscia started success/m.exec(log)?.[1]?.slice(0, 23).concat('Z') ?? '');
    const made = Date.parse(
      await said(node2, kubectl("get gateways -n alice -o jsonpath='{.items[0].metadata.creationTimestamp}'")),
    );
    expect(made + 999).toBeGreaterThan(success);
    expect(log).toContain('fail: namespaces "alice" not found');
  });

  test('logs local time without a zone, lines ending CR LF', async () => {
    const line = (await on(node2, `docker logs -t ${ctr} | grep 'started success'`)).stdout;
    const [, utc = '', local = ''] =
      /^(\S+?)\.\S+ (\S+ [\d:]+)\.\d+ INFO start\/manager\.go:220 Kuscia started success\r\n$/.exec(line) ?? [];
    expect((Date.parse(`${local.replace(' ', 'T')}Z`) - Date.parse(`${utc}Z`)) / 3600_000).toBeCloseTo(8, 2);
  });

  test('answers from outside with 401, header and body', async () => {
    const { stdout } = await run(['curl', '-ksi', `https://${hosts[1]!.address}:20000/`], { timeoutMs: 10_000 });
    expect(stdout).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nx-accel-buffering: no\r\n/);
    expect(await run(['curl', '-si', `http://${hosts[1]!.address}:20000/`], { timeoutMs: 10_000 })).toMatchObject({
      code: 52,
      stdout: '',
    });
    expect(stdout).toContain(`kuscia-error-message: <alice/${ctr}-node-02/external $$ Unauthorized>`);
    expect(stdout).toContain(
      `{"domain":"alice","instance":"${ctr}-node-02","kuscia":"v1.1.0b0","reason":"unauthorized."}`,
    );
  });

  test('answers through nginx as observed', async () => {
    const server = `server { listen 8080; location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass https://${hosts[1]!.address}:20000; } }`;
    await said(
      node1,
      `echo '${server}' >nginx.conf; docker run -d --name lb --network host -v "$PWD/nginx.conf:/etc/nginx/conf.d/default.conf:ro" nginx:1.26; sleep 2`,
    );
    const { stdout } = await run(['curl', '-si', `http://${database}:8080/`], { timeoutMs: 10_000 });
    const [head = '', body] = stdout.replaceAll('\r', '').split('\n\n');
    expect(head.split('\n').map((line) => line.replace(/^(Server|Date): .*/, '$1'))).toEqual([
      'HTTP/1.1 401 Unauthorized',
      'Server',
      'Date',
      'Content-Type: text/plain',
      'Content-Length: 112',
      'Connection: keep-alive',
      `kuscia-error-message: <alice/${ctr}-node-02/external $$ Unauthorized>`,
    ]);
    expect(body).toBe(`{"domain":"alice","instance":"${ctr}-node-02","kuscia":"v1.1.0b0","reason":"unauthorized."}\n`);
    await said(node1, 'docker rm -f lb');
  });

  test('shows the password of the database in the process list', async () => {
    expect(await said(node2, 'ps -eo args')).toMatch(/^k3s server .*--datastore-endpoint=mysql:\/\/root:password@/m);
  });

  test('is the container that was observed', async () => {
    const shown = JSON.parse(await said(node2, `docker inspect ${ctr}`)) as [
      {
        Path: string;
        Args: string[];
        Config: { Tty: boolean; Labels: unknown; Hostname: string };
        HostConfig: Record<string, unknown>;
      },
    ];
    const [{ Path, Args, Config, HostConfig }] = shown;
    expect([Path, ...Args]).toEqual(['tini', '--', 'bin/kuscia', 'start', '-c', 'etc/conf/kuscia.yaml']);
    expect(Config).toMatchObject({ Tty: true, OpenStdin: true, Hostname: `${ctr}-node-02` });
    expect(HostConfig).toMatchObject({
      RestartPolicy: { Name: 'always' },
      Memory: 8589934592,
      CapAdd: expect.arrayContaining([expect.stringMatching(/SYS_PTRACE$/)]) as unknown,
      Privileged: false,
      NetworkMode: network,
    });
  });

  test('ends a second call with 0, having done nothing', async () => {
    const { code, stdout } = await on(node2, start);
    expect({ code, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      last: '\u001b[1;33minstallation exit.\u001b[0m',
    });
  });

  test('owns the database by the names of its gateways', async () => {
    const query =
      "SELECT DISTINCT substring_index(substring_index(name,'/',5),'/',-1) FROM kine WHERE name LIKE '/registry/kuscia.secretflow/gateways/%'";
    expect(await said(node1, `docker exec alice-mysql mysql -uroot -ppassword -N -e "${query}" kine`)).toBe('alice');
    expect(
      await said(
        node1,
        'docker exec alice-mysql mysql -uroot -ppassword -N -e "SELECT name FROM kine WHERE name LIKE \'/bootstrap/%\'" kine',
      ),
    ).toBe('/bootstrap/14c841de1e84');
  });

  test('finds its partners, and a missing certificate does not stop it', async () => {
    expect(await on(node2, `docker exec ${ctr} scripts/deploy/add_domain.sh bobx p2p`)).toMatchObject({
      code: 0,
      stdout: 'domain.kuscia.secretflow/bobx created\n',
      stderr: expect.stringContaining(
        'base64: /home/kuscia/var/certs/bobx.domain.crt: No such file or directory',
      ) as unknown as string,
    });
    await until(node2, kubectl('get cdr --no-headers'), /^bobx-alice +bobx +alice +Token +\n/m, 15);
  });
});

test('without a terminal the second replica comes up healthy, while kuscia.sh gives up after a minute', async () => {
  const { code, stderr } = await on(node3, start);
  expect(code).toBe(1);
  expect(stderr.match(/the input device is not a TTY/g)).toHaveLength(60);
  expect(stderr).toMatch(/\[Error\] Probe k3s in container 'root-kuscia-autonomy-alice' failed\./);
  expect(await said(node3, `docker inspect -f '{{.State.Status}} {{.RestartCount}}' ${ctr}`)).toBe('running 0');
  expect(
    (await said(node3, kubectl("get gateways -n alice -o jsonpath='{.items[*].status.publicKey}'")))
      .split(' ')
      .filter((key, at, all) => key === all[0]),
  ).toHaveLength(2);
  expect(await said(node3, kubectl('get nodes --no-headers'))).toMatch(
    /node-02 +Ready +agent .*\n.*node-03 +Ready +agent/,
  );
}, 120_000);

test('docker stop takes two seconds and ends with 0; the node is gone, the gateway stays', async () => {
  await said(node3, `docker stop ${ctr}`);
  expect(await said(node3, `docker inspect -f '{{.State.ExitCode}}' ${ctr}`)).toBe('0');
  expect(await said(node2, kubectl('get nodes -o name'))).toBe(`node/${ctr}-node-02`);
  expect((await said(node2, kubectl('get gateways -n alice -o name'))).split('\n')).toHaveLength(2);
  await said(node3, `docker start ${ctr}`);
  await until(node2, kubectl('get nodes --no-headers'), /node-03 +Ready/, 30);
}, 60_000);

test('the database unavailable: no restart, the API refused, the gateway kept, and everything recovers within 25 s', async () => {
  await said(node1, 'docker stop -t 1 alice-mysql');
  await until(node2, `${kubectl('get nodes')} 2>&1`, /The connection to the server 127\.0\.0\.1:6443 was refused/, 30);
  expect(await said(node2, 'curl -sk -o /dev/null -w "%{http_code}" https://127.0.0.1:20000/')).toBe('401');
  await said(node1, 'docker start alice-mysql');
  expect(await until(node2, kubectl('get nodes --no-headers'), /node-02 +Ready/, 40)).toBeLessThan(30);
  expect(await said(node2, `docker inspect -f '{{.State.Status}} {{.RestartCount}}' ${ctr}`)).toBe('running 0');
}, 120_000);

test('a replica that is killed is NotReady after 45 to 75 seconds, and its gateway keeps its last heartbeat', async () => {
  await said(node3, `docker kill ${ctr}`);
  const passed = await until(node2, kubectl('get nodes --no-headers'), /node-03 +NotReady/, 80);
  expect(passed).toBeGreaterThan(40);
  const beats = JSON.parse(await said(node2, kubectl('get gateways -n alice -o json'))) as {
    items: { status: { heartbeatTime: string } }[];
  };
  const [live = 0, dead = 0] = beats.items.map(({ status }) => Date.now() - Date.parse(status.heartbeatTime));
  expect([live < 20_000, dead > 40_000]).toEqual([true, true]);
}, 100_000);

test('with another key loops when it is restarted, and starts in a new container', async () => {
  const other = await said(
    node3,
    `docker run --rm ${image} kuscia init --mode autonomy --domain alice --runtime runp | grep ^domainKeyData:`,
  );
  await said(
    node3,
    `cp -p autonomy_alice.yaml kept.yaml; sed "s|^domainKeyData:.*|${other}|" kept.yaml >autonomy_alice.yaml; docker start ${ctr}`,
  );
  await until(node3, `docker inspect -f '{{.RestartCount}}' ${ctr}`, /^[2-9]/, 40);
  expect(await said(node3, `docker logs ${ctr} 2>&1 | grep FATAL`)).toContain(
    "FATAL modules/domainroute.go:73 Generate external keyCert pair error:x509: provided PrivateKey doesn't match parent's PublicKey",
  );
  const { stdout } = await withTerminal(node3, `docker rm -f ${ctr} >/dev/null; ${start}`);
  expect(stdout).toContain('deployed successfully');
  const keys = async (): Promise<number> =>
    new Set((await said(node2, kubectl("get gateways -n alice -o jsonpath='{.items[*].status.publicKey}'"))).split(' '))
      .size;
  expect(await keys()).toBe(2);
  await said(node3, `cat kept.yaml >autonomy_alice.yaml; docker rm -f ${ctr}`);
  await withTerminal(node3, start);
  expect(await keys()).toBe(1);
}, 120_000);

test("empties a partner's certificate when add_domain.sh is run again without its file", async () => {
  const cert = kubectl("get domain bobz -o jsonpath='{.spec.cert}'");
  await said(
    node2,
    `docker exec ${ctr} sh -c 'cp var/certs/domain.crt var/certs/bobz.domain.crt; scripts/deploy/add_domain.sh bobz p2p'`,
  );
  expect(await said(node2, cert)).toMatch(/^LS0t/);
  expect(await on(node3, `docker exec ${ctr} scripts/deploy/add_domain.sh bobz p2p`)).toMatchObject({
    code: 0,
    stdout: 'domain.kuscia.secretflow/bobz configured\n',
  });
  expect(await said(node2, cert)).toBe('');
});

test('a wrong password makes a restart loop that names the reason, with exit codes that mean nothing', async () => {
  await said(node3, `docker rm -f ${ctr}; sed -i 's/root:password@/root:wrong@/' autonomy_alice.yaml`);
  const { stdout } = await withTerminal(node3, `timeout --foreground 25 bash -c '${start}'`);
  expect(stdout).toContain('is restarting, wait until the container is running');
  expect(await said(node3, `docker logs ${ctr} 2>&1`)).toMatch(
    /ping datastore endpoint error: Error 1045: Access denied for user 'root'@/,
  );
  expect(Number(await said(node3, `docker inspect -f '{{.RestartCount}}' ${ctr}`))).toBeGreaterThan(1);
}, 60_000);

test('kuscia.sh upgrade deletes the container and ends with 125', async () => {
  const { stdout } = await withTerminal(node3, `KUSCIA_IMAGE=${image} ./kuscia.sh upgrade ${ctr}`);
  expect(stdout).toMatch(/docker: invalid reference format/);
  expect(stdout).toMatch(/\[rc=125\]/);
  expect(await said(node3, 'docker ps -aq')).toBe('');
}, 30_000);
