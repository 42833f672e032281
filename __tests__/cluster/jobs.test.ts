import { describe, expect, test } from '@jest/globals';
import { readCluster } from '../../src/cluster/read.ts';
import { jobsOf as jobsOfStages, ownRunners, type Jobs } from '../../src/cluster/jobs.ts';
import { DEFINITIONS } from '../../src/stages/index.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';

const cluster = (how: (name: string) => string, only = ['01', '02', '03']) => {
  const roles: Readonly<Record<string, string>> = {
    '01': only.length === 1 ? 'manager, database, load-balancer, replica' : 'manager, database, load-balancer',
    '02': 'replica',
    '03': 'replica',
  };
  const hosts = only.map((n) =>
    `  node-${n}: { address: 10.0.0.${n}, roles: [${roles[n] ?? ''}]${how(`node-${n}`)} }`.replace(
      '10.0.0.0',
      '10.0.0.',
    ),
  );
  return readCluster(
    ['domain: alice', 'image: secretflow/kuscia:1.1.0b0', 'hosts:', ...hosts, ''].join('\n'),
    'cluster.yml',
  );
};

const jobsOf = (of: Cluster, runner: string) => jobsOfStages(of, runner, DEFINITIONS);

/** Legs in words: `host@here on runner`. */
const words = (jobs: Jobs): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(jobs).map(([job, legs]) => [
      job,
      legs.map(({ host, here, runner }) => `${host || 'all'}${here ? `@${here}` : ''} on ${runner}`),
    ]),
  );

const DEFAULT = '"ubuntu-latest"';

describe('the jobs of a deployment', () => {
  test('over SSH take a whole stage, but hosts one by one if a matrix was requested', () => {
    const all = [`all on ${DEFAULT}`];
    expect(
      words(
        jobsOf(
          cluster(() => ''),
          DEFAULT,
        ),
      ),
    ).toEqual({
      snapshot: [],
      whole: all,
      preflight: all,
      'swarm-init': all,
      'network-create': all,
      'mysql-up': all,
      'kuscia-init': all,
      'nginx-lb': all,
      verify: all,
      unlock: [],
      'swarm-join': [`node-02 on ${DEFAULT}`, `node-03 on ${DEFAULT}`],
      'kuscia-start': [`node-02 on ${DEFAULT}`, `node-03 on ${DEFAULT}`],
    });
  });

  test('with a runner on each host run on the host that they act on', () => {
    const on = (host: string): string => `${host}@${host} on ["self-hosted","${host}"]`;
    const all = ['all@node-01 on ["self-hosted","node-01"]'];
    expect(
      words(
        jobsOf(
          cluster((name) => `, via: local, runner: [self-hosted, ${name}]`),
          DEFAULT,
        ),
      ),
    ).toEqual({
      snapshot: ['node-01', 'node-02', 'node-03'].map(on),
      whole: all,
      preflight: all,
      verify: all,
      'swarm-init': [on('node-01')],
      'swarm-join': ['node-02', 'node-03'].map(on),
      'network-create': ['node-01', 'node-02', 'node-03'].map(on),
      'mysql-up': ['node-01', 'node-02', 'node-03'].map(on),
      'kuscia-init': ['node-02', 'node-03'].map(on),
      'kuscia-start': ['node-02', 'node-03', 'node-01'].map(on),
      'nginx-lb': [on('node-01')],
      unlock: [on('node-01')],
    });
  });

  test('with one local host and others over SSH all run here', () => {
    const jobs = jobsOf(
      cluster((name) => (name === 'node-01' ? ', via: local, runner: first' : '')),
      DEFAULT,
    );
    expect([jobs.snapshot, jobs['mysql-up'], jobs['kuscia-start'].map(({ runner }) => runner)]).toEqual([
      [],
      [{ host: '', here: '', runner: '["first"]' }],
      ['["first"]', '["first"]'],
    ]);
  });

  test('with two hosts that only their own runners reach and one over SSH run where both can be reached', () => {
    const jobs = jobsOf(
      cluster((name) => (name === 'node-03' ? '' : `, via: local, runner: ${name}`)),
      DEFAULT,
    );
    expect(words(jobs)).toMatchObject({
      snapshot: ['node-01@node-01 on ["node-01"]', 'node-02@node-02 on ["node-02"]'],
      unlock: ['node-01@node-01 on ["node-01"]'],
      'kuscia-start': [
        'node-02@node-02 on ["node-02"]',
        'node-03@node-01 on ["node-01"]',
        'node-01@node-01 on ["node-01"]',
      ],
    });
  });

  test('of one host have nothing to join', () => {
    const one = cluster(() => ', via: local', ['01']);
    expect([jobsOf(one, DEFAULT)['swarm-join'], ownRunners(one)]).toEqual([[], []]);
  });
});
