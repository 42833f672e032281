import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { reset, up } from '../../../lab/lab.ts';
import { action, DATABASE_PASSWORD, type ActionRun } from './action.ts';
import { answering, seenOn } from './seen.ts';

const THREE = `
domain: alice
image: secretflow/kuscia:1.1.0b0
hosts:
  node-01: { address: 10.77.0.11, roles: [manager, database, load-balancer] }
  node-02: { address: 10.77.0.12, roles: [replica] }
  node-03: { address: 10.77.0.13, roles: [replica] }
`;

/** Deployed, healthy, and nothing left to do at the second run. */
async function deploysAndSettles(cluster: string, options: Parameters<typeof action>[1] = {}): Promise<ActionRun> {
  const first = await action(cluster, options);
  expect({ code: first.code, log: first.code === 0 ? '' : first.log }).toEqual({ code: 0, log: '' });
  expect(first.matrix?.healthy).toBe(true);
  const second = await action(cluster, options);
  expect({
    code: second.code,
    changed: second.changed,
    plan: second.changed === 0 ? '' : second.outputs['plan'],
  }).toEqual({ code: 0, changed: 0, plan: '' });
  return first;
}

describe('each shape of a cluster deploys on fresh hosts and settles', () => {
  beforeAll(async () => {
    await up(3);
  }, 600_000);

  beforeEach(async () => {
    await reset();
  }, 60_000);

  // Several things at once where none can hide that another is amiss: each deployment costs half a minute.
  test('three managers, by a login that is not root', async () => {
    await deploysAndSettles(
      `${THREE.replaceAll('roles: [replica]', 'roles: [manager, replica]')}ssh: { user: deploy }\n`,
    );
    expect(await seenOn('node-01', `docker node ls --format '{{.Hostname}} {{.ManagerStatus}}' | sort`)).toMatch(
      /^node-01 (Leader|Reachable)\nnode-02 (Leader|Reachable)\nnode-03 (Leader|Reachable)$/,
    );
    expect(Object.keys(await answering('http://10.77.0.11:8080')).sort()).toEqual([
      'deploy-kuscia-autonomy-alice-node-02',
      'deploy-kuscia-autonomy-alice-node-03',
    ]);
    expect(await seenOn('node-02', `stat -c '%a %U' /home/deploy/kuscia-swarm/alice/kuscia.yaml`)).toBe('600 deploy');
  }, 300_000);

  test('an external database, https at the load balancer, plain http at the gateways', async () => {
    await seenOn(
      'node-01',
      `docker run -d --name other -p 3307:3306 -e MYSQL_ROOT_PASSWORD=${DATABASE_PASSWORD} -e MYSQL_DATABASE=domain_alice mysql:8.0 && sleep 4`,
    );
    const made = await seenOn(
      'node-01',
      'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=alice -keyout key -out crt 2>/dev/null; cat crt; echo @@; cat key; rm key crt',
    );
    const [certificate = '', key = ''] = made.split('@@\n');
    const cluster = `${THREE.replace(', database', '')}database: { external: { address: 10.77.0.11, port: 3307, name: domain_alice } }\nprotocol: NOTLS\nload-balancer: { scheme: https, port: 8443 }\n`;
    await deploysAndSettles(cluster, {
      inputs: { 'load-balancer-certificate': certificate, 'load-balancer-key': key },
    });
    expect(
      await seenOn(
        'node-01',
        `docker exec other mysql -uroot -p${DATABASE_PASSWORD} -N -e "SELECT COUNT(DISTINCT name) FROM domain_alice.kine WHERE name LIKE '/registry/kuscia.secretflow/gateways/alice/%'"`,
      ),
    ).toBe('2');
    expect(await seenOn('node-01', `docker container ls -a --format '{{.Names}}' | sort`)).toBe(
      'alice-nginx-lb\nalice-probe\nother',
    );
    expect(Object.values(await answering('https://10.77.0.11:8443'))).toEqual([6, 6]);
    expect(await seenOn('node-01', 'curl -s -m 5 http://10.77.0.12:20000')).toContain(
      '"instance":"root-kuscia-autonomy-alice-node-02"',
    );
    expect(await seenOn('node-01', 'stat -c %a kuscia-swarm/alice/nginx/certificate.key')).toBe('600');
  }, 300_000);

  test('from a runner on the first host, itself local and the others over SSH, with images pulled from the registry', async () => {
    for (const host of ['node-01', 'node-02', 'node-03'])
      await seenOn(host, 'docker image rm -f $(docker image ls -q) >/dev/null');
    await deploysAndSettles(THREE.replace('address: 10.77.0.11,', 'address: 10.77.0.11, via: local,'), {
      on: 'node-01',
    });
    expect(Object.values(await answering('http://10.77.0.11:8080'))).toEqual([6, 6]);
  }, 400_000);

  test('a single local host, without sshd and SSH key', async () => {
    await seenOn('node-01', 'kill $(cat /run/sshd.pid)');
    const cluster = `
domain: alice
image: secretflow/kuscia:1.1.0b0
hosts:
  node-01: { address: 10.77.0.11, via: local, roles: [manager, database, replica, load-balancer] }
`;
    await deploysAndSettles(cluster, { on: 'node-01', inputs: { 'ssh-key': '', 'known-hosts': '' } });
  }, 300_000);
});
