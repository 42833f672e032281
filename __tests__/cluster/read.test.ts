import { describe, expect, test } from '@jest/globals';
import { readCluster } from '../../src/cluster/read.ts';
import { DeploymentError } from '../../src/engine/errors.ts';
import { CASES, SOUND, textOf } from './faults.ts';

function failuresOf(text: string): readonly { what: string; remedy: string; code: string }[] {
  try {
    readCluster(text, 'cluster.yml');
  } catch (thrown) {
    if (thrown instanceof DeploymentError) return thrown.failures;
    throw thrown;
  }
  return [];
}

describe('a cluster file with faults', () => {
  test.each(CASES)('$name', (fault) => {
    const failures = failuresOf(textOf(fault));
    const said = failures.map((failure, i) => failure.what.slice(0, `cluster.yml:${fault.faults[i] ?? ''}`.length));
    expect(failures.length === fault.faults.length ? said : failures.map((failure) => failure.what)).toEqual(
      fault.faults.map((text) => `cluster.yml:${text}`),
    );
    expect(new Set(failures.map((failure) => failure.code))).toEqual(new Set(['cluster-file-invalid']));
  });

  test('no message shows a secret that is in the file by mistake', () => {
    const secrets = CASES.map(textOf).filter((text) => text.includes('hunter22'));
    expect(secrets.length).toBeGreaterThan(4);
    for (const text of secrets) expect(JSON.stringify(failuresOf(text))).not.toContain('hunter22');
  });

  test.each([
    ['database: { password: x }', 'database-password'],
    ['registry: { server: r, username: u, password: x }', 'registry-password'],
    ['load-balancer: { key: x }', 'load-balancer-key'],
    ['load-balancer: { certificate: x }', 'load-balancer-certificate'],
    ['ssh: { key: x }', 'ssh-key'],
    ['ssh: { passphrase: x }', 'ssh-key-passphrase'],
    ['known-hosts: x', 'known-hosts'],
  ])('%s names the input %s', (add, input) => {
    expect(failuresOf(`${SOUND}${add}\n`).map((failure) => failure.remedy)).toEqual([
      expect.stringContaining(`the input ${input} instead`),
    ]);
  });

  test('a text with thousands of faults lists fifty', () => {
    const failures = failuresOf(SOUND + Array.from({ length: 1400 }, (_, i) => `x${i}: 1`).join('\n'));
    expect(failures).toHaveLength(51);
    expect(failures.at(-1)?.what).toMatch(/^cluster.yml: 13\d\d more errors$/);
  });
});

describe('a text that is not a cluster file', () => {
  const shadow = 'root:$y$j9T$hunter22:19700:0:99999:7:::\nsshd:!:19700::::::\n';
  test.each([
    ['accounts', shadow, 'none'],
    ['a key', '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22\n-----END OPENSSH PRIVATE KEY-----\n', 'none'],
    ['another tool’s configuration', 'image: hunter22\nregistry: { hunter22: hunter22 }\n', 'only image'],
    ['the environment of a process', 'PATH=/bin\u0000TOKEN=hunter22\u0000', 'none'],
    ['a list', '- hunter22\n', 'none'],
    ['text that is not YAML', 'TOKEN="hunter22\nhunter22: [', 'none, and it is not valid YAML at 1:1'],
    ['a block with an invalid header', 'domain: |hunter22\n', 'only domain, and it is not valid YAML at 1:10'],
    ['aliases', 'a: *hunter22\nhunter22: 1\nhunter22: 2\n', 'none, and it is not valid YAML at 1:4'],
    ['a directive', '%hunter22 1\n---\nhunter22', 'none, and it is not valid YAML at 1:1'],
  ])('shows nothing of %s', (_, text, found) => {
    const failures = failuresOf(text);
    expect(failures.map(({ code, what }) => `${code} ${what}`)).toEqual([
      `cluster-file-unfit cluster.yml is not a cluster file: of the keys domain, image, hosts it has ${found}; its content is not shown`,
    ]);
    expect(JSON.stringify(failures)).not.toContain('hunter22');
  });
});

describe('a valid cluster file', () => {
  test('has every default filled in', () => {
    expect(readCluster(SOUND, 'cluster.yml')).toEqual({
      domain: 'alice',
      image: 'secretflow/kuscia:1.1.0b0',
      hosts: [
        {
          name: 'node-01',
          address: '10.0.0.11',
          roles: ['manager', 'database', 'load-balancer'],
          route: { via: 'ssh', user: 'root', port: 22 },
        },
        { name: 'node-02', address: '10.0.0.12', roles: ['replica'], route: { via: 'ssh', user: 'root', port: 22 } },
        { name: 'node-03', address: '10.0.0.13', roles: ['replica'], route: { via: 'ssh', user: 'root', port: 22 } },
      ],
      network: {
        name: 'kuscia-exchange-cluster',
        subnet: '10.200.0.0/24',
        allowPublicSubnet: false,
        probeImage: 'nginx:1.26',
      },
      database: {
        kind: 'managed',
        host: 'node-01',
        image: 'mysql:8.0',
        container: 'alice-mysql',
        volume: 'alice-mysql',
        port: 3306,
        listen: '10.0.0.11',
        name: 'kine',
        user: 'kuscia',
      },
      ports: { gateway: 20000, internal: 20001, api: 20010, apiGrpc: 20011, metrics: 13084 },
      memory: 8 * 1024 ** 3,
      protocol: 'MTLS',
      loadBalancer: { host: 'node-01', port: 8080, scheme: 'http', image: 'nginx:1.26', container: 'alice-nginx-lb' },
      directory: 'kuscia-swarm/alice',
    });
  });

  test('can set everything itself', () => {
    const cluster = readCluster(EVERYTHING, 'cluster.yml');
    expect(cluster).toEqual({
      domain: 'bob-2',
      image: 'registry.example.org:5000/secretflow/kuscia@sha256:' + 'a'.repeat(64),
      hosts: [
        {
          name: 'front',
          address: '10.0.0.11',
          roles: ['manager', 'load-balancer'],
          route: {
            via: 'ssh',
            user: 'deploy',
            port: 2222,
            bastion: { address: 'jump.example.org', user: 'ops', port: 2200 },
          },
        },
        { name: 'r1', address: 'r1.example.org', roles: ['replica'], route: { via: 'ssh', user: 'admin', port: 23 } },
        {
          name: 'r2',
          address: '10.0.0.13',
          roles: ['replica', 'worker'],
          route: {
            via: 'ssh',
            user: 'deploy',
            port: 2222,
            bastion: { address: '10.0.0.99', user: 'deploy', port: 22 },
          },
        },
        { name: 'r3', address: '10.0.0.14', roles: ['replica'], route: { via: 'local' } },
      ],
      network: {
        name: 'kuscia-exchange-cluster',
        subnet: '16.0.0.0/8',
        allowPublicSubnet: true,
        probeImage: 'probe:1',
      },
      database: { kind: 'external', address: 'db.example.org', port: 3307, name: 'kine_bob', user: 'kuscia' },
      ports: { gateway: 1, internal: 2, api: 3, apiGrpc: 4, metrics: 5 },
      memory: 1.5 * 2 ** 40,
      protocol: 'MTLS',
      loadBalancer: { host: 'front', port: 8443, scheme: 'https', image: 'nginx:1.27', container: 'bob-2-nginx-lb' },
      registry: { server: 'registry.example.org:5000', username: 'ci' },
      directory: '/srv/kuscia',
    });
  });

  test.each([
    ['2GiB', 2 * 2 ** 30],
    ['8G', 8 * 2 ** 30],
    ['8 gb', 8 * 2 ** 30],
    ['2048m', 2 * 2 ** 30],
    ['2.5GiB', 2.5 * 2 ** 30],
  ])('memory %s is %d bytes', (memory, bytes) => {
    expect(readCluster(`${SOUND}memory: ${memory}\n`, 'cluster.yml').memory).toBe(bytes);
  });

  test('may use anchors and aliases', () => {
    const text = SOUND.replace('roles: [replica]', 'roles: &r [replica]').replace('roles: [replica]', 'roles: *r');
    expect(readCluster(text, 'cluster.yml').hosts[2]?.roles).toEqual(['replica']);
  });

  test('may come from Windows', () => {
    expect(readCluster(`\uFEFF${SOUND.replaceAll('\n', '\r\n')}`, 'cluster.yml')).toEqual(
      readCluster(SOUND, 'cluster.yml'),
    );
  });
});

const EVERYTHING = `
domain: bob-2
image: registry.example.org:5000/secretflow/kuscia@sha256:${'a'.repeat(64)}
hosts:
  front: { address: 10.0.0.11, roles: [manager, load-balancer] }
  r1: { address: r1.example.org, roles: [replica], user: admin, port: 23, bastion: none }
  r2: { address: 10.0.0.13, roles: [replica, worker], bastion: { address: 10.0.0.99 } }
  r3: { address: 10.0.0.14, roles: [replica], via: local }
ssh: { user: deploy, port: 2222, bastion: "ops@jump.example.org:2200" }
network: { subnet: 16.0.0.0/8, allow-public-subnet: true, probe-image: "probe:1" }
database: { image: "mysql:8.4", external: { address: db.example.org, port: 3307, name: kine_bob, user: kuscia } }
ports: { gateway: 1, internal: 2, api: 3, api-grpc: 4, metrics: 5 }
memory: 1.5TiB
protocol: MTLS
load-balancer: { port: 8443, scheme: https, image: "nginx:1.27" }
registry: { server: "registry.example.org:5000", username: ci }
directory: /srv/kuscia
`;
