import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { shellLine, type Command } from '../../src/engine/command.ts';
import { answer, present } from '../../src/engine/fact.ts';
import { Secret } from '../../src/engine/secret.ts';
import {
  checkConfiguration,
  installConfiguration,
  loadedConfiguration,
  reloadConfiguration,
  runLoadBalancer,
} from '../../src/nginx/commands.ts';
import { isMoving, loadBalancerFiles, movingFiles } from '../../src/nginx/configuration.ts';
import { clusterOf, deploymentOf, hostOf, PASSWORD, TWO } from '../support/deployment.ts';
import { factOf } from '../support/tape.ts';

const { loadBalancer } = clusterOf();

describe('whole lines', () => {
  test.each<[string, Command, string]>([
    [
      'check',
      checkConfiguration('nginx:1.26', '/root/a/nginx.new'),
      'docker run --rm --volume=/root/a/nginx.new:/etc/nginx/kuscia-swarm:ro nginx:1.26 nginx -t -q -c /etc/nginx/kuscia-swarm/nginx.conf',
    ],
    [
      'run',
      runLoadBalancer(loadBalancer, '/root/a/nginx'),
      'docker run --detach --name=alice-nginx-lb --restart=always --publish=8080:8080/tcp --volume=/root/a/nginx:/etc/nginx/kuscia-swarm:ro nginx:1.26 nginx -c ' +
        "/etc/nginx/kuscia-swarm/nginx.conf -g 'daemon off;'",
    ],
    [
      'ask',
      loadedConfiguration('lb').command,
      `docker exec lb curl --noproxy '*' -s -m 5 http://127.0.0.1:8089/configuration`,
    ],
  ])('%s', (_, command, line) => {
    expect(shellLine(command)).toBe(line);
  });
});

describe('the loaded configuration', () => {
  test('is read on real hosts', () => {
    expect(factOf('settled', 'node-01', loadedConfiguration('alice-nginx-lb'))).toEqual(
      present(loadBalancerFiles(deploymentOf({ hosts: TWO })).digest),
    );
    expect(factOf('empty', 'node-01', loadedConfiguration('alice-nginx-lb'))).toEqual({
      is: 'unknown',
      why: 'could not query the loaded nginx configuration: exit 1: Error: No such container: alice-nginx-lb',
    });
  });

  test('is unknown if nginx does not report it', () => {
    expect(answer(loadedConfiguration('lb'), { ended: 'exited', code: 7, stdout: '', stderr: '' }).is).toBe('unknown');
  });
});

test('while gateways move to another port, nginx forwards to each replica on the new and all previous ports, with a separate digest', () => {
  const deployment = deploymentOf({ hosts: TWO });
  const [settled, moving] = [loadBalancerFiles(deployment), movingFiles(deployment, [13080, 14080])];
  const servers = (text: string): string[] =>
    [...text.matchAll(/^\s*server (\S+:\d+)/gm)].map(([, address = '']) => address);
  expect(servers(moving.configuration)).toEqual(
    servers(settled.configuration).flatMap((address) => [
      address,
      address.replace(/\d+$/, '13080'),
      address.replace(/\d+$/, '14080'),
    ]),
  );
  expect(servers(settled.configuration)).toHaveLength(2);
  expect(moving.configuration).toContain(moving.digest);
  expect(moving.digest).not.toBe(movingFiles(deployment, [13080]).digest);
  const other = movingFiles(deploymentOf({ hosts: TWO, domain: 'bob' }), [13080]);
  expect(
    [moving.digest, movingFiles(deployment, [13080]).digest, settled.digest, other.digest, undefined].map((digest) =>
      isMoving(deployment, digest),
    ),
  ).toEqual([true, true, false, false, false]);
});

describe('scripts, run for real', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const run = ({ program, args }: Command) =>
    spawnSync(program, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` },
    });
  const write = (name: string, text: string): void => {
    mkdirSync(join(at(name), '..'), { recursive: true });
    writeFileSync(at(name), text);
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nginx-'));
    mkdirSync(at('bin'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the first configuration is installed', () => {
    write('new/nginx.conf', 'one');
    expect(run(installConfiguration('new', 'a/nginx'))).toMatchObject({ status: 0 });
    expect([readFileSync(at('a/nginx/nginx.conf'), 'utf8'), readdirSync(at('a/nginx')), existsSync(at('new'))]).toEqual(
      ['one', ['nginx.conf'], false],
    );
  });

  test('a new one keeps the last good one, and certificate and key are moved first', () => {
    for (const [name, text] of [
      ['nginx.conf', 'two'],
      ['certificate.pem', 'c'],
      ['certificate.key', 'k'],
    ] as const)
      write(`new/${name}`, text);
    expect(run(installConfiguration('new', 'a/nginx'))).toMatchObject({ status: 0 });
    expect(
      Object.fromEntries(readdirSync(at('a/nginx')).map((name) => [name, readFileSync(at(`a/nginx/${name}`), 'utf8')])),
    ).toEqual({ 'nginx.conf': 'two', 'nginx.conf.last-good': 'one', 'certificate.pem': 'c', 'certificate.key': 'k' });
  });

  test('nothing is installed from a folder that does not exist', () => {
    expect(run(installConfiguration('nowhere', 'a/nginx')).status).not.toBe(0);
    expect(readFileSync(at('a/nginx/nginx.conf'), 'utf8')).toBe('two');
  });

  const docker = (text: string): void => {
    writeFileSync(at('bin/docker'), `#!/bin/sh\n${text}\n`);
    chmodSync(at('bin/docker'), 0o755);
  };

  test('a reload waits until nginx reports that it has loaded the new one', () => {
    docker(
      `case "$*" in *reload*) echo "$*" >>"${at('said')}";; *) n=$(($(cat "${at('n')}" 2>/dev/null || echo 0) + 1)); echo $n >"${at('n')}"; [ $n -lt 4 ] && echo former || printf wanted;; esac`,
    );
    expect(run(reloadConfiguration('lb', 'wanted'))).toMatchObject({ status: 0 });
    expect([readFileSync(at('said'), 'utf8'), readFileSync(at('n'), 'utf8')]).toEqual([
      'exec lb nginx -c /etc/nginx/kuscia-swarm/nginx.conf -s reload\n',
      '4\n',
    ]);
  });

  test('a reload that nginx does not carry out fails', () => {
    docker('case "$*" in *reload*) ;; *) echo former;; esac');
    writeFileSync(at('bin/sleep'), '#!/bin/sh\n');
    chmodSync(at('bin/sleep'), 0o755);
    expect(run(reloadConfiguration('lb', 'wanted'))).toMatchObject({
      status: 75,
      stderr: 'nginx kept its previous configuration\n',
    });
    docker('exit 3');
    expect(run(reloadConfiguration('lb', 'wanted'))).toMatchObject({ status: 3 });
  });
});

describe('the configuration', () => {
  const files = (changes: Partial<Cluster> = {}, secrets = {}) =>
    loadBalancerFiles(deploymentOf(changes, { secrets: { databasePassword: new Secret('p', PASSWORD), ...secrets } }));
  const lines = (changes: Partial<Cluster> = {}): string[] =>
    files(changes)
      .configuration.split('\n')
      .map((line) => line.trim());
  const pem = { loadBalancerCertificate: new Secret('c', 'CERT'), loadBalancerKey: new Secret('k', 'PRIVATE KEY') };
  const https = { loadBalancer: { ...loadBalancer, scheme: 'https' as const } };

  test('forwards to every replica and to nothing else, in one shared rotation', () => {
    expect(
      lines()
        .filter((line) => line.startsWith('server ') && line.endsWith(';'))
        .map((line) => line.split(' ')[1]),
    ).toEqual(['10.77.0.12:20000', '10.77.0.13:20000']);
    expect(lines()).toContain('zone replicas 64k;');
    expect(lines({ hosts: [hostOf(1, 'replica')], ports: { ...clusterOf().ports, gateway: 1 } })).toContainEqual(
      expect.stringMatching(/^server 10\.77\.0\.11:1 /),
    );
  });

  test.each([
    ['TLS', 'https'],
    ['MTLS', 'https'],
    ['NOTLS', 'http'],
  ] as const)('speaks to gateways of protocol %s by %s', (protocol, scheme) => {
    expect(lines({ protocol })).toContain(`proxy_pass ${scheme}://replicas;`);
    expect(lines({ protocol }).includes('proxy_ssl_verify off;')).toBe(scheme === 'https');
  });

  test('serves peers as the cluster file says', () => {
    expect(lines()).toContain('listen 8080;');
    expect(lines(https)).toEqual(
      expect.arrayContaining([
        'listen 8080 ssl;',
        'ssl_certificate /etc/nginx/kuscia-swarm/certificate.pem;',
        'ssl_certificate_key /etc/nginx/kuscia-swarm/certificate.key;',
      ]),
    );
  });

  test("has what the tutorial's lacks", () => {
    expect(lines()).toEqual(
      expect.arrayContaining([
        'ignore_invalid_headers off;',
        'client_max_body_size 0;',
        'proxy_set_header Connection "";',
        'proxy_set_header Host $http_host;',
        'proxy_http_version 1.1;',
      ]),
    );
    expect(files().configuration).not.toMatch(/\{\{|undefined/);
  });

  test('carries a digest of itself, which changes with everything that nginx loads', () => {
    const { configuration, digest } = files();
    expect(configuration).toContain(`return 200 "${digest}";`);
    expect(digest).toMatch(/^[0-9a-f]{32}$/);
    const all = [{}, { protocol: 'NOTLS' as const }, { hosts: TWO }, https].map(
      (changes) => files(changes, pem).digest,
    );
    const other = files(https, { ...pem, loadBalancerKey: new Secret('k', 'OTHER KEY') }).digest;
    expect(new Set([...all, other]).size).toBe(5);
    expect(files().digest).toBe(digest);
  });

  test('has certificate and key beside it only for HTTPS', () => {
    expect(Object.entries(files(https, pem).secrets).map(([name, secret]) => [name, secret.reveal()])).toEqual([
      ['certificate.pem', 'CERT'],
      ['certificate.key', 'PRIVATE KEY'],
    ]);
    expect([files({}, pem).secrets, files(https).secrets]).toEqual([{}, {}]);
    expect(files(https, pem).configuration).not.toMatch(/CERT|PRIVATE/);
  });
});
